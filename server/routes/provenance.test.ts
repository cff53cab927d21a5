import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { serveFetch } from "../testing/git-http-server.ts";
import { createMemoryApi, type MemoryApi } from "../testing/memory-api.ts";
import { git, hasGit, makeFolder } from "../testing/real-git.ts";

let api: MemoryApi;
const call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  api.call(method, `/v1/repos/app${path}`, body, headers);
const commit = async (path: string, content: string, more: Record<string, unknown> = {}) => {
  const made = await api.commit("app", [{ path, content }], more);
  expect(made.status, made.text).toBe(201);
  return made.json.sha as string;
};
const metadataOf = async (sha: string) => (await call("GET", `/commits/${sha}`)).json.metadata;

describe("metadata of commits", () => {
  beforeEach(async () => {
    api = await createMemoryApi();
    await api.makeRepo("app");
  });

  test("comes back with the commit, alone and in lists; without it there is no field", async () => {
    const plain = await commit("a", "1\n");
    const metadata = { agent: "reviewer", model: "m-1", prompt: { id: "p7", tags: ["a", "ü"] } };
    const sha = await commit("a", "2\n", { metadata });
    expect(await metadataOf(sha)).toEqual(metadata);
    expect((await call("GET", `/commits/${plain}`)).json).not.toHaveProperty("metadata");
    const { commits } = (await call("GET", "/commits")).json as { commits: Record<string, unknown>[] };
    expect(commits.map((each) => each.metadata)).toEqual([metadata, undefined]);
    expect((await call("GET", "/commits?path=a&limit=1")).json.commits).toMatchObject([{ metadata }]);
  });

  test("is written with the commit or not at all, and again by nobody who repeats it", async () => {
    const first = await commit("a", "1\n", { metadata: { n: 1 } });
    const refused = await api.commit("app", [{ path: "a", content: "2\n" }], {
      parent_sha: "1".repeat(40),
      metadata: { n: 2 },
    });
    expect(refused.status).toBe(409);
    const notes = (await call("GET", "/refs/notes/agent")).json.sha;
    const body = { branch: "main", message: "m", changes: [{ path: "b", content: "b" }], metadata: { n: 3 } };
    const [one, two] = [
      await call("POST", "/commits", body, { "idempotency-key": "k" }),
      await call("POST", "/commits", body, { "idempotency-key": "k" }),
    ];
    expect([two.status, two.json]).toEqual([201, one.json]);
    const other = await call("POST", "/commits", { ...body, metadata: { n: 4 } }, { "idempotency-key": "k" });
    expect(other.json.code).toBe("UNPROCESSABLE");
    expect((await call("GET", "/commits?ref=refs/notes/agent")).json.commits).toHaveLength(2);
    expect((await call("GET", "/refs/notes/agent")).json.sha).not.toBe(notes);
    expect(await metadataOf(first)).toEqual({ n: 1 });
  });

  test("of fifty commits at once, on one branch and on others, none is lost", async () => {
    await commit("a", "1\n");
    for (let i = 0; i < 5; i++) await call("POST", "/branches", { name: `b${i}`, from: "main" });
    const shas = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        commit(`f${i}`, "x", { branch: i % 2 ? "main" : `b${i % 5}`, metadata: { n: i } }),
      ),
    );
    expect(await Promise.all(shas.map(metadataOf))).toEqual(shas.map((_, n) => ({ n })));
  });

  test("goes along when commits are made anew: by land, rebase and cherry-pick", async () => {
    const base = await commit("a", "1\n");
    for (const name of ["land", "rebase", "pick"]) {
      await call("POST", "/branches", { name, from: "main" });
      await commit(name, "x\n", { branch: name, metadata: { by: name } });
      await commit(`${name}-2`, "x\n", { branch: name });
    }
    await commit("a", "2\n");
    const landed = await call("POST", "/land", { source: "land", target: "main" });
    const rebased = await call("POST", "/branches/main/merge", { source: "rebase", strategy: "rebase" });
    const picked = await call("POST", "/cherry-pick", { base, head: "pick", onto: "main", branch: "picked" });
    const loose = await call("POST", "/cherry-pick", { base, head: "pick", onto: "main" });
    const read = async (ref: unknown) => {
      const { commits } = (await call("GET", `/commits?ref=${ref}&limit=2`)).json as {
        commits: { metadata?: unknown }[];
      };
      return commits.map(({ metadata }) => metadata);
    };
    expect(await read(landed.json.sha)).toEqual([undefined, { by: "land" }]);
    expect(await read(rebased.json.sha)).toEqual([undefined, { by: "rebase" }]);
    expect(await read("picked")).toEqual([undefined, { by: "pick" }]);
    expect(await read(loose.json.head_sha)).toEqual([undefined, { by: "pick" }]);
    expect(picked.status).toBe(200);
  });

  test("is an object of bounded size and depth", async () => {
    const deep = (levels: number): unknown => (levels === 0 ? 1 : { a: deep(levels - 1) });
    const nested = `{"branch":"main","message":"m","changes":[{"path":"a","content":"a"}],"metadata":{"a":${"[".repeat(8_000)}${"]".repeat(8_000)}}}`;
    for (const metadata of [[1], "x", 1, { big: "ü".repeat(8_200) }, deep(33)]) {
      const refused = await api.commit("app", [{ path: "a", content: "a" }], { metadata });
      expect(refused.json.code, JSON.stringify(metadata).slice(0, 40)).toBe("VALIDATION_ERROR");
    }
    expect((await call("POST", "/commits", nested)).json.code).toBe("VALIDATION_ERROR");
    const largest = { big: "x".repeat(16 * 1024 - 10) };
    const sha = await commit("a", "a", { metadata: largest });
    expect(await metadataOf(sha)).toEqual(largest);
  });

  test("is read again when the notes have changed: no cache keeps it for ever", async () => {
    const sha = await commit("a", "1\n", { metadata: { n: 1 } });
    const first = await call("GET", `/commits/${sha}`);
    expect(first.headers.get("cache-control")).toContain("no-cache");
    const etag = first.headers.get("etag") ?? "";
    expect((await call("GET", `/commits/${sha}`, undefined, { "if-none-match": etag })).status).toBe(304);
    await call("DELETE", "/refs/notes/agent");
    expect((await call("GET", `/commits/${sha}`, undefined, { "if-none-match": etag })).status).toBe(200);
    expect(await metadataOf(sha)).toBeUndefined();
  });

  test("is written by tokens with globs for their own commits, who otherwise may not move the notes", async () => {
    const sha = await commit("src/a", "1\n", { metadata: { n: 1 } });
    const made = await api.call("POST", "/v1/tokens", {
      name: "agent",
      scopes: { "repos:app": { ops: ["read", "write"], refs: ["agent/*"], paths: ["src/**"] } },
      expires_in: 3_600,
    });
    const token = { "x-api-key": made.json.token as string };
    await call("POST", "/branches", { name: "agent/1", from: "main" });
    const body = {
      branch: "agent/1",
      message: "m",
      changes: [{ path: "src/b", content: "b" }],
      metadata: { n: 2 },
    };
    const mine = await call("POST", "/commits", body, token);
    expect([mine.status, await metadataOf(mine.json.sha as string)]).toEqual([201, { n: 2 }]);
    const notes = (await call("GET", "/refs/notes/agent")).json.sha;
    for (const [method, path, asked] of [
      ["PUT", "/refs/notes/agent", { sha }],
      ["DELETE", "/refs/notes/agent", undefined],
      ["POST", "/undo", { ref: "notes/agent" }],
    ] as const) {
      expect((await call(method, path, asked, token)).status, path).toBe(403);
    }
    expect((await call("GET", "/refs/notes/agent")).json.sha).toBe(notes);
  });

  test("says plainly when something else is where the notes go", async () => {
    await commit("a", "1\n");
    const { sha } = (await call("GET", "/blob/main/a")).json;
    await call("PUT", "/refs/notes/agent", { sha });
    const refused = await api.commit("app", [{ path: "b", content: "b" }], { metadata: { n: 1 } });
    expect([refused.status, refused.json.code]).toEqual([422, "UNPROCESSABLE"]);
    expect((await call("GET", "/commits")).json.commits).toHaveLength(1);
    await commit("b", "b");
    await call("DELETE", "/refs/notes/agent");
    await call("PUT", "/refs/notes/agent/x", { sha });
    expect((await api.commit("app", [{ path: "c", content: "c" }], { metadata: { n: 1 } })).status).toBe(422);
  });

  test("moves of the notes are in the reflog, and can be undone", async () => {
    const sha = await commit("a", "1\n", { metadata: { n: 1 } });
    const { entries } = (await call("GET", "/reflog?ref=notes/agent")).json as {
      entries: { reason: string }[];
    };
    expect(entries).toMatchObject([{ from: null, reason: `notes: on ${sha.slice(0, 12)}` }]);
    expect((await call("POST", "/undo", { ref: "notes/agent" })).json.sha).toBeNull();
    expect(await metadataOf(sha)).toBeUndefined();
  });
});

