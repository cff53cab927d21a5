import { beforeEach, describe, expect, it } from "vitest";
import { LIMITS } from "../../sdk/contract/limits.ts";
import { createMemoryApi, joinMemoryApp, type MemoryApi } from "../testing/memory-api.ts";

let api: MemoryApi;

beforeEach(async () => {
  api = await createMemoryApi();
  await api.makeRepo("r");
});

const file = (path: string, content: string, more: object = {}) => ({ path, content, ...more });

async function read(path: string, ref = "main") {
  return api.call("GET", `/v1/repos/r/blob/${ref}/${path}`);
}

async function listTree(): Promise<Record<string, string>> {
  const { json } = await api.call("GET", "/v1/repos/r/tree/main?recursive=true");
  const items = json.items as { path: string; mode: string; type: string }[];
  return Object.fromEntries(
    items.filter(({ type }) => type === "file").map(({ path, mode }) => [path, mode]),
  );
}

const head = async () => (await api.call("GET", "/v1/repos/r/branches/main")).json.sha;

describe("POST commits", () => {
  it("makes the first commit of a branch, and the next on top of it", async () => {
    const first = await api.commit("r", [file("README.md", "hi\n"), file("src/a.ts", "1")]);
    expect(first.status).toBe(201);
    expect(first.json).toEqual({
      sha: expect.stringMatching(/^[0-9a-f]{40}$/),
      tree_sha: expect.stringMatching(/^[0-9a-f]{40}$/),
      parent_sha: null,
      parent: null,
      branch: "main",
      files_changed: 2,
    });
    const second = await api.commit("r", [file("src/b.ts", "2")], { parent_sha: first.json.sha });
    expect(second.json).toMatchObject({
      parent_sha: first.json.sha,
      parent: first.json.sha,
      files_changed: 1,
    });
    expect(await listTree()).toEqual({ "README.md": "100644", "src/a.ts": "100644", "src/b.ts": "100644" });
  });

  it("does every action", async () => {
    await api.commit("r", [file("a", "1\n2\n"), file("dir/x", "x"), file("dir/y", "y"), file("run", "#!")]);
    const done = await api.commit("r", [
      { path: "a", action: "edit", edits: [{ old_string: "2", new_string: "two" }] },
      { path: "log", action: "append", content: "new\n" },
      { path: "dir", action: "rename", new_path: "moved/here" },
      { path: "run", action: "chmod", mode: "100755" },
      { path: "link", content: "a", mode: "120000" },
      { path: "sub", mode: "160000", sha: "1".repeat(40) },
    ]);
    expect(done.status).toBe(201);
    const copied = await api.commit("r", [
      { path: "moved", action: "copy", new_path: "copy" },
      { path: "log", action: "append", content: "more\n" },
      { path: "run", action: "delete" },
    ]);
    expect(copied.status).toBe(201);
    expect(await listTree()).toEqual({
      a: "100644",
      "copy/here/x": "100644",
      "copy/here/y": "100644",
      link: "120000",
      log: "100644",
      "moved/here/x": "100644",
      "moved/here/y": "100644",
      sub: "160000",
    });
    expect((await read("a")).json.content).toBe("1\ntwo\n");
    expect((await read("log")).json.content).toBe("new\nmore\n");
  });

  it("keeps the mode of what it overwrites or edits, but makes a file of a link", async () => {
    await api.commit("r", [file("run", "old", { mode: "100755" }), file("link", "run", { mode: "120000" })]);
    await api.commit("r", [file("run", "new"), file("link", "plain")]);
    expect(await listTree()).toEqual({ run: "100755", link: "100644" });
  });

  it("creates from an object that the repository has, and only from a blob of it", async () => {
    await api.commit("r", [file("a", "content")]);
    const { sha } = (await read("a")).json;
    expect((await api.commit("r", [{ path: "b", sha }])).status).toBe(201);
    expect((await read("b")).json.content).toBe("content");
    const tree = (await api.call("GET", "/v1/repos/r/tree/main")).json.sha;
    for (const wrong of [tree, "2".repeat(40)]) {
      const refused = await api.commit("r", [{ path: "c", sha: wrong }]);
      expect([refused.status, refused.json.code, refused.json.reason]).toEqual([
        404,
        "NOT_FOUND",
        "missing-object",
      ]);
    }
  });

  it("cannot take content from another org by its sha", async () => {
    await api.commit("r", [file("secret", "s3cret")]);
    const { sha } = (await read("secret")).json;
    const other = await joinMemoryApp(api.memory, "other");
    await other.makeRepo("r");
    const refused = await other.commit("r", [{ path: "stolen", sha }]);
    expect([refused.status, refused.json.reason]).toEqual([404, "missing-object"]);
  });

  it("commits the same tree again, and an empty one", async () => {
    const first = await api.commit("r", [file("a", "1")]);
    const again = await api.commit("r", [file("a", "1")]);
    expect(again.json.tree_sha).toBe(first.json.tree_sha);
    expect(again.json.sha).not.toBe(first.json.sha);
    const empty = await api.commit("r", [{ path: "a", action: "delete" }]);
    expect(empty.json.tree_sha).toBe("4b825dc642cb6eb9a060e54bf8d69288fbee4904");
  });

  it("writes author and message as they were given, and its own name when there is no author", async () => {
    const author = { name: "Ada Ü", email: "ada@example.com" };
    const named = await api.commit("r", [file("a", "1")], { author, message: "Subject\n\nBody é\n" });
    const got = await api.call("GET", `/v1/repos/r/commits/${named.json.sha}`);
    expect(got.json).toMatchObject({
      message: "Subject\n\nBody é",
      author_name: "Ada Ü",
      committer_email: "ada@example.com",
      tree: named.json.tree_sha,
      parents: [],
    });
    const unnamed = await api.commit("r", [file("a", "2")]);
    const plain = await api.call("GET", `/v1/repos/r/commits/${unnamed.json.sha}`);
    expect(plain.json).toMatchObject({ author_name: "Coregit", author_email: "noreply@coregit.dev" });
  });

  it("stores large contents in a pack first, and reads them back", async () => {
    const big = "x".repeat(2 * 1024 * 1024);
    const many = Array.from({ length: 5 }, (_, i) => file(`many/${i}`, `${i}`.repeat(1_900_000)));
    expect((await api.commit("r", [file("big", big), file("small", "s")])).status).toBe(201);
    expect((await api.commit("r", many)).status).toBe(201);
    expect((await read("big")).json).toMatchObject({ size: big.length, content: big });
    expect((await read("many/4")).json.size).toBe(1_900_000);
    expect((await read("small")).json.content).toBe("s");
  });
});

