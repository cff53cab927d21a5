import { beforeEach, describe, expect, it } from "vitest";
import { createMemoryApi, type MemoryApi } from "../testing/memory-api.ts";

let api: MemoryApi;
let first: string;
let second: string;

beforeEach(async () => {
  api = await createMemoryApi();
  await api.makeRepo("r");
  first = String((await api.commit("r", [{ path: "a", content: "1" }])).json.sha);
  second = String((await api.commit("r", [{ path: "a", content: "2" }])).json.sha);
});

const call = (method: string, path: string, body?: unknown) => api.call(method, `/v1/repos/r/${path}`, body);
const outcome = ({ status, json }: { status: number; json: Record<string, unknown> }) => [status, json.code];

describe("branches", () => {
  it("starts at the default branch, a branch, a tag, a revision or a sha", async () => {
    await call("POST", "tags", { name: "v1", target: first, message: "annotated" });
    const starts: [object, string][] = [
      [{}, second],
      [{ from: "main" }, second],
      [{ from: "v1" }, first],
      [{ from: "main~1" }, first],
      [{ from: first }, first],
      [{ from_sha: first }, first],
    ];
    for (const [index, [start, sha]] of starts.entries()) {
      const name = `topic/${index}`;
      const made = await call("POST", "branches", { name, ...start });
      expect([made.status, made.json]).toEqual([201, { name, sha }]);
      expect((await call("GET", `branches/${name}`)).json).toEqual({ name, sha });
      expect((await call("GET", `branches/${encodeURIComponent(name)}`)).json).toEqual({ name, sha });
    }
  });

  it("does not come into being by a commit beside a branch whose name is its folder", async () => {
    const below = { branch: "main/below", parent_sha: null };
    const refused = await api.commit("r", [{ path: "b", content: "" }], below);
    expect(outcome(refused)).toEqual([409, "CONFLICT"]);
    expect((await call("GET", "branches")).json.total).toBe(1);
  });

  it("refuses names that are taken, that clash, or that git would not take", async () => {
    await call("POST", "branches", { name: "topic" });
    const taken = await call("POST", "branches", { name: "topic" });
    expect([...outcome(taken), taken.json.current_sha]).toEqual([409, "CONFLICT", second]);
    expect(outcome(await call("POST", "branches", { name: "topic/below" }))).toEqual([409, "CONFLICT"]);
    for (const name of [
      "-a",
      "/a",
      "a/",
      "@",
      "a/.b",
      "a..b",
      "HEAD",
      "a b",
      "a.lock",
      "a~1",
      "refs/heads/x~",
    ]) {
      const refused = await call("POST", "branches", { name });
      expect([name, ...outcome(refused)]).toEqual([name, 400, "VALIDATION_ERROR"]);
    }
  });

  it("refuses starts that are not there or not commits", async () => {
    expect(outcome(await call("POST", "branches", { name: "x", from: "nope" }))).toEqual([404, "NOT_FOUND"]);
    expect(outcome(await call("POST", "branches", { name: "x", from_sha: "2".repeat(40) }))).toEqual([
      404,
      "NOT_FOUND",
    ]);
    const blob = (await call("GET", "blob/main/a")).json.sha;
    expect(outcome(await call("POST", "branches", { name: "x", from_sha: blob }))).toEqual([
      422,
      "UNPROCESSABLE",
    ]);
    expect(outcome(await call("POST", "branches", { name: "x", from: "main", from_sha: first }))).toEqual([
      400,
      "VALIDATION_ERROR",
    ]);
    await api.makeRepo("empty");
    const empty = await api.call("POST", "/v1/repos/empty/branches", { name: "x" });
    expect(outcome(empty)).toEqual([422, "UNPROCESSABLE"]);
  });

  it("are listed in byte order, page by page, each once", async () => {
    const names = ["Zed", "a-b", "a/b", "é", "日本", "🦉", "\uff5e", "topic"];
    for (const name of names) expect((await call("POST", "branches", { name })).status).toBe(201);
    const seen: string[] = [];
    let cursor = "";
    for (let page = 0; page < 9; page++) {
      const { json } = await call("GET", `branches?limit=2${cursor}`);
      expect([json.total, json.default_branch]).toEqual([names.length + 1, "main"]);
      seen.push(...(json.branches as { name: string }[]).map(({ name }) => name));
      if (json.next_cursor === null) break;
      cursor = `&cursor=${encodeURIComponent(String(json.next_cursor))}`;
    }
    const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
    expect(seen).toEqual([...names, "main"].sort(byBytes));
  });

  it("are deleted, except the default one", async () => {
    await call("POST", "branches", { name: "topic/x" });
    expect((await call("DELETE", "branches/topic/x")).json).toEqual({ deleted: true });
    expect(outcome(await call("DELETE", "branches/topic/x"))).toEqual([404, "NOT_FOUND"]);
    expect(outcome(await call("GET", "branches/topic/x"))).toEqual([404, "NOT_FOUND"]);
    expect(outcome(await call("DELETE", "branches/main"))).toEqual([409, "CONFLICT"]);
    expect((await call("GET", "branches/main")).status).toBe(200);
  });

  it("made anew after a deletion do not bring old content back", async () => {
    await call("POST", "branches", { name: "topic", from_sha: second });
    await call("DELETE", "branches/topic");
    await call("POST", "branches", { name: "topic", from_sha: first });
    await api.commit("r", [{ path: "b", content: "b" }], { branch: "topic" });
    expect((await call("GET", "blob/topic/a")).json.content).toBe("1");
  });

  it("are renamed, also into a folder of the old name", async () => {
    await call("POST", "branches", { name: "topic" });
    expect((await call("PATCH", "branches/topic", { new_name: "topic/sub" })).json).toEqual({
      name: "topic/sub",
      sha: second,
    });
    expect((await call("GET", "branches/topic")).status).toBe(404);
    expect(outcome(await call("PATCH", "branches/topic/sub", { new_name: "main" }))).toEqual([
      409,
      "CONFLICT",
    ]);
    expect(outcome(await call("PATCH", "branches/topic/sub", { new_name: "topic/sub" }))).toEqual([
      400,
      "VALIDATION_ERROR",
    ]);
    expect(outcome(await call("PATCH", "branches/nope", { new_name: "b" }))).toEqual([404, "NOT_FOUND"]);
    expect(outcome(await call("PATCH", "branches/topic/sub", { new_name: "a..b" }))).toEqual([
      400,
      "VALIDATION_ERROR",
    ]);
  });

  it("take HEAD along when the default one is renamed", async () => {
    expect((await call("PATCH", "branches/main", { new_name: "trunk" })).status).toBe(200);
    expect((await call("GET", "branches")).json).toMatchObject({ default_branch: "trunk", total: 1 });
    expect((await api.call("GET", "/v1/repos/r")).json.default_branch).toBe("trunk");
    expect((await call("GET", "tree/HEAD")).json.commit_sha).toBe(second);
    expect((await call("GET", "commits")).json.ref).toBe("trunk");
    expect(outcome(await call("DELETE", "branches/trunk"))).toEqual([409, "CONFLICT"]);
    expect((await api.commit("r", [{ path: "b", content: "b" }], { branch: "trunk" })).json.parent_sha).toBe(
      second,
    );
  });
});

