import type { BaseTree } from "./base-tree.ts";
import { baseNode, type DirNode, findChild, findNode, isDirectory, type TreeNode } from "./nodes.ts";

/** The root of a mount without changes. */
export function untouchedRoot(tree: BaseTree): DirNode {
  return { kind: "dir", base: baseNode(tree, 0), changes: new Map(), epoch: 0, mtimeMs: tree.committedAtMs };
}

/** Hears of every change of a tree just before it is made, while the tree is still as it was. */
export interface TreeObserver {
  beforeSet(path: string, node: TreeNode | null): void;
  beforeMove(from: string, to: string): void;
  beforeReset(root: DirNode): void;
}

/**
 * The one place where a tree changes. Directories are copied on the way to a change, unless this editor made them since
 * the last `freeze`: a run of writes costs no copies, and a frozen root stays as it was for ever at no cost.
 */
export class TreeEditor {
  #root: DirNode;
  #epoch = 1;
  readonly #now: () => number;
  readonly #observers = new Set<TreeObserver>();

  constructor(root: DirNode, now: () => number) {
    this.#root = root;
    this.#now = now;
  }

  get root(): DirNode {
    return this.#root;
  }

  /** The tree as it is now; later changes do not reach it. */
  freeze(): DirNode {
    this.#epoch += 1;
    return this.#root;
  }

  observe(observer: TreeObserver): void {
    this.#observers.add(observer);
  }

  forget(observer: TreeObserver): void {
    this.#observers.delete(observer);
  }

  /** Goes on from another root, which is never written to. */
  reset(root: DirNode): void {
    for (const observer of this.#observers) observer.beforeReset(root);
    this.#epoch += 1;
    this.#root = root;
  }

  /**
   * Puts a node at a path whose parent is a directory, replacing what is there; null removes it. A node that also stays
   * where it was must have been frozen first.
   */
  set(path: string, node: TreeNode | null): void {
    for (const observer of this.#observers) observer.beforeSet(path, node);
    this.#set(path, node);
  }

  /** Takes what is at one path to another, whose parent is a directory, in place of what is there. */
  move(from: string, to: string): void {
    const node = findNode(this.#root, from);
    for (const observer of this.#observers) observer.beforeMove(from, to);
    this.#set(from, null);
    this.#set(to, node);
  }

  #set(path: string, node: TreeNode | null): void {
    const slash = path.lastIndexOf("/");
    const parent = this.#own(slash === -1 ? "" : path.slice(0, slash));
    const name = path.slice(slash + 1);
    parent.mtimeMs = this.#now();
    if (node !== null || (parent.base !== null && findChild(parent.base, name) !== null)) {
      parent.changes.set(name, node);
    } else {
      parent.changes.delete(name);
    }
  }

  /** Makes directories of all that is above a path; a file that is in the way gives way. */
  openParents(path: string): void {
    for (let slash = path.indexOf("/"); slash !== -1; slash = path.indexOf("/", slash + 1)) {
      const parent = path.slice(0, slash);
      const present = findNode(this.#root, parent);
      if (present === null || !isDirectory(present)) this.set(parent, this.emptyDirectory());
    }
  }

  /** A new empty directory, for `set`. */
  emptyDirectory(): DirNode {
    return { kind: "dir", base: null, changes: new Map(), epoch: this.#epoch, mtimeMs: this.#now() };
  }

  #own(path: string): DirNode {
    this.#root = this.#writable(this.#root);
    let directory = this.#root;
    for (const name of path === "" ? [] : path.split("/")) {
      const child = findChild(directory, name);
      if (child === null || child.kind === "file") throw new TypeError(`not a directory: ${path}`);
      const owned = this.#writable(child);
      if (owned !== child) directory.changes.set(name, owned);
      directory = owned;
    }
    return directory;
  }

  #writable(node: Exclude<TreeNode, { kind: "file" }>): DirNode {
    if (node.kind === "base") {
      const mtimeMs = node.tree.committedAtMs;
      return { kind: "dir", base: node, changes: new Map(), epoch: this.#epoch, mtimeMs };
    }
    return node.epoch === this.#epoch
      ? node
      : { ...node, changes: new Map(node.changes), epoch: this.#epoch };
  }
}
