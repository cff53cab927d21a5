import type { Oid } from "../hash/oid.ts";

/** Why two changes of one path do not go together. */
export type ConflictType =
  | "content"
  | "binary"
  /** Text above the size that is merged. */
  | "too-large"
  | "modify-delete"
  | "add-add"
  | "file-directory"
  | "mode"
  | "symlink"
  | "submodule"
  /** One side has a file, the other a link or a submodule. */
  | "type"
  /** Both renamed it, to different names. */
  | "rename-rename"
  /** One renamed it, the other deleted it. */
  | "rename-delete";

/** A path that could not be merged. null: that side has nothing there. */
export interface PathConflict {
  readonly path: string;
  readonly type: ConflictType;
  readonly base: Oid | null;
  readonly ours: Oid | null;
  readonly theirs: Oid | null;
  /** Both texts between conflict markers, where there are two and they are small enough to send. */
  readonly markers?: Uint8Array;
}
