/**
 * What is left of two texts when lines are set aside that cannot be, or hardly will be, part of what they have in
 * common: lines that the other text does not have, and lines that it has very often, in the middle of such lines.
 * Git's rules and numbers (xdiff), because they decide which diff comes out.
 */
import type { ChangeMarks, Region } from "./change-marks.ts";
import { roughSquareRoot } from "./myers-split.ts";

export interface Candidates {
  readonly lines: Int32Array;
  /** Of each candidate, its line number in the text. */
  readonly places: Int32Array;
}

const OFTEN_MAX = 1_024;
const WINDOW = 100;
/** A frequent line goes when at least this many times as many lines around it go, as stay. */
const KEEP_FACTOR = 4;

const NONE = 0;
const SOME = 1;
const OFTEN = 2;

/** Marks the lines set aside as changed, and gives the others. Equal ends of the region are neither. */
export function pickCandidates(
  { a, b }: { readonly a: Int32Array; readonly b: Int32Array },
  region: Region,
  marks: ChangeMarks,
): { readonly a: Candidates; readonly b: Candidates } {
  const { aFrom, aTo, bFrom, bTo } = region;
  const inA = countLines(a, aFrom, aTo);
  const inB = countLines(b, bFrom, bTo);
  const shorter = Math.min(aTo - aFrom, bTo - bFrom);
  let head = 0;
  while (head < shorter && a[aFrom + head] === b[bFrom + head]) head++;
  let tail = 0;
  while (tail < shorter - head && a[aTo - 1 - tail] === b[bTo - 1 - tail]) tail++;
  return {
    a: pick(a.subarray(0, aTo - tail), aFrom + head, { other: inB, whole: aTo - aFrom, marks: marks.a }),
    b: pick(b.subarray(0, bTo - tail), bFrom + head, { other: inA, whole: bTo - bFrom, marks: marks.b }),
  };
}

function countLines(lines: Int32Array, from: number, to: number): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (let i = from; i < to; i++) {
    const line = lines[i] as number;
    counts.set(line, (counts.get(line) ?? 0) + 1);
  }
  return counts;
}

function pick(
  lines: Int32Array,
  from: number,
  {
    other,
    whole,
    marks,
  }: {
    readonly other: ReadonlyMap<number, number>;
    /** Lines of the region, equal ends included. */
    readonly whole: number;
    readonly marks: Uint8Array;
  },
): Candidates {
  const often = Math.min(roughSquareRoot(whole), OFTEN_MAX);
  const count = lines.length - from;
  const matches = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const times = other.get(lines[from + i] as number) ?? 0;
    matches[i] = times === 0 ? NONE : times >= often ? OFTEN : SOME;
  }
  const kept = new Int32Array(count);
  const places = new Int32Array(count);
  let length = 0;
  for (let i = 0; i < count; i++) {
    if (matches[i] === SOME || (matches[i] === OFTEN && !isAmongOthers(matches, i))) {
      kept[length] = lines[from + i] as number;
      places[length++] = from + i;
    } else {
      marks[from + i] = 1;
    }
  }
  return { lines: kept.subarray(0, length), places: places.subarray(0, length) };
}

/** Whether a frequent line stands among lines without a match on both sides. */
function isAmongOthers(matches: Uint8Array, at: number): boolean {
  const before = countRun(matches, at, -1);
  if (before.none === 0) return false;
  const after = countRun(matches, at, 1);
  if (after.none === 0) return false;
  // The line itself counts on both sides.
  const often = before.often + after.often + 2;
  return often * KEEP_FACTOR < often + before.none + after.none;
}

function countRun(matches: Uint8Array, at: number, step: 1 | -1): { none: number; often: number } {
  let none = 0;
  let often = 0;
  for (let distance = 1; distance <= WINDOW; distance++) {
    const kind = matches[at + step * distance];
    if (kind === NONE) none++;
    else if (kind === OFTEN) often++;
    else break;
  }
  return { none, often };
}
