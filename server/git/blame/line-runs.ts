import type { LineChange } from "../diff/change-marks.ts";

/** Lines in a row of the file that is looked at, and where they are in a version of it. From 0. */
export interface LineRun {
  readonly final: number;
  readonly orig: number;
  readonly count: number;
}

/**
 * Parts runs of a newer version by a diff from an older one: what the older one has too, with its line numbers there, and
 * what is left. Changes are in the order of the lines; runs may come in any.
 */
export function splitRuns(
  runs: readonly LineRun[],
  changes: readonly LineChange[],
): { readonly passed: LineRun[]; readonly kept: LineRun[] } {
  const passed: LineRun[] = [];
  const kept: LineRun[] = [];
  const sorted = [...runs].sort((a, b) => a.orig - b.orig);
  let next = 0;
  for (const run of sorted) {
    const end = run.orig + run.count;
    while (next > 0 && endOf(changes[next - 1]) > run.orig) next--;
    let at = run.orig;
    while (at < end) {
      while (next < changes.length && endOf(changes[next]) <= at) next++;
      const change = changes[next];
      const isChanged = change !== undefined && change.bStart <= at;
      const stop = Math.min(end, change === undefined ? end : isChanged ? endOf(change) : change.bStart);
      const part = { final: run.final + at - run.orig, count: stop - at };
      if (isChanged) kept.push({ ...part, orig: at });
      else passed.push({ ...part, orig: at - shiftBefore(changes[next - 1]) });
      at = stop;
    }
  }
  return { passed, kept };
}

function endOf(change: LineChange | undefined): number {
  return change ? change.bStart + change.bCount : 0;
}

/** How much further down lines are in the newer version after a change. */
function shiftBefore(change: LineChange | undefined): number {
  return change ? change.bStart + change.bCount - change.aStart - change.aCount : 0;
}

/** Runs in the order of their final lines; those that go on in both versions are made one when `isOneSource` says so. */
export function joinRuns<T extends LineRun>(
  runs: readonly T[],
  isOneSource: (a: T, b: T) => boolean,
): readonly T[] {
  const joined: T[] = [];
  for (const run of [...runs].sort((a, b) => a.final - b.final)) {
    const last = joined.at(-1);
    const goesOn =
      last &&
      last.final + last.count === run.final &&
      last.orig + last.count === run.orig &&
      isOneSource(last, run);
    if (goesOn) joined[joined.length - 1] = { ...last, count: last.count + run.count };
    else joined.push(run);
  }
  return joined;
}