describe("refs", () => {
  it("lists branches and tags together, in pages over both", async () => {
    await call("POST", "branches", { name: "topic" });
    await call("POST", "tags", { name: "v1" });
    await call("PUT", "refs/notes/x", { sha: first });
    const whole = (await call("GET", "refs")).json;
    expect(whole).toEqual({
      refs: [
        { ref: "refs/heads/main", sha: second },
        { ref: "refs/heads/topic", sha: second },
        { ref: "refs/tags/v1", sha: second },
      ],
      branches: [
        { name: "main", sha: second, type: "branch" },
        { name: "topic", sha: second, type: "branch" },
      ],
      tags: [{ name: "v1", sha: second, type: "tag" }],
      default_branch: "main",
      total: 3,
      next_cursor: null,
    });
    const pages: unknown[] = [];
    let cursor = "";
    for (let page = 0; page < 5; page++) {
      const { json } = await call("GET", `refs?limit=1${cursor}`);
      pages.push(...(json.refs as { ref: string }[]).map(({ ref }) => ref));
      if (json.next_cursor === null) break;
      cursor = `&cursor=${json.next_cursor}`;
    }
    expect(pages).toEqual(["refs/heads/main", "refs/heads/topic", "refs/tags/v1"]);
  });

  it("are created, moved with a precondition, read and deleted", async () => {
    const made = await call("PUT", "refs/heads/feature/x", { sha: first, expected_sha: null });
    expect([made.status, made.json]).toEqual([
      200,
      { ref: "refs/heads/feature/x", sha: first, previous_sha: null },
    ]);
    expect((await call("GET", "refs/heads/feature%2Fx")).json).toEqual({
      ref: "refs/heads/feature/x",
      sha: first,
    });
    expect((await call("GET", "refs/refs/heads/feature/x")).status).toBe(200);
    const moved = await call("PUT", "refs/heads/feature/x", { sha: second, expected_sha: first });
    expect(moved.json).toMatchObject({ sha: second, previous_sha: first });
    const stale = await call("PUT", "refs/heads/feature/x", { sha: first, expected_sha: first });
    expect([...outcome(stale), stale.json.current_sha]).toEqual([409, "CONFLICT", second]);
    expect(outcome(await call("PUT", "refs/heads/feature/x", { sha: first, expected_sha: null }))).toEqual([
      409,
      "CONFLICT",
    ]);
    expect(outcome(await call("PUT", "refs/heads/feature", { sha: first }))).toEqual([409, "CONFLICT"]);
    expect((await call("DELETE", "refs/heads/feature/x")).json).toEqual({ deleted: true });
    expect(outcome(await call("DELETE", "refs/heads/feature/x"))).toEqual([404, "NOT_FOUND"]);
    expect(outcome(await call("DELETE", "refs/heads/main"))).toEqual([409, "CONFLICT"]);
  });

  it("point at objects that are there, and branches at commits", async () => {
    expect(outcome(await call("PUT", "refs/heads/x", { sha: "2".repeat(40) }))).toEqual([404, "NOT_FOUND"]);
    const blob = (await call("GET", "blob/main/a")).json.sha;
    expect(outcome(await call("PUT", "refs/heads/x", { sha: blob }))).toEqual([422, "UNPROCESSABLE"]);
    expect((await call("PUT", "refs/tags/blob", { sha: blob })).status).toBe(200);
  });

  it("keeps its head when it is read by name", async () => {
    expect(outcome(await call("GET", "refs/heads/nope"))).toEqual([404, "NOT_FOUND"]);
    for (const name of ["heads", "heads/a..b", "heads/-a", "stash"]) {
      expect([name, ...outcome(await call("GET", `refs/${name}`))]).toEqual([name, 400, "VALIDATION_ERROR"]);
    }
  });
});

