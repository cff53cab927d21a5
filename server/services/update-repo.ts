import { checkRefName } from "../git/object/ref-name.ts";
import type { OrgStore, RepoPatch, RepoRecord } from "../ports/org.ts";
import type { RepoHandle } from "../ports/repo.ts";

export type RepoUpdate =
  | { readonly kind: "updated"; readonly repo: RepoRecord }
  /** The new default branch does not exist, and the repository has others. */
  | { readonly kind: "no-branch" }
  /** Deleted in the meantime. */
  | { readonly kind: "gone" };

/**
 * Changes a repository's settings. HEAD follows the default branch, and moves first: a caller who saw a failure in
 * between tries again and comes to the same end.
 * @throws GitError invalid-ref-name for the default branch
 */
export async function updateRepo(
  deps: { readonly org: OrgStore; readonly repo: RepoHandle },
  patch: RepoPatch,
  actor: string,
): Promise<RepoUpdate> {
  const { org, repo } = deps;
  if (patch.defaultBranch !== undefined) {
    const target = `refs/heads/${patch.defaultBranch}`;
    checkRefName(target);
    if (!(await canBeDefault(repo, target))) return { kind: "no-branch" };
    await repo.store.setHead(
      { kind: "symbolic", target },
      { actor, message: `default branch: ${patch.defaultBranch}` },
    );
  }
  const record = await org.updateRepo(repo.record.id, patch, actor);
  return record ? { kind: "updated", repo: record } : { kind: "gone" };
}

async function canBeDefault(repo: RepoHandle, target: string): Promise<boolean> {
  const { refs } = await repo.snapshot([target]);
  return refs.has(target) || (await repo.store.countRefs("refs/heads/")) === 0;
}
