/**
 * Many diffs are equally short: a run of changed lines can slide up while the line above it equals its last one. Git
 * slides each run as far down as it goes, to join with others on the way, and then back to where it stands against a
 * change of the other text; else, where asked, to where the indentation looks best.
 */
import { pickByIndent } from "./indent-score.ts";
import type { Lines } from "./lines.ts";

/** One text: its lines by number, which of them are changed, and (for the look of it) its content. */
export interface Side {
  readonly lines: Int32Array;
  readonly marks: Uint8Array;
  /** Absent: indentation does not count. */
  readonly content?: Lines;
}

/** Lines [start, end) are changed; empty between two unchanged lines. */
interface Group {
  start: number;
  end: number;
}

/** Slides the changes of `side` only; `other` stays as it is. */
export function slideChanges(side: Side, other: Side): void {
  const group = firstGroup(side.marks);
  const opposite = firstGroup(other.marks);
  do {
    if (group.end > group.start) slideGroup(side, other, { group, opposite });
  } while (moveNext(side, group) && moveNext(other, opposite));
}

interface Pair {
  readonly group: Group;
  /** The run of the other text, maybe empty, that stands at the same place. */
  readonly opposite: Group;
}

function slideGroup(side: Side, other: Side, { group, opposite }: Pair): void {
  let size: number;
  let highest: number;
  let matched: boolean;
  do {
    size = group.end - group.start;
    while (slideUp(side, group)) movePrevious(other, opposite);
    highest = group.end;
    matched = opposite.end > opposite.start;
    while (slideDown(side, group)) {
      moveNext(other, opposite);
      matched ||= opposite.end > opposite.start;
    }
  } while (size !== group.end - group.start);
  if (group.end === highest) return;
  const { content } = side;
  if (!matched && !content) return;
  const target =
    !matched && content ? pickByIndent(content, { highest, lowest: group.end, size }) : Number.NaN;
  while (matched ? opposite.end === opposite.start : group.end > target) {
    if (!slideUp(side, group)) return;
    movePrevious(other, opposite);
  }
}

function firstGroup(marks: Uint8Array): Group {
  let end = 0;
  while (marks[end]) end++;
  return { start: 0, end };
}

function moveNext({ marks, lines }: Side, group: Group): boolean {
  if (group.end === lines.length) return false;
  group.start = group.end + 1;
  group.end = group.start;
  while (marks[group.end]) group.end++;
  return true;
}

function movePrevious({ marks }: Side, group: Group): void {
  if (group.start === 0) return;
  group.end = group.start - 1;
  group.start = group.end;
  while (group.start > 0 && marks[group.start - 1]) group.start--;
}

function slideDown({ marks, lines }: Side, group: Group): boolean {
  if (group.end >= lines.length || lines[group.start] !== lines[group.end]) return false;
  marks[group.start++] = 0;
  marks[group.end++] = 1;
  while (marks[group.end]) group.end++;
  return true;
}

function slideUp({ marks, lines }: Side, group: Group): boolean {
  if (group.start === 0 || lines[group.start - 1] !== lines[group.end - 1]) return false;
  marks[--group.start] = 1;
  marks[--group.end] = 0;
  while (group.start > 0 && marks[group.start - 1]) group.start--;
  return true;
}
