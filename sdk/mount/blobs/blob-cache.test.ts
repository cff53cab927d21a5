import fc from "fast-check";
import { expect, test } from "vitest";
import { BlobCache } from "./blob-cache.ts";

const ENTRY = 256;

function blob(sha: string, size: number) {
  return { sha, bytes: new Uint8Array(size), text: null };
}

test("the entry that was used least recently goes first", () => {
  const cache = new BlobCache(3 * (ENTRY + 10));
  for (const sha of ["a", "b", "c"]) cache.put(blob(sha, 10));
  cache.find("a");
  cache.put(blob("d", 10));
  expect(["a", "b", "c", "d"].filter((sha) => cache.has(sha))).toEqual(["a", "c", "d"]);
  expect(cache.evictions).toBe(1);
});

test("a blob larger than the budget is not kept and drives nothing out", () => {
  const cache = new BlobCache(1000);
  cache.put(blob("a", 10));
  cache.put(blob("big", 1000));
  expect(cache.find("big")).toBeNull();
  expect(cache.has("a")).toBe(true);
  expect(cache.evictions).toBe(0);
});

test("text that was decoded counts", () => {
  const cache = new BlobCache(10_000);
  const entry = { sha: "a", bytes: new Uint8Array(10), text: null as string | null };
  cache.put(entry);
  const before = cache.bytes;
  entry.text = "0123456789";
  cache.put(entry);
  expect(cache.bytes - before).toBe(20);
  expect(cache.entries).toBe(1);
});

test("a budget of nothing keeps nothing", () => {
  const cache = new BlobCache(0);
  cache.put(blob("a", 0));
  expect(cache.entries).toBe(0);
});

test("holds what a plain list of uses would hold, at any order of uses", () => {
  const step = fc.record({
    sha: fc.constantFrom("a", "b", "c", "d", "e", "f"),
    size: fc.integer({ min: 0, max: 900 }),
    isRead: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const budget = 3000;
      const cache = new BlobCache(budget);
      let model: { sha: string; cost: number }[] = [];
      for (const { sha, size, isRead } of steps) {
        const known = model.find((entry) => entry.sha === sha);
        if (isRead) {
          expect(cache.find(sha) !== null).toBe(known !== undefined);
          if (known !== undefined) model = [...model.filter((entry) => entry !== known), known];
          continue;
        }
        cache.put(blob(sha, size));
        model = [...model.filter((entry) => entry !== known), { sha, cost: size + ENTRY }];
        while (model.reduce((sum, { cost }) => sum + cost, 0) > budget) model.shift();
        expect(cache.bytes).toBe(model.reduce((sum, { cost }) => sum + cost, 0));
        expect(cache.entries).toBe(model.length);
      }
    }),
  );
});