describe("tags", () => {
  it("are light, or objects of their own with a message", async () => {
    const light = await call("POST", "tags", { name: "v1", target: first });
    expect([light.status, light.json]).toEqual([
      201,
      { name: "v1", sha: first, type: "lightweight", target_sha: first },
    ]);
    const tagger = { name: "Ada", email: "ada@example.com" };
    const full = await call("POST", "tags", { name: "rel/2", message: "Two\n\nnotes", tagger });
    expect(full.status).toBe(201);
    expect(full.json).toEqual({
      name: "rel/2",
      sha: expect.not.stringMatching(second),
      type: "annotated",
      target_sha: second,
      message: "Two\n\nnotes",
      tagger: { ...tagger, timestamp: expect.stringMatching(/Z$/) },
    });
    expect((await call("GET", "tags/rel/2")).json).toEqual(full.json);
    const object = await call("GET", `objects/${full.json.sha}`);
    expect(object.json.type).toBe("tag");
    expect(object.json.content).toMatch(
      new RegExp(
        `^object ${second}\ntype commit\ntag rel/2\ntagger Ada <ada@example.com> \\d+ \\+0000\n\nTwo\n\nnotes\n$`,
      ),
    );
    expect((await call("GET", "tags")).json).toEqual({
      tags: [full.json, light.json],
      total: 2,
      next_cursor: null,
    });
  });

  it("of tags end at the commit", async () => {
    await call("POST", "tags", { name: "v1", target: first, message: "one" });
    const nested = await call("POST", "tags", { name: "v2", target: "v1", message: "two" });
    expect(nested.json).toMatchObject({ type: "annotated", target_sha: first });
    const copy = await call("POST", "tags", { name: "v3", target: "v2" });
    expect(copy.json).toMatchObject({
      name: "v3",
      sha: nested.json.sha,
      type: "annotated",
      target_sha: first,
    });
    expect((await call("GET", "raw/v2/a")).text).toBe("1");
    expect((await call("GET", "rev-parse?ref=v2^{commit}")).json.sha).toBe(first);
  });

  it("are refused when taken, unknown or impossible, and deleted once", async () => {
    await call("POST", "tags", { name: "v1" });
    const taken = await call("POST", "tags", { name: "v1", target: first });
    expect([...outcome(taken), taken.json.current_sha]).toEqual([409, "CONFLICT", second]);
    expect(outcome(await call("POST", "tags", { name: "v2", target: "nope" }))).toEqual([404, "NOT_FOUND"]);
    expect(outcome(await call("POST", "tags", { name: "a..b" }))).toEqual([400, "VALIDATION_ERROR"]);
    const tagger = { name: "A<b>", email: "a@b" };
    const refused = await call("POST", "tags", { name: "v2", message: "m", tagger });
    expect(refused.json.fields).toMatchObject([{ field: "tagger.name" }]);
    expect((await call("DELETE", "tags/v1")).json).toEqual({ deleted: true });
    expect(outcome(await call("DELETE", "tags/v1"))).toEqual([404, "NOT_FOUND"]);
    expect(outcome(await call("GET", "tags/v1"))).toEqual([404, "NOT_FOUND"]);
  });
});

