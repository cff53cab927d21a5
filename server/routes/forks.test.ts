import { beforeEach, describe, expect, test } from "vitest";
import { createMemoryApi, joinMemoryApp, type MemoryApi } from "../testing/memory-api.ts";

let api: MemoryApi;

/** What `path` holds on main, or the status of the refusal. */
async function read(caller: MemoryApi, slug: string, path: string): Promise<string | number> {
  const reply = await caller.send("GET", `/v1/repos/${slug}/raw/main/${path}`);
  return reply.ok ? await reply.text() : reply.status;
}

async function fork(from: string, slug: string, more: Record<string, unknown> = {}) {
  return api.call("POST", `/v1/repos/${from}/fork`, { slug, ...more });
}

beforeEach(async () => {
  api = await createMemoryApi();
  await api.makeRepo("parent", { init: true, description: "The parent" });
  await api.commit("parent", [
    { path: "a.txt", content: "a\n" },
    { path: "b.txt", content: "b\n" },
    { path: "copy-of-a.txt", content: "a\n" },
  ]);
});

describe("POST /repos/:repo/fork", () => {
  test("gives a repository with the parent's branches, tags, files and history", async () => {
    await api.call("POST", "/v1/repos/parent/branches", { name: "feature/x", from: "main" });
    await api.call("POST", "/v1/repos/parent/tags", { name: "v1", ref: "main" });
    const parent = (await api.call("GET", "/v1/repos/parent/refs")).json;
    const made = await fork("parent", "child");
    expect(made.status).toBe(201);
    expect(made.json).toMatchObject({
      slug: "child",
      namespace: null,
      description: "The parent",
      visibility: "private",
      is_template: false,
      default_branch: "main",
      fork_mode: "instant",
      fork_depth: 1,
      blob_materialization: "sync",
      shared_blobs: 2,
      owned_blobs: 0,
    });
    const parentId = (await api.call("GET", "/v1/repos/parent")).json.id;
    expect(made.json).toMatchObject({
      forked_from: { repo_id: parentId, slug: "parent", namespace: null },
      fork_root: parentId,
    });
    expect((await api.call("GET", "/v1/repos/child/refs")).json.refs).toEqual(parent.refs);
    expect(await read(api, "child", "a.txt")).toBe("a\n");
    expect((await api.call("GET", "/v1/repos/child")).json).toMatchObject({
      fork_mode: "instant",
      fork_depth: 1,
    });
  });

  test("neither side sees what the other writes afterwards", async () => {
    await fork("parent", "child");
    await api.commit("child", [{ path: "a.txt", content: "child\n" }]);
    await api.commit("parent", [{ path: "b.txt", content: "parent\n" }]);
    expect([await read(api, "parent", "a.txt"), await read(api, "child", "a.txt")]).toEqual([
      "a\n",
      "child\n",
    ]);
    expect([await read(api, "parent", "b.txt"), await read(api, "child", "b.txt")]).toEqual([
      "parent\n",
      "b\n",
    ]);
    const [commit] = (await api.call("GET", "/v1/repos/parent/commits")).json.commits as { sha: string }[];
    expect((await api.call("GET", `/v1/repos/child/commits/${commit?.sha}`)).status).toBe(404);
  });

  test("a branch deleted in the fork stays deleted", async () => {
    await api.call("POST", "/v1/repos/parent/branches", { name: "old", from: "main" });
    await fork("parent", "child");
    expect((await api.call("DELETE", "/v1/repos/child/branches/old")).status).toBe(200);
    expect((await api.call("GET", "/v1/repos/child/branches/old")).status).toBe(404);
    expect((await api.call("GET", "/v1/repos/parent/branches/old")).status).toBe(200);
  });

  test("forks of forks count from the root; the seventeenth is deep and its own root", async () => {
    const root = (await api.call("GET", "/v1/repos/parent")).json.id;
    let from = "parent";
    for (let depth = 1; depth <= 17; depth++) {
      const made = await fork(from, `fork-${depth}`);
      from = `fork-${depth}`;
      expect(made.json).toMatchObject(
        depth <= 16
          ? { fork_mode: "instant", fork_depth: depth, fork_root: root }
          : { fork_mode: "deep", fork_depth: 0, fork_root: made.json.id, shared_blobs: 0, owned_blobs: 2 },
      );
      expect(await read(api, from, "a.txt")).toBe("a\n");
    }
    expect((await fork(from, "again")).json).toMatchObject({ fork_depth: 1, fork_mode: "instant" });
  });

  test("a deep fork has its own copy", async () => {
    const made = await fork("parent", "deep", { mode: "deep" });
    expect(made.json).toMatchObject({ fork_mode: "deep", fork_root: made.json.id, owned_blobs: 2 });
    await api.call("DELETE", "/v1/repos/parent");
    expect(await read(api, "deep", "b.txt")).toBe("b\n");
    expect((await api.commit("deep", [{ path: "c.txt", content: "c" }])).status).toBe(201);
  });

  test("an empty repository forks into an empty one that takes a first commit", async () => {
    await api.makeRepo("empty", { default_branch: "trunk" });
    expect((await fork("empty", "still-empty")).json).toMatchObject({
      default_branch: "trunk",
      shared_blobs: 0,
    });
    expect((await api.call("GET", "/v1/repos/still-empty")).json.is_empty).toBe(true);
    const first = await api.commit("still-empty", [{ path: "x", content: "x" }], { branch: "trunk" });
    expect(first.status).toBe(201);
  });

  test("takes name, namespace, description and default branch of its own", async () => {
    await api.call("POST", "/v1/repos/parent/branches", { name: "next", from: "main" });
    const made = await fork("parent", "agent-1", {
      namespace: "alice",
      description: "Run 1",
      default_branch: "next",
    });
    expect(made.json).toMatchObject({
      slug: "agent-1",
      namespace: "alice",
      description: "Run 1",
      default_branch: "next",
    });
    expect((await api.send("GET", "/v1/repos/alice/agent-1/raw/HEAD/a.txt")).status).toBe(200);
    expect((await fork("parent", "x", { default_branch: "nope" })).json).toMatchObject({
      code: "VALIDATION_ERROR",
      fields: [{ field: "default_branch" }],
    });
  });

  test("a taken name is a conflict, and leaves what is there alone", async () => {
    expect((await fork("parent", "parent")).json).toMatchObject({ code: "CONFLICT" });
    expect(await read(api, "parent", "a.txt")).toBe("a\n");
  });

  test("a retry under the same Idempotency-Key gives the same fork", async () => {
    const send = (slug: string) =>
      api.call("POST", "/v1/repos/parent/fork", { slug }, { "idempotency-key": "k1" });
    const [first, second] = [await send("child"), await send("child")];
    expect([second.status, second.json.id]).toEqual([201, first.json.id]);
    expect(second.headers.get("x-idempotent-replay")).toBe("true");
    expect((await send("other")).status).toBe(422);
  });

  test("what does not exist cannot be forked, and bad bodies are named", async () => {
    expect((await fork("nope", "x")).status).toBe(404);
    for (const body of [null, {}, { slug: "UPPER" }, { slug: "x", mode: "half" }, { slug: "x", extra: 1 }]) {
      expect((await api.call("POST", "/v1/repos/parent/fork", body ?? "null")).json).toMatchObject({
        code: "VALIDATION_ERROR",
      });
    }
  });

  test("needs a key", async () => {
    const reply = await api.memory.request("/v1/repos/parent/fork", { method: "POST", body: "{}" });
    expect(reply.status).toBe(401);
  });
});

