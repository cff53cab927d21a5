/**
 * One path of a rebased commit: what the caller changed since its base, against what the branch has by now. Decided by
 * ids and modes alone; where both changed a text, that is left to be merged.
 */
import type { Oid } from "../../git/hash/oid.ts";
import type { ConflictType } from "../../git/merge/conflict.ts";
import {
  entryKind,
  FILE_MODE,
  type FileMode,
  GITLINK_MODE,
  SYMLINK_MODE,
  type TreeMode,
} from "../../git/object/tree.ts";

/** What stands at a path; the mode is null where only the blob is known. */
export interface Version {
  readonly oid: Oid;
  readonly mode: TreeMode | null;
}

export interface PutVersions {
  readonly base: Version | null;
  readonly theirs: Version | null;
  /** Mode as sent; undefined: the caller has no opinion. */
  readonly ours: { readonly oid: Oid; readonly mode: FileMode | undefined };
}

export type PathDecision =
  | { readonly kind: "put"; readonly oid: Oid; readonly mode: FileMode }
  /** The branch stays as it is. */
  | { readonly kind: "keep" }
  | { readonly kind: "conflict"; readonly type: ConflictType }
  /** Both sides changed the file: `base` null stands for an empty text. */
  | {
      readonly kind: "merge";
      readonly base: Oid | null;
      readonly ours: Oid;
      readonly theirs: Oid;
      readonly mode: FileMode;
      /** What it is when the texts do not merge. */
      readonly type: "content" | "add-add";
    };

/** Three-way decision for a path that the caller wrote. */
export function decidePut({ base, theirs, ours }: PutVersions): PathDecision {
  const mode = ours.mode ?? defaultMode(base, theirs);
  const kind = entryKind({ mode });
  const theirKind = theirs && kindOf(theirs, "file");
  const baseKind = base && kindOf(base, theirKind ?? kind);
  if (isUnchanged(base, theirs)) return { kind: "put", oid: ours.oid, mode };
  if (base && ours.oid === base.oid && kind === baseKind && isSameMode(mode, base)) return { kind: "keep" };
  if (!theirs) return { kind: "conflict", type: "modify-delete" };
  if (theirKind === "directory") return { kind: "conflict", type: "file-directory" };
  if (kind !== theirKind) return { kind: "conflict", type: base ? "type" : "add-add" };
  const merged = kind === "file" ? mergeModes(base && baseKind === kind ? base : null, theirs, mode) : mode;
  if (merged === null) return { kind: "conflict", type: "mode" };
  if (ours.oid === theirs.oid || (base && baseKind === kind && base.oid === theirs.oid)) {
    return { kind: "put", oid: ours.oid, mode: merged };
  }
  if (base && baseKind === kind && ours.oid === base.oid)
    return { kind: "put", oid: theirs.oid, mode: merged };
  if (kind === "symlink") return { kind: "conflict", type: base ? "symlink" : "add-add" };
  if (kind === "gitlink") return { kind: "conflict", type: base ? "submodule" : "add-add" };
  return {
    kind: "merge",
    base: base && baseKind === "file" ? base.oid : null,
    ours: ours.oid,
    theirs: theirs.oid,
    mode: merged,
    type: base ? "content" : "add-add",
  };
}

/** Whether what the branch has is still the base; a mode that is not known counts as the same. */
export function isUnchanged(base: Version | null, theirs: Version | null): boolean {
  if (!base || !theirs) return base === theirs;
  return base.oid === theirs.oid && (theirs.mode === null || isSameMode(theirs.mode, base));
}

function isSameMode(mode: TreeMode, version: Version): boolean {
  return version.mode === null || version.mode === mode;
}

function kindOf(version: Version, unknown: ReturnType<typeof entryKind>): ReturnType<typeof entryKind> {
  return version.mode === null ? unknown : entryKind({ mode: version.mode });
}

/** Plain content over a link or a submodule makes a file; of a file it leaves the mode alone. */
function defaultMode(base: Version | null, theirs: Version | null): FileMode {
  const shown = base?.mode ?? theirs?.mode ?? null;
  return shown !== null && entryKind({ mode: shown }) === "file" ? toFileMode(shown) : FILE_MODE;
}

/** Of two changed modes without a base there is no telling: null. */
function mergeModes(base: Version | null, theirs: Version, ours: FileMode): FileMode | null {
  const other = toFileMode(theirs.mode ?? ours);
  if (ours === other) return ours;
  if (base === null) return null;
  const old = base.mode === null ? other : toFileMode(base.mode);
  return ours === old ? other : ours;
}

/** Old trees hold modes such as 100664, which mean 100644. */
export function toFileMode(mode: TreeMode): FileMode {
  if (mode === SYMLINK_MODE || mode === GITLINK_MODE) return mode;
  return (Number.parseInt(mode, 8) & 0o111) === 0 ? FILE_MODE : "100755";
}
