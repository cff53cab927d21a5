/** Forks on the runtime that they are made for: who holds which pack, and when its files go. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { connectRepo, workersEnv } from "../testing/workers-env.ts";
import { createApp, type Env } from "../wiring.ts";

// The platform's type of `env` is open; what is in it is said in vitest.config.ts.
const app = createApp(env as unknown as Env);
const DAY_MS = 24 * 60 * 60 * 1000;
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

const storeOf = (repoId: string) => connectRepo(workersEnv.REPO.get(workersEnv.REPO.idFromName(repoId)));
const family = () => workersEnv.FAMILY.get(workersEnv.FAMILY.idFromName(parent.id));

/** Lets the family's clock run ahead, and its alarm go off. */
async function passTime(ms: number): Promise<void> {
  await runInDurableObject(family(), (object) => {
    object.now = () => Date.now() + ms;
  });
  await runDurableObjectAlarm(family());
}

async function listFiles(repoId: string): Promise<number> {
  return (await workersEnv.PACKS.list({ prefix: `packs/${repoId}/` })).objects.length;
}

/** Deletes a repository and lets it finish. */
async function destroy(slug: string, id: string): Promise<void> {
  expect((await call("DELETE", `/repos/${slug}`)).status).toBe(200);
  await runDurableObjectAlarm(workersEnv.REPO.get(workersEnv.REPO.idFromName(id)));
}

async function fork(from: string, slug: string): Promise<string> {
  const reply = await call("POST", `/repos/${from}/fork`, { slug });
  expect(reply.status).toBe(201);
  return String(reply.json.id);
}

const readFile = (slug: string) => call("GET", `/repos/${slug}/blob/main/a.txt`);

beforeAll(async () => {
  const org = await app.request("/v1/admin/orgs", {
    method: "POST",
    headers: { "x-admin-key": "test-admin-key", "content-type": "application/json" },
    body: JSON.stringify({ slug: "forkers" }),
  });
  key = ((await org.json()) as { api_key: string }).api_key;
});

beforeEach(async () => {
  const slug = `parent-${++made}`;
  parent = { slug, id: String((await call("POST", "/repos", { slug })).json.id) };
  const changes = [{ path: "a.txt", content: "a" }];
  await call("POST", `/repos/${slug}/commits`, { branch: "main", message: "a", changes });
});

describe("a fork", () => {
  test("copies what is not packed yet, and shares packs instead of copying them", async () => {
    const early = await fork(parent.slug, `early-${made}`);
    expect((await storeOf(early).stats()).hotObjects).toBeGreaterThan(0);
    await storeOf(parent.id).flush();
    const late = await fork(parent.slug, `late-${made}`);
    expect(await storeOf(late).stats()).toMatchObject({ hotObjects: 0, packs: 1 });
    expect([await listFiles(late), await listFiles(parent.id)]).toEqual([0, 3]);
    for (const slug of [`early-${made}`, `late-${made}`])
      expect((await readFile(slug)).json.content).toBe("a");
  });

  test("packs many fresh objects of its parent first, so that the next fork need not copy them", async () => {
    const changes = Array.from({ length: 300 }, (_, i) => ({ path: `f${i}`, content: `${i}` }));
    await call("POST", `/repos/${parent.slug}/commits`, { branch: "main", message: "many", changes });
    const id = await fork(parent.slug, `many-${made}`);
    expect(await storeOf(id).stats()).toMatchObject({ hotObjects: 0 });
  });

  test("stays whole when its parent goes, for ever", async () => {
    await storeOf(parent.id).flush();
    await fork(parent.slug, `child-${made}`);
    const grandchild = await fork(`child-${made}`, `grandchild-${made}`);
    await destroy(parent.slug, parent.id);
    await passTime(30 * DAY_MS);
    expect(await listFiles(parent.id)).toBe(3);
    for (const slug of [`child-${made}`, `grandchild-${made}`])
      expect((await readFile(slug)).json.content).toBe("a");
    expect((await storeOf(grandchild).stats()).packs).toBe(1);
  });

  test("writes packs of its own, which go with it at once", async () => {
    await storeOf(parent.id).flush();
    const id = await fork(parent.slug, `own-${made}`);
    const changes = [{ path: "own.txt", content: "own" }];
    await call("POST", `/repos/own-${made}/commits`, { branch: "main", message: "own", changes });
    await storeOf(id).flush();
    expect(await listFiles(id)).toBe(3);
    await destroy(`own-${made}`, id);
    expect([await listFiles(id), await listFiles(parent.id)]).toEqual([0, 3]);
    expect((await readFile(parent.slug)).json.content).toBe("a");
  });
});

describe("the files of a pack that nobody holds any more", () => {
  test("go after seven days, not before", async () => {
    await storeOf(parent.id).flush();
    const child = await fork(parent.slug, `short-${made}`);
    await destroy(parent.slug, parent.id);
    await destroy(`short-${made}`, child);
    await passTime(6 * DAY_MS);
    expect(await listFiles(parent.id)).toBe(3);
    await passTime(8 * DAY_MS);
    expect(await listFiles(parent.id)).toBe(0);
  });

  test("stay when somebody forks the pack again in time", async () => {
    await storeOf(parent.id).flush();
    const { familyId, packs } = await storeOf(parent.id).share();
    const keys = packs.map((pack) => pack.key);
    // As if the parent were gone before the fork's hold arrived.
    await family().release({ familyId, repoId: parent.id, keys });
    await fork(parent.slug, `again-${made}`);
    await passTime(30 * DAY_MS);
    expect(await listFiles(parent.id)).toBe(3);
  });
});

test("a fork whose maker died before it had a name holds nothing", async () => {
  await storeOf(parent.id).flush();
  const { familyId, packs } = await storeOf(parent.id).share();
  const keys = packs.map((pack) => pack.key);
  const { orgId } = { orgId: key.slice("cgk_live_".length, "cgk_live_".length + 12) };
  await family().hold({ familyId, repoId: parent.id, orgId, keys }, { repoId: "repo_never", orgId });
  const child = await fork(parent.slug, `named-${made}`);
  await passTime(60 * 60 * 1000);
  const holders = await runInDurableObject(family(), (_, state) =>
    state.storage.sql
      .exec<{ repo_id: string }>("SELECT repo_id FROM holds")
      .toArray()
      .map((row) => row.repo_id),
  );
  expect(holders.sort()).toEqual([child, parent.id].sort());
});
