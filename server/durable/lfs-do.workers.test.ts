import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { planTransfers } from "../services/lfs/batch.ts";
import { receiveObject, verifyObject } from "../services/lfs/transfer.ts";
import { createDurableLfsStore } from "../stores/durable-lfs-store.ts";
import { createR2Presigner } from "../stores/presign-r2.ts";
import { createR2LfsFiles } from "../stores/r2-lfs-files.ts";
import { workersEnv } from "../testing/workers-env.ts";

const files = createR2LfsFiles(workersEnv.PACKS);
const DAY_MS = 24 * 60 * 60 * 1000;

function openLfs(name: string = crypto.randomUUID()) {
  const stub = workersEnv.LFS.getByName(name);
  return { name, stub, store: createDurableLfsStore(() => workersEnv.LFS.getByName(name)) };
}

function makeObject(text: string) {
  const bytes = new TextEncoder().encode(text);
  return { bytes, oid: createHash("sha256").update(bytes).digest("hex"), size: bytes.length };
}

async function upload(lfs: ReturnType<typeof openLfs>, text: string) {
  const { bytes, ...object } = makeObject(text);
  const body = new Blob([bytes]).stream();
  expect(await receiveObject({ store: lfs.store, files }, object, body)).toBe("stored");
  const [stored] = await lfs.store.find([object.oid]);
  if (!stored) throw new Error("not stored");
  return stored;
}

const keysOf = async (name: string) =>
  (await workersEnv.PACKS.list({ prefix: `lfs/${name}/` })).objects.length;

async function runAlarmAfter({ stub }: ReturnType<typeof openLfs>, ms: number): Promise<void> {
  await runInDurableObject(stub, async (instance, state) => {
    instance.now = () => Date.now() + ms;
    // Far off: it goes off when it is told to, and not beside that.
    await state.storage.setAlarm(Date.now() + DAY_MS);
  });
  await runDurableObjectAlarm(stub);
}

describe("uploads past the server", () => {
  const presigner = createR2Presigner({
    endpoint: "https://storage.test",
    bucket: "b",
    accessKeyId: "i",
    secretAccessKey: "s",
  });

  it("are part of the repository once they are verified, by hash and length", async () => {
    const lfs = openLfs();
    const { bytes, ...object } = makeObject("sent past the server");
    const deps = { store: lfs.store, presigner, proxyBytes: 1, baseUrl: "https://git.test/lfs", header: {} };
    const [answer] = await planTransfers(deps, { operation: "upload", objects: [object] });
    if (!answer || "error" in answer) throw new Error("refused");
    const key = new URL(answer.actions?.upload?.href ?? "").pathname.slice("/b/".length);
    const verify = () => verifyObject({ store: lfs.store, files }, object);
    expect(await verify()).toBe(false);
    await workersEnv.PACKS.put(key, new TextEncoder().encode("sent past the servoR"));
    expect(await verify()).toBe(false);
    expect(await lfs.store.find([object.oid])).toEqual([]);
    await workersEnv.PACKS.put(key, bytes);
    expect(await verify()).toBe(true);
    expect(await lfs.store.find([object.oid])).toEqual([{ ...object, key }]);
    const [download] = await planTransfers(deps, { operation: "download", objects: [object] });
    expect(JSON.stringify(download)).toContain(key);
  });

  it("are swept when nobody verifies them for a day", async () => {
    const lfs = openLfs();
    const { bytes, ...object } = makeObject("forgotten");
    const [place] = await lfs.store.expect([object]);
    await workersEnv.PACKS.put(place?.key ?? "", bytes);
    await runAlarmAfter(lfs, DAY_MS / 2);
    expect(await keysOf(lfs.name)).toBe(1);
    await runAlarmAfter(lfs, DAY_MS + 1_000);
    expect(await keysOf(lfs.name)).toBe(0);
    expect(await lfs.store.listExpected(object.oid)).toEqual([]);
  });

  it("leave one file when two arrive at a time", async () => {
    const lfs = openLfs();
    const { bytes, ...object } = makeObject("twice");
    const places = [...(await lfs.store.expect([object])), ...(await lfs.store.expect([object]))];
    for (const place of places) await workersEnv.PACKS.put(place.key, bytes);
    for (const place of places) await lfs.store.confirm(place);
    await runAlarmAfter(lfs, DAY_MS + 1_000);
    const [stored] = await lfs.store.find([object.oid]);
    expect(await keysOf(lfs.name)).toBe(1);
    expect(await workersEnv.PACKS.head(stored?.key ?? "")).not.toBeNull();
  });
});

