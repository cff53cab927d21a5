/**
 * How the changes of two texts against their base fit together, as in git's merge of contents (xdiff, levels "zealous"
 * and "zealous-alnum"): what only one side changed is taken, what both changed alike is taken once, the rest conflicts.
 */
import type { LineChange } from "../diff/change-marks.ts";
import type { DiffBudget } from "../diff/diff-budget.ts";
import { diffNumbers, type LineDiffOptions } from "../diff/diff-lines.ts";

/** Part of a merge: lines [oursStart, +oursCount) of ours stand against such lines of theirs. */
export interface MergeHunk {
  kind: "ours" | "theirs" | "conflict" | "same";
  oursStart: number;
  oursCount: number;
  theirsStart: number;
  theirsCount: number;
}

export interface NumberedTexts {
  readonly base: Int32Array;
  readonly ours: Int32Array;
  readonly theirs: Int32Array;
}

export interface HunkOptions {
  readonly algorithm: NonNullable<LineDiffOptions["algorithm"]>;
  readonly budget: DiffBudget;
  /**
   * Whether the lines [from, to) of ours between two conflicts are worth keeping apart. Up to three lines never are;
   * absent: more than three always are.
   */
  readonly isWorthKeeping?: (from: number, to: number) => boolean;
}

/** Lines between two conflicts up to which they are shown as one. */
const GAP_MAX = 3;

/** The hunks of a merge in their order. Lines of ours between them are common to all, or to ours and the result. */
export function listMergeHunks(texts: NumberedTexts, options: HunkOptions): readonly MergeHunk[] {
  const hunks = pairChanges(texts, {
    ours: diffNumbers(texts.base, texts.ours, options),
    theirs: diffNumbers(texts.base, texts.theirs, options),
  });
  return joinConflicts(
    hunks.flatMap((hunk) => refineConflict(texts, hunk, options)),
    options,
  );
}

interface Changes {
  readonly ours: readonly LineChange[];
  readonly theirs: readonly LineChange[];
}

function pairChanges(texts: NumberedTexts, changes: Changes): MergeHunk[] {
  const hunks: MergeHunk[] = [];
  let i = 0;
  let j = 0;
  for (let mine = changes.ours[i], other = changes.theirs[j]; mine || other; ) {
    if (mine && (!other || mine.aStart + mine.aCount < other.aStart)) {
      append(hunks, takeOurs(texts, mine, other));
      mine = changes.ours[++i];
    } else if (other && (!mine || other.aStart + other.aCount < mine.aStart)) {
      append(hunks, takeTheirs(texts, other, mine));
      other = changes.theirs[++j];
    } else if (mine && other) {
      if (!isSameChange(texts, mine, other)) append(hunks, clash(mine, other));
      const mineEnd = mine.aStart + mine.aCount;
      const otherEnd = other.aStart + other.aCount;
      if (mineEnd >= otherEnd) other = changes.theirs[++j];
      if (otherEnd >= mineEnd) mine = changes.ours[++i];
    }
  }
  return hunks;
}

function takeOurs(
  { base, theirs }: NumberedTexts,
  mine: LineChange,
  other: LineChange | undefined,
): MergeHunk {
  const shift = other ? other.bStart - other.aStart : theirs.length - base.length;
  return {
    kind: "ours",
    oursStart: mine.bStart,
    oursCount: mine.bCount,
    theirsStart: mine.aStart + shift,
    theirsCount: mine.aCount,
  };
}

function takeTheirs(
  { base, ours }: NumberedTexts,
  other: LineChange,
  mine: LineChange | undefined,
): MergeHunk {
  const shift = mine ? mine.bStart - mine.aStart : ours.length - base.length;
  return {
    kind: "theirs",
    oursStart: other.aStart + shift,
    oursCount: other.aCount,
    theirsStart: other.bStart,
    theirsCount: other.bCount,
  };
}

/** Both change the same lines, or lines that touch: each side's part is widened to the lines that either changed. */
function clash(mine: LineChange, other: LineChange): MergeHunk {
  const start = mine.aStart - other.aStart;
  const end = start + mine.aCount - other.aCount;
  const oursStart = mine.bStart - Math.max(start, 0);
  const theirsStart = other.bStart + Math.min(start, 0);
  return {
    kind: "conflict",
    oursStart,
    oursCount: mine.bStart + mine.bCount - oursStart - Math.min(end, 0),
    theirsStart,
    theirsCount: other.bStart + other.bCount - theirsStart + Math.max(end, 0),
  };
}

function isSameChange({ ours, theirs }: NumberedTexts, mine: LineChange, other: LineChange): boolean {
  if (mine.aStart !== other.aStart || mine.aCount !== other.aCount || mine.bCount !== other.bCount)
    return false;
  for (let k = 0; k < mine.bCount; k++) {
    if (ours[mine.bStart + k] !== theirs[other.bStart + k]) return false;
  }
  return true;
}

/** Adds a hunk; one that touches the last becomes part of it, and a conflict unless they are of one kind. */
function append(hunks: MergeHunk[], hunk: MergeHunk): void {
  const last = hunks.at(-1);
  const touches =
    last &&
    (hunk.oursStart <= last.oursStart + last.oursCount ||
      hunk.theirsStart <= last.theirsStart + last.theirsCount);
  if (!touches) {
    hunks.push(hunk);
    return;
  }
  if (last.kind !== hunk.kind) last.kind = "conflict";
  last.oursCount = hunk.oursStart + hunk.oursCount - last.oursStart;
  last.theirsCount = hunk.theirsStart + hunk.theirsCount - last.theirsStart;
}

/** Takes out of a conflict the lines that both sides have. */
function refineConflict(texts: NumberedTexts, hunk: MergeHunk, options: HunkOptions): MergeHunk[] {
  if (hunk.kind !== "conflict" || hunk.oursCount === 0 || hunk.theirsCount === 0) return [hunk];
  const ours = texts.ours.subarray(hunk.oursStart, hunk.oursStart + hunk.oursCount);
  const theirs = texts.theirs.subarray(hunk.theirsStart, hunk.theirsStart + hunk.theirsCount);
  const changes = diffNumbers(ours, theirs, options);
  if (changes.length === 0) return [{ ...hunk, kind: "same" }];
  return changes.map((change) => ({
    kind: "conflict",
    oursStart: hunk.oursStart + change.aStart,
    oursCount: change.aCount,
    theirsStart: hunk.theirsStart + change.bStart,
    theirsCount: change.bCount,
  }));
}

function joinConflicts(hunks: readonly MergeHunk[], { isWorthKeeping }: HunkOptions): readonly MergeHunk[] {
  const joined: MergeHunk[] = [];
  for (const hunk of hunks) {
    const last = joined.at(-1);
    if (last?.kind === "conflict" && hunk.kind === "conflict") {
      const from = last.oursStart + last.oursCount;
      const keep = hunk.oursStart - from > GAP_MAX && (isWorthKeeping?.(from, hunk.oursStart) ?? true);
      if (!keep) {
        last.oursCount = hunk.oursStart + hunk.oursCount - last.oursStart;
        last.theirsCount = hunk.theirsStart + hunk.theirsCount - last.theirsStart;
        continue;
      }
    }
    joined.push({ ...hunk });
  }
  return joined;
}
