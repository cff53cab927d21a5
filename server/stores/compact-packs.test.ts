import { describe, expect, it } from "vitest";
import type { PackEntry } from "../git/ports.ts";
import { choosePacks } from "./compact-packs.ts";

const LIMITS = { minPacks: 3, maxObjects: 10_000, maxBytes: 1_000_000 };

/** Packs of these sizes, newest first; a byte per object. */
function packs(...objects: readonly number[]): PackEntry[] {
  return objects.map((count, at) => ({
    id: `${at}`,
    key: `${at}`,
    objects: count,
    packBytes: count,
    idxBytes: 0,
    refsBytes: 0,
    createdAtMs: 0,
  }));
}

const choose = (sizes: readonly number[], limits = LIMITS) =>
  choosePacks(packs(...sizes), limits)?.map((pack) => pack.objects) ?? null;

describe("choosePacks", () => {
  it("leaves few packs alone, and a progression of any length", () => {
    expect(choose([])).toBeNull();
    expect(choose([5, 5])).toBeNull();
    expect(choose([1, 2, 4, 8, 16, 1000])).toBeNull();
    expect(choose([1000, 100, 10])).toBeNull();
  });

  it("takes the small ones together and leaves the large one", () => {
    expect(choose([3, 3, 3, 1000])).toEqual([3, 3, 3]);
    expect(choose([1000, 3, 4, 3])).toEqual([3, 4, 3]);
  });

  it("goes on while the next one is not twice what is taken", () => {
    expect(choose([5, 5, 15, 60])).toEqual([5, 5, 15]);
    expect(choose([5, 5, 15, 49])).toEqual([5, 5, 15, 49]);
  });

  it("never takes more objects or bytes than one merge may hold", () => {
    expect(choose([6_000, 6_000, 6_000])).toBeNull();
    expect(choose([4_000, 4_000, 4_000])).toEqual([4_000, 4_000]);
    expect(choose([40, 40, 40], { ...LIMITS, maxBytes: 80 })).toEqual([40, 40]);
  });

  it("keeps the number of packs logarithmic and rewrites each object few times", () => {
    let catalog: PackEntry[] = [];
    let rewritten = 0;
    for (let i = 0; i < 1_000; i++) {
      catalog.unshift(...packs(10).map((pack) => ({ ...pack, key: `k${i}` })));
      for (;;) {
        const chosen = choosePacks(catalog, { ...LIMITS, minPacks: 6, maxObjects: 1e9, maxBytes: 1e9 });
        if (!chosen) break;
        const sum = chosen.reduce((total, pack) => total + pack.objects, 0);
        rewritten += sum;
        const gone = new Set(chosen);
        catalog = [
          ...packs(sum).map((pack) => ({ ...pack, key: `m${i}-${sum}` })),
          ...catalog.filter((pack) => !gone.has(pack)),
        ];
      }
      expect(catalog.length).toBeLessThanOrEqual(12);
    }
    expect(rewritten / 10_000).toBeLessThan(12);
  });
});