describe("preconditions and obstacles", () => {
  it("lets one of many writers with the same parent_sha through, and tells the others the head", async () => {
    const base = (await api.commit("r", [file("a", "0")])).json.sha;
    const replies = await Promise.all(
      Array.from({ length: 30 }, (_, i) => api.commit("r", [file(`f${i}`, "x")], { parent_sha: base })),
    );
    const winners = replies.filter((reply) => reply.status === 201);
    expect(winners).toHaveLength(1);
    for (const loser of replies.filter((reply) => reply.status !== 201)) {
      expect([loser.status, loser.json.code]).toEqual([409, "CONFLICT"]);
      expect(loser.json).toMatchObject({ head_sha: winners[0]?.json.sha, current_sha: winners[0]?.json.sha });
    }
  });

  it("lands all of many writers without parent_sha, in one line of history", async () => {
    await api.commit("r", [file("a", "0")]);
    const replies = await Promise.all(
      Array.from({ length: 30 }, (_, i) => api.commit("r", [file(`f${i}`, `${i}`)])),
    );
    expect(replies.map((reply) => reply.status)).toEqual(Array(30).fill(201));
    const log = await api.call("GET", "/v1/repos/r/commits?limit=100");
    const commits = log.json.commits as { parents: string[] }[];
    expect(commits).toHaveLength(31);
    expect(commits.every((commit) => commit.parents.length <= 1)).toBe(true);
    expect(Object.keys(await listTree())).toHaveLength(31);
  });

  it("lands all of many appends and edits to one file", async () => {
    await api.commit("r", [file("log", "start\n")]);
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        api.commit("r", [
          i % 2
            ? { path: "log", action: "append", content: `${i}\n` }
            : { path: "log", action: "edit", edits: [{ old_string: "start", new_string: `start ${i}` }] },
        ]),
      ),
    );
    expect(replies.map((reply) => reply.status)).toEqual(Array(20).fill(201));
    const text = String((await read("log")).json.content);
    for (let i = 0; i < 20; i++) expect(text).toMatch(new RegExp(`\\b${i}\\b`));
  });

  it("lands parallel first commits and first appends of one file", async () => {
    const replies = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        api.commit("r", [{ path: "log", action: "append", content: `${i}\n` }]),
      ),
    );
    expect(replies.map((reply) => reply.status)).toEqual(Array(8).fill(201));
    expect(
      String((await read("log")).json.content)
        .trim()
        .split("\n")
        .sort(),
    ).toEqual([..."01234567"]);
  });

  it("checks if_match against the blob that is there", async () => {
    await api.commit("r", [file("a", "1")]);
    const { sha } = (await read("a")).json;
    expect((await api.commit("r", [file("a", "2", { if_match: sha })])).status).toBe(201);
    const refused = await api.commit("r", [file("a", "3", { if_match: sha })]);
    const now = (await read("a")).json.sha;
    expect(refused.status).toBe(409);
    expect(refused.json).toMatchObject({
      code: "CONFLICT",
      field: "changes.0",
      path: "a",
      expected_sha: sha,
      current_sha: now,
      head_sha: await head(),
    });
    expect((await api.commit("r", [file("new", "n", { if_match: null })])).status).toBe(201);
    const taken = await api.commit("r", [file("new", "n", { if_match: null })]);
    expect([taken.status, taken.json.expected_sha]).toEqual([409, null]);
  });

  it.each([
    ["a file over a directory", [file("dir", "x")], 422, "directory-in-the-way", "changes.0"],
    ["a file below a file", [file("a/b", "x")], 422, "file-in-the-way", "changes.0"],
    [
      "a directory onto a file",
      [{ path: "dir", action: "rename", new_path: "a" }],
      422,
      "file-in-the-way",
      "changes.0",
    ],
    [
      "a directory onto one",
      [{ path: "dir", action: "copy", new_path: "other" }],
      422,
      "directory-in-the-way",
      "changes.0",
    ],
    [
      "a missing file deleted",
      [file("ok", "x"), { path: "none", action: "delete" }],
      404,
      "not-found",
      "changes.1",
    ],
    [
      "a missing file renamed",
      [{ path: "none", action: "rename", new_path: "b" }],
      404,
      "not-found",
      "changes.0",
    ],
    [
      "a missing file copied",
      [{ path: "none", action: "copy", new_path: "b" }],
      404,
      "not-found",
      "changes.0",
    ],
    [
      "a missing file made executable",
      [{ path: "none", action: "chmod", mode: "100755" }],
      404,
      "not-found",
      "changes.0",
    ],
    [
      "a missing file edited",
      [{ path: "none", action: "edit", edits: [{ old_string: "a" }] }],
      404,
      "not-found",
      "changes.0",
    ],
    [
      "a directory edited",
      [{ path: "dir", action: "edit", edits: [{ old_string: "a" }] }],
      422,
      "not-a-file",
      "changes.0",
    ],
    [
      "a directory made executable",
      [{ path: "dir", action: "chmod", mode: "100755" }],
      422,
      "not-a-file",
      "changes.0",
    ],
    [
      "a link made executable",
      [{ path: "link", action: "chmod", mode: "100755" }],
      422,
      "not-a-file",
      "changes.0",
    ],
  ])("refuses %s and writes nothing", async (_name, changes, status, reason, field) => {
    await api.commit("r", [
      file("a", "1"),
      file("dir/x", "x"),
      file("other/y", "y"),
      file("link", "a", { mode: "120000" }),
    ]);
    const before = await head();
    const refused = await api.commit("r", changes);
    expect([refused.status, refused.json.reason, refused.json.field]).toEqual([status, reason, field]);
    expect(refused.json.head_sha).toBe(before);
    expect(await head()).toBe(before);
  });

  it("swaps files and directories in one commit", async () => {
    await api.commit("r", [file("a", "1"), file("dir/x", "x")]);
    const swapped = await api.commit("r", [
      { path: "a", action: "delete" },
      file("a/b", "2"),
      { path: "dir", action: "delete" },
      file("dir", "now a file"),
    ]);
    expect(swapped.status).toBe(201);
    expect(await listTree()).toEqual({ "a/b": "100644", dir: "100644" });
  });

  it("does not start a second branch by accident, but does so when told that it must not exist", async () => {
    await api.commit("r", [file("a", "1")]);
    const refused = await api.commit("r", [file("a", "2")], { branch: "other" });
    expect([refused.status, refused.json.reason]).toEqual([404, "no-branch"]);
    const orphan = await api.commit("r", [file("a", "2")], { branch: "other", parent_sha: null });
    expect([orphan.status, orphan.json.parent_sha]).toEqual([201, null]);
  });
});

