/**
 * Which change of a commit touches which path, so that the result cannot depend on the order of the list in ways nobody
 * meant: a path may be taken away and then written, but is never written twice, nor written below a path that is.
 */
export interface PathClaims {
  /** What keeps a change from taking `path` away, writing it, or reading it: the field of an earlier change, or null. */
  remove(path: string, field: string): string | null;
  write(path: string, field: string): string | null;
  /** Reads come from the tree that the commit is built on: an earlier change of the same path would not be seen. */
  read(path: string): string | null;
}

interface Node {
  readonly children: Map<string, Node>;
  removed: string | null;
  written: string | null;
  /** Some path below is removed or written. */
  removedBelow: string | null;
  writtenBelow: string | null;
}

/** Paths are kept as a tree of segments: a list costs no more than the text of its paths. */
export function createPathClaims(): PathClaims {
  const root = createNode();
  const claim = (path: string, mark: (node: Node) => void, markAbove: (node: Node) => void) => {
    let node = root;
    for (const segment of path.split("/")) {
      markAbove(node);
      node = openChild(node, segment);
    }
    mark(node);
  };
  return {
    remove(path, field) {
      const { above, at } = look(root, path);
      const clash =
        firstOf(above, "removed", "written") ??
        at?.removed ??
        at?.written ??
        at?.removedBelow ??
        at?.writtenBelow;
      if (clash) return clash;
      const mark = (node: Node) => {
        node.removed ??= field;
      };
      claim(path, mark, (node) => {
        node.removedBelow ??= field;
      });
      return null;
    },
    write(path, field) {
      const { above, at } = look(root, path);
      const clash = firstOf(above, "written") ?? at?.written ?? at?.writtenBelow;
      if (clash) return clash;
      const mark = (node: Node) => {
        node.written ??= field;
      };
      claim(path, mark, (node) => {
        node.writtenBelow ??= field;
      });
      return null;
    },
    read(path) {
      const { above, at } = look(root, path);
      return (
        firstOf(above, "removed", "written") ??
        at?.removed ??
        at?.written ??
        at?.removedBelow ??
        at?.writtenBelow ??
        null
      );
    },
  };
}

function createNode(): Node {
  return { children: new Map(), removed: null, written: null, removedBelow: null, writtenBelow: null };
}

function openChild(node: Node, segment: string): Node {
  const known = node.children.get(segment);
  if (known) return known;
  const child = createNode();
  node.children.set(segment, child);
  return child;
}

/** The nodes above a path, as far as they exist, and the path's own. */
function look(root: Node, path: string): { readonly above: readonly Node[]; readonly at: Node | null } {
  const above: Node[] = [];
  let node: Node = root;
  for (const segment of path.split("/")) {
    above.push(node);
    const child = node.children.get(segment);
    if (!child) return { above, at: null };
    node = child;
  }
  return { above, at: node };
}

function firstOf(nodes: readonly Node[], ...marks: readonly ("removed" | "written")[]): string | null {
  for (const node of nodes) for (const mark of marks) if (node[mark]) return node[mark];
  return null;
}
