import { diffTrees } from "../../git/diff/diff-trees.ts";
import type { Oid } from "../../git/hash/oid.ts";
import { decodeCommit } from "../../git/object/commit.ts";
import type { RepoHandle } from "../../ports/repo.ts";

/** Files that are new or other, and files that are gone, between two commits; null for `from`: an empty tree. */
export async function countChanges(
  repo: RepoHandle,
  from: Oid | null,
  to: Oid,
): Promise<{ readonly changed: number; readonly deleted: number } | null> {
  await repo.snapshot();
  const ids = from === null ? [to] : [from, to];
  const { found, missing } = await repo.objects.readObjects(ids);
  if (missing.length > 0) return null;
  const treeOf = (oid: Oid | null) => {
    const object = oid === null ? undefined : found.get(oid);
    return object?.type === "commit" ? decodeCommit(object.data).tree : null;
  };
  const changes = await diffTrees(repo.objects, treeOf(from), treeOf(to));
  const deleted = changes.filter(({ next }) => next === null).length;
  return { changed: changes.length - deleted, deleted };
}
