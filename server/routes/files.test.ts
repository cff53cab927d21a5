import { beforeAll, describe, expect, it } from "vitest";
import { createMemoryApi, type MemoryApi } from "../testing/memory-api.ts";

let api: MemoryApi;
let commit: string;
let tree: string;

const LATIN1 = Buffer.from("caf\xe9 na\xefve", "latin1");
const BOM_TEXT = "\ufeffwith a BOM\n";
const base64 = (bytes: Uint8Array) => ({
  content: Buffer.from(bytes).toString("base64"),
  encoding: "base64",
});
const BIG = Buffer.alloc(3 * 1024 * 1024 + 5, "0123456789abcdé");

beforeAll(async () => {
  api = await createMemoryApi();
  await api.makeRepo("r");
  await api.makeRepo("pub", { visibility: "public" });
  await api.makeRepo("empty");
  const made = await api.commit("r", [
    { path: "README.md", content: "# Hello World\n" },
    { path: "src/a.ts", content: "export {}\n" },
    { path: "src/deep/b.ts", content: "export {}\n" },
    { path: "src.ts", content: "x" },
    { path: "run.sh", content: "#!/bin/sh\n", mode: "100755" },
    { path: "link", content: "src/a.ts", mode: "120000" },
    { path: "sub", mode: "160000", sha: "1".repeat(40) },
    { path: "bom.txt", content: BOM_TEXT },
    { path: "latin1.txt", ...base64(LATIN1) },
    { path: "nul.bin", ...base64(Uint8Array.of(1, 0, 2)) },
    { path: "empty.txt", content: "" },
    { path: "wörld/ä b%.txt", content: "ü" },
    { path: "new\nline", content: "n" },
    { path: "big.txt", ...base64(BIG) },
  ]);
  commit = String(made.json.sha);
  tree = String(made.json.tree_sha);
  await api.commit("pub", [{ path: "a", content: "public" }]);
  await api.call("POST", "/v1/repos/r/branches", { name: "feature/one" });
  await api.call("POST", "/v1/repos/r/tags", { name: "v1.0", message: "annotated" });
  await api.call("POST", "/v1/repos/r/tags", { name: "light" });
  await api.call("POST", "/v1/repos/r/tags", { name: "feature/one/src", message: "longer than the branch" });
});

const get = (path: string, headers: Record<string, string> = {}) =>
  api.call("GET", `/v1/repos/r/${path}`, undefined, headers);
const raw = (path: string, headers: Record<string, string> = {}) =>
  api.send("GET", `/v1/repos/r/${path}`, headers);

interface Item {
  readonly name: string;
  readonly path: string;
  readonly type: string;
  readonly mode: string;
  readonly size?: number;
}

