import type { Oid } from "../git/hash/oid.ts";
import type { RefReason } from "../git/ports.ts";
import type { Principal, RepoRecord } from "./org.ts";

/** A move of a branch, in the order in which the repository made them. */
export interface BranchMove {
  /** Grows with every move of any ref of the repository. */
  readonly id: number;
  /** Short name. */
  readonly branch: string;
  readonly from: Oid | null;
  readonly to: Oid | null;
  readonly reason: RefReason;
  readonly atMs: number;
}

export interface FeedQuery {
  /** Short names; null: all. Empty: the branch that HEAD names. */
  readonly branches: readonly string[] | null;
  /** Moves after this one are told first; null: only those from now on. */
  readonly after: number | null;
}

/** The state at the moment from which on nothing is missed. */
export interface FeedStart {
  /** Of the branches watched; one whose `oid` is null does not exist. Empty when all are watched. */
  readonly branches: readonly { readonly name: string; readonly oid: Oid | null }[];
  /** Id of the last move. */
  readonly last: number;
  /** Whether the moves since `after` follow; else why they cannot. null: none were asked for. */
  readonly resumed: "yes" | "too-old" | "unknown-id" | null;
}

/** Why a feed ends by itself: the repository went, or the connection to it. */
export type FeedEnd = "repository-deleted" | "lost";

export interface FeedSink {
  onMoves(moves: readonly BranchMove[]): void;
  /** Called at most once, and not after `close`. */
  onEnd(reason: FeedEnd): void;
}

export interface Feed {
  readonly start: FeedStart;
  /** Asks whether the other side is still there; false when the question before had no answer. */
  ping(): boolean;
  close(): void;
}

export type FeedOpening =
  | { readonly kind: "open"; readonly feed: Feed }
  | { readonly kind: "full"; readonly limit: number };

/** Where watches get their news from; everything is pushed. */
export interface WatchSources {
  /** @throws GitError missing-object when the repository does not exist */
  openFeed(repo: RepoRecord, query: FeedQuery, sink: FeedSink): Promise<FeedOpening>;
  /**
   * Calls `onRevoked` once when the credential has ended, at once if it has ended already; `onLost` when that can no
   * longer be known. What it gives ends the watch of the credential.
   */
  watchCredential(
    orgId: string,
    principal: Principal,
    events: { readonly onRevoked: () => void; readonly onLost: () => void },
  ): Promise<CredentialWatch>;
}

export type CredentialWatch =
  | { readonly kind: "watched"; readonly close: () => void }
  | { readonly kind: "revoked" }
  | { readonly kind: "full"; readonly limit: number };
