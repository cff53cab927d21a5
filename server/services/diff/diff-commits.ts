import { type ByteString, findUtf8, formatByteString, hasNul } from "../../git/bytes/text.ts";
import { createDiffBudget, type DiffBudget } from "../../git/diff/diff-budget.ts";
import { diffLines } from "../../git/diff/diff-lines.ts";
import { diffTrees } from "../../git/diff/diff-trees.ts";
import { findRenames } from "../../git/diff/find-renames.ts";
import { formatPatch, formatSubproject, type PatchSide } from "../../git/diff/format-patch.ts";
import { splitLines } from "../../git/diff/lines.ts";
import { SIMILARITY_MAX } from "../../git/diff/similarity.ts";
import { GitError } from "../../git/errors.ts";
import type { Oid } from "../../git/hash/oid.ts";
import { entryKind, isGitlink, type TreeEntry } from "../../git/object/tree.ts";
import type { GitObject, ObjectReader } from "../../git/ports.ts";

export interface FileDiff {
  readonly path: string;
  /** Of a rename. */
  readonly oldPath: string | null;
  readonly status: "added" | "modified" | "removed" | "renamed";
  readonly old: TreeEntry | null;
  readonly next: TreeEntry | null;
  /** Percent, of a rename. */
  readonly similarity: number | null;
  readonly additions: number;
  readonly deletions: number;
  readonly binary: boolean;
  /** null: not asked for, or left out for its size. */
  readonly patch: string | null;
  readonly omitted: boolean;
}

export interface DiffOptions {
  readonly patch: boolean;
  readonly context: number;
}

/** Files of one diff. */
export const DIFF_FILES_MAX = 10_000;
/** A file above this is shown without its lines. */
const FILE_BYTES_MAX = 10 * 1024 * 1024;
/** Patches of one reply together. */
const PATCH_BYTES_MAX = 16 * 1024 * 1024;
/** Contents held at once. */
const GROUP_BYTES = 8 * 1024 * 1024;

interface Pair {
  readonly from: ByteString;
  readonly to: ByteString;
  readonly old: TreeEntry | null;
  readonly next: TreeEntry | null;
  readonly score: number | null;
}

interface Work {
  readonly options: DiffOptions;
  readonly budget: DiffBudget;
  patchBytes: number;
}

/**
 * What differs between two trees, in byte order of the new paths: renames followed, lines counted as `git diff
 * --numstat` does, and patches that `git apply` takes, where asked for.
 * @throws GitError limit-exceeded above {@link DIFF_FILES_MAX} files; missing-object
 */
export async function diffFiles(
  reader: ObjectReader,
  trees: { readonly base: Oid | null; readonly head: Oid | null },
  options: DiffOptions,
): Promise<readonly FileDiff[]> {
  const pairs = await listPairs(reader, trees);
  if (pairs.length > DIFF_FILES_MAX) {
    const message = `${pairs.length} files differ, at most ${DIFF_FILES_MAX} are shown`;
    throw new GitError("limit-exceeded", message, { files: pairs.length, limit: DIFF_FILES_MAX });
  }
  const oids = pairs.flatMap(({ old, next }) =>
    [old, next].flatMap((entry) => (entry && !isGitlink(entry) ? entry.oid : [])),
  );
  const { found: headers } = await reader.readHeaders([...new Set(oids)]);
  const sizeOf = (entry: TreeEntry | null) => (entry ? (headers.get(entry.oid)?.size ?? 0) : 0);
  const work: Work = { options, budget: createDiffBudget(), patchBytes: 0 };
  const files: FileDiff[] = [];
  for (const group of groupPairs(pairs, sizeOf)) {
    const wanted = new Set<Oid>();
    for (const { old, next } of group) {
      for (const entry of [old, next]) {
        if (entry && !isGitlink(entry) && old?.oid !== next?.oid && sizeOf(entry) <= FILE_BYTES_MAX)
          wanted.add(entry.oid);
      }
    }
    const { found } =
      wanted.size > 0 ? await reader.readObjects([...wanted]) : { found: new Map<Oid, GitObject>() };
    for (const pair of group) files.push(describePair(work, pair, found));
  }
  return files;
}