describe("tree", () => {
  it("lists the root in git's order, with sizes of files and six-digit modes", async () => {
    const { json } = await get("tree/main");
    const items = json.items as Item[];
    expect(items.map(({ name, type, mode, size }) => [name, type, mode, size])).toEqual([
      ["README.md", "file", "100644", 14],
      ["big.txt", "file", "100644", BIG.length],
      ["bom.txt", "file", "100644", 14],
      ["empty.txt", "file", "100644", 0],
      ["latin1.txt", "file", "100644", 10],
      ["link", "file", "120000", 8],
      ["new\nline", "file", "100644", 1],
      ["nul.bin", "file", "100644", 3],
      ["run.sh", "file", "100755", 10],
      ["src.ts", "file", "100644", 1],
      ["src", "folder", "040000", undefined],
      ["sub", "file", "160000", undefined],
      ["wörld", "folder", "040000", undefined],
    ]);
    expect(json).toMatchObject({
      path: "",
      ref: "main",
      sha: tree,
      commit_sha: commit,
      committed_at: expect.stringMatching(/^\d{4}-.*Z$/),
      truncated: false,
      next_cursor: null,
    });
  });

  it("lists everything below, directories too, with full paths", async () => {
    const { json } = await get("tree/main/src?recursive=true");
    expect((json.items as Item[]).map(({ path, name }) => [path, name])).toEqual([
      ["src/a.ts", "a.ts"],
      ["src/deep", "deep"],
      ["src/deep/b.ts", "b.ts"],
    ]);
  });

  it("pages through one state of a branch, though it moves", async () => {
    const all = (await get("tree/main?recursive=1")).json.items as Item[];
    await api.call("POST", "/v1/repos/r/branches", { name: "moving" });
    const seen: string[] = [];
    let cursor = "";
    for (let page = 0; page < 9; page++) {
      const { json } = await get(`tree/moving?recursive=true&limit=4${cursor}`);
      seen.push(...(json.items as Item[]).map(({ path }) => path));
      expect([json.truncated, json.commit_sha]).toEqual([json.next_cursor !== null, commit]);
      if (json.next_cursor === null) break;
      cursor = `&cursor=${json.next_cursor}`;
      await api.commit("r", [{ path: `aaa${page}`, content: "in front" }], { branch: "moving" });
    }
    expect(seen).toEqual(all.map(({ path }) => path));
  });

  it("has a tag of its own for each way to list", async () => {
    const etags = new Set<string | null>();
    const queries = ["", "?recursive=true", "?limit=2", "?recursive=true&limit=2"];
    for (const query of queries) etags.add((await get(`tree/main${query}`)).headers.get("etag"));
    etags.add((await get("tree/main/src")).headers.get("etag"));
    expect(etags.size).toBe(5);
    const etag = (await get("tree/main")).headers.get("etag") ?? "";
    expect((await get("tree/main", { "if-none-match": etag })).status).toBe(304);
    expect((await get("tree/main?recursive=true", { "if-none-match": etag })).status).toBe(200);
  });

  it("shows a branch without commits as an empty tree", async () => {
    const { status, json } = await api.call("GET", "/v1/repos/empty/tree/main");
    expect([status, json]).toEqual([
      200,
      {
        items: [],
        path: "",
        ref: "main",
        sha: "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
        branch: "main",
        commit_sha: null,
        committed_at: null,
        truncated: false,
        next_cursor: null,
      },
    ]);
    expect((await api.call("GET", "/v1/repos/empty/tree/HEAD")).status).toBe(200);
    expect((await api.call("GET", "/v1/repos/empty/tree/main/src")).status).toBe(404);
    expect((await api.call("GET", "/v1/repos/empty/tree/other")).status).toBe(404);
  });

  it("names the branch that a ref stands for, and none for an id", async () => {
    const branchOf = async (ref: string) => (await get(`tree/${ref}`)).json.branch;
    const commit = String((await get("tree/main")).json.commit_sha);
    expect([await branchOf("main"), await branchOf("HEAD"), await branchOf(commit)]).toEqual([
      "main",
      "main",
      null,
    ]);
  });

  it("says what is there instead of a directory", async () => {
    const { status, json } = await get("tree/main/README.md");
    expect([status, json.code, json.type]).toEqual([404, "NOT_FOUND", "file"]);
    expect((await get("tree/main/none")).status).toBe(404);
  });
});

describe("refs of reads", () => {
  it.each([
    "main",
    "HEAD",
    "feature/one",
    "feature%2Fone",
    "v1.0",
    "light",
    "refs/heads/main",
    "heads/main",
    "tags/v1.0",
    "main~0",
    "main^{commit}",
    "HEAD^{tree}",
  ])("reads through %s", async (ref) => {
    expect((await get(`blob/${ref}/README.md`)).json).toMatchObject({
      content: "# Hello World\n",
      path: "README.md",
    });
    expect((await get(`tree/${ref}`)).json.sha).toBe(tree);
  });

  it("takes the longest ref that exists, and the sha of a commit, tag or tree", async () => {
    expect((await get("tree/feature/one/src")).json).toMatchObject({ ref: "feature/one/src", path: "" });
    expect((await get("tree/feature/one/src.ts")).status).toBe(404);
    expect((await get("blob/feature/one/src.ts")).json.content).toBe("x");
    const tag = String((await api.call("GET", "/v1/repos/r/tags/v1.0")).json.sha);
    for (const sha of [commit, tag, tree]) expect((await get(`raw/${sha}/src.ts`)).text).toBe("x");
  });

  it("answers 404 to refs and objects that are not there", async () => {
    for (const ref of ["nope", "nope/deeper", "2".repeat(40), "main~5", "main^2"]) {
      const { status, json } = await get(`raw/${ref}/src.ts`);
      expect([ref, status, json.code]).toEqual([ref, 404, "NOT_FOUND"]);
    }
    const blob = String((await get("blob/main/src.ts")).json.sha);
    expect((await get(`tree/${blob}`)).status).toBe(404);
  });

  it("lets what an id names be kept for ever, privately, and asks again for what a name points to", async () => {
    expect((await get(`blob/${commit}/src.ts`)).headers.get("cache-control")).toBe(
      "private, max-age=31536000, immutable",
    );
    expect((await get("blob/main/src.ts")).headers.get("cache-control")).toBe("private, no-cache");
    const pinned = (await api.call("GET", "/v1/repos/pub/branches/main")).json.sha;
    const publicly = await api.memory.request(`/v1/orgs/acme/repos/pub/raw/${pinned}/a`);
    expect(publicly.headers.get("cache-control")).toMatch(/max-age=31536000, immutable$/);
    expect(await publicly.text()).toBe("public");
  });
});

