import { toByteString } from "../git/bytes/text.ts";
import { EMPTY_TREE_OID } from "../git/hash/oid.ts";
import { hashObject } from "../git/hash/sha1.ts";
import { encodeCommit } from "../git/object/commit.ts";
import { checkRefName } from "../git/object/ref-name.ts";
import type { GitObject, RefTransaction } from "../git/ports.ts";
import type { Idempotency, NewRepo, OrgStore, RepoCreation } from "../ports/org.ts";
import type { RepoLifecycle } from "../ports/repo.ts";
import { createRepoId } from "./org-keys.ts";

/** Signs commits that no caller wrote. */
const SYSTEM = { name: toByteString("Coregit"), email: toByteString("noreply@coregit.dev") };
const INITIAL_MESSAGE = "Initial commit";

export interface RepoRequest extends Omit<NewRepo, "id"> {
  /** Begin with one empty commit on the default branch. */
  readonly init: boolean;
}

export interface RepoCreationContext {
  /** The org that the repository belongs to. */
  readonly orgId: string;
  readonly actor: string;
  readonly nowMs: number;
  readonly idempotency?: Idempotency;
}

/**
 * Makes a repository. Its store comes first and its name last, so nobody ever sees one without HEAD or first commit;
 * whoever loses the race for the name takes the store away again.
 * @throws GitError invalid-ref-name for the default branch
 */
export async function createRepo(
  deps: { readonly org: OrgStore; readonly repos: RepoLifecycle },
  request: RepoRequest,
  context: RepoCreationContext,
): Promise<RepoCreation> {
  const { init, ...repo } = request;
  checkRefName(`refs/heads/${repo.defaultBranch}`);
  const id = createRepoId();
  await deps.repos.create({
    repoId: id,
    orgId: context.orgId,
    defaultBranch: repo.defaultBranch,
    ...(init && { first: planInitialCommit(repo.defaultBranch, context) }),
  });
  const outcome = await deps.org.createRepo({ ...repo, id }, context.idempotency, context.actor);
  if (outcome.kind !== "created" || outcome.repo.id !== id) {
    await deps.repos.destroy(id);
    return outcome;
  }
  // A repeated call whose first answer was lost finds this very repository: it is no replay to the caller.
  return { ...outcome, replayed: false };
}

/** One commit of the empty tree, on the default branch. */
function planInitialCommit(branch: string, context: RepoCreationContext): RefTransaction {
  const identity = { ...SYSTEM, seconds: Math.floor(context.nowMs / 1_000), zone: "+0000" };
  const data = encodeCommit({
    tree: EMPTY_TREE_OID,
    parents: [],
    author: identity,
    committer: identity,
    extra: [],
    message: toByteString(`${INITIAL_MESSAGE}\n`),
  });
  const commit: GitObject = { oid: hashObject("commit", data), type: "commit", data };
  const tree: GitObject = { oid: EMPTY_TREE_OID, type: "tree", data: new Uint8Array(0) };
  return {
    updates: [{ name: `refs/heads/${branch}`, expected: null, next: commit.oid }],
    atomic: true,
    reason: { actor: context.actor, message: `commit (initial): ${INITIAL_MESSAGE}` },
    objects: [tree, commit],
  };
}
