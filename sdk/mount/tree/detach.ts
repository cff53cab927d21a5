import type { DirNode, TreeNode } from "./nodes.ts";

/** Of no editor: nobody writes in place into a directory with it. */
const NO_EPOCH = -1;

/**
 * The same tree with changed nodes of its own, for a mount of another repository: a node says where its bytes are kept,
 * and that must not change for one mount when the other commits. Costs what was changed; contents are shared.
 */
export function detachTree(root: DirNode): DirNode {
  const copies = new Map<TreeNode, TreeNode>();
  const copy = (node: TreeNode): TreeNode => {
    if (node.kind === "base") return node;
    const known = copies.get(node);
    if (known !== undefined) return known;
    const made: TreeNode =
      node.kind === "file"
        ? { ...node, content: { ...node.content } }
        : { ...node, epoch: NO_EPOCH, changes: new Map() };
    copies.set(node, made);
    if (node.kind === "dir" && made.kind === "dir") {
      for (const [name, child] of node.changes) made.changes.set(name, child && copy(child));
    }
    return made;
  };
  return copy(root) as DirNode; // a copy is of its original's kind
}
