import { findChanges } from "../commit/changes.ts";
import { joinPath, LOCAL_NAME } from "../kernel/paths.ts";
import { childrenOf, type DirNode, findNode, isDirectory, type TreeNode } from "../tree/nodes.ts";

/** Paths of the files that differ between two frozen trees; a directory that moved counts by its files. */
export async function listChangedFiles(before: DirNode, after: DirNode): Promise<readonly string[]> {
  const { puts, removed, moved } = await findChanges(before, after);
  const paths = new Set([...puts, ...removed].map(({ path }) => path));
  for (const { path, newPath } of moved) {
    for (const below of listFiles(findNode(before, path))) {
      paths.add(joinPath(path, below));
      paths.add(joinPath(newPath, below));
    }
  }
  return [...paths];
}

/** Paths of everything below a node that a commit would name. */
export function* listFiles(top: TreeNode | null): Generator<string> {
  const pending: { readonly path: string; readonly node: TreeNode }[] =
    top === null ? [] : [{ path: "", node: top }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const [name, node] of childrenOf(next.node)) {
      if (name === LOCAL_NAME) continue;
      const path = joinPath(next.path, name);
      if (isDirectory(node) && !isLeaf(node)) pending.push({ path, node });
      else yield path;
    }
  }
}

/** A submodule shows as a directory and is one entry. */
function isLeaf(node: TreeNode): boolean {
  return node.kind === "base" && node.tree.modeAt(node.row) === 0o160000;
}