describe("blame", () => {
  let shas: string[];

  beforeAll(async () => {
    api = await createMemoryApi();
    await api.makeRepo("app");
    shas = [
      await commit("old.txt", "one\ntwo\nthree\nfour\nfive\n", {
        message: "First\n\nbody",
        metadata: { agent: "7" },
      }),
    ];
    const moved = await api.commit("app", [{ path: "old.txt", action: "rename", new_path: "dir/new.txt" }]);
    shas.push(moved.json.sha as string);
    shas.push(
      await commit("dir/new.txt", "one\nTWO\nthree\nfour\nfive\n", {
        author: { name: "Bo", email: "bo@x.org" },
      }),
    );
    await commit("bin", "a\u0000\nb\n");
  });

  const hunks = async (path: string) => {
    const { status, json } = await call("GET", path);
    expect(status, JSON.stringify(json)).toBe(200);
    return json.hunks as Record<string, unknown>[];
  };

  test("tells commit, author, date, summary, old name and metadata of each run of lines", async () => {
    const { json } = await call("GET", "/blame/main/dir/new.txt");
    const first = {
      sha: shas[0],
      summary: "First",
      orig_path: "old.txt",
      metadata: { agent: "7" },
    };
    expect(json).toMatchObject({
      ref: "main",
      path: "dir/new.txt",
      lines: 5,
      truncated: false,
      hunks: [
        { ...first, orig_line: 1, final_line: 1, count: 1 },
        { sha: shas[2], author: { name: "Bo", email: "bo@x.org" }, orig_line: 2, final_line: 2, count: 1 },
        { ...first, orig_line: 3, final_line: 3, count: 3 },
      ],
    });
    const [, own] = json.hunks as Record<string, unknown>[];
    expect(own).not.toHaveProperty("orig_path");
    expect(own).not.toHaveProperty("metadata");
    expect(Date.parse(own?.date as string)).toBeGreaterThan(0);
  });

  test("takes any ref, and a range of lines", async () => {
    expect(await hunks(`/blame/${shas[0]}/old.txt`)).toMatchObject([{ sha: shas[0], count: 5 }]);
    expect(await hunks("/blame/main~2/dir/new.txt")).toMatchObject([{ count: 5 }]);
    expect(await hunks("/blame/main/dir/new.txt?range=2-3")).toMatchObject([
      { final_line: 2, count: 1 },
      { final_line: 3, count: 1 },
    ]);
    expect(await hunks("/blame/main/dir/new.txt?range=5-999")).toMatchObject([{ final_line: 5, count: 1 }]);
    expect(await hunks("/blame/main/bin")).toMatchObject([{ final_line: 1, count: 2 }]);
  });

  test("refuses what has no lines", async () => {
    const refused = async (path: string) => {
      const { status, json } = await call("GET", path);
      return [status, json.code];
    };
    expect(await refused("/blame/main/nope")).toEqual([404, "NOT_FOUND"]);
    expect(await refused("/blame/main/dir")).toEqual([404, "NOT_FOUND"]);
    expect(await refused("/blame/main")).toEqual([404, "NOT_FOUND"]);
    expect(await refused("/blame/nope/dir/new.txt")).toEqual([404, "NOT_FOUND"]);
    expect(await refused("/blame/main^{tree}/bin")).toEqual([404, "NOT_FOUND"]);
    for (const range of ["0-1", "3-2", "1", "a-b", "1-2-3", "-1-2"]) {
      expect(await refused(`/blame/main/bin?range=${range}`), range).toEqual([400, "VALIDATION_ERROR"]);
    }
    expect(await refused("/blame/main/bin?range=3-4")).toEqual([416, "RANGE_NOT_SATISFIABLE"]);
    await api.commit("app", [{ path: "sub", mode: "160000", sha: shas[0] }]);
    expect(await refused("/blame/main/sub")).toEqual([404, "NOT_FOUND"]);
  });

  test("repeats metadata only until the reply has enough of it", async () => {
    const note = "x".repeat(16_000);
    const lines = Array.from({ length: 400 }, (_, i) => `line ${i}`);
    await commit("long", `${lines.join("\n")}\n`, { metadata: { note } });
    await commit("long", `${lines.map((line, i) => (i % 2 ? line : `new ${i}`)).join("\n")}\n`);
    const found = await hunks("/blame/main/long");
    expect(found).toHaveLength(400);
    const told = found.filter(({ metadata }) => metadata !== undefined).length;
    expect(told).toBeGreaterThan(10);
    expect(told).toBeLessThan(100);
  });
});

