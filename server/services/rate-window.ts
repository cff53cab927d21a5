/** A window of time that slides in sixty steps, and what was counted in it. */
export interface RateWindow {
  readonly sizeMs: number;
  /** What still counts. */
  used(nowMs: number): number;
  add(units: number, nowMs: number): void;
  /** When at least `units` of what counts now will not count any more, if nothing is added. */
  freeAtMs(units: number, nowMs: number): number;
  /** When nothing counts any more, if nothing is added. */
  emptyAtMs(): number;
  save(): SavedWindow;
}

/** Number of the newest step, and what was counted in it and in the ones before, newest first. */
export interface SavedWindow {
  readonly step: number;
  readonly counts: readonly number[];
}

const STEPS = 60;
/** The oldest step lies only partly inside the window; it counts whole, so that no window ever holds more than it may. */
const KEPT = STEPS + 1;

/** Costs a quarter of a kilobyte, however much is counted. */
export function openRateWindow(sizeMs: number, saved?: SavedWindow): RateWindow {
  const stepMs = sizeMs / STEPS;
  const counts = new Uint32Array(KEPT);
  let newest = saved?.step ?? 0;
  let total = 0;
  for (const [age, count] of (saved?.counts ?? []).slice(0, KEPT).entries()) {
    counts[slotOf(newest - age)] = count;
    total += count;
  }

  function slotOf(step: number): number {
    return ((step % KEPT) + KEPT) % KEPT;
  }
  const countAt = (step: number) => counts[slotOf(step)] ?? 0;
  const roll = (nowMs: number) => {
    const step = Math.floor(nowMs / stepMs);
    // A clock that goes back goes on with the step that it was in.
    for (let next = Math.max(newest + 1, step - KEPT + 1); next <= step; next++) {
      total -= countAt(next);
      counts[slotOf(next)] = 0;
    }
    if (step - newest >= KEPT) total = 0;
    newest = Math.max(newest, step);
  };

  return {
    sizeMs,
    used(nowMs) {
      roll(nowMs);
      return total;
    },
    add(units, nowMs) {
      roll(nowMs);
      counts[slotOf(newest)] = countAt(newest) + units;
      total += units;
    },
    freeAtMs(units, nowMs) {
      roll(nowMs);
      let freed = 0;
      for (let step = newest - STEPS; step <= newest; step++) {
        freed += countAt(step);
        if (freed >= units) return (step + KEPT) * stepMs;
      }
      return (newest + KEPT) * stepMs;
    },
    emptyAtMs() {
      let step = newest;
      while (step > newest - KEPT && countAt(step) === 0) step--;
      return (step + KEPT) * stepMs;
    },
    save() {
      const ages = Array.from({ length: KEPT }, (_, age) => countAt(newest - age));
      return { step: newest, counts: ages.slice(0, ages.findLastIndex((count) => count > 0) + 1) };
    },
  };
}
