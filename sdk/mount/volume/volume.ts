import type { Remote, RemoteRepo } from "../kernel/remote.ts";
import type { BaseTree } from "../tree/base-tree.ts";
import { detachTree } from "../tree/detach.ts";
import { TreeEditor, untouchedRoot } from "../tree/editor.ts";
import { type LoadedTree, loadTree } from "../tree/load-tree.ts";
import { type FileVersion, mergeTrees } from "../tree/merge.ts";
import { type DirNode, findNode, knownShaOf, modeOf, sizeOf, type TreeNode } from "../tree/nodes.ts";
import { Inodes } from "./inodes.ts";
import { KnownBlobs } from "./known-blobs.ts";
import { Snapshots } from "./snapshots.ts";

/** One repository of a mount as the caller asked for it. */
export interface VolumeOptions {
  /** First segment of its paths; "" puts it at the mount's root, without a name of its own. */
  readonly name: string;
  readonly repo: RemoteRepo;
  /** What to read: branch, tag or commit. */
  readonly ref: string;
  /** Where commits go; null when that is the branch that `ref` stands for, which the server knows. */
  readonly branch: string | null;
  readonly writable: boolean;
}

/**
 * One mounted repository: the commit that it reads, and the mount's own state on top. `committed` is what the server has
 * as far as this mount knows; the difference between it and the editor's tree is what is unsaved.
 */
export class Volume {
  readonly name: string;
  readonly repo: RemoteRepo;
  readonly writable: boolean;
  readonly editor: TreeEditor;
  readonly inodes: Inodes;
  readonly #ref: string;
  readonly #remote: Remote;
  readonly #reads: string | null | undefined;
  #branch: string | null;
  #committed: DirNode;
  #commitSha: string | null;
  #base: BaseTree;
  /** Unsaved paths that somebody else changed too; with what our change was made from, or has taken into account. */
  readonly #overlaps = new Map<string, FileVersion>();
  /** Blobs of the server beside those of the listing. */
  readonly known = new KnownBlobs();
  readonly snapshots = new Snapshots();
  /** Symlink targets by blob id: few and small, and walking a path must not wait for the cache's whims. */
  readonly #targets = new Map<string, string>();

