import { beforeAll, describe, expect, it } from "vitest";
import { LIMITS } from "../../sdk/contract/limits.ts";
import { createMemoryApi, type MemoryApi } from "../testing/memory-api.ts";

let api: MemoryApi;
let head: unknown;

beforeAll(async () => {
  api = await createMemoryApi();
  await api.makeRepo("r");
  head = (await api.commit("r", [{ path: "a", content: "1\n2\n3\n" }])).json.sha;
});

const fieldsOf = (json: Record<string, unknown>) =>
  ((json.fields ?? []) as { field: string }[]).map(({ field }) => field);

const commit = (more: object) => ({ branch: "main", message: "m", ...more });
const changes = (...list: unknown[]) => commit({ changes: list });
const create = (path: string) => changes({ path, content: "x" });
const edit = (...edits: unknown[]) => changes({ path: "a", action: "edit", edits });
const SHA = "1".repeat(40);

type Row = readonly [name: string, body: unknown, field: string];

const COMMITS: readonly Row[] = [
  ["a body that is null", null, "body"],
  ["a list for a body", [], "body"],
  ["bad JSON", "{", "body"],
  ["no branch", { message: "m", changes: [{ path: "b", content: "" }] }, "branch"],
  ["a branch that is a number", { ...changes({ path: "b", content: "" }), branch: 1 }, "branch"],
  ["a branch name git refuses", { ...create("b"), branch: "a..b" }, "branch"],
  ["a branch named HEAD", { ...create("b"), branch: "HEAD" }, "branch"],
  ["no message", { branch: "main", changes: [] }, "message"],
  ["a message with a lone surrogate", { ...create("b"), message: "\ud800" }, "message"],
  ["a message of white space", { ...create("b"), message: " \n\t" }, "message"],
  ["no changes", commit({ changes: [] }), "changes"],
  [
    "1,001 changes",
    changes(...Array.from({ length: 1_001 }, (_, i) => ({ path: `f${i}`, content: "" }))),
    "changes",
  ],
  ["an unknown field", { ...create("b"), force: true }, "force"],
  ["an unknown field of a change", changes({ path: "b", content: "", mtime: 1 }), "changes.0.mtime"],
  ["an unknown action", changes({ path: "b", content: "", action: "upsert" }), "changes.0.action"],
  ["traversal", create("../b"), "changes.0.path"],
  ["traversal inside", create("a/../../b"), "changes.0.path"],
  ["an absolute path", create("/b"), "changes.0.path"],
  ["a dot segment", create("./b"), "changes.0.path"],
  ["an empty segment", create("a//b"), "changes.0.path"],
  ["a trailing slash", create("b/"), "changes.0.path"],
  ["an empty path", create(""), "changes.0.path"],
  [".git", create(".git/config"), "changes.0.path"],
  [".GIT", create("sub/.GIT/config"), "changes.0.path"],
  ["git~1", create("git~1"), "changes.0.path"],
  ["NUL", create("a\0b"), "changes.0.path"],
  ["a lone surrogate", create("a\udc00"), "changes.0.path"],
  ["a path of 4,097 bytes", create(`${"é".repeat(2_048)}x`), "changes.0.path"],
  ["a path twice", changes({ path: "b", content: "1" }, { path: "b", content: "2" }), "changes.1.path"],
  [
    "a file and one below it",
    changes({ path: "b", content: "1" }, { path: "b/c", content: "2" }),
    "changes.1.path",
  ],
  [
    "the same the other way round",
    changes({ path: "b/c", content: "1" }, { path: "b", content: "2" }),
    "changes.1.path",
  ],
  [
    "a path deleted after it was written",
    changes({ path: "a", content: "1" }, { path: "a", action: "delete" }),
    "changes.1.path",
  ],
  [
    "a path deleted twice",
    changes({ path: "a", action: "delete" }, { path: "a", action: "delete" }),
    "changes.1.path",
  ],
  [
    "an edit of what was deleted",
    changes({ path: "a", action: "delete" }, { path: "a", action: "edit", edits: [{ old_string: "1" }] }),
    "changes.1.path",
  ],
  [
    "a copy of what was written",
    changes({ path: "a", content: "1" }, { path: "a", action: "copy", new_path: "b" }),
    "changes.1.path",
  ],
  ["a rename onto itself", changes({ path: "a", action: "rename", new_path: "a" }), "changes.0.new_path"],
  ["a rename into itself", changes({ path: "a", action: "rename", new_path: "a/b" }), "changes.0.new_path"],
  ["a rename without new_path", changes({ path: "a", action: "rename" }), "changes.0.new_path"],
  ["a rename to .git", changes({ path: "a", action: "rename", new_path: ".git" }), "changes.0.new_path"],
  [
    "a rename with content",
    changes({ path: "a", action: "rename", new_path: "b", content: "" }),
    "changes.0.content",
  ],
  ["no content", changes({ path: "b" }), "changes.0.content"],
  ["content and sha", changes({ path: "b", content: "", sha: SHA }), "changes.0.sha"],
  ["content that is a number", changes({ path: "b", content: 1 }), "changes.0.content"],
  ["content with a lone surrogate", changes({ path: "b", content: "\ud800" }), "changes.0.content"],
  ["bad base64", changes({ path: "b", content: "a", encoding: "base64" }), "changes.0.content"],
  [
    "base64 with a line break",
    changes({ path: "b", content: "YW\nJj", encoding: "base64" }),
    "changes.0.content",
  ],
  [
    "base64 of the url alphabet",
    changes({ path: "b", content: "_-8=", encoding: "base64" }),
    "changes.0.content",
  ],
  [
    "base64 with bits left over",
    changes({ path: "b", content: "YR==", encoding: "base64" }),
    "changes.0.content",
  ],
  ["an unknown encoding", changes({ path: "b", content: "", encoding: "hex" }), "changes.0.encoding"],
  ["a sha that is none", changes({ path: "b", sha: "abc" }), "changes.0.sha"],
  ["a mode that git does not have", changes({ path: "b", content: "", mode: "100600" }), "changes.0.mode"],
  ["a submodule without a commit", changes({ path: "b", mode: "160000" }), "changes.0.sha"],
  [
    "a submodule with content",
    changes({ path: "b", mode: "160000", content: "x", sha: SHA }),
    "changes.0.content",
  ],
  ["a submodule at nothing", changes({ path: "b", mode: "160000", sha: "0".repeat(40) }), "changes.0.sha"],
  [
    "a link whose target holds a NUL",
    changes({ path: "b", mode: "120000", content: "a\0b" }),
    "changes.0.content",
  ],
  [
    "an author with a carriage return",
    { ...create("b"), author: { name: "A", email: "a\r@b" } },
    "author.email",
  ],
  ["a link to nowhere", changes({ path: "b", mode: "120000", content: "" }), "changes.0.content"],
  ["chmod without a mode", changes({ path: "a", action: "chmod" }), "changes.0.mode"],
  ["chmod to a link", changes({ path: "a", action: "chmod", mode: "120000" }), "changes.0.mode"],
  ["an if_match that is no sha", changes({ path: "a", content: "", if_match: "x" }), "changes.0.if_match"],
  ["an edit without edits", changes({ path: "a", action: "edit" }), "changes.0.edits"],
  ["no edits", edit(), "changes.0.edits"],
  ["101 edits", edit(...Array(LIMITS.editsPerChange + 1).fill({ old_string: "1" })), "changes.0.edits"],
  ["an empty old_string", edit({ old_string: "", new_string: "x" }), "changes.0.edits.0.old_string"],
  ["line 0", edit({ range: [0, 1], content: "" }), "changes.0.edits.0.range.0"],
  ["a range that ends before it starts", edit({ range: [3, 2], content: "" }), "changes.0.edits.0"],
  [
    "ranges that share a line",
    edit({ range: [1, 2], content: "" }, { range: [2, 3], content: "" }),
    "changes.0.edits.1.range",
  ],
  ["count and all", edit({ old_string: "1", count: 1, all: true }), "changes.0.edits.0"],
  ["an author with <", { ...create("b"), author: { name: "A <b", email: "a@b" } }, "author.name"],
  ["an author with a line break", { ...create("b"), author: { name: "A", email: "a\n@b" } }, "author.email"],
  ["an author without email", { ...create("b"), author: { name: "A" } }, "author.email"],
  ["a parent that is no sha", { ...create("b"), parent_sha: "main" }, "parent_sha"],
];

