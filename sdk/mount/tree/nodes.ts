import { type BaseTree, MODE } from "./base-tree.ts";

/** A row of a listing, standing for the file or for the whole directory that it names. */
export interface BaseNode {
  readonly kind: "base";
  readonly tree: BaseTree;
  readonly row: number;
}

/**
 * Content of a written file: bytes in memory until they are committed, then a blob at one place where the server has it.
 * Bytes are moved to other memory in place: whoever hashes them meanwhile writes the id into the same object.
 */
export type FileContent =
  | { readonly kind: "bytes"; bytes: Uint8Array; sha: string | null }
  | {
      readonly kind: "blob";
      readonly sha: string;
      readonly size: number;
      readonly commitSha: string;
      readonly path: string;
    };

/** A file, symlink or gitlink that the mount has changed. Replaced, never changed, except for where its bytes are kept. */
export interface FileNode {
  readonly kind: "file";
  readonly mode: number;
  readonly mtimeMs: number;
  content: FileContent;
}

/**
 * A directory that the mount has changed: what it was made from, under changes by name. A name not in `changes` is
 * what `base` has; null is a removed one. Writable only by the editor whose epoch it carries: every other holder sees
 * it as it is for good.
 */
export interface DirNode {
  readonly kind: "dir";
  readonly base: BaseNode | null;
  readonly changes: Map<string, TreeNode | null>;
  readonly epoch: number;
  mtimeMs: number;
}

export type TreeNode = BaseNode | FileNode | DirNode;

export function baseNode(tree: BaseTree, row: number): BaseNode {
  return { kind: "base", tree, row };
}

export function isDirectory(node: TreeNode): boolean {
  return node.kind === "dir" || (node.kind === "base" && isDirectoryMode(node.tree.modeAt(node.row)));
}

/** A commit of another repository shows as an empty directory, as in a checkout without its submodules. */
function isDirectoryMode(mode: number): boolean {
  return mode === MODE.directory || mode === MODE.gitlink;
}

export function modeOf(node: TreeNode): number {
  if (node.kind === "dir") return MODE.directory;
  return node.kind === "file" ? node.mode : node.tree.modeAt(node.row);
}

export function isSymlink(node: TreeNode): boolean {
  return modeOf(node) === MODE.symlink;
}

/** Bytes of a file's content or of a symlink's target; 0 for directories. */
export function sizeOf(node: TreeNode): number {
  if (node.kind === "dir") return 0;
  if (node.kind === "base") return node.tree.sizeAt(node.row);
  return node.content.kind === "bytes" ? node.content.bytes.length : node.content.size;
}

export function mtimeOf(node: TreeNode): number {
  return node.kind === "base" ? node.tree.committedAtMs : node.mtimeMs;
}

/** Blob or tree id as far as it is known without hashing; null for unsaved content and for changed directories. */
export function knownShaOf(node: TreeNode): string | null {
  if (node.kind === "dir") return node.base === null || node.changes.size > 0 ? null : knownShaOf(node.base);
  return node.kind === "base" ? node.tree.shaAt(node.row) || null : node.content.sha;
}

/** The child of a directory; null when there is none. */
export function findChild(node: TreeNode, name: string): TreeNode | null {
  if (node.kind === "file") return null;
  if (node.kind === "base") return findBaseChild(node, name);
  const changed = node.changes.get(name);
  if (changed !== undefined) return changed;
  return node.base === null ? null : findBaseChild(node.base, name);
}

function findBaseChild(node: BaseNode, name: string): BaseNode | null {
  const parent = node.tree.pathAt(node.row);
  const row = node.tree.find(parent === "" ? name : `${parent}/${name}`);
  return row <= 0 ? null : baseNode(node.tree, row);
}

/** What lies at a path below a node, symlinks not followed; null when nothing does. "" is the node itself. */
export function findNode(root: TreeNode, path: string): TreeNode | null {
  let node: TreeNode = root;
  let start = 0;
  while (start < path.length) {
    if (node.kind === "file") return null;
    if (node.kind === "base") return findBaseChild(node, path.slice(start));
    if (node.changes.size === 0)
      return node.base === null ? null : findBaseChild(node.base, path.slice(start));
    const slash: number = path.indexOf("/", start);
    const end = slash === -1 ? path.length : slash;
    const child = findChild(node, path.slice(start, end));
    if (child === null) return null;
    node = child;
    start = end + 1;
  }
  return node;
}

/** Names and nodes of a directory's children, in no promised order. */
export function* childrenOf(node: TreeNode): Generator<[name: string, child: TreeNode]> {
  if (node.kind === "file") return;
  const base = node.kind === "base" ? node : node.base;
  const changes = node.kind === "dir" ? node.changes : null;
  if (base !== null) {
    for (const row of base.tree.childrenOf(base.row)) {
      const name = base.tree.nameAt(row);
      if (!changes?.has(name)) yield [name, baseNode(base.tree, row)];
    }
  }
  if (changes === null) return;
  for (const [name, child] of changes) {
    if (child !== null) yield [name, child];
  }
}

/** Names of a directory's children in code unit order. */
export function childNames(node: TreeNode): string[] {
  if (node.kind === "file") return [];
  const base = node.kind === "base" ? node : node.base;
  const names: string[] = [];
  if (base !== null) {
    const { tree, row } = base;
    const end = tree.endAt(row);
    for (let child = row + 1; child < end; child = tree.endAt(child)) names.push(tree.nameAt(child));
  }
  if (node.kind === "base" || node.changes.size === 0) return names.sort();
  const { changes } = node;
  const kept = names.filter((name) => !changes.has(name));
  for (const [name, child] of changes) if (child !== null) kept.push(name);
  return kept.sort();
}

export function isEmptyDirectory(node: TreeNode): boolean {
  return childrenOf(node).next().done === true;
}