describe("blob", () => {
  it("gives text as text and everything else as base64, to the byte", async () => {
    expect((await get("blob/main/bom.txt")).json).toMatchObject({
      content: BOM_TEXT,
      encoding: "utf-8",
      size: 14,
    });
    const latin1 = await get("blob/main/latin1.txt");
    expect(latin1.json).toMatchObject({ content: LATIN1.toString("base64"), encoding: "base64" });
    expect((await get("blob/main/nul.bin")).json).toMatchObject({
      content: "AQAC",
      encoding: "base64",
      size: 3,
    });
    expect((await get("blob/main/empty.txt")).json).toMatchObject({
      content: "",
      encoding: "utf-8",
      size: 0,
    });
    expect((await get("blob/main/link")).json.content).toBe("src/a.ts");
    expect((await get("blob/main/w%C3%B6rld/%C3%A4%20b%25.txt")).json).toMatchObject({
      content: "ü",
      path: "wörld/ä b%.txt",
    });
    expect((await get("blob/main/new%0Aline")).json.content).toBe("n");
  });

  it("finds every file of equal content", async () => {
    for (const path of ["src/a.ts", "src/deep/b.ts"]) {
      expect((await get(`blob/main/${path}`)).json).toMatchObject({ path, content: "export {}\n" });
    }
  });

  it("carries the validators, and answers 304 in every form of If-None-Match", async () => {
    const { headers, json } = await get("blob/main/src.ts");
    const etag = headers.get("etag") ?? "";
    expect(etag).toBe(`"${json.sha}"`);
    expect(headers.get("x-content-sha")).toBe(json.sha);
    expect(headers.get("x-commit-sha")).toBe(commit);
    expect(headers.get("accept-ranges")).toBe("bytes");
    for (const condition of [etag, `W/${etag}`, `"other", W/${etag}`, "*"]) {
      const reply = await get("blob/main/src.ts", { "if-none-match": condition });
      expect([reply.status, reply.text, reply.headers.get("etag")]).toEqual([304, "", etag]);
    }
    expect((await get("blob/main/src.ts", { "if-none-match": '"other"' })).status).toBe(200);
  });

  it("serves a part, with a tag of its own", async () => {
    const { status, headers, json } = await get("blob/main/README.md", { range: "bytes=2-6" });
    expect(status).toBe(206);
    expect(json).toEqual({
      content: "Hello",
      encoding: "utf-8",
      path: "README.md",
      sha: json.sha,
      size: 14,
      range: { start: 2, end: 6, length: 5 },
    });
    expect(headers.get("content-range")).toBe("bytes 2-6/14");
    expect(headers.get("vary")).toBe("Range");
    expect(headers.get("etag")).toBe(`"${json.sha}-2-6"`);
    const cut = await get("blob/main/bom.txt", { range: "bytes=1-" });
    expect(cut.json).toMatchObject({ encoding: "base64", range: { start: 1, end: 13, length: 13 } });
  });

  it("streams what is large, to the byte", async () => {
    const { json } = await get("blob/main/big.txt");
    expect(json).toMatchObject({ encoding: "utf-8", size: BIG.length });
    expect(Buffer.from(String(json.content)).equals(BIG)).toBe(true);
    const part = await get("blob/main/big.txt", { range: "bytes=1000000-" });
    const content = Buffer.from(
      String(part.json.content),
      part.json.encoding === "base64" ? "base64" : "utf8",
    );
    expect(content.equals(BIG.subarray(1_000_000))).toBe(true);
  });

  it.each([
    ["main/src", "folder"],
    ["main", "folder"],
    ["main/sub", "submodule"],
  ])("says what %s is instead of a file", async (path, type) => {
    for (const kind of ["blob", "raw"]) {
      const { status, json } = await get(`${kind}/${path}`);
      expect([status, json.code, json.type]).toEqual([404, "NOT_FOUND", type]);
    }
  });
});

