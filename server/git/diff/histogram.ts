/**
 * Histogram diff (as in JGit and git): cuts two texts at the longest common run that holds the rarest line, and goes on
 * above and below. Without a rare line in common it leaves the region to Myers. Git merges with this one.
 */
import type { ChangeMarks, Region } from "./change-marks.ts";
import type { DiffBudget } from "./diff-budget.ts";
import { markMyers } from "./myers.ts";

/** Lines that are there more often than this are never what a cut is built around. */
const COUNT_MAX = 64;

interface Texts {
  readonly a: Int32Array;
  readonly b: Int32Array;
}

/** Where each line of one region of `a` stands: the first place by number, then from place to place. */
interface Places {
  readonly first: Map<number, number>;
  readonly counts: Map<number, number>;
  /** By place below `aFrom`; -1 at the end. */
  readonly next: Int32Array;
}

interface Run extends Region {
  /** How often its rarest line is in `a`. */
  readonly count: number;
}

export function markHistogram(
  texts: Texts,
  whole: Region,
  work: { readonly marks: ChangeMarks; readonly budget: DiffBudget },
): void {
  const { marks, budget } = work;
  const regions: Region[] = [whole];
  for (let region = regions.pop(); region; region = regions.pop()) {
    const { aFrom, aTo, bFrom, bTo } = region;
    const found = aFrom < aTo && bFrom < bTo && budget.steps >= 0 ? findRun(texts, region, budget) : "none";
    if (found === "none") {
      marks.a.fill(1, aFrom, aTo);
      marks.b.fill(1, bFrom, bTo);
    } else if (found === "frequent") {
      markMyers(texts, region, work);
    } else {
      regions.push(
        { aFrom: found.aTo, aTo, bFrom: found.bTo, bTo },
        { aFrom, aTo: found.aFrom, bFrom, bTo: found.bFrom },
      );
    }
  }
}

/** The run to cut at; `frequent`: all that is in common is too frequent. */
function findRun(texts: Texts, region: Region, budget: DiffBudget): Run | "none" | "frequent" {
  const places = listPlaces(texts.a, region);
  const search: Search = { texts, region, places, budget, best: null, count: COUNT_MAX + 1, common: false };
  for (let b = region.bFrom; b < region.bTo && budget.steps >= 0; ) b = extendBest(search, b);
  if (search.common && search.count > COUNT_MAX) return "frequent";
  return search.best ?? "none";
}

function listPlaces(a: Int32Array, { aFrom, aTo }: Region): Places {
  const first = new Map<number, number>();
  const counts = new Map<number, number>();
  const next = new Int32Array(aTo - aFrom).fill(-1);
  for (let i = aTo - 1; i >= aFrom; i--) {
    const line = a[i] as number;
    const known = first.get(line);
    if (known !== undefined) next[i - aFrom] = known;
    first.set(line, i);
    counts.set(line, (counts.get(line) ?? 0) + 1);
  }
  return { first, counts, next };
}

interface Search {
  readonly texts: Texts;
  readonly region: Region;
  readonly places: Places;
  readonly budget: DiffBudget;
  best: Run | null;
  /** How often the rarest line of the best run is there. */
  count: number;
  common: boolean;
}

/** Tries all runs through line `bAt`; gives the line to go on with. */
function extendBest(search: Search, bAt: number): number {
  const { texts, region, places, budget } = search;
  const line = texts.b[bAt] as number;
  const count = places.counts.get(line);
  budget.steps--;
  if (count === undefined) return bAt + 1;
  search.common = true;
  if (count > search.count) return bAt + 1;
  let next = bAt + 1;
  let aAt = places.first.get(line) ?? -1;
  while (aAt >= 0) {
    const run = growRun(search, { aAt, bAt, count });
    budget.steps -= run.aTo - run.aFrom;
    next = Math.max(next, run.bTo);
    const length = search.best ? search.best.aTo - search.best.aFrom : 1;
    if (length < run.aTo - run.aFrom || run.count < search.count) {
      search.best = run;
      search.count = run.count;
    }
    // What the run holds already would give the same run.
    do aAt = places.next[aAt - region.aFrom] as number;
    while (aAt >= 0 && aAt < run.aTo);
    if (budget.steps < 0) break;
  }
  return next;
}

function growRun(
  { texts: { a, b }, region, places }: Search,
  { aAt, bAt, count }: { readonly aAt: number; readonly bAt: number; readonly count: number },
): Run {
  let aFrom = aAt;
  let bFrom = bAt;
  let rarest = count;
  const take = (i: number) => {
    if (rarest > 1) rarest = Math.min(rarest, places.counts.get(a[i] as number) ?? rarest);
  };
  while (aFrom > region.aFrom && bFrom > region.bFrom && a[aFrom - 1] === b[bFrom - 1]) {
    take(--aFrom);
    bFrom--;
  }
  let aTo = aAt + 1;
  let bTo = bAt + 1;
  while (aTo < region.aTo && bTo < region.bTo && a[aTo] === b[bTo]) {
    take(aTo++);
    bTo++;
  }
  return { aFrom, aTo, bFrom, bTo, count: rarest };
}
