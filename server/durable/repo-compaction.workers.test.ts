/** Merging of packs beside requests, in a real Durable Object over real R2. */
import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import type { Oid } from "../git/hash/oid.ts";
import { COMPACTION_LIMITS } from "../stores/compact-packs.ts";
import { createObjectCache } from "../stores/object-cache.ts";
import { createR2Files } from "../stores/r2-files.ts";
import { createRepoHandle } from "../stores/repo-handle.ts";
import { putRequest, readReceipt, TEST_RECORD } from "../testing/repo-store-contract.ts";
import type { FaultyRepoDO, FileFaults } from "../testing/workers-entry.ts";
import { connectRepo, makeDurableRepo, workersEnv } from "../testing/workers-env.ts";
import type { RepoDO } from "./repo-do.ts";

const HOUR_MS = 60 * 60 * 1000;
const files = createR2Files(workersEnv.PACKS);
// FaultyRepoDO is a RepoDO; namespaces are not covariant.
const faulty = workersEnv.FAULTY_REPO as unknown as DurableObjectNamespace<RepoDO>;

let repo: Awaited<ReturnType<typeof makeDurableRepo>>;
let oids: Oid[];

/** Commits and packs, `count` times: a pack each. */
async function writePacks(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const receipt = readReceipt(
      await repo.store.commit(putRequest(`f${oids.length}`, `content ${oids.length}`)),
    );
    oids.push(receipt.oid, receipt.tree);
    await repo.store.flush();
  }
}

function setFaults(change: (faults: FileFaults) => void): Promise<void> {
  // Only called with stubs of the namespace above.
  return runInDurableObject(repo.stub as unknown as DurableObjectStub<FaultyRepoDO>, (instance) =>
    change(instance.faults),
  );
}

async function runAlarm(afterMs = 10_000): Promise<void> {
  await setFaults((faults) => {
    faults.aheadMs += afterMs;
  });
  await runDurableObjectAlarm(repo.stub);
}

async function findMissing(): Promise<readonly Oid[]> {
  const handle = createRepoHandle(TEST_RECORD, { store: repo.store, files, cache: createObjectCache() });
  return (await handle.objects.readObjects(oids)).missing;
}

const countPacks = async () => (await repo.store.stats()).packs;
const countFiles = async () =>
  (await workersEnv.PACKS.list({ prefix: `packs/${repo.repoId}/` })).objects.length;

beforeEach(async () => {
  repo = await makeDurableRepo(faulty);
  oids = [];
});

describe("compaction", () => {
  it("makes one pack of many small ones by itself, and loses nothing", async () => {
    await writePacks(COMPACTION_LIMITS.minPacks);
    await runAlarm();
    expect(await countPacks()).toBe(1);
    expect(await findMissing()).toEqual([]);
    const next = readReceipt(await repo.store.commit(putRequest("after", "it")));
    expect(next.parent).toBe(oids.at(-2));
  });

  it("leaves the merged files an hour to those who still read them, then takes them away", async () => {
    await writePacks(COMPACTION_LIMITS.minPacks);
    const handle = createRepoHandle(TEST_RECORD, { store: repo.store, files, cache: createObjectCache() });
    await handle.snapshot();
    await runAlarm();
    expect((await handle.objects.readObjects(oids)).missing).toEqual([]);
    expect(await countFiles()).toBe(3 * (COMPACTION_LIMITS.minPacks + 1));
    await runAlarm(2 * HOUR_MS);
    expect(await countFiles()).toBe(3);
    expect(await findMissing()).toEqual([]);
  });

  it("leaves packs to the forks that hold them", async () => {
    await writePacks(COMPACTION_LIMITS.minPacks);
    const seed = await repo.store.share();
    const family = workersEnv.FAMILY.get(workersEnv.FAMILY.idFromName(seed.familyId));
    const keys = seed.packs.map((pack) => pack.key);
    await family.hold(
      { familyId: seed.familyId, repoId: repo.repoId, orgId: "org", keys },
      { repoId: "fork", orgId: "org" },
    );
    await runAlarm();
    await runAlarm(2 * HOUR_MS);
    expect(await countPacks()).toBe(1);
    expect(await countFiles()).toBe(3 * (COMPACTION_LIMITS.minPacks + 1));
    const holders = await runInDurableObject(family, (_, state) =>
      state.storage.sql.exec<{ repo_id: string }>("SELECT DISTINCT repo_id FROM holds").toArray(),
    );
    expect(holders).toEqual([{ repo_id: "fork" }]);
  });

  it("that fails changes nothing and is tried again", async () => {
    await writePacks(COMPACTION_LIMITS.minPacks);
    await setFaults((faults) => faults.fail.add("createFile"));
    await runAlarm();
    expect(await countPacks()).toBe(COMPACTION_LIMITS.minPacks);
    expect(await findMissing()).toEqual([]);
    await setFaults((faults) => faults.fail.clear());
    await runAlarm(120_000);
    expect(await countPacks()).toBe(1);
    expect(await findMissing()).toEqual([]);
  });

  it("cut off by a kill leaves everything readable and nothing behind", async () => {
    await writePacks(COMPACTION_LIMITS.minPacks);
    await setFaults((faults) => {
      faults.aheadMs += 10_000;
      faults.calls = [];
      faults.onCall = async (method) => {
        // The pack and its index are stored by then; the catalog is not changed.
        if (method === "writeFile") await new Promise((resume) => setTimeout(resume, 2_000));
      };
    });
    // Never answered: its object is gone by then.
    void runDurableObjectAlarm(repo.stub).catch(() => false);
    let writing = false;
    await expect
      .poll(async () => {
        await setFaults((faults) => {
          writing = faults.calls.includes("writeFile");
        });
        return writing;
      })
      .toBe(true);
    expect(await countFiles()).toBeGreaterThan(3 * COMPACTION_LIMITS.minPacks);
    await abortAllDurableObjects();
    const stub = faulty.get(faulty.idFromName(repo.repoId));
    repo = { ...repo, stub, store: connectRepo(stub) };
    expect(await findMissing()).toEqual([]);
    await runAlarm(2 * HOUR_MS);
    await runAlarm(2 * HOUR_MS);
    expect([await countPacks(), await countFiles()]).toEqual([1, 3]);
    expect(await findMissing()).toEqual([]);
  });

  it("goes on while commits and flushes come in", async () => {
    await writePacks(COMPACTION_LIMITS.minPacks);
    await setFaults((faults) => {
      faults.onCall = async (method) => {
        if (method === "createFile") await new Promise((resume) => setTimeout(resume, 50));
      };
    });
    const alarm = runAlarm();
    await writePacks(3);
    await alarm;
    expect(await findMissing()).toEqual([]);
    expect(await countPacks()).toBeLessThanOrEqual(4);
  });
});
