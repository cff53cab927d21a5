import { beforeEach, describe, expect, test } from "vitest";
import { createMemoryApi, joinMemoryApp, type MemoryApi } from "../testing/memory-api.ts";

let api: MemoryApi;
let now = 0;

type Scopes = Record<string, unknown>;

/** A caller with a token of these scopes. */
async function makeToken(scopes: Scopes, more: Record<string, unknown> = {}) {
  const made = await api.call("POST", "/v1/tokens", { name: "agent", scopes, ...more });
  expect(made.status).toBe(201);
  const { id, token } = made.json as { id: string; token: string };
  const call = (method: string, path: string, body?: unknown) =>
    api.call(method, path, body, { "x-api-key": token });
  const commit = (changes: readonly unknown[], branch = "main", slug = "app") =>
    call("POST", `/v1/repos/${slug}/commits`, { branch, message: "m", changes });
  return { id, token, call, commit };
}

const put = (path: string, content = "x") => ({ path, content });

beforeEach(async () => {
  now = 1_800_000_000_000;
  api = await createMemoryApi("acme", { now: () => now });
  for (const slug of ["app", "other"]) await api.makeRepo(slug, { init: true });
  await api.commit("app", [put("src/a.ts", "a"), put("docs/a.md", "a"), put("secret/key", "k")]);
});

describe("tokens", () => {
  test("are shown once, listed without their secret, and kept to their org", async () => {
    const made = await api.call("POST", "/v1/tokens", {
      name: "one",
      scopes: { "repos:app": ["read"], "repos:other": { ops: ["read", "write"], refs: ["agent/*"] } },
      expires_in: 3_600,
    });
    expect(made.json).toMatchObject({ name: "one", token: expect.stringMatching(/^cgt_[0-9A-Za-z]{40}$/) });
    expect(Date.parse(String(made.json.expires_at))).toBe(now + 3_600_000);
    const listed = (await api.call("GET", "/v1/tokens")).json.tokens as Record<string, unknown>[];
    const { token, ...shown } = made.json;
    expect(listed).toEqual([shown]);
    expect(JSON.stringify(listed)).not.toContain(String(token));
    const rival = await joinMemoryApp(api.memory, "rival");
    expect((await rival.call("GET", "/v1/tokens")).json.tokens).toEqual([]);
    expect((await rival.call("DELETE", `/v1/tokens/${made.json.id}`)).status).toBe(404);
  });

  test("end when they are revoked and when their time is over, at once", async () => {
    const [one, two] = [await makeToken({ "repos:*": ["read"] }), await makeToken({ "repos:*": ["read"] })];
    expect((await one.call("GET", "/v1/repos/app")).status).toBe(200);
    expect((await api.call("DELETE", `/v1/tokens/${one.id}`)).json).toEqual({ deleted: true });
    expect((await one.call("GET", "/v1/repos/app")).json).toMatchObject({ code: "UNAUTHORIZED" });
    expect((await api.call("DELETE", `/v1/tokens/${one.id}`)).status).toBe(404);
    now += 86_400_000;
    expect((await two.call("GET", "/v1/repos/app")).status).toBe(401);
    expect((await api.call("GET", "/v1/tokens")).json.tokens).toEqual([]);
  });

  test("never make tokens, keys or repositories, nor delete or change them", async () => {
    const { call } = await makeToken({ "repos:*": ["read", "write"] });
    for (const [method, path, body] of [
      ["POST", "/v1/tokens", { name: "x", scopes: { "repos:*": ["read"] } }],
      ["GET", "/v1/tokens", undefined],
      ["DELETE", "/v1/tokens/tok_x", undefined],
      ["POST", "/v1/repos", { slug: "new" }],
      ["PATCH", "/v1/repos/app", { visibility: "public" }],
      ["DELETE", "/v1/repos/app", undefined],
    ] as const) {
      expect([method, path, (await call(method, path, body)).status]).toEqual([method, path, 403]);
    }
  });

  test("refuse bad scopes and times by name", async () => {
    for (const [scopes, more] of [
      [{}, {}],
      [{ app: ["read"] }, {}],
      [{ "repos:UP": ["read"] }, {}],
      [{ "repos:app": [] }, {}],
      [{ "repos:app": ["admin"] }, {}],
      [{ "repos:app": { ops: ["read"], refs: [] } }, {}],
      [{ "repos:*": ["read"] }, { expires_in: 60 }],
      [{ "repos:*": ["read"] }, { expires_in: 1e9 }],
      [{ "repos:*": ["read"] }, { name: "" }],
    ] as const) {
      const reply = await api.call("POST", "/v1/tokens", { name: "x", scopes, ...more });
      expect([reply.status, reply.json.code]).toEqual([400, "VALIDATION_ERROR"]);
    }
  });
});

