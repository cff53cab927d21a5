import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { Oid } from "../git/hash/oid.ts";
import type { FileStore } from "../git/ports.ts";
import { createObjectCache } from "../stores/object-cache.ts";
import { createR2Files } from "../stores/r2-files.ts";
import { createRepoHandle } from "../stores/repo-handle.ts";
import { objectReaderContract } from "../testing/object-reader-contract.ts";
import { makeObject } from "../testing/plan-root-files.ts";
import {
  makeCommit,
  putPack,
  putRequest,
  REASON,
  readReceipt,
  TEST_RECORD,
} from "../testing/repo-store-contract.ts";
import type { FaultyRepoDO, FileFaults } from "../testing/workers-entry.ts";
import { connectRepo, makeDurableRepo, workersEnv } from "../testing/workers-env.ts";
import type { RepoDO } from "./repo-do.ts";

const HOUR_MS = 60 * 60 * 1000;
const files = createR2Files(workersEnv.PACKS);

// FaultyRepoDO is a RepoDO; namespaces are not covariant.
const faulty = workersEnv.FAULTY_REPO as unknown as DurableObjectNamespace<RepoDO>;

/** A repository whose pack storage fails, and whose clock advances, on demand. */
const makeFaultyRepo = () => makeDurableRepo(faulty);

function setFaults(stub: DurableObjectStub<RepoDO>, change: (faults: FileFaults) => void): Promise<void> {
  // Only called with stubs of the namespace above.
  return runInDurableObject(stub as unknown as DurableObjectStub<FaultyRepoDO>, (instance) =>
    change(instance.faults),
  );
}

/** Runs the alarm as if `ms` had passed. */
async function runAlarmLater(stub: DurableObjectStub<RepoDO>, ms: number): Promise<boolean> {
  await setFaults(stub, (faults) => {
    faults.aheadMs += ms;
  });
  return runDurableObjectAlarm(stub);
}

/** Kills every Durable Object; their storage stays. Stubs from before are broken then: connects anew. */
async function restart(repo: { readonly repoId: string }) {
  await abortAllDurableObjects();
  const stub = faulty.get(faulty.idFromName(repo.repoId));
  return { stub, store: connectRepo(stub) };
}

async function readAll(store: ReturnType<typeof connectRepo>, oids: readonly Oid[], from: FileStore = files) {
  const handle = createRepoHandle(TEST_RECORD, { store, files: from, cache: createObjectCache() });
  return handle.objects.readObjects(oids);
}

async function listStored(repoId: string): Promise<string[]> {
  const { objects } = await workersEnv.PACKS.list({ prefix: `packs/${repoId}/` });
  return objects.map((object) => object.key);
}

objectReaderContract("hot objects of a Durable Object", async (objects) => {
  const { store } = await makeDurableRepo();
  await store.transact({ updates: [], atomic: true, reason: REASON, objects });
  return createRepoHandle(TEST_RECORD, { store, files, cache: createObjectCache() }).objects;
});

objectReaderContract("flushed objects of a Durable Object", async (objects) => {
  const { store } = await makeDurableRepo();
  await store.transact({ updates: [], atomic: true, reason: REASON, objects });
  expect(await store.flush()).toBe(1);
  return createRepoHandle(TEST_RECORD, { store, files, cache: createObjectCache() }).objects;
});

