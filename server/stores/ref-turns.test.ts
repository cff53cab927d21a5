import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createRefTurns, TURN_MS } from "./ref-turns.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const MAIN = "refs/heads/main";

/** What a promise has come to, without waiting for it. */
async function peek<T>(promise: Promise<T>): Promise<T | "waits"> {
  await vi.advanceTimersByTimeAsync(0);
  return Promise.race([promise, Promise.resolve("waits" as const)]);
}

it("lets those who wait for one ref in one after the other, in their order", async () => {
  const turns = createRefTurns();
  const first = await turns.take(MAIN);
  const [second, third] = [turns.take(MAIN), turns.take(MAIN)];
  expect(await peek(second)).toBe("waits");
  turns.end(MAIN, first ?? 0);
  expect(await second).toBeTypeOf("number");
  expect(await peek(third)).toBe("waits");
  // The first one's second end is not the second one's.
  turns.end(MAIN, first ?? 0);
  expect(await peek(third)).toBe("waits");
  turns.end(MAIN, (await second) ?? 0);
  expect(await third).toBeTypeOf("number");
});

it("keeps refs apart", async () => {
  const turns = createRefTurns();
  await turns.take(MAIN);
  expect(await peek(turns.take("refs/heads/other"))).toBeTypeOf("number");
});

it("ends the turn of one who never comes back", async () => {
  const turns = createRefTurns();
  await turns.take(MAIN);
  const next = turns.take(MAIN);
  await vi.advanceTimersByTimeAsync(TURN_MS - 1);
  expect(await peek(next)).toBe("waits");
  await vi.advanceTimersByTimeAsync(1);
  expect(await next).toBeTypeOf("number");
});

it("lets writers pass until the holder insists, and then holds them back no longer than its turn", async () => {
  const turns = createRefTurns();
  const holder = (await turns.take(MAIN)) ?? 0;
  expect(turns.pass(MAIN)).toBeNull();
  turns.insist(MAIN, holder);
  expect(turns.pass(MAIN, holder)).toBeNull();
  expect(turns.pass("refs/heads/other")).toBeNull();
  const passing = turns.pass(MAIN)?.then(() => "passed");
  expect(await peek(passing ?? Promise.resolve("never waited"))).toBe("waits");
  turns.end(MAIN, holder);
  expect(await passing).toBe("passed");
  const late = (await turns.take(MAIN)) ?? 0;
  turns.insist(MAIN, late);
  const held = turns.pass(MAIN)?.then(() => "passed");
  await vi.advanceTimersByTimeAsync(TURN_MS);
  expect(await held).toBe("passed");
});

it("sends those away for whom the line does not move, and those for whom it is too long", async () => {
  const turns = createRefTurns({ turnMs: 60_000, waitMs: 1_000 });
  await turns.take(MAIN);
  const waiting = Array.from({ length: 1_000 }, () => turns.take(MAIN));
  expect(await turns.take(MAIN)).toBeNull();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(new Set(await Promise.all(waiting))).toEqual(new Set([null]));
});
