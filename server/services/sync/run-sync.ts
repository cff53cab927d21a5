import { GitError } from "../../git/errors.ts";
import type { Oid } from "../../git/hash/oid.ts";
import { BRANCH_PREFIX } from "../../git/object/ref-name.ts";
import type { GitRemote, OpenRemote } from "../../ports/git-remote.ts";
import type { OrgStore } from "../../ports/org.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import type { SyncedRef, SyncFailure, SyncReport, SyncSpec } from "../../ports/sync.ts";
import { describeExcess } from "../account/meter-repo.ts";
import { snapshotHead } from "../advertise-refs.ts";
import type { SecretSealer } from "../seal-secret.ts";
import { updateRepo } from "../update-repo.ts";
import { exportRefs } from "./export-refs.ts";
import { importRefs } from "./import-refs.ts";
import { connectionContext, formatAuthorization } from "./remote-address.ts";
import { describeFailure, type PassReport, RemoteError, type SyncContext } from "./sync-context.ts";

export interface SyncDeps {
  readonly org: OrgStore;
  readonly openRemote: OpenRemote;
  /** null: the deployment has no key. */
  readonly sealer: SecretSealer | null;
  readonly now: () => number;
  readonly onFailure: (error: unknown) => void;
  readonly maxPackBytes: number;
}

export interface SyncTask {
  readonly repo: RepoHandle;
  readonly spec: SyncSpec;
  /** For the reflog. */
  readonly actor: string;
  readonly synced: ReadonlyMap<string, Oid>;
}

export interface SyncResult {
  readonly report: SyncReport;
  /** Changes to what both sides are known to agree on; null: gone from both. */
  readonly settled: ReadonlyMap<string, Oid | null>;
}

/** Refs that a report names; beyond, only how many there were. */
const REPORTED_REFS = 500;

/** Makes the two sides the same, as far as the link allows. Never throws: a failure is part of the report. */
export async function runSync(deps: SyncDeps, task: SyncTask): Promise<SyncResult> {
  const passes: PassReport[] = [];
  const settled = new Map<string, Oid | null>();
  let failure: SyncFailure | null = null;
  try {
    const remote = await openRemote(deps, task);
    for (const direction of task.spec.direction === "both"
      ? (["import", "export"] as const)
      : [task.spec.direction]) {
      const synced = new Map(task.synced);
      for (const [ref, oid] of settled) if (oid) synced.set(ref, oid);
      // A pull brings no more than there is room for; a push stores nothing here.
      const room = direction === "import" ? await readRoom(deps.org) : Number.POSITIVE_INFINITY;
      const maxPackBytes = Math.min(deps.maxPackBytes, room);
      const context = createContext({ ...deps, maxPackBytes }, { ...task, synced }, remote);
      const pass = await (direction === "import" ? importRefs : exportRefs)(context);
      passes.push(pass);
      for (const [ref, oid] of pass.settled) settled.set(ref, oid);
      if (direction === "import") await adoptHead(deps, task, pass);
    }
  } catch (error) {
    failure = explain(deps, error);
  }
  return { report: summarize(passes, failure), settled };
}

function createContext(deps: SyncDeps, task: SyncTask, remote: GitRemote): SyncContext {
  return {
    ...task,
    remote,
    now: deps.now,
    onFailure: deps.onFailure,
    maxPackBytes: deps.maxPackBytes,
  };
}

async function openRemote(deps: SyncDeps, { repo, spec }: SyncTask): Promise<GitRemote> {
  if (spec.connectionId === null) return deps.openRemote({ url: spec.url, authorization: null });
  const connection = await deps.org.findConnection(spec.connectionId);
  if (!connection) throw noCredential("the connection was deleted");
  // A credential goes where it was made for and nowhere else, whatever was stored beside it.
  if (!spec.url.startsWith(`${connection.baseUrl}/`))
    throw noCredential("the remote is not one of the connection's");
  if (!deps.sealer) throw noCredential("the deployment has no SECRETS_KEY");
  const opened = await deps.sealer.open(
    connection.sealed,
    connectionContext(repo.record.orgId, connection.id),
  );
  if (opened.kind !== "opened") {
    throw noCredential(
      "the stored credential cannot be opened with this deployment's SECRETS_KEY; store it anew",
    );
  }
  return deps.openRemote({ url: spec.url, authorization: formatAuthorization(connection, opened.plain) });
}

/** Bytes that the org may still store. @throws RemoteError quota-exceeded when there are none */
async function readRoom(org: OrgStore): Promise<number> {
  const account = await org.readAccount();
  const limit = account?.policy.quotas.storageBytes ?? null;
  if (account === null || limit === null) return Number.POSITIVE_INFINITY;
  const used = account.storageBytes;
  if (used < limit) return limit - used;
  const message = describeExcess({ quota: "storage_bytes", limit, used });
  throw new RemoteError({ code: "quota-exceeded", message, retryAfterSec: null });
}

/** A repository whose HEAD names no branch takes the remote's default branch. */
async function adoptHead(deps: SyncDeps, { repo, actor }: SyncTask, pass: PassReport): Promise<void> {
  const { head } = pass;
  if (head === null || !head.startsWith(BRANCH_PREFIX) || !pass.settled.get(head)) return;
  if ((await snapshotHead(repo)).headOid !== null) return;
  await updateRepo({ org: deps.org, repo }, { defaultBranch: head.slice(BRANCH_PREFIX.length) }, actor);
}

function noCredential(message: string): RemoteError {
  return new RemoteError({ code: "no-credential", message, retryAfterSec: null });
}

function explain(deps: SyncDeps, error: unknown): SyncFailure {
  const known = describeFailure(error);
  if (known) return known;
  if (
    error instanceof GitError &&
    error.code === "missing-object" &&
    /repository does not exist/.test(error.message)
  ) {
    return { code: "repository-gone", message: error.message, retryAfterSec: null };
  }
  deps.onFailure(error);
  return { code: "internal", message: "internal error", retryAfterSec: null };
}

function summarize(passes: readonly PassReport[], failure: SyncFailure | null): SyncReport {
  const refs = passes.flatMap((pass) => pass.refs);
  return {
    refs: [...refs].sort((a, b) => rank(a) - rank(b)).slice(0, REPORTED_REFS),
    total: refs.length,
    objects: passes.reduce((sum, pass) => sum + pass.objects, 0),
    bytes: passes.reduce((sum, pass) => sum + pass.bytes, 0),
    failure,
  };
}

/** What somebody should look at comes first, what did not change last. */
function rank({ outcome }: SyncedRef): number {
  if (outcome === "rejected" || outcome === "diverged") return 0;
  if (outcome === "up-to-date") return 3;
  return outcome === "ahead" || outcome === "kept" ? 2 : 1;
}

/** How a run with this report has ended. */
export function judgeReport({ failure, refs }: SyncReport): "succeeded" | "partial" | "failed" {
  if (failure) return "failed";
  return refs.some(({ outcome }) => outcome === "rejected" || outcome === "diverged")
    ? "partial"
    : "succeeded";
}
