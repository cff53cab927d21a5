import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { createMemoryApi, type MemoryApi } from "../testing/memory-api.ts";
import { ADMIN_KEY } from "../testing/memory-app.ts";

const START_MS = Date.parse("2027-03-14T23:59:00Z");

let api: MemoryApi;
let now = 0;

const operator = (method: string, body?: unknown, org = "acme") =>
  api.call(method, `/v1/admin/orgs/${org}`, body, { "x-admin-key": ADMIN_KEY });
/** Counters arrive after the reply. */
const settle = () => new Promise<void>((resume) => setImmediate(resume));
const put = (path: string, content = "x") => ({ path, content });

/** A caller with a token of these limits. */
async function makeToken(limits: object, scopes: object = { "repos:app": ["read", "write"] }) {
  const made = await api.call("POST", "/v1/tokens", { name: "t", scopes, limits });
  expect([made.status, made.json.limits]).toEqual([201, limits]);
  const key = { "x-api-key": String(made.json.token) };
  return {
    id: String(made.json.id),
    call: (method: string, path: string, body?: unknown, headers = {}) =>
      api.call(method, path, body, { ...key, ...headers }),
    commit: (changes: readonly unknown[], more: object = {}, headers: Record<string, string> = {}) =>
      api.call(
        "POST",
        "/v1/repos/app/commits",
        { branch: "main", message: "m", changes, ...more },
        { ...key, ...headers },
      ),
  };
}

beforeEach(async () => {
  now = START_MS;
  api = await createMemoryApi("acme", { now: () => now, limits: "on" });
  await api.makeRepo("app", { init: true });
});

describe("usage", () => {
  test("counts requests, commits and bytes by day, repository and caller", async () => {
    const token = await makeToken({});
    expect((await token.commit([put("a.txt", "a".repeat(1_000))])).status).toBe(201);
    now += 120_000;
    expect((await token.call("GET", "/v1/repos/app/raw/main/a.txt")).status).toBe(200);
    expect((await api.call("GET", "/v1/repos/none")).status).toBe(404);
    await settle();
    const { json } = await api.call("GET", "/v1/usage/details");
    const days = json.days as Record<string, unknown>[];
    expect(json.period).toEqual({ since: "2027-03-01", until: "2027-03-15" });
    // Making the repository and the token, and the commit; then the read. What was refused at the door is not counted.
    expect(days.map(({ date, requests, commits }) => [date, requests, commits])).toEqual([
      ["2027-03-14", 3, 1],
      ["2027-03-15", 1, 0],
    ]);
    expect(days[1]?.bytes_out).toBe(1_000);
    const { id } = (await api.call("GET", "/v1/repos/app")).json;
    expect(json.repos).toMatchObject([{ id, slug: "app", namespace: null, requests: 2, commits: 1 }]);
    const [first, second] = json.callers as Record<string, unknown>[];
    expect([first?.requests, second]).toEqual([2, expect.objectContaining({ requests: 2 })]);
    expect([first?.id, second?.id]).toContain(token.id);
  });

  test("tells what is stored and what may be used, and of a period that is asked for", async () => {
    await settle();
    const { json } = await api.call("GET", "/v1/usage?since=2027-03-14&until=2027-03-14");
    expect(json).toEqual({
      period: { since: "2027-03-14", until: "2027-03-14" },
      totals: { requests: 1, commits: 0, bytes_in: expect.any(Number), bytes_out: expect.any(Number) },
      storage: { repos: 1, bytes: 0 },
      quotas: { repos: 100_000, storage_bytes: 1_024 ** 4, repo_bytes: 100 * 1_024 ** 3 },
      rate_limits: {
        key: { per_minute: 600, per_hour: 15_000 },
        org: { per_minute: 2_000, per_hour: 50_000 },
      },
    });
    const before = await api.call("GET", "/v1/usage?since=2027-01-01&until=2027-01-31");
    expect(before.json.totals).toEqual({ requests: 0, commits: 0, bytes_in: 0, bytes_out: 0 });
  });

  test("is the master key's to see, and refuses periods that are none", async () => {
    const token = await makeToken({});
    for (const path of ["/v1/usage", "/v1/usage/details"]) {
      expect((await token.call("GET", path)).status).toBe(403);
      for (const query of ["since=yesterday", "since=2027-02-30", "since=2027-03-15&until=2027-03-14"]) {
        expect([query, (await api.call("GET", `${path}?${query}`)).status]).toEqual([query, 400]);
      }
    }
  });

  test("counts what is streamed when it has been sent", async () => {
    await api.commit("app", [put("b.txt", "b".repeat(5_000))]);
    const stream = await api.call("POST", "/v1/repos/app/prefetch", { globs: ["*.txt"] });
    await settle();
    const { json } = await api.call("GET", "/v1/usage/details");
    const out = (json.repos as { bytes_out: number }[])[0]?.bytes_out ?? 0;
    expect(stream.text.length).toBeGreaterThan(5_000);
    expect(out).toBeGreaterThanOrEqual(stream.text.length);
  });
});

