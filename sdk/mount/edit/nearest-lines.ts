import { decodeText } from "../kernel/text.ts";
import { encodeByteText, fromByteText, splitLines } from "./byte-text.ts";

/** The place of a file that is most like a text that is not in it. */
export interface NearestLines {
  /** 1-based, both included. */
  readonly from: number;
  readonly to: number;
  readonly text: string;
  /** What tells the two apart, when that is something that is easily overlooked. */
  readonly difference: "line ends" | "whitespace" | "case" | null;
}

const SHOWN_CHARS = 2_000;
/** Comparisons of lines; above it only a part of a long text is looked for. */
const MAX_WORK = 2_000_000;
/** Below this share of likeness a place is no help. */
const MIN_LIKENESS = 0.4;

/** Finds the lines most like `wanted`; null when nothing is. Both in bytes. */
export function findNearestLines(content: string, wanted: string): NearestLines | null {
  const lines = splitLines(content).map(strip);
  const sought = splitLines(wanted).map(strip);
  const window = Math.min(sought.length, Math.max(1, Math.floor(MAX_WORK / Math.max(1, lines.length))));
  let best = { at: -1, likeness: 0 };
  for (let at = 0; at + Math.min(window, lines.length) <= lines.length; at += 1) {
    const likeness = compareWindow(lines, sought, { at, window });
    if (likeness > best.likeness) best = { at, likeness };
  }
  if (best.likeness < MIN_LIKENESS) return null;
  const found = lines.slice(best.at, best.at + sought.length);
  return {
    from: best.at + 1,
    to: best.at + found.length,
    text: decodeText(fromByteText(found.join("\n"))).slice(0, SHOWN_CHARS),
    difference: nameDifference(content, wanted, found.join("\n")),
  };
}

function strip(line: string): string {
  return line.replace(/\r?\n$/, "");
}

function compareWindow(
  lines: readonly string[],
  sought: readonly string[],
  { at, window }: { readonly at: number; readonly window: number },
): number {
  let sum = 0;
  for (let index = 0; index < window; index += 1)
    sum += compareLines(lines[at + index] ?? "", sought[index] ?? "");
  return sum / window;
}

/** 1 for equal lines, less the less they have in common. */
function compareLines(a: string, b: string): number {
  if (a === b) return 1;
  const [left, right] = [squeeze(a), squeeze(b)];
  if (left === right) return 0.95;
  if (left === "" || right === "") return 0;
  return 0.9 * sharePairs(left, right);
}

function squeeze(line: string): string {
  return line.trim().replace(/\s+/g, " ");
}

/** Share of pairs of neighbouring characters that two lines have in common (Dice). */
function sharePairs(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  if (shorter < 2 || shorter * 4 < Math.max(a.length, b.length)) return 0;
  const counts = new Map<string, number>();
  for (let index = 0; index + 1 < a.length; index += 1) {
    const pair = a.slice(index, index + 2);
    counts.set(pair, (counts.get(pair) ?? 0) + 1);
  }
  let shared = 0;
  for (let index = 0; index + 1 < b.length; index += 1) {
    const pair = b.slice(index, index + 2);
    const left = counts.get(pair) ?? 0;
    if (left > 0) shared += 1;
    counts.set(pair, left - 1);
  }
  return (2 * shared) / (a.length + b.length - 2);
}

function nameDifference(content: string, wanted: string, found: string): NearestLines["difference"] {
  const unix = wanted.replaceAll("\r\n", "\n");
  if (unix !== wanted ? content.includes(unix) : content.includes(wanted.replaceAll("\n", "\r\n")))
    return "line ends";
  const flat = (text: string) => text.replace(/\s+/g, "");
  if (flat(found).includes(flat(wanted))) return "whitespace";
  return flat(found).toLowerCase().includes(flat(wanted).toLowerCase()) ? "case" : null;
}

/** 1-based numbers of the lines that a text begins in, the first `limit` of them. */
export function listMatchLines(content: string, wanted: string, limit: number): number[] {
  const numbers: number[] = [];
  let line = 1;
  let counted = 0;
  const needle = encodeByteText(wanted);
  for (
    let at = content.indexOf(needle);
    at !== -1 && numbers.length < limit;
    at = content.indexOf(needle, at + 1)
  ) {
    for (
      let end = content.indexOf("\n", counted);
      end !== -1 && end < at;
      end = content.indexOf("\n", counted)
    ) {
      line += 1;
      counted = end + 1;
    }
    numbers.push(line);
  }
  return numbers;
}