describe("POST commits", () => {
  it.each(COMMITS)("refuses %s", async (_name, body, field) => {
    const { status, json } = await api.call("POST", "/v1/repos/r/commits", body === null ? "null" : body);
    expect([status, json.code, fieldsOf(json)[0]]).toEqual([400, "VALIDATION_ERROR", field]);
    expect((await api.call("GET", "/v1/repos/r/branches/main")).json.sha).toBe(head);
  });

  it("names every bad change at once, and both places of a path named twice", async () => {
    const { json } = await api.call(
      "POST",
      "/v1/repos/r/commits",
      changes(
        { path: "../x", content: "" },
        { path: "ok", content: "" },
        { path: "b", action: "chmod" },
        { path: "ok", content: "" },
      ),
    );
    expect(fieldsOf(json)).toEqual(["changes.0.path", "changes.2.mode", "changes.3.path"]);
    expect((json.fields as { message: string }[])[2]?.message).toContain("changes.1.path");
  });
});

type Call = readonly [method: string, path: string, body: unknown, status: number, code: string];

const CALLS: readonly Call[] = [
  ["POST", "blobs/batch", null, 400, "VALIDATION_ERROR"],
  ["POST", "blobs/batch", {}, 400, "VALIDATION_ERROR"],
  ["POST", "blobs/batch", { paths: [] }, 400, "VALIDATION_ERROR"],
  ["POST", "blobs/batch", { paths: Array(101).fill("a") }, 400, "VALIDATION_ERROR"],
  ["POST", "blobs/batch", { paths: [1] }, 400, "VALIDATION_ERROR"],
  ["POST", "blobs/batch", { paths: ["a", "../b"] }, 400, "VALIDATION_ERROR"],
  ["POST", "blobs/batch", { paths: ["a"], encoding: "hex" }, 400, "VALIDATION_ERROR"],
  ["POST", "blobs/batch", { paths: ["a"], max_size: -1 }, 400, "VALIDATION_ERROR"],
  ["POST", "blobs/batch", { paths: ["a"], ref: "a^{x}" }, 400, "VALIDATION_ERROR"],
  ["POST", "prefetch", null, 400, "VALIDATION_ERROR"],
  ["POST", "prefetch", { globs: [] }, 400, "VALIDATION_ERROR"],
  ["POST", "prefetch", { globs: Array(33).fill("*") }, 400, "VALIDATION_ERROR"],
  ["POST", "prefetch", { globs: ["x".repeat(1_025)] }, 400, "VALIDATION_ERROR"],
  ["POST", "prefetch", { globs: ["*"], max_bytes: LIMITS.prefetchBytesMax + 1 }, 400, "VALIDATION_ERROR"],
  ["POST", "prefetch", { globs: ["*"], max_blob_bytes: 0 }, 400, "VALIDATION_ERROR"],
  ["GET", "tree/main?limit=0", undefined, 400, "VALIDATION_ERROR"],
  ["GET", "tree/main?limit=-1", undefined, 400, "VALIDATION_ERROR"],
  ["GET", "tree/main?limit=10001", undefined, 400, "VALIDATION_ERROR"],
  ["GET", "tree/main?recursive=maybe", undefined, 400, "VALIDATION_ERROR"],
  ["GET", "tree/main?depth=1", undefined, 400, "VALIDATION_ERROR"],
  ["GET", "tree/main?cursor=x", undefined, 400, "VALIDATION_ERROR"],
  ["GET", `tree/main?cursor=${SHA}.1`, undefined, 400, "VALIDATION_ERROR"],
  ["GET", "tree/main/..%2F..", undefined, 400, "VALIDATION_ERROR"],
  ["GET", "blob/main/.git/config", undefined, 400, "VALIDATION_ERROR"],
  ["GET", "raw/main/a%00b", undefined, 400, "VALIDATION_ERROR"],
  ["GET", "raw/main/a/b", undefined, 404, "NOT_FOUND"],
  ["GET", "commits?limit=0", undefined, 400, "VALIDATION_ERROR"],
  ["GET", "commits?limit=101", undefined, 400, "VALIDATION_ERROR"],
  ["GET", "commits?limit=x", undefined, 400, "VALIDATION_ERROR"],
  ["GET", "commits?cursor=x", undefined, 400, "VALIDATION_ERROR"],
  ["GET", `commits?cursor=${SHA}.0`, undefined, 400, "VALIDATION_ERROR"],
  ["GET", "commits?path=../a", undefined, 400, "VALIDATION_ERROR"],
  ["GET", "commits/HEAD", undefined, 400, "VALIDATION_ERROR"],
  ["GET", `commits/${SHA}`, undefined, 404, "NOT_FOUND"],
  ["GET", "branches?limit=501", undefined, 400, "VALIDATION_ERROR"],
  ["GET", "branches?cursor=%20", undefined, 400, "VALIDATION_ERROR"],
  ["GET", "branches/a..b", undefined, 400, "VALIDATION_ERROR"],
  ["POST", "branches", null, 400, "VALIDATION_ERROR"],
  ["POST", "branches", { name: 1 }, 400, "VALIDATION_ERROR"],
  ["POST", "branches", { name: "x", from_sha: "abc" }, 400, "VALIDATION_ERROR"],
  ["PATCH", "branches/main", null, 400, "VALIDATION_ERROR"],
  ["PATCH", "branches/main", {}, 400, "VALIDATION_ERROR"],
  ["GET", "branches?limit=1e1", undefined, 400, "VALIDATION_ERROR"],
  ["GET", "branches?limit=0x10", undefined, 400, "VALIDATION_ERROR"],
  ["GET", "branches?limit=%201", undefined, 400, "VALIDATION_ERROR"],
  ["GET", `branches?cursor=${Buffer.from("zzz").toString("base64url")}`, undefined, 400, "VALIDATION_ERROR"],
  [
    "GET",
    `branches?cursor=${Buffer.from("refs/tags/a").toString("base64url")}`,
    undefined,
    400,
    "VALIDATION_ERROR",
  ],
  [
    "GET",
    `tags?cursor=${Buffer.from("refs/heads/a").toString("base64url")}`,
    undefined,
    400,
    "VALIDATION_ERROR",
  ],
  [
    "GET",
    `refs?cursor=${Buffer.from("refs/notes/a").toString("base64url")}`,
    undefined,
    400,
    "VALIDATION_ERROR",
  ],
  ["GET", "refs?limit=0", undefined, 400, "VALIDATION_ERROR"],
  ["GET", "refs?cursor=***", undefined, 400, "VALIDATION_ERROR"],
  ["PUT", "refs/heads/x", null, 400, "VALIDATION_ERROR"],
  ["PUT", "refs/heads/x", { sha: "main" }, 400, "VALIDATION_ERROR"],
  ["PUT", "refs/heads/a~b", { sha: SHA }, 400, "VALIDATION_ERROR"],
  ["PUT", "refs/x", { sha: SHA }, 400, "VALIDATION_ERROR"],
  ["DELETE", "refs/heads/a~b", undefined, 400, "VALIDATION_ERROR"],
  ["POST", "tags", null, 400, "VALIDATION_ERROR"],
  ["POST", "tags", { name: "x", message: "" }, 400, "VALIDATION_ERROR"],
  ["POST", "tags", { name: "x", tagger: { name: "A", email: "a" } }, 400, "VALIDATION_ERROR"],
  ["POST", "tags", { name: "x", message: "\ud800" }, 400, "VALIDATION_ERROR"],
  ["POST", "tags", { name: "x", message: " \n" }, 400, "VALIDATION_ERROR"],
  ["POST", "tags", { name: "x", message: "é".repeat(LIMITS.messageBytes / 2 + 1) }, 400, "VALIDATION_ERROR"],
  ["POST", "tags", { name: "-x" }, 400, "VALIDATION_ERROR"],
  ["GET", "tags?limit=999", undefined, 400, "VALIDATION_ERROR"],
  ["DELETE", "tags/a..b", undefined, 400, "VALIDATION_ERROR"],
  ["GET", "rev-parse", undefined, 400, "VALIDATION_ERROR"],
  ["GET", "rev-parse?ref=", undefined, 400, "VALIDATION_ERROR"],
  ["GET", "objects/xyz", undefined, 400, "VALIDATION_ERROR"],
];

describe("every other endpoint", () => {
  it.each(CALLS)("%s %s with %j", async (method, path, body, status, code) => {
    const reply = await api.call(method, `/v1/repos/r/${path}`, body === null ? "null" : body);
    expect([reply.status, reply.json.code]).toEqual([status, code]);
    expect(reply.json.error).toEqual(expect.any(String));
  });

  it("never answered with a 500", () => {
    expect(api.memory.log).toEqual([]);
  });
});
