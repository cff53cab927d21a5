import { beforeAll, describe, expect, it } from "vitest";
import { createMemoryApi, type MemoryApi } from "../testing/memory-api.ts";

let api: MemoryApi;
let commit: unknown;

beforeAll(async () => {
  api = await createMemoryApi();
  await api.makeRepo("r");
  await api.makeRepo("empty");
  const made = await api.commit("r", [
    { path: "package.json", content: "{}\n" },
    { path: "src/a.ts", content: "export const a = 1;\n" },
    { path: "src/deep/b.ts", content: "export const b = 2;\n" },
    { path: "src/deep/same.ts", content: "export const b = 2;\n" },
    { path: "src/ünï.ts", content: "ü" },
    { path: "src/c.js", content: "js" },
    { path: "logo.png", content: Buffer.from([137, 80, 0, 255]).toString("base64"), encoding: "base64" },
    { path: "big.txt", content: "x".repeat(5_000) },
    { path: "link.ts", content: "src/a.ts", mode: "120000" },
    { path: "sub.ts", mode: "160000", sha: "1".repeat(40) },
  ]);
  commit = made.json.sha;
});

async function prefetch(body: object, slug = "r") {
  const reply = await api.call("POST", `/v1/repos/${slug}/prefetch`, body);
  const lines = reply.text.split("\n");
  expect(lines.pop()).toBe("");
  const parsed = lines.map((line) => JSON.parse(line));
  const done = parsed.pop();
  return {
    ...reply,
    blobs: parsed,
    done,
    bytes: Buffer.byteLength(
      lines
        .slice(0, -1)
        .map((line) => `${line}\n`)
        .join(""),
    ),
  };
}

describe("POST prefetch", () => {
  it("streams every file that matches, in tree order, then one done line", async () => {
    const { status, headers, blobs, done, bytes } = await prefetch({
      globs: ["src/**/*.ts", "package.json"],
    });
    expect(status).toBe(200);
    expect(headers.get("content-type")).toBe("application/x-ndjson");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(blobs.map(({ path }) => path)).toEqual([
      "package.json",
      "src/a.ts",
      "src/deep/b.ts",
      "src/deep/same.ts",
      "src/ünï.ts",
    ]);
    expect(blobs[1]).toEqual({
      path: "src/a.ts",
      sha: expect.stringMatching(/^[0-9a-f]{40}$/),
      size: 20,
      encoding: "text",
      content_b64: Buffer.from("export const a = 1;\n").toString("base64"),
    });
    expect(done).toEqual({ done: true, entries: 5, bytes, capped: false, ref: "main", commit_sha: commit });
  });

  it("tells text from binary, follows no link and skips submodules", async () => {
    const { blobs } = await prefetch({ globs: ["*"] });
    expect(blobs.map(({ path, encoding }) => [path, encoding])).toEqual([
      ["big.txt", "text"],
      ["link.ts", "text"],
      ["logo.png", "binary"],
      ["package.json", "text"],
    ]);
  });

  it("stops before its ceiling and leaves out what is too large", async () => {
    const all = await prefetch({ globs: ["**"] });
    const capped = await prefetch({ globs: ["**"], max_bytes: all.done.bytes - 1 });
    expect(capped.done).toMatchObject({ capped: true, entries: all.done.entries - 1 });
    expect(capped.done.bytes).toBeLessThan(all.done.bytes);
    const exact = await prefetch({ globs: ["**"], max_bytes: all.done.bytes });
    expect(exact.done).toMatchObject({ capped: false, bytes: all.done.bytes });
    const small = await prefetch({ globs: ["**"], max_blob_bytes: 4_999 });
    expect(small.blobs.map(({ path }) => path)).not.toContain("big.txt");
    expect(small.done).toMatchObject({ capped: false, entries: all.done.entries - 1 });
  });

  it("ends with a done line when nothing matches, nothing is there, or the ref does not exist", async () => {
    expect((await prefetch({ globs: ["nope/**"] })).done).toMatchObject({
      entries: 0,
      bytes: 0,
      commit_sha: commit,
    });
    expect((await prefetch({ globs: ["**"] }, "empty")).done).toEqual({
      done: true,
      entries: 0,
      bytes: 0,
      capped: false,
      ref: "main",
      commit_sha: null,
    });
    const missing = await prefetch({ globs: ["**"], ref: "nope" });
    expect([missing.status, missing.done]).toMatchObject([
      404,
      { done: true, ref: "nope", code: "NOT_FOUND" },
    ]);
    expect(missing.done.error).toMatch(/nope/);
  });

  it("is not held up by globs that make others backtrack", async () => {
    await api.makeRepo("deep");
    await api.commit("deep", [{ path: Array(60).fill("a").join("/"), content: "x" }]);
    const globs = [`${"**/a/".repeat(30)}nope`, `${"*a".repeat(200)}`, "**/".repeat(300)];
    const { done } = await prefetch({ globs }, "deep");
    expect(done).toMatchObject({ entries: 0, capped: false });
  });
});
