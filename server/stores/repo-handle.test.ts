import { describe, expect, it } from "vitest";
import type { FileStore, GitObject } from "../git/ports.ts";
import type { CommittingRepoStore } from "../ports/repo.ts";
import { makeReaderObjects, objectReaderContract } from "../testing/object-reader-contract.ts";
import { makeObject, planRootFiles } from "../testing/plan-root-files.ts";
import { putPack, REASON, TEST_RECORD } from "../testing/repo-store-contract.ts";
import { flushHot } from "./flush-hot.ts";
import { createMemoryFiles } from "./memory-files.ts";
import { createMemoryRepoStore } from "./memory-repo-store.ts";
import { createMemoryTables } from "./memory-tables.ts";
import { createObjectCache } from "./object-cache.ts";
import { platformIds } from "./pack-id.ts";
import { createRepoHandle } from "./repo-handle.ts";

/** A repository in memory whose calls are counted and whose hot objects can be flushed. */
function makeRepo() {
  const calls: string[] = [];
  const tables = createMemoryTables("main");
  const plainFiles = createMemoryFiles();
  const files = count(plainFiles, calls);
  const store = createMemoryRepoStore({ planCommit: planRootFiles, tables, files: plainFiles });
  return {
    calls,
    store,
    files: plainFiles,
    open: (cache = createObjectCache()) =>
      createRepoHandle(TEST_RECORD, { store: count(store, calls), files, cache }),
    flush: () => flushHot({ repoId: "repo", tables, files: plainFiles, ids: platformIds }),
    put: (objects: readonly GitObject[]) =>
      store.transact({ updates: [], atomic: true, reason: REASON, objects }),
  };
}

function count<T extends CommittingRepoStore | FileStore>(target: T, calls: string[]): T {
  return new Proxy(target, {
    get(object, property, receiver) {
      const value = Reflect.get(object, property, receiver);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        calls.push(String(property));
        return value.apply(object, args);
      };
    },
  });
}

objectReaderContract("hot objects through a handle", async (objects) => {
  const repo = makeRepo();
  await repo.put(objects);
  return repo.open().objects;
});

objectReaderContract("packed objects through a handle", async (objects) => {
  const repo = makeRepo();
  for (const part of [objects.slice(0, 2), objects.slice(2)]) {
    const pack = await putPack(repo.store, repo.files, part);
    await repo.store.transact({ updates: [], atomic: true, reason: REASON, pack });
  }
  return repo.open().objects;
});

objectReaderContract("hot and packed objects through a handle", async (objects) => {
  const repo = makeRepo();
  await repo.put(objects.slice(0, 3));
  await repo.flush();
  await repo.put(objects.slice(3));
  return repo.open().objects;
});

describe("a handle", () => {
  const objects = makeReaderObjects();
  const oids = objects.map((object) => object.oid);

  it("asks for no hot objects when there are none, and for no pack when all is hot", async () => {
    const repo = makeRepo();
    await repo.put(objects);
    await repo.open().objects.readObjects(oids);
    expect(repo.calls).toEqual(["snapshot", "readHot"]);
    await repo.flush();
    repo.calls.length = 0;
    await repo.open().objects.readObjects(oids);
    expect(repo.calls.filter((call) => call !== "readRange")).toEqual(["snapshot", "readFile", "readFile"]);
  });

  it("reads a thousand packed objects in a few ranges", async () => {
    const repo = makeRepo();
    const many = Array.from({ length: 1_000 }, (_, i) => makeObject("blob", `object ${i}\n`.repeat(50)));
    await repo.put(many);
    await repo.flush();
    const { missing } = await repo.open().objects.readObjects(many.map((object) => object.oid));
    expect(missing).toEqual([]);
    expect(repo.calls.filter((call) => call === "readRange").length).toBeLessThanOrEqual(3);
    expect(repo.calls.filter((call) => call === "readFile").length).toBe(2);
  });

  it("finds an object that a flush moved after the snapshot", async () => {
    const repo = makeRepo();
    await repo.put(objects);
    const handle = repo.open();
    await handle.snapshot();
    await repo.flush();
    const { found, missing } = await handle.objects.readObjects(oids);
    expect([found.size, missing]).toEqual([oids.length, []]);
    const other = repo.open();
    await other.snapshot();
    const late = makeObject("blob", "written after the snapshot");
    await repo.put([late]);
    expect((await other.objects.readHeaders([late.oid])).found.size).toBe(1);
    const streamed = repo.open();
    await streamed.snapshot();
    await repo.flush();
    expect(await streamed.objects.openObject?.(late.oid)).not.toBeNull();
  });

  it("remembers objects and indexes for the next request, but for no other repository", async () => {
    const repo = makeRepo();
    await repo.put(objects);
    await repo.flush();
    const cache = createObjectCache();
    await repo.open(cache).objects.readObjects(oids);
    repo.calls.length = 0;
    const small = oids.slice(0, 5);
    await repo.open(cache).objects.readObjects(small);
    expect(repo.calls).toEqual([]);
    const other = createRepoHandle(
      { ...TEST_RECORD, id: "other" },
      { store: createMemoryRepoStore({ planCommit: planRootFiles }), files: repo.files, cache },
    );
    expect((await other.objects.readObjects(oids)).missing).toEqual(oids);
  });

  it("learns the catalog once and refs each time", async () => {
    const repo = makeRepo();
    await repo.put(objects);
    await repo.flush();
    const cache = createObjectCache();
    const first = await repo.open(cache).snapshot();
    const second = await repo.open(cache).snapshot(["refs/heads/main"]);
    expect(second.packs).toEqual(first.packs);
    expect(second.packs).toHaveLength(1);
    expect(await repo.open(cache).openPacks()).toHaveLength(1);
  });

  it("tells a catalogued pack whose files are gone from a missing object", async () => {
    const repo = makeRepo();
    await repo.put(objects);
    const pack = await repo.flush();
    await repo.files.deleteFiles([`${pack?.key}.idx`]);
    await expect(repo.open().objects.readObjects(oids)).rejects.toMatchObject({ code: "corrupt-pack" });
  });
});

describe("a flush", () => {
  it("leaves what came after it began hot, and every object readable throughout", async () => {
    const repo = makeRepo();
    const [first, second] = [makeObject("blob", "first"), makeObject("blob", "second")];
    await repo.put([first]);
    const flushing = repo.flush();
    await repo.put([second]);
    await flushing;
    expect((await repo.store.snapshot({})).hotObjects).toBe(1);
    const { missing } = await repo.open().objects.readObjects([first.oid, second.oid]);
    expect(missing).toEqual([]);
    expect(await repo.flush()).toMatchObject({ objects: 1 });
    expect(await repo.flush()).toBeNull();
  });
});
