/** Quotas, counters and rate limits over the real objects: what RepoDO reports, what survives a restart, what sessions count. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { createHash } from "node:crypto";
import { beforeAll, expect, it, vi } from "vitest";
import type { OrgDO } from "../durable/org-do.ts";
import { orgIdOf } from "../services/org-keys.ts";
import { restartObjects } from "../testing/restart-objects.ts";
import { connectRepo, workersEnv } from "../testing/workers-env.ts";
import { createApp, type Env } from "../wiring.ts";

// The platform's type of `env` is open; what is in it is said in vitest.config.ts.
const bindings = env as unknown as Env & { readonly ORG: DurableObjectNamespace<OrgDO> };
const app = createApp(bindings);
const SLUG = "account-org";

let master = "";

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await app.request(`/v1${path}`, {
    method,
    headers: { "x-api-key": master, "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  const json: any = JSON.parse(await response.text());
  return { status: response.status, headers: response.headers, json };
}

const operator = (body: unknown, slug = SLUG) =>
  call("PATCH", `/admin/orgs/${slug}`, body, { "x-admin-key": "test-admin-key" });
const commit = (path: string, headers: Record<string, string> = {}, content = path) =>
  call(
    "POST",
    "/repos/app/commits",
    { branch: "main", message: path, changes: [{ path, content }] },
    headers,
  );

async function createOrg(slug: string): Promise<string> {
  const made = await app.request("/v1/admin/orgs", {
    method: "POST",
    headers: { "x-admin-key": "test-admin-key", "content-type": "application/json" },
    body: JSON.stringify({ slug }),
  });
  return ((await made.json()) as { api_key: string }).api_key;
}

beforeAll(async () => {
  master = await createOrg(SLUG);
  expect((await call("POST", "/repos", { slug: "app" })).status).toBe(201);
});

it("counts what a repository stores when it is packed, and refuses writes over the quota until there is room", async () => {
  expect((await commit("big.bin", {}, "x".repeat(50_000))).status).toBe(201);
  const { id } = (await call("GET", "/repos/app")).json;
  const stub = workersEnv.REPO.getByName(id);
  await connectRepo(stub).flush();
  expect(await runDurableObjectAlarm(stub)).toBe(true);
  const { storage } = (await call("GET", "/usage")).json;
  expect(storage.repos).toBe(1);
  expect(storage.bytes).toBeGreaterThan(100);
  expect(storage.bytes).toBeLessThan(50_000);
  await operator({ quotas: { repo_bytes: storage.bytes } });
  await restartObjects();
  expect((await commit("more")).json).toMatchObject({ code: "QUOTA_EXCEEDED", quota: "repo_bytes" });
  await operator({ quotas: { repo_bytes: "default" } });
  expect((await commit("more")).status).toBe(201);
});

it("counts a fork for nothing until it writes", async () => {
  const { id } = (await call("GET", "/repos/app")).json;
  const parent = workersEnv.REPO.getByName(id);
  await connectRepo(parent).flush();
  await runDurableObjectAlarm(parent);
  const before = (await call("GET", "/usage")).json.storage.bytes;
  const fork = (await call("POST", "/repos/app/fork", { slug: "fork" })).json;
  await runDurableObjectAlarm(workersEnv.REPO.getByName(fork.id));
  expect((await call("GET", "/usage")).json.storage).toEqual({ repos: 2, bytes: before });
});

it("holds a token's commits to its quota across restarts, and in a session", async () => {
  const scopes = { "repos:app": ["read", "write"] };
  const token = (await call("POST", "/tokens", { name: "t", scopes, limits: { commits: 3 } })).json.token;
  expect((await commit("t1", { "x-api-key": token })).headers.get("x-quota-commits-remaining")).toBe("2");
  await restartObjects();
  const session = (await call("POST", "/session", {}, { "x-api-key": token })).json.session_id;
  const inside = { "x-api-key": "", "x-session-id": session };
  expect((await commit("t2", inside)).status).toBe(201);
  expect((await commit("t3", inside)).headers.get("x-quota-commits-remaining")).toBe("0");
  expect((await commit("t4", inside)).json).toMatchObject({ quota: "commits", limit: 3, used: 3 });
  expect((await commit("t5", { "x-api-key": token })).status).toBe(402);
});

it("counts large files among the bytes that a token may write", async () => {
  const scopes = { "repos:app": ["read", "write"] };
  const { token } = (await call("POST", "/tokens", { name: "t", scopes, limits: { bytes: 150 } })).json;
  const put = (text: string, oid = createHash("sha256").update(text).digest("hex")) =>
    app.request(`/${SLUG}/app.git/info/lfs/objects/${oid}`, {
      method: "PUT",
      headers: {
        authorization: `Basic ${btoa(`x:${token}`)}`,
        "content-length": String(text.length),
        "content-type": "application/octet-stream",
      },
      body: text,
    });
  const wrong = await put("a".repeat(100), "0".repeat(64));
  expect([wrong.status, wrong.headers.get("x-ratelimit-limit")]).toEqual([422, "600"]);
  const stored = await put("a".repeat(100));
  expect([stored.status, stored.headers.get("x-quota-bytes-remaining")]).toEqual([200, "50"]);
  const refused = await put("b".repeat(100));
  expect([refused.status, await refused.json()]).toMatchObject([
    402,
    { quota: "bytes", limit: 150, used: 100 },
  ]);
});

it("knows after a restart what the rate limits had counted", async () => {
  const org = bindings.ORG.getByName(orgIdOf(SLUG));
  await operator({ rate_limits: { key: { per_hour: 40 } } });
  for (let n = 0; n < 5; n++) await call("GET", "/repos/app");
  const first = await call("GET", "/repos/app");
  const left = Number(first.headers.get("x-ratelimit-remaining"));
  // As the Worker does a little after every request.
  await org.reportUsage([]);
  await restartObjects();
  const second = await call("GET", "/repos/app");
  expect(Number(second.headers.get("x-ratelimit-remaining"))).toBe(left - 1);
  await operator({ rate_limits: { key: { per_hour: "default" } } });
});

it("counts requests in a session against the limit of who opened it", async () => {
  master = await createOrg("limited-org");
  expect((await call("POST", "/repos", { slug: "app" })).status).toBe(201);
  await operator({ rate_limits: { key: { per_minute: 12 } } }, "limited-org");
  const session = (await call("POST", "/session", {})).json.session_id;
  const statuses = new Set<number>();
  for (let n = 0; n < 20; n++) {
    statuses.add(
      (await call("GET", "/repos/app", undefined, { "x-api-key": "", "x-session-id": session })).status,
    );
  }
  expect([...statuses]).toEqual([200, 429]);
});

it("adds up what requests did, a little later", async () => {
  master = await createOrg("counting-org");
  expect((await call("POST", "/repos", { slug: "app" })).status).toBe(201);
  expect((await commit("a", {}, "a".repeat(3_000))).status).toBe(201);
  const raw = await app.request("/v1/repos/app/raw/main/a", { headers: { "x-api-key": master } });
  expect((await raw.text()).length).toBe(3_000);
  await vi.waitFor(async () => {
    const { json } = await call("GET", "/usage/details");
    expect(json.totals.commits).toBe(1);
    expect(json.repos[0]).toMatchObject({ slug: "app", requests: 2, commits: 1 });
    expect(json.repos[0].bytes_out).toBeGreaterThan(3_000);
    expect(json.repos[0].bytes_in).toBe(0);
  }, 10_000);
});
