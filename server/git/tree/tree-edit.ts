import type { ByteString } from "../bytes/text.ts";
import type { Oid } from "../hash/oid.ts";
import type { TreeMode } from "../object/tree.ts";

export interface PutEntry {
  readonly mode: TreeMode;
  readonly oid: Oid;
}

export interface TreeEdit {
  readonly path: ByteString;
  /** What the path is to be: a file of any mode, a directory (a whole subtree moves in one edit), or null: gone. */
  readonly entry: PutEntry | null;
}
