import { describe, expect, it } from "vitest";
import { createMemoryRepo } from "../testing/memory-repo.ts";
import { putRequest, readReceipt } from "../testing/repo-store-contract.ts";
import { createObjectCache } from "./object-cache.ts";
import { trimSeed } from "./trim-seed.ts";

const REASON = { actor: "test", message: "test" };

describe("what a fork begins with", () => {
  it("is found out once for a state of the parent, and anew when a ref or an object comes or goes", async () => {
    const repo = createMemoryRepo();
    await repo.store.commit(putRequest("a", "1"));
    const cache = createObjectCache();
    let walks = 0;
    const openPacks = async () => {
      walks++;
      return [];
    };
    const trim = async () => trimSeed({ cache, openPacks }, await repo.store.share());
    const first = await trim();
    expect([first.blobs, first.seed.objects.length]).toEqual([1, 3]);
    expect(await trim()).toEqual(first);
    expect(walks).toBe(1);
    const { oid } = readReceipt(await repo.store.commit(putRequest("b", "2")));
    expect((await trim()).blobs).toBe(2);
    expect(walks).toBe(2);
    // The same objects, and a ref less that leads to them.
    const [before] = first.seed.refs;
    await repo.store.transact({
      updates: [{ name: "refs/heads/main", expected: oid, next: before?.oid ?? oid }],
      atomic: true,
      reason: REASON,
    });
    const back = await trim();
    expect([back.blobs, walks]).toEqual([1, 3]);
    expect(back.seed.objects.map((object) => object.oid).sort()).toEqual(
      first.seed.objects.map((object) => object.oid).sort(),
    );
  });
});
