/** Lines looked at before the search for the nearest ones gives up: beyond, an answer would take longer than it helps. */
const MAX_LINES = 20_000;
const MAX_LINE_LENGTH = 400;

/** A place of a file that looks like what was sought. */
export interface NearLine {
  /** 1-based. */
  readonly line: number;
  readonly text: string;
}

/** Pairs of neighbouring characters with their counts, spaces left out, case folded. */
function countPairs(text: string): Map<string, number> {
  const letters = text.slice(0, MAX_LINE_LENGTH).replace(/\s+/g, "").toLowerCase();
  const pairs = new Map<string, number>();
  for (let at = 0; at + 1 < letters.length; at += 1) {
    const pair = letters.slice(at, at + 2);
    pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
  }
  return pairs;
}

function countAll(pairs: ReadonlyMap<string, number>): number {
  let total = 0;
  for (const count of pairs.values()) total += count;
  return total;
}

/** Pairs below which a text is too short to say that a longer line contains something like it. */
const MIN_CONTAINED_PAIRS = 4;

/**
 * How much a line is like what is sought: Dice's coefficient of their pairs, 1 for equal lines but for spaces and case;
 * or nearly the share of the sought pairs that the line has, for a piece of a longer line.
 */
function likeness(sought: ReadonlyMap<string, number>, line: ReadonlyMap<string, number>): number {
  const wanted = countAll(sought);
  const total = wanted + countAll(line);
  if (total === 0) return 0;
  let shared = 0;
  for (const [pair, count] of sought) shared += Math.min(count, line.get(pair) ?? 0);
  const contained = wanted < MIN_CONTAINED_PAIRS ? 0 : (0.9 * shared) / wanted;
  return Math.max((2 * shared) / total, contained);
}

/** What must be alike at least for a line to be worth showing. */
const WORTH_SHOWING = 0.5;

/** The lines of `text` that are most like the first telling line of `sought`, best first. */
export function findNearestLines(text: string, sought: string, limit = 3): NearLine[] {
  const wanted = sought.split("\n").find((line) => line.trim().length > 1);
  if (wanted === undefined) return [];
  const pairs = countPairs(wanted);
  return text
    .split("\n", MAX_LINES)
    .map((line, index) => ({ line: index + 1, text: line, score: likeness(pairs, countPairs(line)) }))
    .filter(({ score }) => score >= WORTH_SHOWING)
    .sort((a, b) => b.score - a.score)
    .slice(0, limit)
    .map(({ line, text: found }) => ({ line, text: found.slice(0, MAX_LINE_LENGTH) }));
}