describe("raw", () => {
  it("sends the bytes, with type and length", async () => {
    const text = await raw("raw/main/README.md");
    expect(await text.text()).toBe("# Hello World\n");
    expect(Object.fromEntries(text.headers)).toMatchObject({
      "content-type": "text/plain; charset=utf-8",
      "content-length": "14",
      "accept-ranges": "bytes",
      "x-content-type-options": "nosniff",
      "x-commit-sha": commit,
    });
    for (const path of ["nul.bin", "latin1.txt"]) {
      expect((await raw(`raw/main/${path}`)).headers.get("content-type")).toBe("application/octet-stream");
    }
    expect(Buffer.from(await (await raw("raw/main/big.txt")).arrayBuffer()).equals(BIG)).toBe(true);
  });

  it.each([
    ["bytes=0-3", "# He", "bytes 0-3/14"],
    ["bytes=10-", "rld\n", "bytes 10-13/14"],
    ["bytes=-4", "rld\n", "bytes 10-13/14"],
    ["bytes=-99", "# Hello World\n", "bytes 0-13/14"],
    ["bytes=5-99", "lo World\n", "bytes 5-13/14"],
    ["bytes=13-13", "\n", "bytes 13-13/14"],
  ])("serves %s", async (range, body, contentRange) => {
    const reply = await raw("raw/main/README.md", { range });
    expect([reply.status, await reply.text(), reply.headers.get("content-range")]).toEqual([
      206,
      body,
      contentRange,
    ]);
    expect(reply.headers.get("content-length")).toBe(String(body.length));
  });

  it.each(["bytes=14-", "bytes=99-100", "bytes=-0", "bytes=0-1,3-4"])("answers 416 to %s", async (range) => {
    for (const kind of ["raw", "blob"]) {
      const { status, headers, json } = await get(`${kind}/main/README.md`, { range });
      expect([status, json.code, headers.get("content-range")]).toEqual([
        416,
        "RANGE_NOT_SATISFIABLE",
        "bytes */14",
      ]);
    }
    expect((await get("raw/main/empty.txt", { range: "bytes=0-" })).status).toBe(416);
  });

  it.each(["bytes=", "bytes=-", "bytes=5-2", "bytes=a-b", "lines=1-2", "bytes 0-3"])(
    "sends everything for %s, which is no byte range",
    async (range) => {
      const reply = await raw("raw/main/README.md", { range });
      expect([reply.status, await reply.text()]).toEqual([200, "# Hello World\n"]);
    },
  );

  it("serves a range only of the version that If-Range names", async () => {
    const etag = (await raw("raw/main/README.md")).headers.get("etag") ?? "";
    const range = "bytes=0-3";
    expect((await raw("raw/main/README.md", { range, "if-range": etag })).status).toBe(206);
    for (const other of ['"other"', `W/${etag}`, "Sat, 21 Nov 2026 00:00:00 GMT"]) {
      expect((await raw("raw/main/README.md", { range, "if-range": other })).status).toBe(200);
    }
    expect((await raw("raw/main/README.md", { range, "if-none-match": etag })).status).toBe(304);
  });

  it("answers HEAD like GET, without the body", async () => {
    for (const path of ["raw/main/README.md", "blob/main/README.md", "tree/main"]) {
      const [head, full] = [await api.send("HEAD", `/v1/repos/r/${path}`), await raw(path)];
      expect([head.status, await head.text()]).toEqual([200, ""]);
      for (const name of ["etag", "content-type", "cache-control", "x-content-sha"]) {
        expect(head.headers.get(name)).toBe(full.headers.get(name));
      }
    }
    const head = await api.send("HEAD", "/v1/repos/r/raw/main/big.txt", { range: "bytes=0-1" });
    expect([head.status, head.headers.get("content-length")]).toEqual([200, String(BIG.length)]);
    expect((await api.send("HEAD", "/v1/repos/r/raw/main/none")).status).toBe(404);
  });
});

