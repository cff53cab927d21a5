import { beforeAll, describe, expect, it } from "vitest";
import { ADMIN_KEY, createMemoryApp, type MemoryApp } from "../testing/memory-app.ts";

const JSON_TYPE = { "content-type": "application/json" };

let memory: MemoryApp;
let acme: { apiKey: string; keyId: string };
let rival: { apiKey: string };

async function call(method: string, path: string, headers: Record<string, string> = {}, body?: unknown) {
  const response = await memory.request(path, {
    method,
    headers: { ...(body === undefined ? {} : JSON_TYPE), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, json: text ? JSON.parse(text) : null };
}

beforeAll(async () => {
  memory = createMemoryApp();
  acme = await memory.createOrg("acme");
  rival = await memory.createOrg("rival");
  const key = { "x-api-key": acme.apiKey };
  await call("POST", "/v1/repos", key, { slug: "hidden" });
  await call("POST", "/v1/repos", key, { slug: "open", visibility: "public" });
});

describe("who may call", () => {
  it("takes the key from x-api-key or as a bearer token", async () => {
    expect((await call("GET", "/v1/repos/hidden", { "x-api-key": acme.apiKey })).status).toBe(200);
    expect((await call("GET", "/v1/repos/hidden", { authorization: `Bearer ${acme.apiKey}` })).status).toBe(
      200,
    );
    expect((await call("GET", "/v1/repos/hidden", { authorization: `bearer  ${acme.apiKey}` })).status).toBe(
      200,
    );
  });

  it.each([
    ["no key", {}],
    ["an empty key", { "x-api-key": "" }],
    ["something that is no key", { "x-api-key": "cgk_live_short" }],
    ["a key of an org that does not exist", { "x-api-key": `cgk_live_${"x".repeat(40)}` }],
    ["a token scheme that is not served", { authorization: "Digest abc" }],
    ["a bearer that is no key", { authorization: "Bearer abc" }],
  ])("answers 401 to %s, whatever it asks for", async (_name, headers) => {
    for (const path of ["/v1/repos", "/v1/repos/hidden", "/v1/repos/open", "/v1/repos/missing"]) {
      const refused = await call("GET", path, headers);
      expect(refused.status).toBe(401);
      expect(refused.json.code).toBe("UNAUTHORIZED");
      expect(refused.headers.get("www-authenticate")).toMatch(/^Bearer/);
    }
  });

  it("answers 401 to a key of the right org with the wrong secret", async () => {
    const wrong = acme.apiKey.slice(0, -1) + (acme.apiKey.endsWith("A") ? "B" : "A");
    expect((await call("GET", "/v1/repos/hidden", { "x-api-key": wrong })).status).toBe(401);
  });

  it("shows another org's key the same 404 for what exists and what does not", async () => {
    const key = { "x-api-key": rival.apiKey };
    const existing = await call("GET", "/v1/repos/hidden", key);
    const missing = await call("GET", "/v1/repos/missing", key);
    expect(existing.status).toBe(404);
    expect(existing.json).toEqual(missing.json);
    expect((await call("DELETE", "/v1/repos/hidden", key)).status).toBe(404);
    expect((await call("PATCH", "/v1/repos/open", key, { visibility: "private" })).status).toBe(404);
    expect((await call("GET", "/v1/repos", key)).json.repos).toEqual([]);
  });

  it("judges the key before it looks at the body", async () => {
    const body = new ReadableStream({
      pull() {
        throw new Error("the body was read");
      },
    });
    const init = { method: "POST", headers: JSON_TYPE, body, duplex: "half" };
    const refused = await memory.request("/v1/repos", init);
    expect(refused.status).toBe(401);
  });

  it("refuses a revoked key at once, and no other", async () => {
    const admin = { "x-admin-key": ADMIN_KEY };
    const second = await call("POST", "/v1/admin/orgs/acme/keys", admin);
    expect(second.status).toBe(201);
    const key = { "x-api-key": second.json.api_key };
    expect((await call("GET", "/v1/repos/hidden", key)).status).toBe(200);
    const revoked = await call("DELETE", `/v1/admin/keys/${second.json.id}`, admin);
    expect(revoked).toMatchObject({ status: 200, json: { deleted: true } });
    expect((await call("GET", "/v1/repos/hidden", key)).status).toBe(401);
    expect((await call("GET", "/v1/repos/hidden", { "x-api-key": acme.apiKey })).status).toBe(200);
    expect((await call("DELETE", `/v1/admin/keys/${second.json.id}`, admin)).status).toBe(404);
  });
});

describe("the operator's routes", () => {
  const admin = { "x-admin-key": ADMIN_KEY };

  it("make an org whose key works", async () => {
    const made = await call("POST", "/v1/admin/orgs", admin, { slug: "fresh", name: "Fresh" });
    expect(made.status).toBe(201);
    expect(made.json).toEqual({
      id: expect.stringMatching(/^[0-9A-Za-z]{12}$/),
      slug: "fresh",
      api_key: expect.stringMatching(/^cgk_live_[0-9A-Za-z]{40}$/),
    });
    expect(made.json.api_key.slice(9, 21)).toBe(made.json.id);
    expect((await call("GET", "/v1/repos", { "x-api-key": made.json.api_key })).status).toBe(200);
    const again = await call("POST", "/v1/admin/orgs", admin, { slug: "fresh" });
    expect(again).toMatchObject({ status: 409, json: { code: "CONFLICT" } });
  });

  it.each([
    ["a bad slug", { slug: "A" }, "slug"],
    ["no slug", {}, "slug"],
    ["a reserved slug", { slug: "git" }, "slug"],
    ["an unknown field", { slug: "ok", plan: "pro" }, "plan"],
    ["an empty name", { slug: "ok", name: "" }, "name"],
  ])("refuse %s", async (_name, body, field) => {
    const refused = await call("POST", "/v1/admin/orgs", admin, body);
    expect(refused).toMatchObject({ status: 400, json: { code: "VALIDATION_ERROR", fields: [{ field }] } });
  });

  it("answer 404 for an org or a key that does not exist", async () => {
    expect((await call("POST", "/v1/admin/orgs/nobody/keys", admin)).status).toBe(404);
    expect((await call("DELETE", "/v1/admin/keys/nonsense", admin)).status).toBe(404);
    expect(
      (await call("DELETE", `/v1/admin/keys/key_${"x".repeat(12)}_${"y".repeat(16)}`, admin)).status,
    ).toBe(404);
  });

  it("answer 401 to a wrong key, a master key, or none", async () => {
    for (const headers of [
      {},
      { "x-admin-key": "" },
      { "x-admin-key": "wrong" },
      { "x-api-key": acme.apiKey },
    ]) {
      const refused = await call("POST", "/v1/admin/orgs", headers, { slug: "sneaky" });
      expect(refused).toMatchObject({ status: 401, json: { code: "UNAUTHORIZED" } });
    }
  });

  it("do not exist without a configured key", async () => {
    const closed = createMemoryApp({ adminKey: null });
    const init = { method: "POST", headers: { ...JSON_TYPE, "x-admin-key": "" }, body: '{"slug":"x"}' };
    const refused = await closed.request("/v1/admin/orgs", init);
    const unknown = await closed.request("/v1/nonsense", init);
    expect(refused.status).toBe(404);
    expect(await refused.text()).toBe(await unknown.text());
  });
});

describe("rate limits", () => {
  it("admit 600 requests of a key, then answer 429 until time has passed", async () => {
    let nowMs = 1_700_000_000_000;
    const limited = createMemoryApp({ limits: "on", now: () => nowMs });
    const { apiKey } = await limited.createOrg("busy");
    const get = () => limited.request("/v1/repos", { headers: { "x-api-key": apiKey } });
    const first = await get();
    expect(first.headers.get("x-ratelimit-limit")).toBe("600");
    expect(first.headers.get("x-ratelimit-remaining")).toBe("599");
    expect(Number(first.headers.get("x-ratelimit-reset"))).toBeGreaterThan(nowMs / 1_000);
    for (let i = 1; i < 600; i++) expect((await get()).status).toBe(200);
    const refused = await get();
    expect(refused.status).toBe(429);
    expect(await refused.json()).toMatchObject({ code: "RATE_LIMITED" });
    expect(refused.headers.get("x-ratelimit-remaining")).toBe("0");
    const waitSec = Number(refused.headers.get("retry-after"));
    expect(waitSec).toBeGreaterThan(0);
    nowMs += waitSec * 1_000;
    expect((await get()).status).toBe(200);
  });

  it("tell the state on refusals too", async () => {
    const limited = createMemoryApp({ limits: "on" });
    const { apiKey } = await limited.createOrg("busy");
    const bad = await limited.request("/v1/repos?limit=0", { headers: { "x-api-key": apiKey } });
    expect(bad.status).toBe(400);
    expect(bad.headers.get("x-ratelimit-remaining")).toBe("599");
  });
});