describe("scopes", () => {
  test("a repository that no scope names does not exist, whoever asks for it how", async () => {
    const { call } = await makeToken({ "repos:app": ["read", "write"] });
    for (const [method, path, body] of [
      ["GET", "/v1/repos/other", undefined],
      ["GET", "/v1/repos/other/tree/main", undefined],
      ["POST", "/v1/repos/other/commits", { branch: "main", message: "m", changes: [put("x")] }],
      ["POST", "/v1/repos/other/fork", { slug: "app" }],
      ["DELETE", "/v1/repos/other", undefined],
    ] as const) {
      const reply = await call(method, path, body);
      const missing = await call(method, path.replace("other", "nope"), body);
      expect([reply.status, reply.json.error]).toEqual([404, missing.json.error]);
    }
    const listed = (await call("GET", "/v1/repos")).json.repos as { slug: string }[];
    expect(listed.map(({ slug }) => slug)).toEqual(["app"]);
  });

  test("who may read only is told that writing is forbidden", async () => {
    const { call, commit } = await makeToken({ "repos:app": ["read"] });
    expect((await call("GET", "/v1/repos/app/blob/main/src/a.ts")).json.content).toBe("a");
    expect((await commit([put("x")])).json).toMatchObject({ code: "FORBIDDEN" });
    expect((await call("POST", "/v1/repos/app/branches", { name: "b", from: "main" })).status).toBe(403);
  });

  test("the most exact scope counts, not the sum", async () => {
    const { commit } = await makeToken({ "repos:*": ["read", "write"], "repos:app": ["read"] });
    expect((await commit([put("x")])).status).toBe(403);
    expect((await commit([put("x")], "main", "other")).status).toBe(201);
  });

  test("a fork needs the right to write under its name", async () => {
    const { call } = await makeToken({ "repos:app": ["read"], "repos:agents/one": ["read", "write"] });
    const fork = (body: object) => call("POST", "/v1/repos/app/fork", body);
    expect((await fork({ slug: "mine" })).json).toMatchObject({ code: "FORBIDDEN" });
    expect((await fork({ slug: "one", namespace: "agents" })).status).toBe(201);
    expect((await call("GET", "/v1/repos/agents/one/blob/main/src/a.ts")).status).toBe(200);
  });
});

describe("globs of refs", () => {
  test("let a token move only the refs that they name", async () => {
    const { call, commit } = await makeToken({
      "repos:app": { ops: ["read", "write"], refs: ["agent-7/**", "refs/tags/agent-*"] },
    });
    const branch = (name: string) => call("POST", "/v1/repos/app/branches", { name, from: "main" });
    const tag = (name: string) => call("POST", "/v1/repos/app/tags", { name, target: "main" });
    expect((await branch("agent-7/work/x")).status).toBe(201);
    expect((await commit([put("x")], "agent-7/work/x")).status).toBe(201);
    expect((await tag("agent-1")).status).toBe(201);
    expect((await branch("agent-8/x")).json).toMatchObject({ code: "FORBIDDEN" });
    expect((await tag("v1")).status).toBe(403);
    expect((await commit([put("x")], "main")).status).toBe(403);
    expect((await call("DELETE", "/v1/repos/app/branches/agent-8")).status).not.toBe(200);
    const head = (await api.call("GET", "/v1/repos/app/branches/agent-7/work/x")).json.sha;
    expect((await call("PUT", "/v1/repos/app/refs/heads/main", { sha: head })).status).toBe(403);
    expect((await call("DELETE", "/v1/repos/app/branches/agent-7/work/x")).status).toBe(200);
  });
});

