/** A family of forks over its life: what a fork costs, what it counts, and whose packs go when. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { COMPACTION_LIMITS } from "../stores/compact-packs.ts";
import type { FaultyRepoDO, FileFaults } from "../testing/workers-entry.ts";
import { connectRepo, workersEnv } from "../testing/workers-env.ts";
import { createApp, type Env } from "../wiring.ts";
import type { RepoDO } from "./repo-do.ts";

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;
// The platform's type of `env` is open; what is in it is said in vitest.config.ts. FaultyRepoDO is a RepoDO.
const faulty = workersEnv.FAULTY_REPO as unknown as DurableObjectNamespace<RepoDO>;
const real = { ...(env as object), REPO: faulty } as unknown as Env;

/** Calls since it was emptied: `REPO.share`, `PACKS.get` … */
const calls: string[] = [];

/** The same binding, with each call of its stubs, or of itself, written down. */
function countCalls<T extends object>(name: string, target: T): T {
  return new Proxy(target, {
    get(object, method) {
      const member: unknown = Reflect.get(object, method);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        if (method !== "getByName") calls.push(`${name}.${String(method)}`);
        const result: unknown = Reflect.apply(member, object, args);
        return method === "getByName" ? countCalls(name, result as object) : result;
      };
    },
  });
}

const app = createApp({
  ...real,
  ORG: countCalls("ORG", real.ORG),
  REPO: countCalls("REPO", real.REPO),
  FAMILY: countCalls("FAMILY", real.FAMILY),
  PACKS: countCalls("PACKS", real.PACKS),
});
let key = "";
let parent = { slug: "", id: "" };
let made = 0;