async function listPairs(
  reader: ObjectReader,
  { base, head }: { readonly base: Oid | null; readonly head: Oid | null },
): Promise<Pair[]> {
  const changes = await diffTrees(reader, base, head);
  const renames = await findRenames(reader, changes);
  const gone = new Set(renames.map(({ from }) => from));
  const come = new Set(renames.map(({ to }) => to));
  const pairs: Pair[] = renames.map(({ from, to, old, next, score }) => ({ from, to, old, next, score }));
  for (const { path, old, next } of changes) {
    if ((old && !next && gone.has(path)) || (next && !old && come.has(path))) continue;
    pairs.push({ from: path, to: path, old, next, score: null });
  }
  return pairs.sort((a, b) => (a.to < b.to ? -1 : a.to > b.to ? 1 : 0));
}

function groupPairs(pairs: readonly Pair[], sizeOf: (entry: TreeEntry | null) => number): Pair[][] {
  const groups: Pair[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const pair of pairs) {
    const size = sizeOf(pair.old) + sizeOf(pair.next);
    if (bytes + size > GROUP_BYTES) {
      groups.push([]);
      bytes = 0;
    }
    bytes += size;
    groups.at(-1)?.push(pair);
  }
  return groups;
}

function describePair(work: Work, pair: Pair, found: ReadonlyMap<Oid, GitObject>): FileDiff {
  const { from, to, old, next, score } = pair;
  const status = score !== null ? "renamed" : !old ? "added" : !next ? "removed" : "modified";
  const similarity = score === null ? null : Math.floor((score * 100) / SIMILARITY_MAX);
  const shown = {
    path: formatByteString(to),
    oldPath: score === null ? null : formatByteString(from),
    status,
    old,
    next,
    similarity,
  } as const;
  const isSame = old?.oid === next?.oid;
  const left = old && openSide(from, old, { found, isSame });
  const right = next && openSide(to, next, { found, isSame });
  if ((old && !left) || (next && !right)) {
    return { ...shown, additions: 0, deletions: 0, binary: true, patch: null, omitted: work.options.patch };
  }
  // What becomes something else entirely is, to git apply, taken away and made anew.
  const parts =
    old && next && entryKind(old) !== entryKind(next)
      ? [
          { old: left, next: null },
          { old: null, next: right },
        ]
      : [{ old: left, next: right }];
  return { ...shown, ...comparePairs(work, parts, similarity) };
}

interface SidePair {
  readonly old: PatchSide | null;
  readonly next: PatchSide | null;
}

type Compared = Pick<FileDiff, "additions" | "deletions" | "binary" | "patch" | "omitted">;

function comparePairs(work: Work, parts: readonly SidePair[], similarity: number | null): Compared {
  let additions = 0;
  let deletions = 0;
  let binary = false;
  let patch = "";
  for (const { old, next } of parts) {
    binary ||= (old !== null && !old.lines) || (next !== null && !next.lines);
    const empty = splitLines(new Uint8Array(0));
    const changes = binary
      ? []
      : diffLines(old?.lines ?? empty, next?.lines ?? empty, { budget: work.budget });
    for (const change of changes) {
      additions += change.bCount;
      deletions += change.aCount;
    }
    if (!work.options.patch) continue;
    const bytes = formatPatch({ old, next, similarity, changes }, work.options.context);
    const text = findUtf8(bytes);
    // Text in another encoding cannot stand in JSON; as a binary patch it can.
    const asBinary = (side: PatchSide | null) => side && { ...side, lines: null };
    patch +=
      text ??
      findUtf8(
        formatPatch({ old: asBinary(old), next: asBinary(next), similarity, changes }, work.options.context),
      ) ??
      "";
  }
  const counts = { additions, deletions, binary };
  work.patchBytes += patch.length;
  if (!work.options.patch) return { ...counts, patch: null, omitted: false };
  return work.patchBytes > PATCH_BYTES_MAX
    ? { ...counts, patch: null, omitted: true }
    : { ...counts, patch, omitted: false };
}

/** null: the content was too large to read. */
function openSide(
  path: ByteString,
  entry: TreeEntry,
  { found, isSame }: { readonly found: ReadonlyMap<Oid, GitObject>; readonly isSame: boolean },
): PatchSide | null {
  const content = isGitlink(entry)
    ? formatSubproject(entry.oid)
    : isSame
      ? new Uint8Array(0)
      : (found.get(entry.oid)?.data ?? null);
  if (!content) return null;
  return { path, entry, content, lines: hasNul(content) ? null : splitLines(content) };
}