describe("globs of paths", () => {
  const rule = { ops: ["read", "write"], paths: ["src/**", "docs/*.md"] };

  test("let a token change only what they name, whatever the kind of change", async () => {
    const { commit } = await makeToken({ "repos:app": rule });
    expect((await commit([put("src/deep/b.ts"), put("docs/b.md")])).status).toBe(201);
    for (const changes of [
      [put("README.md")],
      [put("src/c.ts"), put("docs/deep/x.md")],
      [{ path: "secret/key", action: "delete" }],
      [{ path: "secret/key", action: "rename", new_path: "src/key" }],
      [{ path: "src/a.ts", action: "rename", new_path: "lib/a.ts" }],
      [{ path: "src", action: "rename", new_path: "lib" }],
      [{ path: "secret", action: "copy", new_path: "docs/secret" }],
      [{ path: "secret/key", action: "chmod", mode: "100755" }],
      [{ path: "secret/key", action: "append", content: "more" }],
    ]) {
      const reply = await commit(changes);
      expect([JSON.stringify(changes), reply.status, reply.json.code]).toEqual([
        JSON.stringify(changes),
        403,
        "FORBIDDEN",
      ]);
    }
    const { commits } = (await api.call("GET", "/v1/repos/app/commits")).json as { commits: unknown[] };
    expect(commits).toHaveLength(3);
  });

  test("hold for refs that are put on what others wrote, but not for what the default branch has", async () => {
    const { call, commit } = await makeToken({ "repos:app": rule });
    await call("POST", "/v1/repos/app/branches", { name: "mine", from: "main" });
    expect((await commit([put("src/mine.ts")], "mine")).status).toBe(201);
    await api.call("POST", "/v1/repos/app/branches", { name: "evil", from: "main" });
    const evil = (await api.commit("app", [put("secret/key", "stolen")], { branch: "evil" })).json.sha;
    const onto = (name: string, sha: unknown) => call("PUT", `/v1/repos/app/refs/heads/${name}`, { sha });
    expect((await onto("main", evil)).json).toMatchObject({ code: "FORBIDDEN" });
    expect((await onto("mine", evil)).status).toBe(403);
    const newer = (await api.commit("app", [put("secret/key", "changed by its owner")])).json.sha;
    expect((await onto("mine", newer)).status).toBe(200);
  });

  test("hold in a repository with annotated tags and snapshots, and for tags as for branches", async () => {
    await api.call("POST", "/v1/repos/app/tags", { name: "v1", message: "a release" });
    await api.call("POST", "/v1/repos/app/snapshots", { name: "kept", branch: "main" });
    const { call, commit } = await makeToken({ "repos:app": rule });
    await call("POST", "/v1/repos/app/branches", { name: "mine", from: "main" });
    expect((await commit([put("src/mine.ts")], "mine")).status).toBe(201);
    const tag = (name: string, target: string) =>
      call("POST", "/v1/repos/app/tags", { name, target, message: "tagged" });
    expect((await tag("mine", "mine")).status).toBe(201);
    await api.call("POST", "/v1/repos/app/branches", { name: "evil", from: "main" });
    await api.commit("app", [put("secret/key", "stolen")], { branch: "evil" });
    const evil = (
      await api.call("POST", "/v1/repos/app/tags", { name: "evil", target: "evil", message: "m" })
    ).json;
    await api.call("DELETE", "/v1/repos/app/branches/evil");
    await api.call("DELETE", "/v1/repos/app/tags/evil");
    const onto = (sha: unknown) => call("PUT", "/v1/repos/app/refs/tags/copy", { sha });
    expect((await onto(evil.sha)).json).toMatchObject({ code: "FORBIDDEN" });
    expect((await onto(evil.target_sha)).json).toMatchObject({ code: "FORBIDDEN" });
    const tree = (await api.call("GET", `/v1/repos/app/commits/${evil.target_sha}`)).json.tree;
    expect((await onto(tree)).json).toMatchObject({ code: "FORBIDDEN" });
    const good = (
      await api.call(
        "GET",
        `/v1/repos/app/commits/${(await call("GET", "/v1/repos/app/branches/mine")).json.sha}`,
      )
    ).json.tree;
    expect((await onto(good)).status).toBe(200);
  });
});
