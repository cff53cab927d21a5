import { beforeAll, describe, expect, it } from "vitest";
import type { RepoList } from "../../sdk/contract/repos.ts";
import { createMemoryApp, type MemoryApp } from "../testing/memory-app.ts";

const JSON_TYPE = { "content-type": "application/json" };

let memory: MemoryApp;
let apiKey: string;

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await memory.request(path, {
    method,
    headers: { "x-api-key": apiKey, ...(body === undefined ? {} : JSON_TYPE), ...headers },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, json: text ? JSON.parse(text) : null };
}

beforeAll(async () => {
  memory = createMemoryApp();
  apiKey = (await memory.createOrg("acme")).apiKey;
});

describe("POST /v1/repos", () => {
  it("makes a repository with one empty commit and answers the whole record", async () => {
    const made = await call("POST", "/v1/repos", { slug: "first", description: "d" });
    expect(made.status).toBe(201);
    expect(made.json).toEqual({
      id: expect.stringMatching(/^repo_[0-9A-Za-z]{22}$/),
      namespace: null,
      slug: "first",
      description: "d",
      visibility: "private",
      default_branch: "main",
      is_template: false,
      auto_index: false,
      git_url: "http://localhost/acme/first.git",
      api_url: "http://localhost/v1/repos/first",
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
    const got = await call("GET", "/v1/repos/first");
    expect(got.status).toBe(200);
    expect(got.json).toEqual({
      ...made.json,
      is_empty: false,
      forked_from: null,
      fork_mode: null,
      fork_depth: 0,
      fork_root: null,
    });
  });

  it("leaves a repository without init empty, with HEAD on the branch asked for", async () => {
    const made = await call("POST", "/v1/repos", { slug: "bare", init: false, default_branch: "trunk" });
    expect(made.status).toBe(201);
    const got = await call("GET", "/v1/repos/bare");
    expect(got.json).toMatchObject({ is_empty: true, default_branch: "trunk" });
  });

  it("keeps namespaces apart and addresses them with two segments", async () => {
    expect((await call("POST", "/v1/repos", { slug: "app", namespace: "team" })).status).toBe(201);
    expect((await call("POST", "/v1/repos", { slug: "app", namespace: "other" })).status).toBe(201);
    expect((await call("POST", "/v1/repos", { slug: "app" })).status).toBe(201);
    const got = await call("GET", "/v1/repos/team/app");
    expect(got.json).toMatchObject({
      namespace: "team",
      slug: "app",
      git_url: "http://localhost/acme/team/app.git",
      api_url: "http://localhost/v1/repos/team/app",
    });
    expect((await call("GET", "/v1/repos/app")).json.namespace).toBeNull();
  });

  it("refuses a name that is taken, and lets exactly one of twenty creators win", async () => {
    expect((await call("POST", "/v1/repos", { slug: "first" })).json).toMatchObject({ code: "CONFLICT" });
    const raced = await Promise.all(
      Array.from({ length: 20 }, () => call("POST", "/v1/repos", { slug: "raced" })),
    );
    const statuses = raced.map(({ status }) => status).sort();
    expect(statuses).toEqual([201, ...Array.from({ length: 19 }, () => 409)]);
    expect((await call("GET", "/v1/repos/raced")).json.is_empty).toBe(false);
  });

  it("gives the first result again for the same Idempotency-Key", async () => {
    const key = { "idempotency-key": "k-1" };
    const first = await call("POST", "/v1/repos", { slug: "once" }, key);
    const again = await call("POST", "/v1/repos", { slug: "once" }, key);
    expect(again.status).toBe(201);
    expect(again.json).toEqual(first.json);
    expect(first.headers.get("x-idempotent-replay")).toBeNull();
    expect(again.headers.get("x-idempotent-replay")).toBe("true");
    const other = await call("POST", "/v1/repos", { slug: "twice" }, key);
    expect(other).toMatchObject({ status: 422, json: { code: "UNPROCESSABLE" } });
    expect((await call("GET", "/v1/repos/twice")).status).toBe(404);
    expect((await call("GET", "/v1/repos/once")).json.is_empty).toBe(false);
  });

  it.each([
    ["no slug", {}, "slug", "required"],
    ["upper case", { slug: "Repo" }, "slug", /lower-case/],
    ["double hyphen", { slug: "a--b" }, "slug", /hyphens/],
    ["a trailing newline", { slug: "a\n" }, "slug", /lower-case/],
    ["a path", { slug: "../x" }, "slug", /lower-case/],
    ["too long a slug", { slug: "a".repeat(101) }, "slug", /100/],
    ["a number for a slug", { slug: 5 }, "slug", /expected string/],
    ["a bad namespace", { slug: "a", namespace: "A B" }, "namespace", /lower-case/],
    ["501 chars of description", { slug: "a", description: "x".repeat(501) }, "description", /500/],
    ["an unknown visibility", { slug: "a", visibility: "secret" }, "visibility", /public/],
    ["a string for init", { slug: "a", init: "yes" }, "init", /boolean/],
    ["an unknown field", { slug: "a", colour: "red" }, "colour", "unknown field"],
    ["a branch that git refuses", { slug: "a", default_branch: "a..b" }, "default_branch", /./],
    ["a branch that begins with a hyphen", { slug: "a", default_branch: "-a" }, "default_branch", /./],
    ["a branch named @", { slug: "a", default_branch: "@" }, "default_branch", /HEAD/],
    ["a description with a lone surrogate", { slug: "a", description: "\ud800" }, "description", /surrogate/],
    ["a noun inside a namespace", { slug: "commits", namespace: "ns" }, "slug", /part of the API/],
    ["null", null, "body", /expected object/],
    ["an array", [], "body", /expected object/],
    ["a string", '"x"', "body", /expected object/],
    ["broken JSON", "{", "body", /not valid JSON/],
    ["nothing", "", "body", /required/],
  ])("refuses %s", async (_name, body, field, message) => {
    const before = (await call("GET", "/v1/repos?limit=100")).json.repos.length;
    const refused = await call("POST", "/v1/repos", body);
    expect(refused.status).toBe(400);
    expect(refused.json.code).toBe("VALIDATION_ERROR");
    const named = refused.json.fields.find((entry: { field: string }) => entry.field === field);
    expect(named, JSON.stringify(refused.json)).toBeDefined();
    if (typeof message === "string") expect(named.message).toBe(message);
    else expect(named.message).toMatch(message);
    expect((await call("GET", "/v1/repos?limit=100")).json.repos.length).toBe(before);
  });

  it("takes JSON that fetch calls plain text because the client said nothing, or that has no type", async () => {
    const send = (body: BodyInit) =>
      memory.request("/v1/repos", { method: "POST", headers: { "x-api-key": apiKey }, body });
    expect((await send('{"slug":"untyped-text"}')).status).toBe(201);
    expect((await send(new TextEncoder().encode('{"slug":"untyped-bytes"}'))).status).toBe(201);
  });

  it("refuses a body of another type, in another encoding, or not in UTF-8", async () => {
    const send = (headers: Record<string, string>, body: BodyInit) =>
      memory.request("/v1/repos", { method: "POST", headers: { "x-api-key": apiKey, ...headers }, body });
    const form = { "content-type": "application/x-www-form-urlencoded" };
    expect((await send(form, '{"slug":"ct"}')).status).toBe(400);
    expect((await send({ ...JSON_TYPE, "content-encoding": "gzip" }, "x")).status).toBe(400);
    const latin1 = new Uint8Array([
      ...new TextEncoder().encode('{"slug":"ct","description":"'),
      0xe9,
      0x22,
      0x7d,
    ]);
    const reply = await send(JSON_TYPE, latin1);
    expect(await reply.json()).toMatchObject({ fields: [{ field: "body", message: "not valid UTF-8" }] });
    expect((await send({ "content-type": "application/json; charset=utf-8" }, '{"slug":"ct"}')).status).toBe(
      201,
    );
  });

  it("refuses an Idempotency-Key that is empty, too long or not ASCII", async () => {
    for (const key of ["", "x".repeat(256), "é"]) {
      const refused = await call("POST", "/v1/repos", { slug: "ik" }, { "idempotency-key": key });
      expect(refused.json).toMatchObject({
        code: "VALIDATION_ERROR",
        fields: [{ field: "idempotency-key" }],
      });
    }
  });
});

describe("GET /v1/repos", () => {
  it("pages oldest first, by cursor and by offset, without repeats while repositories come and go", async () => {
    const own = createMemoryApp();
    const { apiKey: key } = await own.createOrg("pager");
    const get = async (path: string): Promise<RepoList> =>
      (await own.request(path, { headers: { "x-api-key": key } })).json();
    const names = Array.from({ length: 7 }, (_, i) => `r${i}`);
    for (const slug of names) {
      const headers = { ...JSON_TYPE, "x-api-key": key };
      await own.request("/v1/repos", {
        method: "POST",
        headers,
        body: JSON.stringify({ slug, init: false }),
      });
    }
    const seen: string[] = [];
    let cursor: string | null = "";
    for (let page = 0; page < 3; page++) {
      const reply = await get(`/v1/repos?limit=3${cursor && `&cursor=${cursor}`}`);
      seen.push(...reply.repos.map((repo: { slug: string }) => repo.slug));
      if (page === 0) await own.request("/v1/repos/r1", { method: "DELETE", headers: { "x-api-key": key } });
      cursor = reply.next_cursor;
    }
    expect(seen).toEqual(names);
    expect(cursor).toBeNull();
    const second = await get("/v1/repos?limit=2&offset=2");
    expect(second).toMatchObject({ limit: 2, offset: 2, repos: [{ slug: "r3" }, { slug: "r4" }] });
  });

  it("filters by namespace and by template", async () => {
    await call("POST", "/v1/repos", { slug: "tpl", namespace: "filter", is_template: true });
    await call("POST", "/v1/repos", { slug: "plain", namespace: "filter" });
    const both = await call("GET", "/v1/repos?namespace=filter");
    expect(both.json.repos.map((repo: { slug: string }) => repo.slug)).toEqual(["tpl", "plain"]);
    const templates = await call("GET", "/v1/repos?namespace=filter&is_template=true");
    expect(templates.json.repos.map((repo: { slug: string }) => repo.slug)).toEqual(["tpl"]);
    const others = await call("GET", "/v1/repos?namespace=filter&is_template=false");
    expect(others.json.repos.map((repo: { slug: string }) => repo.slug)).toEqual(["plain"]);
  });

  it.each([
    ["limit=0", "limit"],
    ["limit=-1", "limit"],
    ["limit=101", "limit"],
    ["limit=ten", "limit"],
    ["limit=1.5", "limit"],
    ["limit=", "limit"],
    ["limit=1&limit=2", "limit"],
    ["offset=-1", "offset"],
    ["offset=", "offset"],
    ["limit=0x10", "limit"],
    ["cursor=", "cursor"],
    ["cursor=garbage", "cursor"],
    ["namespace=A", "namespace"],
    ["is_template=maybe", "is_template"],
    ["page=2", "page"],
  ])("refuses ?%s", async (query, field) => {
    const refused = await call("GET", `/v1/repos?${query}`);
    expect(refused.status).toBe(400);
    expect(refused.json).toMatchObject({ code: "VALIDATION_ERROR", fields: [{ field }] });
  });
});

describe("PATCH and DELETE /v1/repos/:repo", () => {
  it("changes what is given and nothing else", async () => {
    const made = await call("POST", "/v1/repos", { slug: "patched", description: "old" });
    const changed = await call("PATCH", "/v1/repos/patched", { visibility: "public", is_template: true });
    expect(changed.status).toBe(200);
    expect(changed.json).toEqual({ ...made.json, visibility: "public", is_template: true });
    const cleared = await call("PATCH", "/v1/repos/patched", { description: null, auto_index: true });
    expect(cleared.json).toMatchObject({ description: null, auto_index: true, visibility: "public" });
    expect((await call("PATCH", "/v1/repos/patched", {})).json).toEqual(cleared.json);
  });

  it("takes only an existing branch as default, unless the repository is empty", async () => {
    await call("POST", "/v1/repos", { slug: "heads" });
    const refused = await call("PATCH", "/v1/repos/heads", { default_branch: "nowhere" });
    expect(refused.json).toMatchObject({ code: "VALIDATION_ERROR", fields: [{ field: "default_branch" }] });
    await call("POST", "/v1/repos", { slug: "headless", init: false });
    const moved = await call("PATCH", "/v1/repos/headless", { default_branch: "trunk" });
    expect(moved.json.default_branch).toBe("trunk");
    const bad = await call("PATCH", "/v1/repos/headless", { default_branch: "a b" });
    expect(bad.json).toMatchObject({ code: "VALIDATION_ERROR", fields: [{ field: "default_branch" }] });
    expect((await call("GET", "/v1/repos/headless")).json.default_branch).toBe("trunk");
  });

  it.each([
    ["slug", { slug: "other" }],
    ["description", { description: "x".repeat(501) }],
    ["visibility", { visibility: 1 }],
    ["is_template", { is_template: null }],
  ])("refuses a bad %s", async (field, body) => {
    const refused = await call("PATCH", "/v1/repos/first", body);
    expect(refused.status).toBe(400);
    expect(refused.json.fields[0].field).toBe(field);
  });

  it("deletes, frees the name, and gives the next one of that name nothing of the old", async () => {
    const made = await call("POST", "/v1/repos", { slug: "gone", description: "secret" });
    const deleted = await call("DELETE", "/v1/repos/gone");
    expect(deleted).toMatchObject({ status: 200, json: { deleted: true } });
    expect((await call("GET", "/v1/repos/gone")).status).toBe(404);
    expect((await call("DELETE", "/v1/repos/gone")).status).toBe(404);
    const next = await call("POST", "/v1/repos", { slug: "gone", init: false });
    expect(next.json.id).not.toBe(made.json.id);
    expect((await call("GET", "/v1/repos/gone")).json).toMatchObject({ is_empty: true, description: null });
  });
});