describe("quotas of a token", () => {
  test("end its commits, however they are made, and say what is left", async () => {
    const token = await makeToken({ commits: 3 });
    const first = await token.commit([put("a")]);
    expect([first.status, first.headers.get("x-quota-commits-remaining")]).toEqual([201, "2"]);
    expect(first.headers.get("x-quota-commits-limit")).toBe("3");
    await token.call("POST", "/v1/repos/app/branches", { name: "side", from: "main" });
    expect((await token.commit([put("b")], { branch: "side" })).status).toBe(201);
    const merge = { source: "side", strategy: "merge-commit" };
    expect((await token.call("POST", "/v1/repos/app/branches/main/merge", merge)).status).toBe(200);
    const refused = await token.commit([put("c")]);
    expect([refused.status, refused.json]).toEqual([
      402,
      {
        error: "quota exceeded: commits of the token, 3 used of 3",
        code: "QUOTA_EXCEEDED",
        quota: "commits",
        limit: 3,
        used: 3,
      },
    ]);
    expect(refused.headers.get("x-quota-commits-remaining")).toBe("0");
    expect((await token.call("GET", "/v1/repos/app")).headers.get("x-quota-commits-remaining")).toBe("0");
    expect((await api.commit("app", [put("d")])).headers.get("x-quota-commits-remaining")).toBeNull();
    const { commits } = (await api.call("GET", "/v1/repos/app/commits")).json as { commits: unknown[] };
    expect(commits).toHaveLength(5);
  });

  test("are not used up by commits that are refused, nor by one that is asked for twice", async () => {
    const token = await makeToken({ commits: 2 });
    for (let n = 0; n < 5; n++) {
      expect((await token.commit([{ path: "none", action: "delete" }])).status).toBe(404);
      expect((await token.commit([put("a")], { parent_sha: "0".repeat(40) })).status).toBe(409);
    }
    for (let n = 0; n < 3; n++) {
      expect((await token.commit([put("a")], {}, { "idempotency-key": "once" })).status).toBe(201);
    }
    const last = await token.commit([put("b")]);
    expect([last.status, last.headers.get("x-quota-commits-remaining")]).toEqual([201, "0"]);
  });

  test("hold among writers that come at once", async () => {
    const token = await makeToken({ commits: 5 });
    const replies = await Promise.all(Array.from({ length: 20 }, (_, n) => token.commit([put(`f${n}`)])));
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(5);
    expect(replies.filter(({ status }) => status === 402)).toHaveLength(15);
  });

  test("cost those who have none no further round to the org", async () => {
    const org = api.memory.openOrg(String((await operator("GET")).json.id));
    const [authorize, reserve] = [vi.spyOn(org, "authorize"), vi.spyOn(org, "reserve")];
    const [free, limited] = [await makeToken({}), await makeToken({ commits: 9 })];
    authorize.mockClear();
    expect((await free.commit([put("a")])).status).toBe(201);
    expect((await api.commit("app", [put("b")])).status).toBe(201);
    expect([authorize.mock.calls.length, reserve.mock.calls.length]).toEqual([2, 0]);
    expect((await limited.commit([put("c")])).status).toBe(201);
    expect([authorize.mock.calls.length, reserve.mock.calls.length]).toEqual([3, 1]);
  });

  test("count bytes of commits and of uploads", async () => {
    const token = await makeToken({ bytes: 1_000 });
    expect((await token.commit([put("a", "a".repeat(600))])).status).toBe(201);
    const refused = await token.commit([put("b", "b".repeat(600))]);
    expect(refused.json).toMatchObject({ code: "QUOTA_EXCEEDED", quota: "bytes", limit: 1_000, used: 600 });
    // An upload counts as it is stored, so what cannot be compressed is sent.
    const upload = (length: number) => {
      const content = randomBytes(length).toString("base64");
      return token.call("POST", "/v1/repos/app/blobs", { blobs: [{ content, encoding: "base64" }] });
    };
    expect((await upload(500)).status).toBe(402);
    const taken = await upload(200);
    expect(taken.status).toBe(201);
    expect(Number(taken.headers.get("x-quota-bytes-remaining"))).toBeLessThanOrEqual(200);
  });

  test("are refused by name when they are none", async () => {
    for (const limits of [{ commits: 0 }, { bytes: -1 }, { commits: 1.5 }, { pushes: 3 }, 7]) {
      const scopes = { "repos:*": ["read"] };
      const { status } = await api.call("POST", "/v1/tokens", { name: "t", scopes, limits });
      expect([limits, status]).toEqual([limits, 400]);
    }
  });
});