describe.runIf(hasGit)("notes and git clients", () => {
  let server: { readonly url: string; close(): Promise<void> };
  let dir: string;
  let sha: string;
  const run = (args: readonly string[]) => git(args, { cwd: dir });

  beforeAll(async () => {
    api = await createMemoryApi();
    await api.makeRepo("app");
    sha = await commit("a", "1\n", { metadata: { agent: "7", model: "m" } });
    server = await serveFetch(async (request) => api.memory.app.fetch(request));
    dir = await makeFolder();
    const url = `${server.url.replace("://", `://x:${api.apiKey}@`)}/${api.org}/app.git`;
    await git(["clone", "-q", url, dir]);
    await run(["fetch", "-q", "origin", "refs/notes/agent:refs/notes/agent"]);
  });
  afterAll(() => server.close());

  test("git notes and git log show what the commit was made with", async () => {
    expect((await run(["notes", "--ref", "agent", "show", sha])).text).toBe('{"agent":"7","model":"m"}');
    expect((await run(["log", "-1", "--notes=agent", "--format=%N", sha])).text).toContain('"model":"m"');
  });

  test("notes that git adds and pushes are metadata here: objects as they are, other texts as text", async () => {
    await run(["commit", "-q", "--allow-empty", "-m", "by git"]);
    await run(["commit", "-q", "--allow-empty", "-m", "by git too"]);
    await run(["notes", "--ref", "agent", "add", "-m", '{"agent":"git"}', "HEAD"]);
    await run(["notes", "--ref", "agent", "add", "-m", "looks good", "HEAD~1"]);
    await run(["push", "-q", "origin", "main", "refs/notes/agent"]);
    const { commits } = (await call("GET", "/commits")).json as { commits: { metadata?: unknown }[] };
    expect(commits.map(({ metadata }) => metadata)).toEqual([
      { agent: "git" },
      { text: "looks good" },
      { agent: "7", model: "m" },
    ]);
    const { entries } = (await call("GET", "/reflog?ref=main")).json as {
      entries: { actor: string; reason: string }[];
    };
    expect(entries[0]).toMatchObject({ reason: "push", actor: entries[1]?.actor });
    await commit("b", "b", { metadata: { n: 2 } });
    await run(["fetch", "-q", "origin", "main", "refs/notes/agent:refs/notes/agent"]);
    expect((await run(["notes", "--ref", "agent", "show", "FETCH_HEAD"])).text).toBe('{"n":2}');
    expect((await run(["notes", "--ref", "agent", "list"])).text.split("\n")).toHaveLength(4);
  });

  test("an ephemeral branch is a branch like any other to git", async () => {
    await call("POST", "/branches", { name: "brief", ttl_seconds: 60 });
    expect((await run(["ls-remote", "origin", "refs/heads/brief"])).text).toContain("refs/heads/brief");
  });
});
