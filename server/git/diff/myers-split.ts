/**
 * The middle of a shortest edit script, found from both ends at once in linear space (E. Myers, "An O(ND) Difference
 * Algorithm and Its Variations", 1986, section 4b), with git's two ways out where that gets dear: a long run of equal
 * lines far ahead is taken for the middle, and after so many edits the furthest path is. The same numbers as git's
 * (xdiff), because they decide which of several equally short diffs comes out.
 */
import type { DiffBudget } from "./diff-budget.ts";

export interface Box {
  readonly aFrom: number;
  readonly aTo: number;
  readonly bFrom: number;
  readonly bTo: number;
  /** No short cuts: the box is known to be on a shortest path. */
  readonly exact: boolean;
}

export interface Split {
  readonly a: number;
  readonly b: number;
  readonly exactBefore: boolean;
  readonly exactAfter: boolean;
}

/** Furthest points of the two searches by diagonal. */
export interface Frontiers {
  readonly forward: Int32Array;
  readonly backward: Int32Array;
  /** Added to a diagonal to make an index. */
  readonly shift: number;
  /** Edits after which the furthest path is good enough. */
  readonly editsMax: number;
}

interface Search extends Box {
  readonly lines: { readonly a: Int32Array; readonly b: Int32Array };
  readonly frontiers: Frontiers;
  readonly forwardMid: number;
  readonly backwardMid: number;
  forwardMin: number;
  forwardMax: number;
  backwardMin: number;
  backwardMax: number;
  sawRun: boolean;
}

const LONG_RUN = 20;
const SHORT_CUT_EDITS = 256;
const SHORT_CUT_FACTOR = 4;
const EDITS_MIN = 256;
const FAR = 0x7fffffff;

export function createFrontiers(aCount: number, bCount: number): Frontiers {
  const diagonals = aCount + bCount + 3;
  return {
    forward: new Int32Array(diagonals + 2),
    backward: new Int32Array(diagonals + 2),
    shift: bCount + 1,
    editsMax: Math.max(EDITS_MIN, roughSquareRoot(diagonals)),
  };
}

/** The power of two next above a square root, as git estimates it. */
export function roughSquareRoot(n: number): number {
  let root = 1;
  for (let rest = n; rest > 0; rest = Math.floor(rest / 4)) root *= 2;
  return root;
}

/** Where to cut a box whose first and last lines differ and whose sides are both not empty. */
export function findSplit(
  lines: { readonly a: Int32Array; readonly b: Int32Array },
  box: Box,
  { frontiers, budget }: { readonly frontiers: Frontiers; readonly budget: DiffBudget },
): Split {
  const search = openSearch(lines, box, frontiers);
  const odd = ((search.forwardMid - search.backwardMid) & 1) !== 0;
  for (let edits = 1; ; edits++) {
    search.sawRun = false;
    const met = stepForward(search, odd) ?? stepBackward(search, !odd);
    if (met) return met;
    budget.steps -= search.forwardMax - search.forwardMin + search.backwardMax - search.backwardMin + 2;
    if (budget.steps < 0) return takeFurthest(search);
    if (box.exact) continue;
    const shortCut = search.sawRun && edits > SHORT_CUT_EDITS ? findShortCut(search, edits) : null;
    if (shortCut) return shortCut;
    if (edits >= frontiers.editsMax) return takeFurthest(search);
  }
}

function openSearch(lines: Search["lines"], box: Box, frontiers: Frontiers): Search {
  const forwardMid = box.aFrom - box.bFrom;
  const backwardMid = box.aTo - box.bTo;
  frontiers.forward[frontiers.shift + forwardMid] = box.aFrom;
  frontiers.backward[frontiers.shift + backwardMid] = box.aTo;
  return {
    ...box,
    lines,
    frontiers,
    forwardMid,
    backwardMid,
    forwardMin: forwardMid,
    forwardMax: forwardMid,
    backwardMin: backwardMid,
    backwardMax: backwardMid,
    sawRun: false,
  };
}

/** One more edit from the start; the split where the searches meet, when they may (`meets`). */
function stepForward(search: Search, meets: boolean): Split | null {
  const { aTo, bTo, backwardMin, backwardMax } = search;
  const { forward, backward, shift } = search.frontiers;
  const { a, b } = search.lines;
  if (search.forwardMin > search.aFrom - bTo) forward[shift + --search.forwardMin - 1] = -1;
  else search.forwardMin++;
  if (search.forwardMax < aTo - search.bFrom) forward[shift + ++search.forwardMax + 1] = -1;
  else search.forwardMax--;
  for (let d = search.forwardMax; d >= search.forwardMin; d -= 2) {
    const below = forward[shift + d - 1] as number;
    const above = forward[shift + d + 1] as number;
    const from = below >= above ? below + 1 : above;
    let i = from;
    let j = i - d;
    while (i < aTo && j < bTo && a[i] === b[j]) {
      i++;
      j++;
    }
    if (i - from > LONG_RUN) search.sawRun = true;
    forward[shift + d] = i;
    if (meets && backwardMin <= d && d <= backwardMax && (backward[shift + d] as number) <= i) {
      return { a: i, b: j, exactBefore: true, exactAfter: true };
    }
  }
  return null;
}

