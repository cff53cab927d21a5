import { describe, expect, it } from "vitest";
import { createRateLimiter, RATE_LIMITS, type RateLimiter } from "./rate-limit.ts";

/** The beginning of an hour, so that windows are whole. */
const START_MS = 1_700_000 * 3_600_000;
const SMALL = { key: { perMinute: 10, perHour: 100 }, org: { perMinute: 15, perHour: 120 } };

function takeMany(limiter: RateLimiter, keyId: string | null, count: number, nowMs: number): number {
  let counted = 0;
  for (let i = 0; i < count; i++) if (limiter.take(keyId, nowMs).kind === "counted") counted++;
  return counted;
}

describe("a rate limiter", () => {
  it("has the published limits", () => {
    expect(RATE_LIMITS).toEqual({
      key: { perMinute: 600, perHour: 15_000 },
      org: { perMinute: 2_000, perHour: 50_000 },
    });
  });

  it("admits exactly the limit in a quiet minute", () => {
    expect(takeMany(createRateLimiter(SMALL), "a", 30, START_MS)).toBe(10);
  });

  it("slides: what was used late in one minute is not given again early in the next", () => {
    const limiter = createRateLimiter(SMALL);
    expect(takeMany(limiter, "a", 10, START_MS + 59_000)).toBe(10);
    expect(takeMany(limiter, "a", 10, START_MS + 60_000)).toBe(0);
    expect(takeMany(limiter, "a", 10, START_MS + 90_000)).toBe(5);
    expect(takeMany(limiter, "a", 20, START_MS + 240_000)).toBe(10);
  });

  it("says how long to wait, and admits one request after that and none before", () => {
    for (const offsetMs of [0, 100, 30_000, 59_999]) {
      const limiter = createRateLimiter(SMALL);
      takeMany(limiter, "a", 10, START_MS + offsetMs);
      const refused = limiter.take("a", START_MS + offsetMs);
      if (refused.kind !== "limited") throw new Error("not limited");
      const afterMs = START_MS + offsetMs + refused.retryAfterSec * 1_000;
      expect(limiter.take("a", afterMs - 1_001).kind).toBe("limited");
      expect(limiter.take("a", afterMs).kind).toBe("counted");
      expect(refused.rate).toEqual({
        limit: 10,
        remaining: 0,
        resetAt: Math.ceil((START_MS + offsetMs) / 1_000) + refused.retryAfterSec,
      });
    }
  });

  it("does not count what it refuses", () => {
    const limiter = createRateLimiter(SMALL);
    takeMany(limiter, "a", 1_000, START_MS);
    expect(takeMany(limiter, "a", 10, START_MS + 120_000)).toBe(10);
  });

  it("limits the hour too", () => {
    const limiter = createRateLimiter(SMALL);
    let counted = 0;
    for (let minute = 0; minute < 30; minute++)
      counted += takeMany(limiter, "a", 5, START_MS + minute * 60_000);
    expect(counted).toBe(100);
  });

  it("limits each key for itself and all keys of the org together", () => {
    const limiter = createRateLimiter(SMALL);
    expect(takeMany(limiter, "a", 20, START_MS)).toBe(10);
    expect(takeMany(limiter, "b", 20, START_MS)).toBe(5);
  });

  it("gives strangers a budget of their own", () => {
    const limiter = createRateLimiter(SMALL);
    expect(takeMany(limiter, null, 100, START_MS)).toBe(15);
    expect(takeMany(limiter, "a", 20, START_MS)).toBe(10);
  });

  it("reports the tightest window", () => {
    const limiter = createRateLimiter(SMALL);
    takeMany(limiter, "a", 8, START_MS);
    expect(limiter.take("b", START_MS)).toEqual({
      kind: "counted",
      rate: { limit: 15, remaining: 6, resetAt: START_MS / 1_000 + 60 },
    });
  });
});
