import { expect, it } from "vitest";
import type { SecondLevelCache } from "../mount/blobs/second-level.ts";
import { hashObject } from "../mount/tree/git-id.ts";

const encoder = new TextEncoder();

export async function makeBlob(text: string): Promise<{ readonly sha: string; readonly bytes: Uint8Array }> {
  const bytes = encoder.encode(text);
  return { sha: await hashObject("blob", bytes), bytes };
}

/** What every second-level cache does; `make` gives a new one over nothing. */
export function secondLevelContract(
  make: (options: { maxBytes: number }) => Promise<SecondLevelCache>,
): void {
  it("gives back what was put, and null for what was not", async () => {
    const cache = await make({ maxBytes: 1_000_000 });
    const [one, two, empty] = await Promise.all([makeBlob("one"), makeBlob("tw\u00f6"), makeBlob("")]);
    for (const { sha, bytes } of [one, two, empty]) await cache.put(sha, bytes);
    for (const { sha, bytes } of [one, two, empty]) expect(await cache.get(sha)).toEqual(bytes);
    expect(await cache.get("0".repeat(40))).toBeNull();
    const many = await cache.getMany?.([one.sha, "0".repeat(40), two.sha]);
    if (many !== undefined) expect([...many.keys()].sort()).toEqual([one.sha, two.sha].sort());
  });

  it("takes the same blob twice, at the same time too", async () => {
    const cache = await make({ maxBytes: 1_000_000 });
    const { sha, bytes } = await makeBlob("same");
    await Promise.all([cache.put(sha, bytes), cache.put(sha, bytes)]);
    await cache.put(sha, bytes);
    expect(await cache.get(sha)).toEqual(bytes);
  });
}

/** What those that keep a budget of bytes do. */
export function byteBudgetContract(make: (options: { maxBytes: number }) => Promise<SecondLevelCache>): void {
  it("keeps to its budget", async () => {
    const cache = await make({ maxBytes: 50_000 });
    const blobs = await Promise.all(
      Array.from({ length: 40 }, (_, index) => makeBlob(`${index}`.padEnd(5_000, "x"))),
    );
    for (const { sha, bytes } of blobs) await cache.put(sha, bytes);
    const held = await Promise.all(blobs.map(async ({ sha }) => (await cache.get(sha)) !== null));
    const count = held.filter(Boolean).length;
    expect(count).toBeLessThanOrEqual(10);
    expect(count).toBeGreaterThan(0);
    expect(held.at(-1)).toBe(true);
  });
}
