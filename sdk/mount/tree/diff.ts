import { joinPath, LOCAL_NAME } from "../kernel/paths.ts";
import { MODE } from "./base-tree.ts";
import { differingNames, isSame } from "./compare.ts";
import { childrenOf, type DirNode, findChild, findNode, knownShaOf, modeOf, type TreeNode } from "./nodes.ts";

/** A file, symlink or gitlink that is new or not as before. */
export interface PutChange {
  readonly path: string;
  readonly node: TreeNode;
  /** What the path held before: a file's id, null when it held nothing, undefined when it held a directory. */
  readonly beforeSha: string | null | undefined;
  readonly beforeMode: number | null;
}

export interface RemovedFile {
  readonly path: string;
  readonly beforeSha: string;
  readonly beforeMode: number;
}

/** A directory that is somewhere else now, with everything below it as it was. */
export interface MovedDirectory {
  readonly path: string;
  readonly newPath: string;
}

/** The net difference of two trees in terms that a commit has. Directories as such, and `.git`, are no part of it. */
export interface TreeDiff {
  readonly puts: readonly PutChange[];
  readonly removed: readonly RemovedFile[];
  readonly moved: readonly MovedDirectory[];
}

interface DirectoryAt {
  readonly path: string;
  readonly node: TreeNode;
}

interface Findings {
  readonly puts: PutChange[];
  readonly removed: RemovedFile[];
  /** Directories where there was nothing, looked into only when they turn out not to be moved ones. */
  readonly arrived: DirectoryAt[];
  readonly departed: DirectoryAt[];
}

/** A directory to git; a gitlink is an entry like a file. */
function isTree(node: TreeNode | null): node is TreeNode {
  return node !== null && modeOf(node) === MODE.directory;
}

function compareNodes(path: string, before: TreeNode | null, after: TreeNode | null, found: Findings): void {
  if (isSame(before, after)) return;
  if (isTree(before) && isTree(after)) {
    compareDirectories(path, before, after, found);
    return;
  }
  if (isTree(before)) found.departed.push({ path, node: before });
  else if (before !== null && (after === null || isTree(after))) {
    found.removed.push({ path, beforeSha: knownShaOf(before) ?? "", beforeMode: modeOf(before) });
  }
  if (isTree(after)) {
    if (before === null) found.arrived.push({ path, node: after });
    else compareDirectories(path, null, after, found);
  } else if (after !== null) {
    const beforeSha = isTree(before) ? undefined : before === null ? null : knownShaOf(before);
    found.puts.push({ path, node: after, beforeSha, beforeMode: before === null ? null : modeOf(before) });
  }
}

function compareDirectories(path: string, before: TreeNode | null, after: TreeNode, found: Findings): void {
  for (const name of differingNames(before, after)) {
    if (name === LOCAL_NAME) continue;
    const left = before === null ? null : findChild(before, name);
    compareNodes(joinPath(path, name), left, findChild(after, name), found);
  }
}

/** Where in `before` the very directory lies that has arrived elsewhere; null when it was changed, or is still there too. */
function findOrigin(
  node: TreeNode,
  trees: { readonly before: DirNode; readonly after: DirNode },
  departed: readonly DirectoryAt[],
): string | null {
  const gone = departed.find((directory) => isSame(directory.node, node));
  if (gone !== undefined) return gone.path;
  if (node.kind !== "base") return null;
  const path = node.tree.pathAt(node.row);
  const origin = findNode(trees.before, path);
  return isSame(origin, node) && findNode(trees.after, path) === null ? path : null;
}

function removeFiles(directory: DirectoryAt, moved: ReadonlySet<string>, removed: RemovedFile[]): void {
  const pending = [directory];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (moved.has(next.path)) continue;
    for (const [name, child] of childrenOf(next.node)) {
      if (name === LOCAL_NAME) continue;
      const path = joinPath(next.path, name);
      if (isTree(child)) pending.push({ path, node: child });
      else removed.push({ path, beforeSha: knownShaOf(child) ?? "", beforeMode: modeOf(child) });
    }
  }
}

/** Of one directory a commit can move the whole or parts: not both. */
function touchesAny(path: string, origins: ReadonlySet<string>): boolean {
  for (const origin of origins) {
    if (origin === path || origin.startsWith(`${path}/`) || path.startsWith(`${origin}/`)) return true;
  }
  return false;
}

/**
 * What a commit must say to turn `before` into `after`. Looks only at what was changed. A directory that was moved whole
 * to a place where nothing was is one entry, however much it holds; otherwise its files are named one by one.
 */
export function diffTrees(before: DirNode, after: DirNode): TreeDiff {
  const found: Findings = { puts: [], removed: [], arrived: [], departed: [] };
  compareNodes("", before, after, found);
  const moved: MovedDirectory[] = [];
  const origins = new Set<string>();
  // Looking into an arrived directory appends those inside it, and never a departed one.
  for (const { path, node } of found.arrived) {
    const origin = findOrigin(node, { before, after }, found.departed);
    if (origin !== null && !touchesAny(origin, origins)) {
      origins.add(origin);
      moved.push({ path: origin, newPath: path });
    } else {
      compareDirectories(path, null, node, found);
    }
  }
  for (const directory of found.departed) removeFiles(directory, origins, found.removed);
  return { puts: found.puts, removed: found.removed, moved };
}
