import type { RateLimits, RatePolicy } from "../ports/account.ts";
import type { RateState } from "../ports/org.ts";
import { openRateWindow, type RateWindow, type SavedWindow } from "./rate-window.ts";

export type RateVerdict =
  | { readonly kind: "counted"; readonly rate: RateState }
  | { readonly kind: "limited"; readonly rate: RateState; readonly retryAfterSec: number };

export interface RateLimiter {
  /** Counts `units` requests (one when absent) of a caller (null: anonymous) unless a window has no room for them. */
  take(caller: string | null, nowMs: number, units?: number): RateVerdict;
  /** From now on other limits hold; what was counted counts on. */
  configure(policy: RatePolicy): void;
  /** What must not be forgotten: the org's windows, and of the callers those that have used up a tenth or more. */
  save(nowMs: number): SavedRates;
}

/** Of each, its minute and its hour. */
export interface SavedRates {
  readonly org: readonly SavedWindow[];
  readonly callers: readonly (readonly [caller: string, windows: readonly SavedWindow[]])[];
}

interface Windows {
  readonly minute: RateWindow;
  readonly hour: RateWindow;
}

/** A window, and how much may be counted in it. */
interface Bound {
  readonly window: RateWindow;
  readonly limit: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/**
 * Callers remembered at once, at under a kilobyte each; beyond it the one that has been quiet for longest is forgotten.
 * Whoever makes up callers without end is held by the org's windows, which are never forgotten.
 */
const CALLERS_MAX = 2_000;
const SAVED_SHARE = 0.1;

/** In no minute and no hour, whenever it begins, are more requests let through than the limits say. */
export function createRateLimiter(policy: RatePolicy, saved?: SavedRates): RateLimiter {
  let limits = policy;
  const org = openWindows(saved?.org);
  // Strangers have a budget of their own: they cannot use up the org's.
  const anonymous = openWindows();
  const callers = new Map(saved?.callers.map(([caller, windows]) => [caller, openWindows(windows)]));

  const findCaller = (caller: string): Windows => {
    const windows = callers.get(caller) ?? openWindows();
    callers.delete(caller);
    callers.set(caller, windows);
    const oldest = callers.size > CALLERS_MAX ? callers.keys().next().value : undefined;
    if (oldest !== undefined) callers.delete(oldest);
    return windows;
  };

  return {
    take(caller, nowMs, units = 1) {
      if (caller === null) return takeAll(boundBy(anonymous, limits.org), nowMs, units);
      const together = boundBy(org, limits.org);
      // First, so that callers who are made up do not push out the others.
      if (together.some(({ window, limit }) => limit - window.used(nowMs) < units)) {
        return takeAll(together, nowMs, units);
      }
      return takeAll([...boundBy(findCaller(caller), limits.key), ...together], nowMs, units);
    },
    configure(next) {
      limits = next;
    },
    save(nowMs) {
      const busy = [...callers].filter(([, windows]) =>
        boundBy(windows, limits.key).some(({ window, limit }) => window.used(nowMs) >= limit * SAVED_SHARE),
      );
      return {
        org: saveWindows(org),
        callers: busy.map(([caller, windows]) => [caller, saveWindows(windows)]),
      };
    },
  };
}

function openWindows([minute, hour]: readonly SavedWindow[] = []): Windows {
  return { minute: openRateWindow(MINUTE_MS, minute), hour: openRateWindow(HOUR_MS, hour) };
}

function saveWindows({ minute, hour }: Windows): readonly SavedWindow[] {
  return [minute.save(), hour.save()];
}

function boundBy({ minute, hour }: Windows, limits: RateLimits): readonly Bound[] {
  return [
    { window: minute, limit: limits.perMinute },
    { window: hour, limit: limits.perHour },
  ];
}

/** All or nothing: what one window refuses is counted in none. */
function takeAll(bounds: readonly Bound[], nowMs: number, units: number): RateVerdict {
  const rooms = bounds.map((bound) => ({ ...bound, left: bound.limit - bound.window.used(nowMs) }));
  const full = rooms.filter(({ left }) => left < units);
  if (full.length > 0) return refuse(full, nowMs);
  for (const { window } of bounds) window.add(units, nowMs);
  const tightest = rooms.reduce((best, room) => (room.left < best.left ? room : best));
  const { limit, left, window } = tightest;
  const resetAt = Math.ceil(window.emptyAtMs() / 1_000);
  return { kind: "counted", rate: { limit, remaining: left - units, resetAt } };
}

function refuse(full: readonly (Bound & { readonly left: number })[], nowMs: number): RateVerdict {
  const waits = full.map((bound) => ({
    ...bound,
    // One request must fit; more than the limit never will.
    atMs: bound.window.freeAtMs(1 - bound.left, nowMs),
  }));
  const { limit, atMs } = waits.reduce((last, wait) => (wait.atMs > last.atMs ? wait : last));
  const retryAfterSec = Math.max(1, Math.ceil((atMs - nowMs) / 1_000));
  const resetAt = Math.ceil(nowMs / 1_000) + retryAfterSec;
  return { kind: "limited", rate: { limit, remaining: 0, resetAt }, retryAfterSec };
}