describe("an Idempotency-Key", () => {
  const send = (path: string, body: object, key: string) =>
    api.call("POST", `/v1/repos/r/${path}`, body, { "idempotency-key": key });

  it.each([
    ["branches", { name: "topic" }],
    ["tags", { name: "light" }],
    ["tags", { name: "annotated", message: "m" }],
  ])("makes a repeated POST %s with %j give the first result, whatever moved since", async (path, body) => {
    const made = await send(path, body, "k");
    expect([made.status, made.headers.get("x-idempotent-replay")]).toEqual([201, null]);
    await api.commit("r", [{ path: "a", content: "3" }]);
    const again = await send(path, body, "k");
    expect([again.status, again.headers.get("x-idempotent-replay")]).toEqual([201, "true"]);
    expect(again.json).toEqual(made.json);
    const other = await send(path, { ...body, name: "other" }, "k");
    expect(outcome(other)).toEqual([422, "UNPROCESSABLE"]);
    expect(outcome(await send(path, body, "k2"))).toEqual([409, "CONFLICT"]);
  });

  it("lets one of many equal requests create the branch and gives all the same reply", async () => {
    const replies = await Promise.all(Array.from({ length: 8 }, () => send("branches", { name: "t" }, "k")));
    expect(replies.map(({ status }) => status)).toEqual(Array(8).fill(201));
    expect(replies.filter(({ headers }) => headers.has("x-idempotent-replay"))).toHaveLength(7);
  });

  it("of a branch stands for no tag and no commit", async () => {
    await send("branches", { name: "x" }, "k");
    expect(outcome(await send("tags", { name: "x" }, "k"))).toEqual([422, "UNPROCESSABLE"]);
    const commit = { branch: "main", message: "m", changes: [{ path: "b", content: "" }] };
    expect(outcome(await send("commits", commit, "k"))).toEqual([422, "UNPROCESSABLE"]);
  });
});