describe("blobs/batch", () => {
  const batch = (body: object, headers = {}) => api.call("POST", "/v1/repos/r/blobs/batch", body, headers);

  it("keeps the order, repeats what is asked for twice, and names what is missing", async () => {
    const paths = ["src/deep/b.ts", "nope", "README.md", "src/a.ts", "src", "README.md", "sub", "link"];
    const { status, json } = await batch({ paths });
    expect(status).toBe(200);
    expect((json.blobs as Item[]).map(({ path }) => path)).toEqual([
      "src/deep/b.ts",
      "README.md",
      "src/a.ts",
      "README.md",
      "link",
    ]);
    expect(json.missing).toEqual(["nope", "src", "sub"]);
    expect((json.blobs as object[])[1]).toEqual({
      path: "README.md",
      sha: expect.stringMatching(/^[0-9a-f]{40}$/),
      size: 14,
      encoding: "utf-8",
      content: "# Hello World\n",
    });
  });

  it("encodes as it is told", async () => {
    const contents = async (encoding: string) =>
      (
        (await batch({ paths: ["README.md", "latin1.txt"], encoding })).json.blobs as {
          encoding: string;
          content: string;
        }[]
      ).map((blob) => [blob.encoding, blob.content]);
    expect(await contents("auto")).toEqual([
      ["utf-8", "# Hello World\n"],
      ["base64", LATIN1.toString("base64")],
    ]);
    expect(await contents("binary")).toEqual([
      ["base64", Buffer.from("# Hello World\n").toString("base64")],
      ["base64", LATIN1.toString("base64")],
    ]);
    expect((await contents("text"))[1]).toEqual(["utf-8", "caf\ufffd na\ufffdve"]);
  });

  it("names the size of what is too large instead of sending it", async () => {
    const { json } = await batch({ paths: ["README.md", "src.ts"], max_size: 13 });
    const [large, small] = json.blobs as Record<string, unknown>[];
    expect(large).toEqual({
      path: "README.md",
      sha: large?.sha,
      size: 14,
      encoding: "base64",
      truncated: true,
    });
    expect(small).toMatchObject({ size: 1, content: "x" });
  });

  it("answers 304 to its own tag, and to no other way to ask", async () => {
    const body = { paths: ["README.md", "src.ts"] };
    const etag = (await batch(body)).headers.get("etag") ?? "";
    expect(etag).toMatch(/^W\/"batch-[0-9a-f]+"$/);
    expect((await batch(body, { "if-none-match": etag })).status).toBe(304);
    for (const other of [
      { paths: ["src.ts", "README.md"] },
      { ...body, encoding: "binary" },
      { ...body, max_size: 5 },
      { paths: [...body.paths, "nope"] },
    ]) {
      expect((await batch(other, { "if-none-match": etag })).status).toBe(200);
    }
  });

  it("sends more than fits into memory group by group, up to its ceiling", async () => {
    const content = Buffer.alloc(9 * 1024 * 1024, "x").toString();
    for (let i = 0; i < 4; i++) {
      await api.commit("r", [{ path: `large/${i}`, content: content + i }], {
        branch: "light-copy",
        ...(i ? {} : { parent_sha: null }),
      });
    }
    const paths = ["large/0", "large/1", "large/2", "large/3"];
    const { json } = await batch({ ref: "light-copy", paths });
    const blobs = json.blobs as { content?: string; truncated?: boolean; size: number }[];
    expect(blobs.map(({ truncated, size }) => [truncated ?? false, size])).toEqual([
      [false, content.length + 1],
      [false, content.length + 1],
      [false, content.length + 1],
      [true, content.length + 1],
    ]);
    expect(blobs[2]?.content).toBe(`${content}2`);
  });

  it("has nothing of a branch without commits, and 404 for a ref that does not exist", async () => {
    const empty = await api.call("POST", "/v1/repos/empty/blobs/batch", { paths: ["a"] });
    expect(empty.json).toEqual({ blobs: [], missing: ["a"] });
    expect((await batch({ ref: "nope", paths: ["a"] })).status).toBe(404);
  });
});