describe("a restart", () => {
  it("keeps every acknowledged commit, hot and flushed", async () => {
    const repo = await makeFaultyRepo();
    const receipts = [];
    for (let i = 0; i < 5; i++) {
      receipts.push(readReceipt(await repo.store.commit(putRequest(`file-${i}`, `content ${i}`))));
      if (i === 2) await repo.store.flush();
    }
    const { store } = await restart(repo);
    const snapshot = await store.snapshot({ refs: ["refs/heads/main"] });
    expect(snapshot.refs.get("refs/heads/main")).toBe(receipts.at(-1)?.oid);
    expect(snapshot.packs).toHaveLength(1);
    const oids = receipts.flatMap((receipt) => [receipt.oid, receipt.tree]);
    expect((await readAll(store, oids)).missing).toEqual([]);
    const next = readReceipt(await store.commit(putRequest("after", "restart")));
    expect(next.parent).toBe(receipts.at(-1)?.oid);
    const moves = await store.listReflog({ ref: "refs/heads/main", limit: 10 });
    expect(moves.map((move) => move.to)).toEqual([next.oid, ...receipts.map((r) => r.oid).reverse()]);
    expect(moves[0]).toMatchObject({ from: receipts[4]?.oid, reason: { actor: "key_test" } });
  });

  it("answers a repeated Idempotency-Key across it, and forgets the key after a day", async () => {
    const repo = await makeFaultyRepo();
    const request = putRequest("a", "1", { idempotency: { key: "k", fingerprint: "f" } });
    const first = await repo.store.commit(request);
    const { store, stub } = await restart(repo);
    expect(await store.commit(request)).toEqual({ ...first, replayed: true });
    expect(await runAlarmLater(stub, 25 * HOUR_MS)).toBe(true);
    const kept = await runInDurableObject(stub, (_instance, state) =>
      state.storage.sql.exec("SELECT count(*) AS n FROM receipts").one(),
    );
    expect(kept).toEqual({ n: 0 });
  });

  it("sets the alarm again when work is left and none is set", async () => {
    const repo = await makeFaultyRepo();
    await repo.store.commit(putRequest("a", "1"));
    await runInDurableObject(repo.stub, (_instance, state) => state.storage.deleteAlarm());
    const { store, stub } = await restart(repo);
    await store.snapshot({});
    expect(await runInDurableObject(stub, (_instance, state) => state.storage.getAlarm())).not.toBeNull();
  });

  it("cut off before the answer has written all of a commit or none of it", async () => {
    const repo = await makeFaultyRepo();
    await repo.store.commit(putRequest("a", "1"));
    const pending = Promise.allSettled(
      Array.from({ length: 3 }, (_, i) => repo.store.commit(putRequest(`f${i}`, `${i}`))),
    );
    const { store } = await restart(repo);
    const acknowledged = (await pending).flatMap((result) =>
      result.status === "fulfilled" ? [readReceipt(result.value)] : [],
    );
    const snapshot = await store.snapshot({ refs: ["refs/heads/main"] });
    const head = snapshot.refs.get("refs/heads/main");
    const moves = await store.listReflog({ ref: "refs/heads/main", limit: 100 });
    expect(moves[0]?.to).toBe(head);
    for (const receipt of acknowledged) expect(moves.map((move) => move.to)).toContain(receipt.oid);
    expect(
      (
        await readAll(
          store,
          moves.flatMap((move) => move.to ?? []),
        )
      ).missing,
    ).toEqual([]);
  });
});

describe("a flush", () => {
  it("that fails before its transaction shows nothing and loses nothing; the alarm tries again", async () => {
    const repo = await makeFaultyRepo();
    const receipt = readReceipt(await repo.store.commit(putRequest("a", "1")));
    await setFaults(repo.stub, (faults) => faults.fail.add("writeFile"));
    await expect(repo.store.flush()).rejects.toThrow(/injected/);
    // All three files may be stored by now; none of them is in the catalog.
    const between = await repo.store.snapshot({});
    expect([between.packs, between.hotObjects]).toEqual([[], 3]);
    expect(await runAlarmLater(repo.stub, 31_000)).toBe(true);
    const due = await runInDurableObject(repo.stub, (_instance, state) => state.storage.getAlarm());
    expect(due).not.toBeNull();
    await setFaults(repo.stub, (faults) => faults.fail.clear());
    expect(await runAlarmLater(repo.stub, 1_000)).toBe(true);
    const after = await repo.store.snapshot({});
    expect([after.packs?.length, after.hotObjects]).toEqual([1, 0]);
    expect((await readAll(repo.store, [receipt.oid, receipt.tree])).missing).toEqual([]);
  });

  it("killed between storage and transaction leaves files that are swept an hour later, and only those", async () => {
    const repo = await makeFaultyRepo();
    const receipt = readReceipt(await repo.store.commit(putRequest("a", "1")));
    await setFaults(repo.stub, (faults) => {
      faults.onCall = () => new Promise(() => undefined); // never comes back: the flush hangs here
    });
    // Answers never, or with an error: the object dies under it.
    repo.store.flush().catch(() => undefined);
    await expect.poll(() => listStored(repo.repoId)).toHaveLength(3);
    const { store, stub } = await restart(repo);
    const woken = await store.snapshot({});
    expect([woken.packs, woken.hotObjects]).toEqual([[], 3]);
    expect((await readAll(store, [receipt.oid, receipt.tree])).missing).toEqual([]);
    expect(await store.flush()).toBe(1);
    expect(await listStored(repo.repoId)).toHaveLength(6);
    expect(await runAlarmLater(stub, HOUR_MS + 1_000)).toBe(true);
    expect(await listStored(repo.repoId)).toHaveLength(3);
    expect((await readAll(store, [receipt.oid, receipt.tree])).missing).toEqual([]);
  });

  it("does not hold up commits, and leaves theirs to the next", async () => {
    const repo = await makeFaultyRepo();
    const first = readReceipt(await repo.store.commit(putRequest("a", "1")));
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    await setFaults(repo.stub, (faults) => {
      faults.onCall = () => gate;
    });
    const flushing = repo.store.flush();
    const second = readReceipt(await repo.store.commit(putRequest("b", "2")));
    // What is on its way stays readable as hot.
    expect(await repo.store.readHot([first.oid, second.oid])).toHaveLength(2);
    await setFaults(repo.stub, release);
    expect(await flushing).toBe(1);
    expect((await repo.store.snapshot({})).hotObjects).toBe(3);
    expect((await readAll(repo.store, [first.oid, second.oid, second.tree])).missing).toEqual([]);
  });

  it("comes by itself when many objects are hot", async () => {
    const { store } = await makeDurableRepo();
    const objects = Array.from({ length: 2_100 }, (_, i) => makeObject("blob", `object ${i}`));
    await store.transact({ updates: [], atomic: true, reason: REASON, objects });
    await expect.poll(async () => (await store.snapshot({})).hotObjects, { timeout: 10_000 }).toBe(0);
    expect(
      (
        await readAll(
          store,
          objects.map((object) => object.oid),
        )
      ).missing,
    ).toEqual([]);
  });
});