describe("quotas of an org", () => {
  test("are set by the operator, one by one, and taken back", async () => {
    const set = await operator("PATCH", { quotas: { repos: 2, repo_bytes: null } });
    expect([set.status, set.json.quotas]).toEqual([
      200,
      { repos: 2, storage_bytes: 1_024 ** 4, repo_bytes: null },
    ]);
    const again = await operator("PATCH", {
      quotas: { repos: "default" },
      rate_limits: { key: { per_minute: 5 } },
    });
    expect(again.json).toMatchObject({
      quotas: { repos: 100_000, repo_bytes: null },
      rate_limits: { key: { per_minute: 5, per_hour: 15_000 } },
    });
    expect((await operator("GET")).json).toEqual(again.json);
    expect((await operator("PATCH", {}, "nobody")).status).toBe(404);
    expect((await operator("GET", undefined, "nobody")).status).toBe(404);
    expect((await operator("PATCH", { quotas: { repos: -1 } })).status).toBe(400);
    expect((await api.call("PATCH", "/v1/admin/orgs/acme", {})).status).toBe(401);
  });

  test("limit repositories and forks; one that goes makes room", async () => {
    await operator("PATCH", { quotas: { repos: 2 } });
    expect((await api.call("POST", "/v1/repos", { slug: "two" })).status).toBe(201);
    const refused = await api.call("POST", "/v1/repos", { slug: "three" });
    expect([refused.status, refused.json]).toMatchObject([
      402,
      { code: "QUOTA_EXCEEDED", quota: "repos", limit: 2, used: 2 },
    ]);
    expect((await api.call("POST", "/v1/repos/app/fork", { slug: "three" })).status).toBe(402);
    expect((await api.call("POST", "/v1/repos", { slug: "two" })).status).toBe(409);
    await api.call("DELETE", "/v1/repos/two");
    expect((await api.call("POST", "/v1/repos/app/fork", { slug: "three" })).status).toBe(201);
  });

  test("stop writes when what is stored is too much, and leave reading and deleting alone", async () => {
    await operator("PATCH", { quotas: { storage_bytes: 1_000 } });
    const org = api.memory.openOrg(String((await operator("GET")).json.id));
    const { id } = (await api.call("GET", "/v1/repos/app")).json as { id: string };
    await api.call("POST", "/v1/repos/app/branches", { name: "old", from: "main" });
    await org.reportStorage({ repoId: id, bytes: 999 });
    expect((await api.commit("app", [put("a")])).status).toBe(201);
    await org.reportStorage({ repoId: id, bytes: 1_000 });
    const refused = await api.commit("app", [put("b")]);
    expect(refused.json).toMatchObject({ quota: "storage_bytes", limit: 1_000, used: 1_000 });
    expect(refused.status).toBe(402);
    expect((await api.call("GET", "/v1/repos/app/blob/main/a")).status).toBe(200);
    expect((await api.call("DELETE", "/v1/repos/app/branches/old")).status).toBe(200);
    await operator("PATCH", { quotas: { storage_bytes: null, repo_bytes: 1_000 } });
    expect((await api.commit("app", [put("b")])).json).toMatchObject({ quota: "repo_bytes" });
    await api.makeRepo("other", { init: true });
    expect((await api.commit("other", [put("b")])).status).toBe(201);
    expect((await api.call("DELETE", "/v1/repos/app")).status).toBe(200);
    expect((await operator("GET")).json.storage).toEqual({ repos: 1, bytes: 0 });
  });

  test("give a git client the reason in words", async () => {
    await operator("PATCH", { quotas: { storage_bytes: 0 } });
    const password = Buffer.from(`x:${api.apiKey}`).toString("base64");
    const ask = (service: string) =>
      api.memory.request(`/acme/app.git/info/refs?service=${service}`, {
        headers: { authorization: `Basic ${password}` },
      });
    const refused = await ask("git-receive-pack");
    expect([refused.status, await refused.text()]).toEqual([
      402,
      "quota exceeded: stored bytes of the org, 0 used of 0\n",
    ]);
    const fetched = await ask("git-upload-pack");
    expect([fetched.status, fetched.headers.get("x-ratelimit-limit")]).toEqual([200, "600"]);
  });

  test("rate limits hold from the next request on", async () => {
    await operator("PATCH", { rate_limits: { key: { per_minute: 4 } } });
    const statuses = [];
    for (let n = 0; n < 6; n++) statuses.push((await api.call("GET", "/v1/repos/app")).status);
    // One was made before: the repository.
    expect(statuses).toEqual([200, 200, 200, 429, 429, 429]);
  });
});