describe("edits", () => {
  it("says where it looked when the text is absent or ambiguous", async () => {
    await api.commit("r", [file("a", "one\ntwo\nthree\ntwo\nfour\n")]);
    const { sha } = (await read("a")).json;
    const absent = await api.commit("r", [
      { path: "a", action: "edit", edits: [{ old_string: "three\nfive", new_string: "" }] },
    ]);
    expect([absent.status, absent.json.code]).toEqual([422, "UNPROCESSABLE"]);
    expect(absent.json).toMatchObject({
      field: "changes.0.edits.0",
      path: "a",
      matches: 0,
      current_sha: sha,
      head_sha: await head(),
    });
    expect(absent.json.lines).toContainEqual({ line: 3, text: "three" });
    const ambiguous = await api.commit("r", [
      { path: "a", action: "edit", edits: [{ old_string: "two", new_string: "2" }] },
    ]);
    expect([ambiguous.status, ambiguous.json.matches]).toEqual([422, 2]);
    const counted = await api.commit("r", [
      { path: "a", action: "edit", edits: [{ old_string: "two", new_string: "2", count: 2 }] },
    ]);
    expect(counted.status).toBe(201);
    expect((await read("a")).json.content).toBe("one\n2\nthree\n2\nfour\n");
  });

  it("keeps a BOM, CRLF and bytes that are not UTF-8", async () => {
    const bytes = Buffer.from("\xef\xbb\xbfcaf\xe9\r\nkey=1\r\nend\r\n", "latin1");
    await api.commit("r", [{ path: "a", content: bytes.toString("base64"), encoding: "base64" }]);
    const edited = await api.commit("r", [
      {
        path: "a",
        action: "edit",
        edits: [
          { old_string: "key=1", new_string: "key=2" },
          { range: [3, 3], content: "fin" },
        ],
      },
    ]);
    expect(edited.status).toBe(201);
    const raw = Buffer.from(await (await api.send("GET", "/v1/repos/r/raw/main/a")).arrayBuffer());
    expect(raw.toString("latin1")).toBe("\xef\xbb\xbfcaf\xe9\r\nkey=2\r\nfin\r\n");
  });
});