describe("a warm commit", () => {
  it("reads nothing from pack storage", async () => {
    const repo = await makeFaultyRepo();
    await repo.store.commit(putRequest("a", "1"));
    await repo.store.flush();
    await repo.store.commit(putRequest("b", "2"));
    await setFaults(repo.stub, (faults) => faults.calls.splice(0));
    await repo.store.commit(putRequest("c", "3"));
    await setFaults(repo.stub, (faults) => expect(faults.calls).toEqual([]));
  });
});

describe("a pack on its way", () => {
  it("is refused once its reservation was swept", async () => {
    const repo = await makeFaultyRepo();
    const commit = await makeCommit("slow push");
    const pack = await putPack(repo.store, files, commit.objects);
    expect(await runAlarmLater(repo.stub, HOUR_MS + 1_000)).toBe(true);
    expect(await listStored(repo.repoId)).toEqual([]);
    const updates = [{ name: "refs/heads/x", next: commit.oid }];
    await expect(repo.store.transact({ updates, atomic: true, reason: REASON, pack })).rejects.toMatchObject({
      code: "corrupt-pack",
    });
    expect((await repo.store.snapshot({})).packs).toEqual([]);
  });

  it("is swept although deleting fails the first time", async () => {
    const repo = await makeFaultyRepo();
    await putPack(repo.store, files, (await makeCommit("abandoned")).objects);
    await setFaults(repo.stub, (faults) => faults.fail.add("deleteFiles"));
    expect(await runAlarmLater(repo.stub, HOUR_MS + 1_000)).toBe(true);
    expect(await listStored(repo.repoId)).toHaveLength(3);
    await setFaults(repo.stub, (faults) => faults.fail.clear());
    expect(await runDurableObjectAlarm(repo.stub)).toBe(true);
    expect(await listStored(repo.repoId)).toEqual([]);
  });
});

describe("the life of a repository", () => {
  it("begins once, with its first commit when one is given", async () => {
    const commit = await makeCommit("first");
    const id = workersEnv.REPO.newUniqueId();
    const store = connectRepo(workersEnv.REPO.get(id));
    await expect(store.snapshot({})).rejects.toMatchObject({ code: "missing-object" });
    const first = {
      updates: [{ name: "refs/heads/trunk", expected: null, next: commit.oid }],
      atomic: true,
      reason: REASON,
    };
    const init = { repoId: "life", defaultBranch: "trunk" };
    await expect(store.create({ ...init, first })).rejects.toMatchObject({ code: "missing-object" });
    await expect(store.snapshot({})).rejects.toMatchObject({ code: "missing-object" });
    expect(await store.create({ ...init, first: { ...first, objects: commit.objects } })).toBe(true);
    expect(await store.create({ repoId: "other", defaultBranch: "main" })).toBe(false);
    const snapshot = await store.snapshot({ refs: ["refs/heads/trunk"] });
    expect(snapshot.head).toEqual({ kind: "symbolic", target: "refs/heads/trunk" });
    expect(snapshot.refs.get("refs/heads/trunk")).toBe(commit.oid);
    expect(await store.stats()).toMatchObject({ refs: 1, hotObjects: 3, packs: 0 });
  });

  it("ends at once for callers, and its files go in the background, restarts or not", async () => {
    const repo = await makeFaultyRepo();
    await repo.store.commit(putRequest("a", "1"));
    await repo.store.flush();
    await repo.store.commit(putRequest("b", "2"));
    await putPack(repo.store, files, (await makeCommit("abandoned")).objects);
    expect(await listStored(repo.repoId)).toHaveLength(6);
    await setFaults(repo.stub, (faults) => faults.fail.add("deleteFiles"));
    await repo.store.destroy();
    await expect(repo.store.snapshot({})).rejects.toMatchObject({ code: "missing-object" });
    await expect(repo.store.commit(putRequest("c", "3"))).rejects.toMatchObject({ code: "missing-object" });
    expect(await runDurableObjectAlarm(repo.stub)).toBe(true);
    expect(await listStored(repo.repoId)).toHaveLength(6);
    const { stub, store } = await restart(repo);
    await expect(store.snapshot({})).rejects.toMatchObject({ code: "missing-object" });
    await expect.poll(() => runDurableObjectAlarm(stub).then(() => listStored(repo.repoId))).toEqual([]);
    await expect(store.snapshot({})).rejects.toMatchObject({ code: "missing-object" });
    expect(await store.create({ repoId: repo.repoId, defaultBranch: "main" })).toBe(true);
    expect((await store.snapshot({})).refs.size).toBe(0);
  });
});
