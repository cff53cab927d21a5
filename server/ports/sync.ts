/** Links of a repository to repositories of other servers, and the runs that keep them the same. One store per repository. */
import type { Oid } from "../git/hash/oid.ts";
import type { Provider } from "./connection.ts";
import type { RemoteFault } from "./git-remote.ts";
import type { RepoRecord } from "./org.ts";

export type SyncDirection = "import" | "export" | "both";

/** What starts a run by itself. */
export interface SyncTriggers {
  /** After a branch or tag has moved here. */
  readonly push: boolean;
  /** When the other side calls the link's hook. */
  readonly webhook: boolean;
  /** So long after the last run; null: never. */
  readonly intervalSec: number | null;
}

/** Which repository, and how the two are made the same. */
export interface SyncSpec {
  readonly provider: Provider;
  /** null: the remote is read without a credential. */
  readonly connectionId: string | null;
  /** As the user gave it: `owner/repo`, or a URL without a connection. */
  readonly remote: string;
  /** Of the remote repository, without credentials. */
  readonly url: string;
  readonly direction: SyncDirection;
  /** Globs of branch names; null: all. */
  readonly branches: readonly string[] | null;
  readonly tags: boolean;
  /** Moves what has diverged all the same; never with `both`: nobody could say which side is right. */
  readonly force: boolean;
  /** Deletes what this link brought and the other side no longer has. */
  readonly prune: boolean;
  /** Exports all refs or none. */
  readonly atomic: boolean;
}

export interface SyncLink extends SyncSpec {
  readonly id: string;
  readonly triggers: SyncTriggers;
  /** A stopped link starts no runs by itself until it is changed or run by hand. */
  readonly state: "active" | "stopped";
  readonly stateReason: string | null;
  /** Runs that failed in a row. */
  readonly failures: number;
  readonly nextRunAtMs: number | null;
  readonly lastSyncedAtMs: number | null;
  readonly lastError: string | null;
  /** Of the remote's first branch that the link takes, when it was last seen. */
  readonly lastSyncedSha: Oid | null;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export type NewSyncLink = SyncSpec & { readonly id: string; readonly triggers: SyncTriggers };
export type SyncLinkPatch = Partial<
  Pick<
    SyncLink,
    "remote" | "url" | "direction" | "branches" | "tags" | "force" | "prune" | "atomic" | "triggers"
  >
>;

export type SyncTrigger = "manual" | "push" | "webhook" | "interval";

export type RefOutcome =
  | "created"
  | "updated"
  | "forced"
  | "deleted"
  | "up-to-date"
  /** The target already has more: nothing to do in this direction. */
  | "ahead"
  /** Both sides have commits that the other lacks; nothing was overwritten. */
  | "diverged"
  /** Deleted on one side, and the link does not mirror deletions. */
  | "kept"
  | "rejected";

export interface SyncedRef {
  readonly ref: string;
  readonly direction: "import" | "export";
  readonly outcome: RefOutcome;
  /** At the target, before. */
  readonly oldSha: Oid | null;
  readonly newSha: Oid | null;
  readonly message: string | null;
}

export type SyncFailureCode =
  | RemoteFault
  /** The reply breaks the protocol, or its objects are bad. */
  | "bad-reply"
  | "too-large"
  /** The org may not store more. */
  | "quota-exceeded"
  /** The stored credential is gone or cannot be opened. */
  | "no-credential"
  | "repository-gone"
  /** The server was ended in the middle, too often. */
  | "interrupted"
  | "internal";

export interface SyncFailure {
  readonly code: SyncFailureCode;
  readonly message: string;
  readonly retryAfterSec: number | null;
}

/** What one pass over a link did. */
export interface SyncReport {
  /** Every ref that was looked at, moved ones first. */
  readonly refs: readonly SyncedRef[];
  /** Refs in all; `refs` may have been cut. */
  readonly total: number;
  /** Objects that were brought or sent. */
  readonly objects: number;
  /** Of packs. */
  readonly bytes: number;
  readonly failure: SyncFailure | null;
}

export interface SyncRun {
  readonly id: string;
  /** Position in the list of runs. */
  readonly seq: number;
  /** null: it belongs to no link. */
  readonly linkId: string | null;
  readonly spec: SyncSpec;
  readonly trigger: SyncTrigger;
  /** partial: some refs could not be moved. */
  readonly status: "queued" | "running" | "succeeded" | "partial" | "failed";
  readonly attempts: number;
  readonly createdAtMs: number;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly report: SyncReport | null;
}

export interface RunRequest {
  readonly linkId: string | null;
  readonly spec: SyncSpec;
  readonly trigger: SyncTrigger;
  readonly idempotency?: { readonly key: string; readonly fingerprint: string };
}

export type RunStart =
  | { readonly kind: "started"; readonly run: SyncRun }
  | { readonly kind: "idempotency-mismatch" }
  /** As many runs wait as may. */
  | { readonly kind: "busy"; readonly limit: number };

export type LinkCreation =
  | { readonly kind: "created"; readonly link: SyncLink }
  | { readonly kind: "idempotency-mismatch" }
  | { readonly kind: "full"; readonly limit: number };

export interface RunPage {
  readonly runs: readonly SyncRun[];
  /** `before` of the next page; null at the end. */
  readonly next: number | null;
}

/** The links and runs of one repository. */
export interface SyncStore {
  createLink(
    repo: RepoRecord,
    link: NewSyncLink,
    idempotency?: { readonly key: string; readonly fingerprint: string },
  ): Promise<LinkCreation>;
  /** Oldest first. */
  listLinks(): Promise<readonly SyncLink[]>;
  findLink(id: string): Promise<SyncLink | null>;
  /** A stopped link is active again. null when there is none. */
  updateLink(id: string, patch: SyncLinkPatch): Promise<SyncLink | null>;
  deleteLink(id: string): Promise<boolean>;
  /** Queues a run; one that waits for the same link already is given instead. */
  start(repo: RepoRecord, request: RunRequest): Promise<RunStart>;
  findRun(id: string): Promise<SyncRun | null>;
  /** The run when it has ended, or as it is after `waitMs`. */
  awaitRun(id: string, waitMs: number): Promise<SyncRun | null>;
  /** Newest first. */
  listRuns(query: {
    readonly limit: number;
    readonly before?: number;
    readonly linkId?: string;
  }): Promise<RunPage>;
  /** Refs have moved here: links that wait for that run soon. */
  notePush(): Promise<void>;
  /** The other side says that it has changed; false when there is no such link, or it takes no hooks. */
  noteHook(linkId: string): Promise<boolean>;
  /** The repository is gone. */
  destroy(): Promise<void>;
}
