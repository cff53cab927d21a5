import { hasNul } from "../bytes/text.ts";
import { createDiffBudget } from "../diff/diff-budget.ts";
import { GitError } from "../errors.ts";
import type { Oid } from "../hash/oid.ts";
import { hashObject } from "../hash/sha1.ts";
import type { GitObject, ObjectReader } from "../ports.ts";
import type { PathConflict } from "./conflict.ts";
import { mergeText, type TextMergeOptions } from "./merge-text.ts";

/** A file that two sides changed; `base` null stands for an empty text. */
export interface BlobVersions {
  readonly path: string;
  readonly base: Oid | null;
  readonly ours: Oid;
  readonly theirs: Oid;
  /** What it is when the texts do not merge. */
  readonly type: "content" | "add-add";
  /** Names and size of the markers; else ours and theirs. */
  readonly text?: Pick<TextMergeOptions, "oursName" | "theirsName" | "markerSize">;
}

export type BlobMerge =
  | { readonly kind: "merged"; readonly blob: GitObject }
  | {
      readonly kind: "conflict";
      readonly conflict: PathConflict;
      /** The text with markers, whatever its size; null when there is none. */
      readonly content: Uint8Array | null;
    };

/** A text above this is not merged: three versions and the result must fit an isolate. */
export const MERGE_FILE_BYTES_MAX = 10 * 1024 * 1024;
/** Markers are sent up to this size a file, */
const MARKERS_BYTES_MAX = 1024 * 1024;
/** and up to this size together. */
const MARKERS_TOTAL_MAX = 8 * 1024 * 1024;

/** Bytes that the versions hold together. @throws GitError missing-object */
export async function measureVersions(
  reader: ObjectReader,
  files: readonly BlobVersions[],
): Promise<ReadonlyMap<Oid, number>> {
  const oids = new Set(files.flatMap((file) => [file.ours, file.theirs, ...(file.base ? [file.base] : [])]));
  const { found, missing } = await reader.readHeaders([...oids]);
  if (missing.length > 0) {
    throw new GitError("missing-object", `the repository has no blob ${missing[0]}`, { oid: missing[0] });
  }
  return new Map([...found].map(([oid, { size }]) => [oid, size]));
}

/**
 * Merges one file after the other, so that only one file's versions are in memory. All share one budget for diffs.
 * @param sizes of {@link measureVersions}
 */
export async function mergeBlobs(
  reader: ObjectReader,
  files: readonly BlobVersions[],
  sizes: ReadonlyMap<Oid, number>,
): Promise<readonly BlobMerge[]> {
  const budget = createDiffBudget();
  const merges: BlobMerge[] = [];
  let markersLeft = MARKERS_TOTAL_MAX;
  for (const file of files) {
    const merge = await mergeBlob(reader, file, {
      sizes,
      budget,
      markersMax: Math.min(markersLeft, MARKERS_BYTES_MAX),
    });
    if (merge.kind === "conflict") markersLeft -= merge.conflict.markers?.length ?? 0;
    merges.push(merge);
  }
  return merges;
}

async function mergeBlob(
  reader: ObjectReader,
  file: BlobVersions,
  limits: {
    readonly sizes: ReadonlyMap<Oid, number>;
    readonly budget: ReturnType<typeof createDiffBudget>;
    readonly markersMax: number;
  },
): Promise<BlobMerge> {
  const { path, base, ours, theirs, type } = file;
  const refuse = (as: PathConflict["type"], content: Uint8Array | null): BlobMerge => {
    const markers = content && content.length <= limits.markersMax ? { markers: content } : {};
    return { kind: "conflict", conflict: { path, type: as, base, ours, theirs, ...markers }, content };
  };
  const oids = [ours, theirs, ...(base ? [base] : [])];
  if (oids.some((oid) => (limits.sizes.get(oid) ?? 0) > MERGE_FILE_BYTES_MAX))
    return refuse("too-large", null);
  const { found } = await reader.readObjects(oids);
  const content = (oid: Oid | null) => (oid === null ? new Uint8Array(0) : readContent(found, oid));
  const versions = { base: content(base), ours: content(ours), theirs: content(theirs) };
  if (hasNul(versions.base) || hasNul(versions.ours) || hasNul(versions.theirs))
    return refuse("binary", null);
  const merged = mergeText(versions, { ...file.text, budget: limits.budget });
  if (merged.conflicts > 0) return refuse(type, merged.content);
  const data = merged.content;
  return { kind: "merged", blob: { oid: hashObject("blob", data), type: "blob", data } };
}

function readContent(found: ReadonlyMap<Oid, GitObject>, oid: Oid): Uint8Array {
  const blob = found.get(oid);
  if (!blob) throw new GitError("missing-object", `the repository has no blob ${oid}`, { oid });
  if (blob.type !== "blob") throw new GitError("wrong-type", `${oid} is a ${blob.type}, not a blob`, { oid });
  return blob.data;
}
