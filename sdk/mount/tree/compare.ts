import { childrenOf, knownShaOf, modeOf, type TreeNode } from "./nodes.ts";

/**
 * Whether two nodes are known to hold the same, without looking below: one object, one row, or one id and mode. false
 * may be wrong for content that has not been hashed yet.
 */
export function isSame(a: TreeNode | null, b: TreeNode | null): boolean {
  if (a === b) return true;
  if (a === null || b === null) return false;
  if (a.kind === "base" && b.kind === "base" && a.tree === b.tree && a.row === b.row) return true;
  const sha = knownShaOf(a);
  return sha !== null && sha === knownShaOf(b) && modeOf(a) === modeOf(b);
}

/** Names below two directories that may differ. With a common base only changed names are looked at. */
export function differingNames(a: TreeNode | null, b: TreeNode | null): ReadonlySet<string> {
  const names = new Set<string>();
  const baseOf = (node: TreeNode | null) =>
    node?.kind === "dir" ? node.base : node?.kind === "base" ? node : null;
  const left = baseOf(a);
  const right = baseOf(b);
  const sharesBase = left !== null && right !== null && left.tree === right.tree && left.row === right.row;
  for (const node of [a, b]) {
    if (node === null) continue;
    if (!sharesBase) for (const [name] of childrenOf(node)) names.add(name);
    else if (node.kind === "dir") for (const name of node.changes.keys()) names.add(name);
  }
  return names;
}

/** Whether two nodes are one and the same, written once: an equal content written anew is another node. */
export function isSameNode(a: TreeNode | null, b: TreeNode | null): boolean {
  if (a === b) return true;
  return a?.kind === "base" && b?.kind === "base" && a.tree === b.tree && a.row === b.row;
}
