import type { RateState } from "../ports/org.ts";

export interface RateLimits {
  readonly perMinute: number;
  readonly perHour: number;
}

/** Requests that a master key, and all keys of an org together, may make. */
export const RATE_LIMITS: { readonly key: RateLimits; readonly org: RateLimits } = {
  key: { perMinute: 600, perHour: 15_000 },
  org: { perMinute: 2_000, perHour: 50_000 },
};

export type RateVerdict =
  | { readonly kind: "counted"; readonly rate: RateState }
  | { readonly kind: "limited"; readonly rate: RateState; readonly retryAfterSec: number };

export interface RateLimiter {
  /** Counts `units` requests (one when absent) of `keyId` (null: anonymous) unless a window has no room for them. */
  take(keyId: string | null, nowMs: number, units?: number): RateVerdict;
}

/**
 * Two counters of a sliding window: the window before is weighted by the part of it that still lies inside the last
 * `sizeMs`. Never admits more than `limit` in a window that begins after a quiet one, and costs no memory per request.
 */
interface SlidingWindow {
  readonly sizeMs: number;
  readonly limit: number;
  index: number;
  current: number;
  previous: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** Callers remembered at once; beyond it those that have been quiet for an hour are forgotten. */
const MAX_CALLERS = 1_000;

/** Counters in memory: a limiter that is started anew has seen nothing. */
export function createRateLimiter(limits = RATE_LIMITS): RateLimiter {
  const org = openWindows(limits.org);
  // Strangers have a budget of their own: they cannot use up the org's.
  const anonymous = openWindows(limits.org);
  const byKey = new Map<string, readonly SlidingWindow[]>();
  return {
    take(keyId, nowMs, units = 1) {
      if (keyId === null) return takeAll(anonymous, nowMs, units);
      let own = byKey.get(keyId);
      if (!own) {
        if (byKey.size >= MAX_CALLERS) forgetQuiet(byKey, nowMs);
        own = openWindows(limits.key);
        byKey.set(keyId, own);
      }
      return takeAll([...own, ...org], nowMs, units);
    },
  };
}

function openWindows(limits: RateLimits): readonly SlidingWindow[] {
  return [openWindow(MINUTE_MS, limits.perMinute), openWindow(HOUR_MS, limits.perHour)];
}

function openWindow(sizeMs: number, limit: number): SlidingWindow {
  return { sizeMs, limit, index: 0, current: 0, previous: 0 };
}

function takeAll(windows: readonly SlidingWindow[], nowMs: number, units: number): RateVerdict {
  let tightest: SlidingWindow | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const window of windows) {
    roll(window, nowMs);
    const left = window.limit - usedOf(window, nowMs);
    if (left < units) return refuse(window, nowMs);
    if (left < least) {
      least = left;
      tightest = window;
    }
  }
  for (const window of windows) window.current += units;
  const { limit, index, sizeMs } = tightest as SlidingWindow; // callers pass at least one window
  return {
    kind: "counted",
    rate: { limit, remaining: Math.floor(least - units), resetAt: Math.ceil(((index + 1) * sizeMs) / 1_000) },
  };
}

function roll(window: SlidingWindow, nowMs: number): void {
  const index = Math.floor(nowMs / window.sizeMs);
  if (index === window.index) return;
  window.previous = index === window.index + 1 ? window.current : 0;
  window.current = 0;
  window.index = index;
}

function usedOf(window: SlidingWindow, nowMs: number): number {
  const elapsed = (nowMs - window.index * window.sizeMs) / window.sizeMs;
  return window.previous * (1 - elapsed) + window.current;
}

function refuse(window: SlidingWindow, nowMs: number): RateVerdict {
  const retryAfterSec = Math.max(1, Math.ceil(waitMs(window, nowMs) / 1_000));
  const resetAt = Math.ceil(nowMs / 1_000) + retryAfterSec;
  return { kind: "limited", rate: { limit: window.limit, remaining: 0, resetAt }, retryAfterSec };
}

/** Time until one request fits again, if none comes in between. */
function waitMs(window: SlidingWindow, nowMs: number): number {
  const { sizeMs, limit, current, previous } = window;
  const elapsedMs = nowMs - window.index * sizeMs;
  const free = limit - 1 - current;
  if (free >= 0) return sizeMs * (1 - free / previous) - elapsedMs;
  return sizeMs - elapsedMs + sizeMs * (1 - (limit - 1) / current);
}

function forgetQuiet(byKey: Map<string, readonly SlidingWindow[]>, nowMs: number): void {
  for (const [keyId, windows] of byKey) {
    if (windows.every((window) => nowMs - (window.index + 1) * window.sizeMs > HOUR_MS)) byKey.delete(keyId);
  }
}
