import { concatBytes } from "../bytes/bytes.ts";
import { encodeUtf8 } from "../bytes/text.ts";
import { createDiffBudget, type DiffBudget } from "../diff/diff-budget.ts";
import { type Lines, lineStart, numberLines, sliceLines, splitLines } from "../diff/lines.ts";
import { listMergeHunks, type MergeHunk } from "./merge-hunks.ts";

/** Three versions of one text, as bytes. */
export interface TextVersions {
  readonly base: Uint8Array;
  readonly ours: Uint8Array;
  readonly theirs: Uint8Array;
}

export interface TextMergeOptions {
  /** Behind `<<<<<<<` and `>>>>>>>`. */
  readonly oursName?: string;
  readonly theirsName?: string;
  /** `merge-file`: as `git merge-file` (Myers); `merge`, the default: as `git merge` does it inside (histogram). */
  readonly like?: "merge-file" | "merge";
  /** Characters of a marker; 7 as in git. */
  readonly markerSize?: number;
  readonly budget?: DiffBudget;
}

export interface TextMerge {
  /** The merged text; with conflicts, both sides between markers. */
  readonly content: Uint8Array;
  readonly conflicts: number;
}

interface Output {
  readonly ours: Lines;
  readonly theirs: Lines;
  readonly base: Lines;
  readonly parts: Uint8Array[];
  readonly options: TextMergeOptions;
}

const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;
const MARKER_SIZE = 7;

/**
 * Three-way merge of texts, byte for byte what `git merge-file -p` prints, or what `git merge` writes. Works on bytes:
 * line ends, a missing last one, and what is not UTF-8 stay as they are. Binary content is the caller's to keep out.
 */
export function mergeText(versions: TextVersions, options: TextMergeOptions = {}): TextMerge {
  const base = splitLines(versions.base);
  const ours = splitLines(versions.ours);
  const theirs = splitLines(versions.theirs);
  const [baseNumbers, ourNumbers, theirNumbers] = numberLines([base, ours, theirs]) as [
    Int32Array,
    Int32Array,
    Int32Array,
  ];
  const isFile = options.like === "merge-file";
  const hunks = listMergeHunks(
    { base: baseNumbers, ours: ourNumbers, theirs: theirNumbers },
    {
      algorithm: isFile ? "myers" : "histogram",
      budget: options.budget ?? createDiffBudget(),
      ...(isFile && { isWorthKeeping: (from: number, to: number) => holdsAlphanumeric(ours, from, to) }),
    },
  );
  const output: Output = { base, ours, theirs, parts: [], options };
  return {
    content: writeMerge(output, hunks),
    conflicts: hunks.filter(({ kind }) => kind === "conflict").length,
  };
}

function holdsAlphanumeric(lines: Lines, from: number, to: number): boolean {
  for (const byte of sliceLines(lines, from, to)) {
    if ((byte >= 0x30 && byte <= 0x39) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a)) return true;
  }
  return false;
}

function writeMerge(output: Output, hunks: readonly MergeHunk[]): Uint8Array {
  const { ours, theirs, parts } = output;
  let at = 0;
  for (const hunk of hunks) {
    if (hunk.kind === "same") continue;
    parts.push(sliceLines(ours, at, hunk.oursStart));
    at = hunk.oursStart + hunk.oursCount;
    if (hunk.kind === "conflict") writeConflict(output, hunk);
    else if (hunk.kind === "ours") parts.push(sliceLines(ours, hunk.oursStart, at));
    else parts.push(sliceLines(theirs, hunk.theirsStart, hunk.theirsStart + hunk.theirsCount));
  }
  parts.push(sliceLines(ours, at, ours.count));
  return concatBytes([...parts, new Uint8Array(0)]);
}

function writeConflict(output: Output, hunk: MergeHunk): void {
  const { ours, theirs, options } = output;
  const lineEnd = usesCrlf(output, hunk) ? "\r\n" : "\n";
  const write = (mark: string, name: string | undefined) =>
    output.parts.push(
      encodeUtf8(
        mark.repeat(options.markerSize ?? MARKER_SIZE) + (name === undefined ? "" : ` ${name}`) + lineEnd,
      ),
    );
  write("<", options.oursName ?? "ours");
  writeSide(output, sliceLines(ours, hunk.oursStart, hunk.oursStart + hunk.oursCount), lineEnd);
  write("=", undefined);
  writeSide(output, sliceLines(theirs, hunk.theirsStart, hunk.theirsStart + hunk.theirsCount), lineEnd);
  write(">", options.theirsName ?? "theirs");
}

/** A marker starts a line of its own, also below a last line without a line end. */
function writeSide({ parts }: Output, lines: Uint8Array, lineEnd: string): void {
  parts.push(lines);
  if (lines.length > 0 && lines[lines.length - 1] !== LINE_FEED) parts.push(encodeUtf8(lineEnd));
}

/** Markers end in CRLF where the lines before them and the first line of the base do, as far as these have an end. */
function usesCrlf({ base, ours, theirs }: Output, hunk: MergeHunk): boolean {
  const before = endsInCrlf(ours, Math.max(hunk.oursStart - 1, 0));
  if (before === false) return false;
  const beside = endsInCrlf(theirs, Math.max(hunk.theirsStart - 1, 0));
  if (beside === false) return false;
  return endsInCrlf(base, 0) ?? false;
}

/** null: the line has no end, and no line before it to go by. */
function endsInCrlf(lines: Lines, index: number): boolean | null {
  if (lines.count === 0) return null;
  const hasEnd = lines.bytes[lineStart(lines, index + 1) - 1] === LINE_FEED;
  if (!hasEnd && index === 0) return null;
  const end = lineStart(lines, hasEnd ? index + 1 : index);
  const start = lineStart(lines, hasEnd ? index : index - 1);
  return end - start > 1 && lines.bytes[end - 2] === CARRIAGE_RETURN;
}
