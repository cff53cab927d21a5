import type { MountConflict } from "../../errors.ts";
import type { ContentSource } from "../blobs/content-source.ts";
import type { Remote, RemoteCommit } from "../kernel/remote.ts";
import type { TreeDiff } from "../tree/diff.ts";
import type { DirNode } from "../tree/nodes.ts";
import type { MountTable } from "../volume/mount-table.ts";
import type { Volume } from "../volume/volume.ts";

/** A commit that was sent and whose outcome may be unknown. */
export interface Attempt {
  readonly saved: DirNode;
  readonly diff: TreeDiff;
  readonly commit: RemoteCommit;
}

/** What a buffer works with. */
export interface BufferParts {
  readonly volume: Volume;
  readonly table: MountTable;
  readonly remote: Remote;
  readonly content: ContentSource;
  readonly createKey: () => string;
}

/** What is to become of a path: one of the two versions, new content, or null for nothing. */
export type Resolution = "ours" | "theirs" | string | Uint8Array | null;

/** What a conflict is resolved by. A text "ours" or "theirs" from a function means the version, not the content. */
export type ConflictResolver =
  | "ours"
  | "theirs"
  | ((conflict: MountConflict) => Resolution | Promise<Resolution>);
