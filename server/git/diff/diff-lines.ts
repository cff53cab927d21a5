import { type ChangeMarks, type LineChange, listChanges } from "./change-marks.ts";
import { createDiffBudget, type DiffBudget } from "./diff-budget.ts";
import { markHistogram } from "./histogram.ts";
import { type Lines, numberLines } from "./lines.ts";
import { markMyers } from "./myers.ts";
import { type Side, slideChanges } from "./slide-changes.ts";

export interface LineDiffOptions {
  /** `git diff` and `git merge-file` take Myers, `git merge` the histogram. */
  readonly algorithm?: "myers" | "histogram";
  readonly budget?: DiffBudget;
}

/**
 * Where two texts differ, as `git diff` shows it.
 * Time grows with the lines times the edits, up to the budget; memory with the lines.
 */
export function diffLines(a: Lines, b: Lines, options: LineDiffOptions = {}): readonly LineChange[] {
  const [aNumbers, bNumbers] = numberLines([a, b]) as [Int32Array, Int32Array];
  const marks = markChanges({ a: aNumbers, b: bNumbers }, options);
  const left: Side = { lines: aNumbers, marks: marks.a, content: a };
  const right: Side = { lines: bNumbers, marks: marks.b, content: b };
  slideChanges(left, right);
  slideChanges(right, left);
  return listChanges(marks);
}

/** The same for lines that are numbered already, and without a look at indentation: what merges are built on. */
export function diffNumbers(
  a: Int32Array,
  b: Int32Array,
  options: LineDiffOptions = {},
): readonly LineChange[] {
  const marks = markChanges({ a, b }, options);
  const left: Side = { lines: a, marks: marks.a };
  const right: Side = { lines: b, marks: marks.b };
  slideChanges(left, right);
  slideChanges(right, left);
  return listChanges(marks);
}

function markChanges(
  lines: { readonly a: Int32Array; readonly b: Int32Array },
  { algorithm = "myers", budget = createDiffBudget() }: LineDiffOptions,
): ChangeMarks {
  const marks = { a: new Uint8Array(lines.a.length), b: new Uint8Array(lines.b.length) };
  const whole = { aFrom: 0, aTo: lines.a.length, bFrom: 0, bTo: lines.b.length };
  if (algorithm === "myers") markMyers(lines, whole, { marks, budget });
  else markHistogram(lines, whole, { marks, budget });
  return marks;
}
