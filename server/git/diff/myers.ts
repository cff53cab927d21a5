import type { ChangeMarks, Region } from "./change-marks.ts";
import type { DiffBudget } from "./diff-budget.ts";
import { type Box, createFrontiers, findSplit } from "./myers-split.ts";
import { pickCandidates } from "./pick-candidates.ts";

/**
 * Marks what changed in a region, as `git diff --diff-algorithm=myers` does: equal ends first, then without the lines
 * that cannot help, then along a shortest path through the rest.
 */
export function markMyers(
  lines: { readonly a: Int32Array; readonly b: Int32Array },
  region: Region,
  { marks, budget }: { readonly marks: ChangeMarks; readonly budget: DiffBudget },
): void {
  const picked = pickCandidates(lines, region, marks);
  const frontiers = createFrontiers(picked.a.lines.length, picked.b.lines.length);
  const candidates = { a: picked.a.lines, b: picked.b.lines };
  const boxes: Box[] = [
    { aFrom: 0, aTo: candidates.a.length, bFrom: 0, bTo: candidates.b.length, exact: false },
  ];
  for (let box = boxes.pop(); box; box = boxes.pop()) {
    const rest = dropEqualEnds(candidates, box, budget);
    if (rest.aFrom === rest.aTo || rest.bFrom === rest.bTo || budget.steps < 0) {
      for (let i = rest.aFrom; i < rest.aTo; i++) marks.a[picked.a.places[i] as number] = 1;
      for (let j = rest.bFrom; j < rest.bTo; j++) marks.b[picked.b.places[j] as number] = 1;
      continue;
    }
    const split = findSplit(candidates, rest, { frontiers, budget });
    boxes.push(
      { aFrom: split.a, aTo: rest.aTo, bFrom: split.b, bTo: rest.bTo, exact: split.exactAfter },
      { aFrom: rest.aFrom, aTo: split.a, bFrom: rest.bFrom, bTo: split.b, exact: split.exactBefore },
    );
  }
}

function dropEqualEnds(
  { a, b }: { readonly a: Int32Array; readonly b: Int32Array },
  box: Box,
  budget: DiffBudget,
): Box {
  let { aFrom, aTo, bFrom, bTo } = box;
  while (aFrom < aTo && bFrom < bTo && a[aFrom] === b[bFrom]) {
    aFrom++;
    bFrom++;
  }
  while (aFrom < aTo && bFrom < bTo && a[aTo - 1] === b[bTo - 1]) {
    aTo--;
    bTo--;
  }
  budget.steps -= aFrom - box.aFrom + (box.aTo - aTo) + 1;
  return { aFrom, aTo, bFrom, bTo, exact: box.exact };
}
