import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { createObjectCache } from "../stores/object-cache.ts";
import { createR2Files } from "../stores/r2-files.ts";
import { createRepoHandle } from "../stores/repo-handle.ts";
import { makeObject } from "../testing/plan-root-files.ts";
import { putRequest, REASON, readReceipt, TEST_RECORD } from "../testing/repo-store-contract.ts";
import type { FaultyRepoDO, FileFaults } from "../testing/workers-entry.ts";
import { makeDurableRepo, workersEnv } from "../testing/workers-env.ts";
import type { RepoDO } from "./repo-do.ts";

const files = createR2Files(workersEnv.PACKS);
const makeObjects = (name: string, count: number) =>
  Array.from({ length: count }, (_, i) => makeObject("blob", `${name} ${i}`));

async function makeFaultyRepo() {
  // FaultyRepoDO is a RepoDO; namespaces are not covariant.
  const repo = await makeDurableRepo(workersEnv.FAULTY_REPO as unknown as DurableObjectNamespace<RepoDO>);
  const setFaults = (change: (faults: FileFaults) => void) =>
    runInDurableObject(repo.stub as unknown as DurableObjectStub<FaultyRepoDO>, (instance) =>
      change(instance.faults),
    );
  return { ...repo, setFaults };
}

describe("a repository whose pack storage is down", () => {
  it("takes writes up to its ceiling, refuses more with a time to come back, and loses nothing", async () => {
    const { store, setFaults } = await makeFaultyRepo();
    await setFaults((faults) => faults.fail.add("writeFile"));
    const first = makeObjects("first", 12_000);
    const write = (objects: typeof first) =>
      store.transact({ updates: [], atomic: true, reason: REASON, objects });
    await write(first);
    const second = makeObjects("second", 9_000);
    await expect(write(second)).rejects.toMatchObject({
      code: "overloaded",
      data: { retryAfterSec: expect.any(Number) },
    });
    // A small commit still fits.
    const receipt = readReceipt(await store.commit(putRequest("a", "1")));
    await setFaults((faults) => {
      faults.fail.clear();
      faults.aheadMs += 120_000;
    });
    await write(second);
    const handle = createRepoHandle(TEST_RECORD, { store, files, cache: createObjectCache() });
    const oids = [...first, ...second].map((object) => object.oid);
    expect((await handle.objects.readObjects([...oids, receipt.oid, receipt.tree])).missing).toEqual([]);
  });

  it("is not tried once per write", async () => {
    const { store, stub, setFaults } = await makeFaultyRepo();
    await store.commit(putRequest("a", "0"));
    await setFaults((faults) => {
      faults.fail.add("writeFile");
      faults.aheadMs += 31_000;
    });
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    await store.commit(putRequest("a", "1"));
    const due = await runInDurableObject(stub, (_instance, state) => state.storage.getAlarm());
    expect(due).toBeGreaterThan(Date.now() + 31_000);
  });

  it("fails once for all who wait for room", async () => {
    const { store, setFaults } = await makeFaultyRepo();
    await store.transact({ updates: [], atomic: true, reason: REASON, objects: makeObjects("a", 1_900) });
    await setFaults((faults) => faults.fail.add("writeFile"));
    const waiting = Array.from({ length: 12 }, (_, i) =>
      store.transact({ updates: [], atomic: true, reason: REASON, objects: makeObjects(`b${i}`, 19_000) }),
    );
    const results = await Promise.allSettled(waiting);
    for (const result of results) {
      expect(result).toMatchObject({ reason: { code: "overloaded", data: { retryAfterSec: 1 } } });
    }
  });
});