describe("Idempotency-Key", () => {
  const key = { "idempotency-key": "retry-0001" };
  const body = { branch: "main", message: "m", changes: [{ path: "a", content: "1" }] };

  it("answers a retry with the first result", async () => {
    const first = await api.call("POST", "/v1/repos/r/commits", body, key);
    const again = await api.call("POST", "/v1/repos/r/commits", body, key);
    expect([again.status, again.text]).toEqual([201, first.text]);
    expect([first.headers.get("x-idempotent-replay"), again.headers.get("x-idempotent-replay")]).toEqual([
      null,
      "true",
    ]);
  });

  it("refuses the key for another request", async () => {
    await api.call("POST", "/v1/repos/r/commits", body, key);
    const other = await api.call("POST", "/v1/repos/r/commits", { ...body, message: "n" }, key);
    expect([other.status, other.json.code]).toEqual([422, "UNPROCESSABLE"]);
  });

  it("answers the retry of an edit that would fail today because it was made", async () => {
    await api.commit("r", [file("a", "old")]);
    const changes = [{ path: "a", action: "edit", edits: [{ old_string: "old", new_string: "new" }] }];
    const request = { ...body, changes };
    const first = await api.call("POST", "/v1/repos/r/commits", request, key);
    const again = await api.call("POST", "/v1/repos/r/commits", request, key);
    expect(first.status).toBe(201);
    expect(again.text).toBe(first.text);
    const fresh = await api.call("POST", "/v1/repos/r/commits", request, {
      "idempotency-key": "another-key",
    });
    expect(fresh.status).toBe(422);
  });
});

