import type { Oid } from "../../git/hash/oid.ts";
import type { TreeEntry } from "../../git/object/tree.ts";

/** What a file or link holds: a blob of the repository until it is written, then bytes. */
export type Content =
  | { readonly kind: "blob"; readonly oid: Oid }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array };

/** A file or symlink. Replaced, never changed, so that copies may share it. */
export interface LeafNode {
  readonly kind: "file" | "link";
  /** Of files. */
  readonly executable: boolean;
  readonly content: Content;
  readonly mtimeMs: number;
}

/** A directory. Its children are read from its tree when somebody looks into it. */
export interface DirNode {
  readonly kind: "dir";
  /** Tree that it was made from; null for a new one. */
  readonly tree: Oid | null;
  /** A submodule's directory: the commit that it stands for. It is empty, and nothing can be put there. */
  readonly submodule: Oid | null;
  /** null until they are loaded. */
  children: Map<string, ExecNode> | null;
  /** Entries of `tree` by name, once loaded. */
  base: ReadonlyMap<string, TreeEntry> | null;
  /** The repository whose tree it is; null above all repositories. */
  readonly volume: ExecVolume | null;
  mtimeMs: number;
}

export type ExecNode = LeafNode | DirNode;

/** One repository in the shell, at one commit. */
export interface ExecVolume {
  /** First segment of its paths. */
  readonly name: string;
  readonly commit: Oid | null;
  readonly tree: Oid;
  readonly committedAtMs: number;
}

export function newDirectory(volume: ExecVolume | null, mtimeMs: number, tree: Oid | null = null): DirNode {
  const loaded = tree === null;
  return {
    kind: "dir",
    tree,
    submodule: null,
    children: loaded ? new Map() : null,
    base: loaded ? new Map() : null,
    volume,
    mtimeMs,
  };
}

export function newFile(bytes: Uint8Array, executable: boolean, mtimeMs: number): LeafNode {
  return { kind: "file", executable, content: { kind: "bytes", bytes }, mtimeMs };
}