  constructor(remote: Remote, options: VolumeOptions, loaded: LoadedTree & { readonly now: () => number }) {
    this.name = options.name;
    this.repo = options.repo;
    this.writable = options.writable;
    this.inodes = new Inodes(options.name);
    this.#remote = remote;
    this.#ref = options.ref;
    this.#branch = options.branch ?? loaded.branch ?? null;
    this.#reads = loaded.branch;
    this.#base = loaded.tree;
    this.#committed = untouchedRoot(loaded.tree);
    this.#commitSha = loaded.tree.commitSha;
    this.editor = new TreeEditor(this.#committed, loaded.now);
  }

  /** What the repository is called in answers: the name that it is mounted by. */
  get key(): string {
    return this.name === "" ? this.repo.slug : this.name;
  }

  /** Branch that is read; null when a tag or a commit is, undefined when only the server knows. */
  get followed(): string | null | undefined {
    return this.#reads;
  }

  /** Commit that is read; null while the branch has none. */
  get commitSha(): string | null {
    return this.#commitSha;
  }

  get committed(): DirNode {
    return this.#committed;
  }

  /** The listing last loaded. */
  get base(): BaseTree {
    return this.#base;
  }

  get overlaps(): ReadonlyMap<string, FileVersion> {
    return this.#overlaps;
  }

  /** What is at a path, unsaved changes included, symlinks not followed. */
  find(path: string): TreeNode | null {
    return findNode(this.editor.root, path);
  }

  /** Branch that commits go to; asks the server once when only it knows. */
  async readBranch(): Promise<string> {
    this.#branch ??= await this.#remote.findDefaultBranch(this.repo);
    return this.#branch;
  }

  /**
   * Where the server has the content of a node that is not in memory. The path of the commit being read is preferred,
   * because reads of one commit share requests; a moved file is asked for where its listing had it.
   */
  locate(
    path: string,
    node: TreeNode,
  ): { commitSha: string; path: string; sha: string; size: number } | null {
    const sha = knownShaOf(node);
    if (sha === null) return null;
    const size = sizeOf(node);
    const here = findNode(this.#committed, path);
    if (this.#commitSha !== null && here !== null && knownShaOf(here) === sha) {
      return { commitSha: this.#commitSha, path, sha, size };
    }
    if (node.kind === "base" && node.tree.commitSha !== null) {
      return { commitSha: node.tree.commitSha, path: node.tree.pathAt(node.row), sha, size };
    }
    if (node.kind !== "file" || node.content.kind !== "blob") return null;
    const { commitSha, path: origin } = node.content;
    return { commitSha, path: origin, sha, size };
  }

  findTarget(sha: string): string | null {
    return this.#targets.get(sha) ?? null;
  }

  rememberTarget(sha: string, target: string): void {
    this.#targets.set(sha, target);
  }

  /** The unsaved change of a path takes this version into account; a commit says so, and overwrites no other. */
  standOn(path: string, sha: string | null): void {
    const before = findNode(this.#committed, path);
    const mode = this.#overlaps.get(path)?.mode ?? (before === null ? null : modeOf(before));
    this.#overlaps.set(path, { sha, mode, seen: true });
  }

  /** Forgets which paths others changed: a commit without any of them has landed. */
  clearOverlaps(): void {
    this.#overlaps.clear();
  }

  /** A commit of `saved` has landed and is exactly that: it becomes what the mount reads, without a request. */
  advance(saved: DirNode, commitSha: string): void {
    this.#committed = saved;
    this.#commitSha = commitSha;
  }

  /**
   * Reads a newer commit: lists it once and carries unsaved changes over. Paths that both sides changed are remembered;
   * the mount goes on seeing its own.
   *
   * @param ref what to list; the mount's own ref when absent.
   * @param saved the part of the mount's changes that the newer commit holds.
   */
  async refresh(
    options: {
      readonly ref?: string;
      readonly saved?: DirNode;
      readonly signal?: AbortSignal | undefined;
    } = {},
  ) {
    const { tree } = await loadTree(this.#remote, this.repo, {
      ref: options.ref ?? this.#ref,
      signal: options.signal,
    });
    const newer = untouchedRoot(tree);
    const before = options.saved ?? this.#committed;
    // From here on nothing waits, so that no write can come in between.
    const merged = mergeTrees(this.editor.freeze(), before, newer);
    for (const { path, base } of merged.overlaps) {
      if (!this.#overlaps.has(path)) this.#overlaps.set(path, base);
    }
    this.snapshots.carryOver(before, newer);
    for (const sha of this.#base.listLost(tree)) this.known.add(sha);
    this.#base = tree;
    this.#committed = newer;
    this.#commitSha = tree.commitSha;
    this.editor.reset(merged.root);
  }

  /** Takes over what is unsaved in `source`, the repository that this one was just forked from. */
  adopt(source: Volume): void {
    const merged = mergeTrees(detachTree(source.editor.freeze()), source.committed, this.#committed);
    for (const [path, base] of source.overlaps) this.#overlaps.set(path, base);
    for (const { path, base } of merged.overlaps) {
      if (!this.#overlaps.has(path)) this.#overlaps.set(path, base);
    }
    this.editor.reset(merged.root);
  }

  /** Makes a kept state the mount's own: unsaved changes over what is committed. */
  restore(name: string): void {
    const kept = this.snapshots.find(name);
    if (kept === null) return;
    this.#overlaps.clear();
    for (const [path, base] of kept.overlaps) this.#overlaps.set(path, base);
    this.editor.reset(kept.root);
  }

  /** Keeps the state as it is now under a name. */
  keep(name: string): void {
    this.snapshots.put(name, { root: this.editor.freeze(), overlaps: new Map(this.#overlaps) });
  }

  /** Takes one path, or everything, back to what was committed. */
  discard(path: string | null): void {
    if (path === null || path === "") {
      this.editor.reset(this.#committed);
      this.#overlaps.clear();
      return;
    }
    for (const overlap of this.#overlaps.keys()) {
      if (overlap === path || overlap.startsWith(`${path}/`)) this.#overlaps.delete(overlap);
    }
    const node = findNode(this.#committed, path);
    // Where nothing was there is nothing to take away from a directory that is gone too.
    if (node === null && findNode(this.editor.root, path) === null) return;
    this.editor.openParents(path);
    this.editor.set(path, node);
  }
}