describe("limits", () => {
  it("counts a file's size in decoded bytes", async () => {
    const limit = LIMITS.fileBytes;
    const fits = Buffer.alloc(limit, 1).toString("base64");
    expect((await api.commit("r", [file("fits", fits, { encoding: "base64" })])).status).toBe(201);
    const over = `${"é".repeat(limit / 2)}é`;
    const refused = await api.commit("r", [file("ok", "1"), file("over", over)]);
    expect([refused.status, refused.json.code]).toEqual([413, "PAYLOAD_TOO_LARGE"]);
    expect(refused.json).toMatchObject({ field: "changes.1.content", path: "over", size: limit + 2, limit });
    const appended = await api.commit("r", [{ path: "fits", action: "append", content: "x" }]);
    expect([appended.status, appended.json.path]).toEqual([413, "fits"]);
  });

  it("takes 1,000 changes and a message of 50 KB, and no more", async () => {
    const many = Array.from({ length: 1_000 }, (_, i) => file(`f/${i}`, `${i}`));
    expect((await api.commit("r", many)).json.files_changed).toBe(1_000);
    expect((await api.commit("r", [...many, file("one", "more")])).status).toBe(400);
    const message = "é".repeat(LIMITS.messageBytes / 2);
    expect((await api.commit("r", [file("a", "1")], { message })).status).toBe(201);
    const long = await api.commit("r", [file("a", "1")], { message: `${message}x` });
    expect([long.status, long.json.fields]).toMatchObject([400, [{ field: "message" }]]);
  });
});

describe("GET commits", () => {
  it("lists history newest first, by branch, tag and sha, page by page", async () => {
    const shas: unknown[] = [];
    for (let i = 0; i < 7; i++) shas.unshift((await api.commit("r", [file("a", `${i}`)])).json.sha);
    await api.call("POST", "/v1/repos/r/tags", { name: "v1", message: "annotated", target: String(shas[2]) });
    const seen: unknown[] = [];
    let query = "?limit=3";
    for (let page = 0; page < 4; page++) {
      const { json } = await api.call("GET", `/v1/repos/r/commits${query}`);
      seen.push(...(json.commits as { sha: string }[]).map(({ sha }) => sha));
      expect(json.has_more).toBe(json.next_cursor !== null);
      if (json.next_cursor === null) break;
      query = `?limit=3&cursor=${json.next_cursor}`;
    }
    expect(seen).toEqual(shas);
    for (const ref of ["v1", shas[2], "main~2", "refs/tags/v1"]) {
      const { json } = await api.call("GET", `/v1/repos/r/commits?ref=${ref}`);
      expect((json.commits as { sha: string }[]).map(({ sha }) => sha)).toEqual(shas.slice(2));
    }
  });

  it("goes on from the same place when the branch moves between pages", async () => {
    for (let i = 0; i < 4; i++) await api.commit("r", [file("a", `${i}`)], { message: `c${i}` });
    const first = await api.call("GET", "/v1/repos/r/commits?limit=2");
    await api.commit("r", [file("a", "later")]);
    const second = await api.call("GET", `/v1/repos/r/commits?limit=2&cursor=${first.json.next_cursor}`);
    expect((second.json.commits as { message: string }[]).map(({ message }) => message)).toEqual([
      "c1",
      "c0",
    ]);
  });

  it("filters by path, and takes a trailing slash", async () => {
    await api.commit("r", [file("src/a", "1")], { message: "one" });
    await api.commit("r", [file("other", "1")], { message: "two" });
    await api.commit("r", [file("src/b", "1")], { message: "three" });
    const list = async (query: string) =>
      ((await api.call("GET", `/v1/repos/r/commits?${query}`)).json.commits as { message: string }[]).map(
        ({ message }) => message,
      );
    expect(await list("path=src")).toEqual(["three", "one"]);
    expect(await list("path=src/")).toEqual(["three", "one"]);
    expect(await list("path=src/a")).toEqual(["one"]);
    expect(await list("path=none")).toEqual([]);
    const page = await api.call("GET", "/v1/repos/r/commits?path=src&limit=1");
    expect(await list(`path=src&limit=1&cursor=${page.json.next_cursor}`)).toEqual(["one"]);
  });

  it("is empty for a branch without commits, and 404 for one that does not exist", async () => {
    const empty = await api.call("GET", "/v1/repos/r/commits");
    expect(empty.json).toEqual({ commits: [], ref: "main", has_more: false, next_cursor: null });
    expect((await api.call("GET", "/v1/repos/r/commits?ref=nope")).status).toBe(404);
  });

  it("shows no commit of another repository", async () => {
    const { sha } = (await api.commit("r", [file("a", "1")])).json;
    await api.makeRepo("twin");
    expect((await api.call("GET", `/v1/repos/twin/commits/${sha}`)).status).toBe(404);
    expect((await api.call("GET", `/v1/repos/twin/raw/${sha}/a`)).status).toBe(404);
    expect((await api.call("GET", `/v1/repos/twin/tree/${sha}`)).status).toBe(404);
    expect((await api.call("POST", "/v1/repos/twin/branches", { name: "b", from_sha: sha })).status).toBe(
      404,
    );
  });
});
