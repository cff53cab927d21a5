import { describe, expect, it } from "vitest";
import { DEFAULT_POLICY } from "./account/policy.ts";
import { createRateLimiter, type RateLimiter } from "./rate-limit.ts";

/** The beginning of an hour, so that steps are whole. */
const START_MS = 1_700_000 * 3_600_000;
const SMALL = { key: { perMinute: 10, perHour: 100 }, org: { perMinute: 15, perHour: 120 } };

function takeMany(limiter: RateLimiter, caller: string | null, count: number, nowMs: number): number {
  let counted = 0;
  for (let i = 0; i < count; i++) if (limiter.take(caller, nowMs).kind === "counted") counted++;
  return counted;
}

describe("a rate limiter", () => {
  it("has the published limits", () => {
    expect(DEFAULT_POLICY.rates).toEqual({
      key: { perMinute: 600, perHour: 15_000 },
      org: { perMinute: 2_000, perHour: 50_000 },
    });
  });

  it("admits exactly the limit in a quiet minute", () => {
    expect(takeMany(createRateLimiter(SMALL), "a", 30, START_MS)).toBe(10);
  });

  it("slides: what was used late in one minute is not given again early in the next, nor half-way through", () => {
    const limiter = createRateLimiter(SMALL);
    expect(takeMany(limiter, "a", 10, START_MS + 59_000)).toBe(10);
    for (const afterMs of [60_000, 90_000, 118_999]) {
      expect(takeMany(limiter, "a", 10, START_MS + afterMs)).toBe(0);
    }
    expect(takeMany(limiter, "a", 20, START_MS + 120_000)).toBe(10);
  });

  it("never admits more than the limit in any minute, however the requests fall", () => {
    const limiter = createRateLimiter(SMALL);
    const admitted: number[] = [];
    let random = 7;
    for (let atMs = START_MS; admitted.length < 90; ) {
      if (limiter.take("a", atMs).kind === "counted") admitted.push(atMs);
      random = (random * 48_271) % 2_147_483_647;
      atMs += random % 4_000;
    }
    for (const [index, atMs] of admitted.entries()) {
      const eleventh = admitted[index + 10];
      if (eleventh !== undefined) expect(eleventh - atMs).toBeGreaterThan(60_000);
    }
  });

  it("says how long to wait, and admits one request after that and none before", () => {
    for (const offsetMs of [0, 100, 30_000, 59_999]) {
      const limiter = createRateLimiter(SMALL);
      takeMany(limiter, "a", 10, START_MS + offsetMs);
      const refused = limiter.take("a", START_MS + offsetMs);
      if (refused.kind !== "limited") throw new Error("not limited");
      const afterMs = START_MS + offsetMs + refused.retryAfterSec * 1_000;
      expect(refused.retryAfterSec).toBeLessThanOrEqual(61);
      expect(limiter.take("a", afterMs - 1_001).kind).toBe("limited");
      expect(limiter.take("a", afterMs).kind).toBe("counted");
      expect(refused.rate).toEqual({
        limit: 10,
        remaining: 0,
        resetAt: Math.ceil((START_MS + offsetMs) / 1_000) + refused.retryAfterSec,
      });
    }
  });

  it("waits for the window that is full for longest", () => {
    const limiter = createRateLimiter({ ...SMALL, key: { perMinute: 10, perHour: 10 } });
    takeMany(limiter, "a", 10, START_MS);
    expect(limiter.take("a", START_MS)).toMatchObject({ kind: "limited", retryAfterSec: 3_660 });
  });

  it("does not count what it refuses", () => {
    const limiter = createRateLimiter(SMALL);
    takeMany(limiter, "a", 1_000, START_MS);
    expect(limiter.take("a", START_MS, 5).kind).toBe("limited");
    expect(takeMany(limiter, "b", 10, START_MS)).toBe(5);
  });

  it("limits the hour too", () => {
    const limiter = createRateLimiter(SMALL);
    let counted = 0;
    for (let minute = 0; minute < 60; minute++)
      counted += takeMany(limiter, "a", 5, START_MS + minute * 60_000);
    expect(counted).toBe(100);
    expect(takeMany(limiter, "a", 5, START_MS + 61 * 60_000)).toBe(5);
  });

  it("limits each caller for itself and all of the org together", () => {
    const limiter = createRateLimiter(SMALL);
    expect(takeMany(limiter, "a", 20, START_MS)).toBe(10);
    expect(takeMany(limiter, "b", 20, START_MS)).toBe(5);
  });

  it("holds whoever makes up callers to what the org may do, and remembers no end of them", () => {
    const limiter = createRateLimiter(SMALL);
    let counted = 0;
    for (let n = 0; n < 10_000; n++) counted += takeMany(limiter, `made-up-${n}`, 1, START_MS);
    expect(counted).toBe(15);
    expect(limiter.save(START_MS).callers.length).toBeLessThanOrEqual(2_000);
  });

  it("gives strangers a budget of their own", () => {
    const limiter = createRateLimiter(SMALL);
    expect(takeMany(limiter, null, 100, START_MS)).toBe(15);
    expect(takeMany(limiter, "a", 20, START_MS)).toBe(10);
  });

  it("reports the tightest window, and when it is empty", () => {
    const limiter = createRateLimiter(SMALL);
    takeMany(limiter, "a", 8, START_MS);
    expect(limiter.take("b", START_MS)).toEqual({
      kind: "counted",
      rate: { limit: 15, remaining: 6, resetAt: START_MS / 1_000 + 61 },
    });
  });

  it("goes on counting when its limits change, and when it is saved and opened again", () => {
    const limiter = createRateLimiter(SMALL);
    takeMany(limiter, "a", 10, START_MS);
    limiter.configure({ ...SMALL, key: { perMinute: 12, perHour: 100 } });
    expect(takeMany(limiter, "a", 10, START_MS + 1_000)).toBe(2);
    const saved = JSON.parse(JSON.stringify(limiter.save(START_MS + 2_000)));
    const again = createRateLimiter(SMALL, saved);
    expect(takeMany(again, "a", 10, START_MS + 30_000)).toBe(0);
    expect(takeMany(again, "b", 10, START_MS + 30_000)).toBe(3);
    expect(takeMany(again, "a", 20, START_MS + 122_000)).toBe(10);
  });

  it("is not confused by a clock that goes back or stands still for days", () => {
    const limiter = createRateLimiter(SMALL);
    takeMany(limiter, "a", 10, START_MS + 60_000);
    expect(takeMany(limiter, "a", 10, START_MS)).toBe(0);
    expect(takeMany(limiter, "a", 20, START_MS + 7 * 86_400_000)).toBe(10);
  });
});