async function call(method: string, path: string, body?: object) {
  const response = await app.request(`/v1${path}`, {
    method,
    headers: { "x-api-key": key, "content-type": "application/json" },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}

const stubOf = (repoId: string) => faulty.get(faulty.idFromName(repoId));
const storeOf = (repoId: string) => connectRepo(stubOf(repoId));
const family = () => workersEnv.FAMILY.get(workersEnv.FAMILY.idFromName(parent.id));
const orgId = () => key.slice("cgk_live_".length, "cgk_live_".length + 12);

function setFaults(repoId: string, change: (faults: FileFaults) => void): Promise<void> {
  // Stubs of the namespace above.
  return runInDurableObject(stubOf(repoId) as unknown as DurableObjectStub<FaultyRepoDO>, (object) =>
    change(object.faults),
  );
}

/** Lets a repository's clock run ahead, and its alarm go off. */
async function runAlarm(repoId: string, afterMs = 10_000): Promise<void> {
  await setFaults(repoId, (faults) => {
    faults.aheadMs += afterMs;
  });
  await runDurableObjectAlarm(stubOf(repoId));
}

/** The same of the family. */
async function passTime(ms: number): Promise<void> {
  await runInDurableObject(family(), (object) => {
    object.now = () => Date.now() + ms;
  });
  await runDurableObjectAlarm(family());
}

const listFiles = async (repoId: string) =>
  (await workersEnv.PACKS.list({ prefix: `packs/${repoId}/` })).objects.length;

async function listHolders(): Promise<string[]> {
  const rows = await runInDurableObject(family(), (_, state) =>
    state.storage.sql.exec<{ repo_id: string }>("SELECT DISTINCT repo_id FROM holds").toArray(),
  );
  return rows.map((row) => row.repo_id).sort();
}

/** One commit and one pack for each name. */
async function write(slug: string, repoId: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const changes = [{ path: `${name}.txt`, content: `${name} of ${slug}` }];
    const body = { branch: "main", message: name, changes };
    expect((await call("POST", `/repos/${slug}/commits`, body)).status).toBe(201);
    await storeOf(repoId).flush();
  }
}

async function fork(from: string, slug: string) {
  const reply = await call("POST", `/repos/${from}/fork`, { slug });
  expect(reply.status).toBe(201);
  return { slug, id: String(reply.json.id), shared: reply.json.shared_blobs, owned: reply.json.owned_blobs };
}

async function destroy(repo: { readonly slug: string; readonly id: string }): Promise<void> {
  expect((await call("DELETE", `/repos/${repo.slug}`)).status).toBe(200);
  await runDurableObjectAlarm(stubOf(repo.id));
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => `n${i}`);

/** Every file that was written with these names is read, from a Worker that remembers nothing. */
async function expectFiles(slug: string, from: string, names: readonly string[]): Promise<void> {
  const fresh = createApp(real);
  for (const name of names) {
    const reply = await fresh.request(`/v1/repos/${slug}/raw/main/${name}.txt`, {
      headers: { "x-api-key": key },
    });
    expect([name, await reply.text()]).toEqual([name, `${name} of ${from}`]);
  }
}

beforeAll(async () => {
  const org = await app.request("/v1/admin/orgs", {
    method: "POST",
    headers: { "x-admin-key": "test-admin-key", "content-type": "application/json" },
    body: JSON.stringify({ slug: "families" }),
  });
  key = ((await org.json()) as { api_key: string }).api_key;
});

beforeEach(async () => {
  const slug = `parent-${++made}`;
  parent = { slug, id: String((await call("POST", "/repos", { slug, init: false })).json.id) };
});

describe("the cost of a fork", () => {
  test("is the same calls and the same bytes whatever the parent holds", async () => {
    const costs: unknown[] = [];
    for (const files of [1, 900]) {
      const slug = `sized-${made}-${files}`;
      const id = String((await call("POST", "/repos", { slug, init: false })).json.id);
      const changes = Array.from({ length: files }, (_, i) => ({
        path: `d${i % 30}/f${i}`,
        content: `${i}`,
      }));
      await call("POST", `/repos/${slug}/commits`, { branch: "main", message: "m", changes });
      await storeOf(id).flush();
      // The first fork of a state walks the tables of its packs; what it found is known to the others.
      calls.length = 0;
      await fork(slug, `${slug}-first`);
      expect(calls.filter((name) => name.startsWith("PACKS")).length).toBe(2);
      calls.length = 0;
      const second = await fork(slug, `${slug}-second`);
      const { databaseBytes, packs, hotObjects } = await storeOf(second.id).stats();
      costs.push({
        calls: [...calls].sort(),
        databaseBytes,
        packs,
        hotObjects,
        files: await listFiles(second.id),
      });
    }
    expect(costs[1]).toEqual(costs[0]);
    expect(costs[0]).toMatchObject({
      calls: ["FAMILY.hold", "ORG.authorize", "ORG.createRepo", "REPO.create", "REPO.share"],
      files: 0,
    });
  });
});

describe("the blobs that a fork says it shares", () => {
  test("are those that its refs reach, after writes, after compaction, after its parent is gone", async () => {
    await write(parent.slug, parent.id, ["a", "b"]);
    expect(await fork(parent.slug, `c1-${made}`)).toMatchObject({ shared: 2, owned: 0 });
    await write(parent.slug, parent.id, numbers(COMPACTION_LIMITS.minPacks));
    await runAlarm(parent.id);
    expect((await storeOf(parent.id).stats()).packs).toBe(1);
    const second = await fork(parent.slug, `c2-${made}`);
    expect(second).toMatchObject({ shared: 2 + COMPACTION_LIMITS.minPacks, owned: 0 });
    await destroy(parent);
    await write(second.slug, second.id, ["own"]);
    expect(await fork(second.slug, `c3-${made}`)).toMatchObject({ shared: 3 + COMPACTION_LIMITS.minPacks });
    await call("POST", `/repos/${second.slug}/commits`, {
      branch: "main",
      message: "the same again",
      changes: [{ path: "copy.txt", content: `own of ${second.slug}` }],
    });
    const last = await fork(second.slug, `c4-${made}`);
    expect(last).toMatchObject({ shared: 3 + COMPACTION_LIMITS.minPacks });
    await expectFiles(last.slug, parent.slug, ["a", "b", ...numbers(COMPACTION_LIMITS.minPacks)]);
  });
});

describe("compaction in a family", () => {
  test("of a fork merges what it wrote, and leaves what it began with where it is", async () => {
    await write(parent.slug, parent.id, numbers(COMPACTION_LIMITS.minPacks - 1));
    const child = await fork(parent.slug, `own-packs-${made}`);
    await write(
      child.slug,
      child.id,
      numbers(COMPACTION_LIMITS.minPacks).map((name) => `own-${name}`),
    );
    await runAlarm(child.id);
    const { packs } = await storeOf(child.id).snapshot({});
    const own = packs?.filter((pack) => pack.key.includes(child.id)) ?? [];
    expect([own.length, packs?.length]).toEqual([1, COMPACTION_LIMITS.minPacks]);
    await expectFiles(child.slug, parent.slug, numbers(COMPACTION_LIMITS.minPacks - 1));
  });

  test("of a parent while it is being forked takes nothing from the fork, then or later", async () => {
    const names = numbers(COMPACTION_LIMITS.minPacks);
    await write(parent.slug, parent.id, names);
    await setFaults(parent.id, (faults) => {
      faults.onCall = async (method) => {
        if (method === "createFile") await new Promise((resume) => setTimeout(resume, 300));
      };
    });
    const alarm = runAlarm(parent.id);
    const child = await fork(parent.slug, `during-${made}`);
    await alarm;
    expect((await storeOf(parent.id).stats()).packs).toBe(1);
    await runAlarm(parent.id, 2 * HOUR_MS);
    expect(await listHolders()).toEqual([child.id]);
    await passTime(30 * DAY_MS);
    await expectFiles(child.slug, parent.slug, names);
    await expectFiles(parent.slug, parent.slug, names);
    await destroy(child);
    await passTime(60 * DAY_MS);
    await expectFiles(parent.slug, parent.slug, names);
    expect(await listFiles(parent.id)).toBe(3);
  });
});

describe("what is brought from one member into another", () => {
  const many = Array.from({ length: 200 }, (_, i) => ({ path: `many/f${i}`, content: `${i}` }));

  test("is a pack of the target's own when it is large", async () => {
    await write(parent.slug, parent.id, ["a"]);
    const child = await fork(parent.slug, `brings-${made}`);
    await call("POST", `/repos/${child.slug}/commits`, { branch: "main", message: "many", changes: many });
    const files = await listFiles(parent.id);
    const order = { source_repo: child.slug, source: "main", target: "main" };
    expect((await call("POST", `/repos/${parent.slug}/land`, order)).status).toBe(200);
    expect(await listFiles(parent.id)).toBe(files + 3);
    await destroy(child);
    await passTime(30 * DAY_MS);
    expect((await call("GET", `/repos/${parent.slug}/blob/main/many/f199`)).json.content).toBe("199");
  });

  test("is taken away when the merge is refused after all", async () => {
    await write(parent.slug, parent.id, ["a"]);
    const child = await fork(parent.slug, `refused-${made}`);
    await call("POST", `/repos/${child.slug}/branches`, { name: "topic", from: "main" });
    await call("POST", `/repos/${parent.slug}/branches`, { name: "topic/x", from: "main" });
    const body = { branch: "topic/x", message: "many", changes: many };
    expect((await call("POST", `/repos/${parent.slug}/commits`, body)).status).toBe(201);
    const synced = await call("POST", `/repos/${child.slug}/sync-upstream`, { branch: "topic/x" });
    expect(synced.status).toBe(409);
    expect(await listFiles(child.id)).toBe(0);
    expect((await call("GET", `/repos/${child.slug}/branches`)).json.total).toBe(2);
  });
});

describe("who holds a pack", () => {
  test("is not a source that was deleted before its hold arrived", async () => {
    await write(parent.slug, parent.id, ["a"]);
    const { familyId, packs } = await storeOf(parent.id).share();
    const keys = packs.map((pack) => pack.key);
    await destroy(parent);
    const source = { familyId, repoId: parent.id, orgId: orgId(), keys };
    await family().hold(source, { repoId: "repo_never", orgId: orgId() });
    await passTime(HOUR_MS);
    expect(await listHolders()).toEqual([]);
    await passTime(9 * DAY_MS);
    expect(await listFiles(parent.id)).toBe(0);
  });

  test("does not change by a release that comes twice", async () => {
    await write(parent.slug, parent.id, ["a"]);
    const child = await fork(parent.slug, `twice-${made}`);
    const { familyId, packs } = await storeOf(child.id).share();
    const hold = { familyId, repoId: parent.id, keys: packs.map((pack) => pack.key) };
    await destroy(parent);
    await family().release(hold);
    await family().release(hold);
    await passTime(30 * DAY_MS);
    await expectFiles(child.slug, parent.slug, ["a"]);
    await destroy(child);
    await passTime(40 * DAY_MS);
    expect(await listFiles(parent.id)).toBe(0);
    await family().release({ ...hold, repoId: child.id });
    await passTime(50 * DAY_MS);
    expect(await listHolders()).toEqual([]);
  });

  test("is right whenever the one in the middle is deleted while it is forked", async () => {
    await write(parent.slug, parent.id, ["a", "b"]);
    const leaves: string[] = [];
    for (let i = 0; i < 6; i++) {
      const middle = await fork(parent.slug, `middle-${made}-${i}`);
      const [made1] = await Promise.all([
        call("POST", `/repos/${middle.slug}/fork`, { slug: `leaf-${made}-${i}` }),
        new Promise((resume) => setTimeout(resume, i)).then(() => destroy(middle)),
      ]);
      expect([201, 404]).toContain(made1.status);
      if (made1.status === 201) leaves.push(`leaf-${made}-${i}`);
    }
    await destroy(parent);
    await passTime(HOUR_MS);
    await passTime(30 * DAY_MS);
    expect((await listHolders()).length).toBe(leaves.length);
    for (const slug of leaves) await expectFiles(slug, parent.slug, ["a", "b"]);
  });

  test("is found out later when the family could not be told; nothing else waits for it", async () => {
    const names = numbers(COMPACTION_LIMITS.minPacks);
    await write(parent.slug, parent.id, names);
    const child = await fork(parent.slug, `down-${made}`);
    await setFaults(parent.id, (faults) => {
      faults.familyDown = true;
    });
    await runAlarm(parent.id);
    await runAlarm(parent.id, 2 * HOUR_MS);
    expect(await listHolders()).toEqual([child.id, parent.id].sort());
    // Many fresh objects are packed at once, which a failure of the housekeeping would put off.
    for (let i = 0; i < 3; i++) {
      const changes = Array.from({ length: 900 }, (_, at) => ({
        path: `m${i}/${at}`,
        content: `${i} ${at}`,
      }));
      await call("POST", `/repos/${parent.slug}/commits`, { branch: "main", message: "many", changes });
    }
    await expect.poll(async () => (await storeOf(parent.id).stats()).hotObjects).toBeLessThan(1_000);
    await write(parent.slug, parent.id, ["after"]);
    await expectFiles(child.slug, parent.slug, names);
    await setFaults(parent.id, (faults) => {
      faults.familyDown = false;
    });
    await runAlarm(parent.id, 2 * HOUR_MS);
    expect(await listHolders()).toEqual([child.id]);
    await expectFiles(parent.slug, parent.slug, [...names, "after"]);
  });
});