describe("forks", () => {
  it("hold files until the last of them is gone", async () => {
    const [parent, fork, grandchild] = [openLfs(), openLfs(), openLfs()];
    const first = await upload(parent, "of the parent");
    await fork.store.adopt(parent.name);
    const second = await upload(fork, "of the fork");
    await grandchild.store.adopt(fork.name);
    expect((await grandchild.store.find([first.oid, second.oid])).length).toBe(2);
    // What comes later is nobody else's.
    const later = await upload(parent, "later");
    expect(await fork.store.find([later.oid])).toEqual([]);

    await parent.store.destroy();
    await runAlarmAfter(parent, 0);
    await fork.store.destroy();
    await runAlarmAfter(fork, 0);
    expect([await keysOf(parent.name), await keysOf(fork.name)]).toEqual([2, 1]);
    await grandchild.store.destroy();
    for (const lfs of [grandchild, fork, parent]) await runAlarmAfter(lfs, 0);
    expect([await keysOf(parent.name), await keysOf(fork.name)]).toEqual([0, 0]);
  });

  it("can be merged back: each holds what the other has brought, until both are gone", async () => {
    const [parent, fork] = [openLfs(), openLfs()];
    const first = await upload(parent, "from the beginning");
    await fork.store.adopt(parent.name);
    const second = await upload(fork, "made in the fork");
    for (let merges = 0; merges < 2; merges++) await parent.store.adopt(fork.name);
    expect((await parent.store.find([first.oid, second.oid])).length).toBe(2);
    await fork.store.destroy();
    await runAlarmAfter(fork, 0);
    expect(await keysOf(fork.name)).toBe(1);
    await parent.store.destroy();
    for (const lfs of [parent, fork, parent]) await runAlarmAfter(lfs, 0);
    expect([await keysOf(parent.name), await keysOf(fork.name)]).toEqual([0, 0]);
  });

  it("take nothing of a repository that is deleting its files", async () => {
    const [parent, fork] = [openLfs(), openLfs()];
    const { oid } = await upload(parent, "too late");
    await parent.store.destroy();
    await runAlarmAfter(parent, 0);
    await fork.store.adopt(parent.name);
    expect(await fork.store.find([oid])).toEqual([]);
  });

  it("of a repository without large files leave nothing behind", async () => {
    const [parent, fork] = [openLfs(), openLfs()];
    await fork.store.adopt(parent.name);
    for (const { stub } of [parent, fork]) {
      const tables = await runInDurableObject(stub, (_, state) =>
        state.storage.sql
          .exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'")
          .toArray(),
      );
      expect(tables).toEqual([]);
    }
  });
});

describe("locks", () => {
  it("are listed in pages, and one path has one", async () => {
    const { store } = openLfs();
    for (const path of ["a", "b", "c"]) expect((await store.lock(path, "me")).kind).toBe("locked");
    expect(await store.lock("b", "you")).toMatchObject({ kind: "held", lock: { owner: "me" } });
    const first = await store.listLocks({ after: 0, limit: 2 });
    const second = await store.listLocks({ after: first.next ?? 0, limit: 2 });
    expect([...first.locks, ...second.locks].map(({ path }) => path)).toEqual(["a", "b", "c"]);
    expect(second.next).toBeNull();
    expect((await store.listLocks({ path: "b", after: 0, limit: 2 })).locks.length).toBe(1);
  });
});