describe("rev-parse and objects", () => {
  it("resolve revisions", async () => {
    const resolve = async (ref: string) =>
      (await call("GET", `rev-parse?ref=${encodeURIComponent(ref)}`)).json;
    expect(await resolve("HEAD")).toEqual({ ref: "HEAD", sha: second, type: "commit" });
    expect(await resolve("@")).toEqual({ ref: "@", sha: second, type: "commit" });
    expect((await call("GET", "blob/@/a")).json.content).toBe("2");
    expect(await resolve("main~1")).toEqual({ ref: "main~1", sha: first, type: "commit" });
    expect((await resolve("main^{tree}")).type).toBe("tree");
    expect(await resolve("nope")).toMatchObject({ code: "NOT_FOUND" });
    expect(await resolve("main~2")).toMatchObject({ code: "NOT_FOUND" });
    expect(await resolve("main^{nonsense}")).toMatchObject({ code: "VALIDATION_ERROR" });
  });

  it("show objects as git stores them, of this repository only", async () => {
    const { tree } = (await call("GET", `commits/${first}`)).json;
    const shown = await call("GET", `objects/${tree}`);
    expect(shown.json).toMatchObject({ sha: tree, type: "tree", size: 29, encoding: "base64" });
    expect(Buffer.from(String(shown.json.content), "base64").subarray(0, 9).toString()).toBe("100644 a\0");
    expect((await call("GET", `objects/${first}`)).json.content).toContain(`tree ${tree}\n`);
    expect(outcome(await call("GET", "objects/abc"))).toEqual([400, "VALIDATION_ERROR"]);
    expect(outcome(await call("GET", `objects/${"2".repeat(40)}`))).toEqual([404, "NOT_FOUND"]);
    await api.makeRepo("twin");
    expect((await api.call("GET", `/v1/repos/twin/objects/${first}`)).status).toBe(404);
  });
});

describe("public reads", () => {
  it("serve public repositories without a key, by the same handlers, and private ones never", async () => {
    await api.makeRepo("pub", { visibility: "public" });
    await api.makeRepo("pub", { visibility: "public", namespace: "team" });
    for (const repo of ["pub", "team/pub"]) await api.commit(repo, [{ path: "d/a", content: repo }]);
    const open = async (path: string) => {
      const response = await api.memory.request(`/v1/orgs/acme/repos${path}`);
      return [response.status, await response.text()] as const;
    };
    for (const repo of ["pub", "team/pub"]) {
      expect(await open(`/${repo}/raw/main/d/a`)).toEqual([200, repo]);
      for (const path of ["", "/refs", "/tree/main", "/blob/main/d/a", "/commits"]) {
        expect([path, (await open(`/${repo}${path}`))[0]]).toEqual([path, 200]);
      }
    }
    for (const path of ["/r", "/r/refs", "/r/tree/main", "/r/raw/main/a", `/r/commits/${first}`, "/nope"]) {
      expect([path, (await open(path))[0]]).toEqual([path, 404]);
    }
    const listed = JSON.parse((await open(""))[1]).repos as { slug: string }[];
    expect(listed.map(({ slug }) => slug)).toEqual(["pub", "pub"]);
  });
});
