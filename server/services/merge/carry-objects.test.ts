import { describe, expect, it } from "vitest";
import { createMemoryRepo } from "../../testing/memory-repo.ts";
import { putRequest, readReceipt } from "../../testing/repo-store-contract.ts";
import { createCarrier } from "./carry-objects.ts";

describe("a carrier", () => {
  it("brings what the target lacks, once, and nothing that it has", async () => {
    const [target, source] = [createMemoryRepo(), createMemoryRepo()];
    const root = await source.store.commit(putRequest("a", "1"));
    const copy = await source.store.readHot((await source.store.share()).objects.map(({ oid }) => oid));
    await target.store.transact({
      updates: [{ name: "refs/heads/main", next: readReceipt(root).oid }],
      atomic: true,
      reason: { actor: "test", message: "test" },
      objects: copy,
    });
    const { oid } = readReceipt(await source.store.commit(putRequest("b", "2")));
    const adopted: string[] = [];
    const adoptLargeFiles = async (to: string, from: string) => void adopted.push(`${to} from ${from}`);
    const carrier = createCarrier(target.open(), source.open(), { now: Date.now, adoptLargeFiles });
    const query = { to: oid, from: readReceipt(root).oid, made: [] };
    const brought = await carrier.bring(query);
    expect(brought.objects.map(({ type }) => type).sort()).toEqual(["blob", "commit", "tree"]);
    expect(await carrier.bring(query)).toBe(brought);
    expect(adopted).toEqual(["repo from repo"]);
    expect(await carrier.bring({ ...query, to: readReceipt(root).oid })).toEqual({ objects: [] });
    expect((await target.open().objects.readHeaders([oid])).missing).toEqual([oid]);
  });

  it("names its limit", async () => {
    const [target, source] = [createMemoryRepo(), createMemoryRepo()];
    const { oid } = readReceipt(await source.store.commit(putRequest("a", "1")));
    const carrier = createCarrier(target.open(), source.open(), { now: Date.now, maxObjects: 2 });
    await expect(carrier.bring({ to: oid, from: null, made: [] })).rejects.toMatchObject({
      code: "limit-exceeded",
      message: "more than 2 objects would be brought from the other repository; push them with git",
    });
  });
});