describe("POST /orgs/:org/repos/:repo/fork", () => {
  const template = { is_template: true, visibility: "public" };

  test("forks another org's public template into the caller's org", async () => {
    await api.call("PATCH", "/v1/repos/parent", template);
    const other = await joinMemoryApp(api.memory, "other");
    const made = await other.call("POST", "/v1/orgs/acme/repos/parent/fork", { slug: "mine" });
    expect(made.status).toBe(201);
    expect(made.json).toMatchObject({ slug: "mine", visibility: "private", forked_from: { slug: "parent" } });
    expect(await read(other, "mine", "a.txt")).toBe("a\n");
    expect((await api.call("GET", "/v1/repos/mine")).status).toBe(404);
    await other.commit("mine", [{ path: "a.txt", content: "theirs\n" }]);
    expect(await read(api, "parent", "a.txt")).toBe("a\n");
  });

  test("neither private nor merely public repositories go to other orgs", async () => {
    const other = await joinMemoryApp(api.memory, "other");
    const attempt = () => other.call("POST", "/v1/orgs/acme/repos/parent/fork", { slug: "mine" });
    expect((await attempt()).json).toMatchObject({ code: "NOT_FOUND" });
    await api.call("PATCH", "/v1/repos/parent", { is_template: true });
    expect((await attempt()).json).toMatchObject({ code: "NOT_FOUND" });
    await api.call("PATCH", "/v1/repos/parent", { is_template: false, visibility: "public" });
    expect((await attempt()).json).toMatchObject({ code: "FORBIDDEN" });
    expect((await other.call("GET", "/v1/repos")).json.repos).toEqual([]);
  });

  test("needs a key, although the template may be read without one", async () => {
    await api.call("PATCH", "/v1/repos/parent", template);
    const reply = await api.memory.request("/v1/orgs/acme/repos/parent/fork", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ slug: "mine" }),
    });
    expect(reply.status).toBe(401);
  });
});
