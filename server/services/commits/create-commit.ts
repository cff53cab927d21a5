import { EMPTY_TREE_OID, type Oid, ZERO_OID } from "../../git/hash/oid.ts";
import { BRANCH_PREFIX } from "../../git/object/ref-name.ts";
import type { GitObject } from "../../git/ports.ts";
import type { CommitIdentity, CommitOutcome, CommitRequest, TreeChange } from "../../ports/commit.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import { type PlacedObjects, placeObjects, type StoreObjects } from "../place-objects.ts";
import type { ChangeDraft, DerivedDraft } from "./change-drafts.ts";
import { type DerivationFailure, type DerivedChange, deriveChanges } from "./derive-changes.ts";
import { prepareMerges } from "./prepare-merges.ts";

export interface NewCommit {
  /** Short name. */
  readonly branch: string;
  readonly message: string;
  readonly author: CommitIdentity;
  readonly committer: CommitIdentity;
  /** undefined = whatever the head is; null = the branch must not exist yet. */
  readonly parentOid?: Oid | null;
  /** Merge the drafts with what the head has; `parentOid` is then what they were made on. */
  readonly rebase: boolean;
  readonly drafts: readonly ChangeDraft[];
  /** What an agent says of it, as the text of a note. */
  readonly note?: string;
  readonly actor: string;
  readonly idempotency: { readonly key: string; readonly fingerprint: string } | null;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

export type CommitCreation = CommitOutcome | DerivationFailure;

/** How often an edit is computed anew because others changed its file; then it is their conflict to see. */
const ATTEMPTS_MAX = 50;
/** The same when each attempt has to store a pack. */
const PACK_ATTEMPTS_MAX = 4;

/**
 * Makes a commit of drafted changes. Edits are computed here from the file as it is, and computed again when the file
 * has changed by the time the commit is built. A repeated Idempotency-Key gets its first answer, also when the edit
 * would fail today because it has been made. Of a rebase, merges that are too much for the store's own step are made
 * here, on the head that it names, and hold only if the files are the same when it commits.
 */
export async function createCommit(
  storeObjects: StoreObjects,
  repo: RepoHandle,
  commit: NewCommit,
): Promise<CommitCreation> {
  const derivedDrafts = commit.drafts.filter((draft) => draft.kind === "derived");
  let outcome: CommitCreation = { kind: "stale", field: "changes", path: "", head: null };
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const derivation = await derive(repo, commit, derivedDrafts);
    if (derivation.kind !== "derived") return (await findFirstAnswer(repo, commit)) ?? derivation;
    const request = await buildRequest(storeObjects, repo, commit, derivation.changes);
    outcome = await repo.store.commit(request);
    if (outcome.kind === "merge-needed") {
      const brought = listBlobs(commit, derivation.changes);
      const prepared = await prepareMerges(repo, { request, brought, head: outcome.head });
      if (prepared.kind !== "prepared") return prepared;
      const made = [...derivation.changes, ...prepared.changes];
      outcome = await repo.store.commit(await buildRequest(storeObjects, repo, commit, made));
    }
    if (!isOutdated(commit, outcome)) return outcome;
    if (request.pack && attempt + 1 >= PACK_ATTEMPTS_MAX) return outcome;
  }
  return outcome;
}

async function derive(repo: RepoHandle, commit: NewCommit, drafts: readonly DerivedDraft[]) {
  if (drafts.length === 0) return { kind: "derived", changes: [] } as const;
  const name = BRANCH_PREFIX + commit.branch;
  const head = (await repo.snapshot([name])).refs.get(name) ?? null;
  const { parentOid, rebase } = commit;
  if (rebase && parentOid !== undefined) {
    return deriveChanges(repo.objects, parentOid, drafts, { mergeBase: "tree" });
  }
  if (rebase) return deriveChanges(repo.objects, head, drafts, { mergeBase: "if-match" });
  if (parentOid !== undefined && parentOid !== head) return { kind: "head-moved", current: head } as const;
  return deriveChanges(repo.objects, head, drafts);
}

/** Whether a derived content no longer fits its file; with `parentOid` there is nothing to try again. */
function isOutdated(commit: NewCommit, outcome: CommitOutcome): boolean {
  if (commit.parentOid !== undefined && !commit.rebase) return false;
  if (outcome.kind === "stale" || outcome.kind === "merge-needed") return true;
  if (outcome.kind !== "path-conflict" || outcome.expected !== null) return false;
  // An append to a file that was not there is built on its absence, without the caller having asked for that.
  return commit.drafts.some(
    (draft) => draft.kind === "derived" && draft.field === outcome.field && draft.ifMatch === undefined,
  );
}

/**
 * What the store remembers of this Idempotency-Key, or null. It looks there before it looks at the changes, and these
 * can never be made: they derive from an object that does not exist.
 */
export async function findFirstAnswer(repo: RepoHandle, commit: NewCommit): Promise<CommitOutcome | null> {
  if (!commit.idempotency) return null;
  const probe: TreeChange = {
    kind: "put",
    field: "changes",
    path: "probe",
    oid: EMPTY_TREE_OID,
    derivedFrom: ZERO_OID,
  };
  const outcome = await repo.store.commit(toRequest(commit, [probe], { blobs: [] }));
  return outcome.kind === "committed" || outcome.kind === "idempotency-mismatch" ? outcome : null;
}

async function buildRequest(
  storeObjects: StoreObjects,
  repo: RepoHandle,
  commit: NewCommit,
  derived: readonly DerivedChange[],
): Promise<CommitRequest> {
  const changes = listMade(commit, derived).map(({ change }) => change);
  return toRequest(
    commit,
    changes,
    toBlobs(await placeObjects({ storeObjects, repo, nowMs: commit.nowMs }, listBlobs(commit, derived))),
  );
}

/** The changes in their order, each with its content; what was derived or merged goes before what was sent. */
function listMade(commit: NewCommit, derived: readonly DerivedChange[]) {
  const byField = new Map(derived.map((entry) => [entry.change.field, entry]));
  return commit.drafts.flatMap((draft) => {
    const field = draft.kind === "ready" ? draft.change.field : draft.field;
    return byField.get(field) ?? (draft.kind === "ready" ? draft : []);
  });
}

function listBlobs(commit: NewCommit, derived: readonly DerivedChange[]): readonly GitObject[] {
  const blobs = new Map<Oid, GitObject>();
  for (const { blob } of listMade(commit, derived)) if (blob) blobs.set(blob.oid, blob);
  return [...blobs.values()];
}

function toBlobs({ objects, pack }: PlacedObjects): Pick<CommitRequest, "blobs" | "pack"> {
  return { blobs: objects, ...(pack && { pack }) };
}

function toRequest(
  commit: NewCommit,
  changes: readonly TreeChange[],
  placed: Pick<CommitRequest, "blobs" | "pack">,
): CommitRequest {
  const { branch, message, author, committer, parentOid, rebase, note, actor, idempotency } = commit;
  const requiredOids = commit.drafts.flatMap((draft) =>
    draft.kind === "ready" && draft.requiredOid ? [draft.requiredOid] : [],
  );
  return {
    branch,
    message,
    author,
    committer,
    changes,
    ...placed,
    requiredOids: [...new Set(requiredOids)],
    actor,
    ...(parentOid === undefined ? {} : { parentOid }),
    ...(rebase ? { rebase } : {}),
    ...(note === undefined ? {} : { note }),
    ...(idempotency ? { idempotency } : {}),
  };
}