/** One more edit from the end. */
function stepBackward(search: Search, meets: boolean): Split | null {
  const { aFrom, bFrom, forwardMin, forwardMax } = search;
  const { forward, backward, shift } = search.frontiers;
  const { a, b } = search.lines;
  if (search.backwardMin > aFrom - search.bTo) backward[shift + --search.backwardMin - 1] = FAR;
  else search.backwardMin++;
  if (search.backwardMax < search.aTo - bFrom) backward[shift + ++search.backwardMax + 1] = FAR;
  else search.backwardMax--;
  for (let d = search.backwardMax; d >= search.backwardMin; d -= 2) {
    const below = backward[shift + d - 1] as number;
    const above = backward[shift + d + 1] as number;
    const from = below < above ? below : above - 1;
    let i = from;
    let j = i - d;
    while (i > aFrom && j > bFrom && a[i - 1] === b[j - 1]) {
      i--;
      j--;
    }
    if (from - i > LONG_RUN) search.sawRun = true;
    backward[shift + d] = i;
    if (meets && forwardMin <= d && d <= forwardMax && i <= (forward[shift + d] as number)) {
      return { a: i, b: j, exactBefore: true, exactAfter: true };
    }
  }
  return null;
}

/** A path that got much further than its edits, and stands behind a long run of equal lines. */
function findShortCut(search: Search, edits: number): Split | null {
  const ahead = findForwardShortCut(search, edits);
  if (ahead) return { ...ahead, exactBefore: true, exactAfter: false };
  const behind = findBackwardShortCut(search, edits);
  return behind && { ...behind, exactBefore: false, exactAfter: true };
}

function findForwardShortCut(search: Search, edits: number): { a: number; b: number } | null {
  const { aFrom, aTo, bFrom, bTo } = search;
  const { forward, shift } = search.frontiers;
  let best = 0;
  let found: { a: number; b: number } | null = null;
  for (let d = search.forwardMax; d >= search.forwardMin; d -= 2) {
    const i = forward[shift + d] as number;
    const j = i - d;
    const gain = i - aFrom + (j - bFrom) - Math.abs(d - search.forwardMid);
    const inside = aFrom + LONG_RUN <= i && i < aTo && bFrom + LONG_RUN <= j && j < bTo;
    if (gain <= SHORT_CUT_FACTOR * edits || gain <= best || !inside) continue;
    if (!hasRun(search, i - LONG_RUN, j - LONG_RUN)) continue;
    best = gain;
    found = { a: i, b: j };
  }
  return found;
}

function findBackwardShortCut(search: Search, edits: number): { a: number; b: number } | null {
  const { aFrom, aTo, bFrom, bTo } = search;
  const { backward, shift } = search.frontiers;
  let best = 0;
  let found: { a: number; b: number } | null = null;
  for (let d = search.backwardMax; d >= search.backwardMin; d -= 2) {
    const i = backward[shift + d] as number;
    const j = i - d;
    const gain = aTo - i + (bTo - j) - Math.abs(d - search.backwardMid);
    const inside = aFrom < i && i <= aTo - LONG_RUN && bFrom < j && j <= bTo - LONG_RUN;
    if (gain <= SHORT_CUT_FACTOR * edits || gain <= best || !inside) continue;
    if (!hasRun(search, i, j)) continue;
    best = gain;
    found = { a: i, b: j };
  }
  return found;
}

function hasRun({ lines: { a, b } }: Search, i: number, j: number): boolean {
  for (let k = 0; k < LONG_RUN; k++) if (a[i + k] !== b[j + k]) return false;
  return true;
}

/** Of both searches, the point that got furthest. */
function takeFurthest(search: Search): Split {
  const { aFrom, aTo, bFrom, bTo } = search;
  const { forward, backward, shift } = search.frontiers;
  let most = -1;
  let mostA = -1;
  for (let d = search.forwardMax; d >= search.forwardMin; d -= 2) {
    const i = Math.min(forward[shift + d] as number, aTo, bTo + d);
    if (most < i + i - d) {
      most = i + i - d;
      mostA = i;
    }
  }
  let least = FAR;
  let leastA = FAR;
  for (let d = search.backwardMax; d >= search.backwardMin; d -= 2) {
    const i = Math.max(aFrom, backward[shift + d] as number, bFrom + d);
    if (i + i - d < least) {
      least = i + i - d;
      leastA = i;
    }
  }
  return aTo + bTo - least < most - (aFrom + bFrom)
    ? { a: mostA, b: most - mostA, exactBefore: true, exactAfter: false }
    : { a: leastA, b: least - leastA, exactBefore: false, exactAfter: true };
}
