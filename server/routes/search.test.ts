import { mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { createMemoryApi, joinMemoryApp, type MemoryApi } from "../testing/memory-api.ts";
import { hasGit, makeRepo, type RealRepo } from "../testing/real-git.ts";

let api: MemoryApi;

async function grep(body: object, slug = "corpus", caller = api) {
  const reply = await caller.call("POST", `/v1/repos/${slug}/grep`, body);
  const lines = reply.text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const done = lines.filter((line) => line.done === true);
  return {
    ...reply,
    matches: lines.filter((line) => !line.done),
    done: done[0] ?? {},
    doneLines: done.length,
    last: lines.at(-1),
  };
}

const FILES: Readonly<Record<string, Buffer | string>> = {
  "a.txt": "needle one\nhay\nneedle two\nneedle three\n",
  "a/b.txt": "deep needle\n",
  "a-b.txt": "needle before a slash\n",
  "crlf.txt": "needle\r\nend needle\r\n",
  "no-break.txt": "hay\nneedle",
  "empty.txt": "",
  "blank.txt": "\n\n\nneedle\n\n",
  "binary.bin": Buffer.from("needle\0needle\n"),
  "late-nul.txt": Buffer.from(`${"x".repeat(8_000)}\n\0 needle\n`),
  "latin1.txt": Buffer.from("caf\xe9 needle\nneedle \xff\xfe\n", "latin1"),
  "ünï çödé.txt": "a needle in a name\n",
  "same-1.txt": "needle in equal files\nmore\n",
  "sub/same-2.txt": "needle in equal files\nmore\n",
  "long.txt": `${"y".repeat(20_000)}needle${"z".repeat(20_000)}\n`,
  "words.txt": "needles\nneedle_x\nmy needle.\nneedle-needle\nNEEDLE\n",
};

beforeAll(async () => {
  api = await createMemoryApi();
  await api.makeRepo("corpus");
  const changes = Object.entries(FILES).map(([path, content]) => ({
    path,
    content: Buffer.from(content).toString("base64"),
    encoding: "base64",
  }));
  const made = await api.commit("corpus", [
    ...changes,
    { path: "link.txt", content: "needle", mode: "120000" },
    { path: "run.sh", content: "needle\n", mode: "100755" },
  ]);
  expect(made.status).toBe(201);
  await api.makeRepo("empty");
});

async function makeJudge(): Promise<RealRepo> {
  const repo = await makeRepo();
  for (const [path, content] of Object.entries(FILES)) {
    await mkdir(dirname(join(repo.dir, path)), { recursive: true });
    await writeFile(join(repo.dir, path), content);
  }
  await symlink("needle", join(repo.dir, "link.txt"));
  await writeFile(join(repo.dir, "run.sh"), "needle\n", { mode: 0o755 });
  await repo.git(["add", "."]);
  await repo.git(["commit", "-qm", "corpus"]);
  return repo;
}

const QUERIES: readonly (readonly [string, object, readonly string[]])[] = [
  ["a text", { pattern: "needle" }, ["-F"]],
  ["a text in any case", { pattern: "NEEDLE", case_sensitive: false }, ["-F", "-i"]],
  ["a word", { pattern: "needle", word: true }, ["-F", "-w"]],
  ["a word in any case", { pattern: "Needle", word: true, case_sensitive: false }, ["-F", "-w", "-i"]],
  ["an expression", { pattern: "^need(le|s).*e", regex: true }, ["-E"]],
  ["an expression in any case", { pattern: "n[EX]+DLE$", regex: true, case_sensitive: false }, ["-E", "-i"]],
  ["an expression of words", { pattern: "need[a-z]+", regex: true, word: true }, ["-E", "-w"]],
  ["an expression without a literal", { pattern: "^[a-z]{3}$", regex: true }, ["-E"]],
  ["text that is nowhere", { pattern: "haystack" }, ["-F"]],
];

describe.runIf(hasGit)("POST grep gives what git grep gives (skipped without git)", () => {
  it.each(QUERIES)("for %s", async (_, body, flags) => {
    await using repo = await makeJudge();
    const pattern = (body as { pattern: string }).pattern;
    const judged = await repo.git(["grep", "-n", "-I", "-z", "--no-color", ...flags, "-e", pattern, "HEAD"], {
      allowFailure: true,
      env: { LC_ALL: "C.UTF-8" },
    });
    const expected = judged.stdout
      .toString()
      .split("\n")
      .filter(Boolean)
      .map((line) => line.replace(/^HEAD:/, "").split("\0"));
    const { matches, done, doneLines, last, status } = await grep(body);
    expect(status).toBe(200);
    // A NUL in a line is what the judge's own output is cut at.
    expect(matches.map(({ path, line, content }) => [path, String(line), ...content.split("\0")])).toEqual(
      expected,
    );
    expect(doneLines).toBe(1);
    expect(last).toEqual(done);
    expect(done).toMatchObject({
      matches: expected.length,
      truncated: false,
      next_cursor: null,
      skipped_binary: 1,
    });
  });
});

describe("POST grep", () => {
  it("tells blob, context and how much was searched", async () => {
    const { matches, done } = await grep({ pattern: "hay", context_lines: 1, globs: ["*.txt"] });
    expect(matches).toEqual([
      {
        path: "a.txt",
        sha: expect.stringMatching(/^[0-9a-f]{40}$/),
        line: 2,
        content: "hay",
        before: ["needle one"],
        after: ["needle two"],
      },
      {
        path: "no-break.txt",
        sha: expect.any(String),
        line: 1,
        content: "hay",
        before: [],
        after: ["needle"],
      },
    ]);
    expect(done).toMatchObject({
      done: true,
      ref: "main",
      commit_sha: expect.any(String),
      files_searched: 12,
    });
  });

  it("searches what globs and paths choose and exclude leaves", async () => {
    const pathsOf = async (body: object) => [
      ...new Set((await grep({ pattern: "needle", ...body })).matches.map(({ path }) => path)),
    ];
    expect(await pathsOf({ paths: ["a", "run.sh"] })).toEqual(["a/b.txt", "run.sh"]);
    expect(await pathsOf({ globs: ["same*"], paths: ["sub/"] })).toEqual(["same-1.txt", "sub/same-2.txt"]);
    expect(await pathsOf({ globs: ["**/*same*"], exclude: ["sub/**"] })).toEqual(["same-1.txt"]);
  });

  it("says what it left out, and goes on there", async () => {
    const all = await grep({ pattern: "needle" });
    const told: unknown[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < 50; page += 1) {
      const { matches, done } = await grep({ pattern: "needle", max_matches: 3, ...(cursor && { cursor }) });
      told.push(...matches);
      expect(matches.length).toBeLessThanOrEqual(3);
      expect(done.truncated).toBe(done.next_cursor !== null);
      if (!done.truncated) break;
      expect(done.reason).toBe("max_matches");
      cursor = done.next_cursor;
    }
    expect(told).toEqual(all.matches);
    const small = await grep({ pattern: "needle", max_bytes: 300 });
    expect(small.done).toMatchObject({ truncated: true, reason: "max_bytes" });
    expect(small.matches.length).toBeGreaterThan(0);
  });

  it("goes on in the commit that it began with", async () => {
    await api.makeRepo("moving");
    await api.commit("moving", [{ path: "f.txt", content: "needle 1\nneedle 2\n" }]);
    const first = await grep({ pattern: "needle", max_matches: 1 }, "moving");
    await api.commit("moving", [{ path: "f.txt", content: "other\n" }]);
    const rest = await grep({ pattern: "needle", cursor: first.done.next_cursor }, "moving");
    expect(rest.matches.map(({ content }) => content)).toEqual(["needle 2"]);
    expect(rest.done.commit_sha).toBe(first.done.commit_sha);
  });

  it("tells a very long line by its beginning and its length", async () => {
    await api.makeRepo("long");
    await api.commit("long", [{ path: "f.txt", content: `${"é".repeat(50_000)}needle\n` }]);
    const { matches } = await grep({ pattern: "needle" }, "long");
    expect(matches[0]).toMatchObject({ line: 1, line_bytes: 100_006, content: "é".repeat(32_768) });
  });

  it("holds no isolate with an expression that backtracks elsewhere", async () => {
    await api.makeRepo("evil");
    await api.commit("evil", [{ path: "f.txt", content: `${"a".repeat(200_000)}\n` }]);
    const { done } = await grep({ pattern: "(a|a)*b", regex: true }, "evil");
    expect(done).toMatchObject({ matches: 0, truncated: false });
  });

  it("refuses what it cannot do by name, before anything is sent", async () => {
    const refused = async (body: object) => (await grep(body)).json;
    expect(await refused({ pattern: "(a)\\1", regex: true })).toMatchObject({
      code: "VALIDATION_ERROR",
      fields: [{ field: "pattern", message: expect.stringMatching("backreferences") }],
    });
    expect(await refused({ pattern: "" })).toMatchObject({ code: "VALIDATION_ERROR" });
    expect(await refused({ pattern: "a", extra: 1 })).toMatchObject({ code: "VALIDATION_ERROR" });
    expect(await refused({ pattern: "a", cursor: "x" })).toMatchObject({ code: "VALIDATION_ERROR" });
    expect(await refused({ pattern: "x".repeat(1_001) })).toMatchObject({ code: "VALIDATION_ERROR" });
  });

  it("ends with one done line also without a commit, without a ref, and for a cursor of elsewhere", async () => {
    expect(await grep({ pattern: "x" }, "empty")).toMatchObject({
      status: 200,
      doneLines: 1,
      done: { matches: 0, commit_sha: null },
    });
    expect(await grep({ pattern: "x", ref: "nope" })).toMatchObject({
      status: 404,
      doneLines: 1,
      done: { code: "NOT_FOUND" },
    });
    const foreign = { pattern: "x", cursor: `${"1".repeat(40)}.0.0` };
    expect(await grep(foreign)).toMatchObject({ status: 404, doneLines: 1 });
  });
});

describe("POST /search", () => {
  const search = (body: object, caller = api) => caller.call("POST", "/v1/search", body);

  it("finds lines in several repositories, in their order, with context", async () => {
    await api.makeRepo("one");
    await api.commit("one", [{ path: "src/x.ts", content: "a\nfindMe\nb\n" }]);
    await api.makeRepo("two", { namespace: "team" });
    await api.call("POST", "/v1/repos/team/two/commits", {
      branch: "main",
      message: "m",
      changes: [{ path: "y.md", content: "FINDME\n" }],
    });
    const reply = await search({ q: "findme", repos: ["team/two", { slug: "one" }], context_lines: 1 });
    expect(reply.status).toBe(200);
    expect(reply.json).toMatchObject({
      total: 2,
      repos_searched: 2,
      truncated: false,
      matches: [
        {
          repo_slug: "two",
          repo_namespace: "team",
          path: "y.md",
          line: 1,
          content: "FINDME",
          context_before: [],
          context_after: [],
        },
        {
          repo_slug: "one",
          repo_namespace: null,
          path: "src/x.ts",
          line: 2,
          content: "findMe",
          context_before: ["a"],
          context_after: ["b"],
        },
      ],
    });
    const cased = await search({ q: "findMe", case_sensitive: true, path_pattern: "src/**" });
    expect(cased.json).toMatchObject({ total: 1, truncated: false });
  });

  it("says that there is more, and which repositories lack the ref", async () => {
    const reply = await search({ q: "needle", repos: ["corpus", "one"], max_results: 2, ref: "main" });
    expect(reply.json).toMatchObject({ total: 2, truncated: true, reason: "max_matches" });
    const other = await search({ q: "needle", repos: ["corpus"], ref: "nope" });
    expect(other.json).toMatchObject({ total: 0, repos_searched: 0, skipped_repos: ["corpus"] });
  });

  it("shows nobody what is not theirs", async () => {
    const stranger = await joinMemoryApp(api.memory, "stranger");
    expect((await search({ q: "needle", repos: ["corpus"] }, stranger)).status).toBe(404);
    expect((await search({ q: "needle" }, stranger)).json).toMatchObject({ total: 0, repos_searched: 0 });
    expect((await grep({ pattern: "needle" }, "corpus", stranger)).status).toBe(404);
    const noKey = await api.memory.request("/v1/search", { method: "POST", body: '{"q":"needle"}' });
    expect(noKey.status).toBe(401);
  });

  it("refuses bad input by field", async () => {
    expect((await search({ q: "(?=a)", regex: true })).json).toMatchObject({
      code: "VALIDATION_ERROR",
      fields: [{ field: "q" }],
    });
    expect((await search({ q: "a", repos: [] })).status).toBe(400);
    expect((await search({ q: "a", repos: Array.from({ length: 51 }, () => "one") })).status).toBe(400);
    expect((await search({ q: "a", max_results: 501 })).status).toBe(400);
  });
});
