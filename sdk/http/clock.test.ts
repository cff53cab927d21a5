import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { systemClock } from "./clock.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it.each([Number.POSITIVE_INFINITY, 2 ** 40])("waits for %d ms instead of not at all", async (ms) => {
  let over = false;
  const stop = new AbortController();
  const waiting = systemClock.delay(ms, stop.signal).then(() => {
    over = true;
  });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(over).toBe(false);
  stop.abort();
  await waiting;
  expect(vi.getTimerCount()).toBe(0);
});
