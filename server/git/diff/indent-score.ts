/**
 * Where a run of changed lines that can slide looks best, judged by indentation and blank lines at its two edges.
 * Git's indent heuristic with git's weights (git-diff(1), --indent-heuristic).
 */
import { type Lines, lineStart } from "./lines.ts";

const SLIDE_MAX = 100;
const INDENT_MAX = 200;
const BLANKS_MAX = 20;
const BLANK_LINE = -1;

const INDENT_WEIGHT = 60;
const START_OF_FILE = 1;
const END_OF_FILE = 21;
const EACH_BLANK = -30;
const EACH_BLANK_AFTER = 6;
/** [without, with blank lines at the edge] */
const DEEPER = [-4, 10] as const;
const SHALLOWER_THEN_DEEPER = [24, 17] as const;
const SHALLOWER = [23, 17] as const;

interface Score {
  indent: number;
  penalty: number;
}

/** The end, between `highest` and `lowest`, of the best place for a run of `size` lines; the lower of equals. */
export function pickByIndent(
  lines: Lines,
  { highest, lowest, size }: { readonly highest: number; readonly lowest: number; readonly size: number },
): number {
  let best: Score | null = null;
  let bestEnd = lowest;
  for (let end = Math.max(highest, lowest - size - 1, lowest - SLIDE_MAX); end <= lowest; end++) {
    const score: Score = { indent: 0, penalty: 0 };
    addEdge(score, lines, end);
    addEdge(score, lines, end - size);
    if (best === null || compareScores(score, best) <= 0) {
      best = score;
      bestEnd = end;
    }
  }
  return bestEnd;
}

function compareScores(a: Score, b: Score): number {
  return INDENT_WEIGHT * Math.sign(a.indent - b.indent) + (a.penalty - b.penalty);
}

/** Adds what an edge above line `at` costs. */
function addEdge(score: Score, lines: Lines, at: number): void {
  const own = at >= lines.count ? BLANK_LINE : measureIndent(lines, at);
  const before = lookFor(lines, at - 1, -1);
  const after = lookFor(lines, at + 1, 1);
  if (before.indent === BLANK_LINE && before.blanks === 0) score.penalty += START_OF_FILE;
  if (at >= lines.count) score.penalty += END_OF_FILE;
  const blanksAfter = own === BLANK_LINE ? 1 + after.blanks : 0;
  const blanks = before.blanks + blanksAfter;
  score.penalty += EACH_BLANK * blanks + EACH_BLANK_AFTER * blanksAfter;
  const indent = own === BLANK_LINE ? after.indent : own;
  score.indent += indent;
  if (indent === BLANK_LINE || before.indent === BLANK_LINE || indent === before.indent) return;
  const weights = indent > before.indent ? DEEPER : after.indent > indent ? SHALLOWER_THEN_DEEPER : SHALLOWER;
  score.penalty += weights[blanks === 0 ? 0 : 1];
}

/** The next line that is not blank, and the blank ones on the way. */
function lookFor(
  lines: Lines,
  from: number,
  step: 1 | -1,
): { readonly indent: number; readonly blanks: number } {
  let blanks = 0;
  for (let i = from; i >= 0 && i < lines.count; i += step) {
    const indent = measureIndent(lines, i);
    if (indent !== BLANK_LINE) return { indent, blanks };
    if (++blanks === BLANKS_MAX) return { indent: 0, blanks };
  }
  return { indent: BLANK_LINE, blanks };
}

function measureIndent(lines: Lines, index: number): number {
  let indent = 0;
  const end = lineStart(lines, index + 1);
  for (let i = lineStart(lines, index); i < end; i++) {
    const byte = lines.bytes[i] as number;
    if (byte === 0x20) indent++;
    else if (byte === 0x09) indent += 8 - (indent % 8);
    else if (byte < 0x09 || byte > 0x0d) return indent;
    if (indent >= INDENT_MAX) return INDENT_MAX;
  }
  return BLANK_LINE;
}
