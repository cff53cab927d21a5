import { once } from "node:events";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SeedFile } from "../testing/memory-remote.ts";
import { type MountedFiles, mountFiles } from "../testing/mount-files.ts";
import { createMcpHandler, createMcpServer, createNodeListener, type McpOptions } from "./mcp.ts";

const REFERENCE = createRequire(import.meta.url).resolve(
  "@modelcontextprotocol/server-filesystem/dist/index.js",
);

type Args = Readonly<Record<string, unknown>>;

/** What a tool answered: its text or media, and whether it failed. */
interface Answer {
  readonly failed: boolean;
  readonly content: unknown;
  readonly structured: unknown;
}

async function call(client: Client, name: string, args: Args): Promise<Answer> {
  const result = await client.callTool({ name, arguments: { ...args } });
  return { failed: result.isError === true, content: result.content, structured: result.structuredContent };
}

async function connect(files: MountedFiles, options: McpOptions = {}): Promise<Client> {
  const client = new Client({ name: "test", version: "1" });
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  await createMcpServer(files.mount, options).connect(theirs);
  await client.connect(ours);
  return client;
}

function textOf({ content }: Answer): string {
  const [item] = content as { text: string }[]; // Every tool but one answers with a text.
  return item?.text ?? "";
}

const FILES: Readonly<Record<string, SeedFile>> = {
  "work/a.txt": "one\ntwo\nthree\n",
  "work/no-newline.txt": "a\nb",
  "work/empty.txt": "",
  "work/dos.txt": "one\r\ntwo\r\nthree\r\n",
  "work/fence.md": "```js\n````\n```\n",
  "work/code.ts": "function a() {\n    if (x) {\n\treturn 1;\n    }\n}\n",
  "work/dir/b.ts": `${"x".repeat(2000)}\n`,
  "work/dir/deep/c.ts": "c\n",
  "work/dir/deep/node_modules/m.js": "m\n",
  "work/pic.png": new Uint8Array([137, 80, 78, 71]),
  "work/sound.MP3": new Uint8Array([1, 2, 3]),
  "work/data.bin": new Uint8Array([0, 255, 254]),
  "work/in-link": { mode: "120000", content: "a.txt" },
  "work/dir-link": { mode: "120000", content: "dir" },
  "work/out-link": { mode: "120000", content: "../secret.txt" },
  "work/dangling": { mode: "120000", content: "nowhere" },
  "work/cafe\u0301.txt": "decomposed\n",
  "secret.txt": "secret\n",
};

async function writeTree(root: string): Promise<void> {
  for (const [path, seed] of Object.entries(FILES)) {
    const full = join(root, path);
    await mkdir(dirname(full), { recursive: true });
    if (typeof seed === "string" || seed instanceof Uint8Array) await writeFile(full, seed);
    else await symlink(String(seed.content), full);
  }
}

/** The reference server over stdio in a folder, whose paths look like the mount's to the caller. */
class Reference {
  readonly client = new Client({ name: "test", version: "1" });
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async start(): Promise<void> {
    await writeTree(this.#root);
    const args = [REFERENCE, join(this.#root, "work")];
    await this.client.connect(
      new StdioClientTransport({ command: process.execPath, args, stderr: "ignore" }),
    );
  }

  async call(name: string, args: Args): Promise<Answer> {
    const rooted = Object.fromEntries(
      Object.entries(args).map(([key, value]) => [key, PATH_FIELDS.has(key) ? this.#enter(value) : value]),
    );
    const answer = await call(this.client, name, rooted);
    const text = JSON.stringify(answer)
      .replaceAll(`file://${this.#root}`, "coregit://")
      .replaceAll(this.#root, "");
    return JSON.parse(text);
  }

  #enter(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.#enter(item));
    return typeof value === "string" && value.startsWith("/") ? this.#root + value : value;
  }
}

const PATH_FIELDS = new Set(["path", "paths", "source", "destination"]);

/** Lines or entries in one order where a disk's own order shows, and of a system's error its code only. */
function normalise(name: string, answer: Answer): unknown {
  const text = textOf(answer);
  if (answer.failed) return { failed: true, text: text.replace(/^(E[A-Z]+): [\s\S]*$/, "$1") };
  if (name === "list_directory" || name === "search_files") return text.split("\n").sort();
  // A directory has a size on a disk and none in git, so that by size it comes elsewhere among the files.
  if (name === "list_directory_with_sizes") {
    const lines = text.split("\n");
    const isDirectory = (line: string) => line.startsWith("[DIR]");
    return [lines.filter((line) => !isDirectory(line)), lines.filter(isDirectory)];
  }
  if (name === "directory_tree") return sortTree(JSON.parse(text));
  if (name === "get_file_info") {
    const timeless = text.replace(/^(created|modified|accessed): .*$/gm, "$1");
    return timeless.includes("isFile: false") ? timeless.replace(/^size: .*$/m, "size") : timeless;
  }
  return { content: answer.content, structured: answer.structured };
}

interface Tree {
  readonly name: string;
  readonly children?: Tree[];
}

function sortTree(entries: Tree[]): Tree[] {
  return entries
    .map((entry) => (entry.children ? { ...entry, children: sortTree(entry.children) } : entry))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

const SET_PATHS = ["/work/a.txt", "/work/no-newline.txt", "/work/empty.txt", "/work/dos.txt"];
const ODD_PATHS = [
  "/work/missing.txt",
  "/work/missing/deeper.txt",
  "/work/a.txt/below",
  "/work/dir",
  "/work/in-link",
  "/work/out-link",
  "/work/dangling",
  "/work/dangling/x",
  "/secret.txt",
  "/work/../secret.txt",
  "/workshop/x",
  "/work/café.txt",
  "/work/./dir/../a.txt",
  "C:\\Users\\x",
  "a.txt",
  "dir/b.ts",
  "../secret.txt",
  "/work/a\0b",
  "",
];
const edit = (oldText: string, newText: string) => ({ oldText, newText });

/** Every tool, with what it does right and how it fails, in an order in which later calls see earlier ones. */
const CALLS: readonly (readonly [string, Args])[] = [
  ...[...SET_PATHS, ...ODD_PATHS].map((path) => ["read_text_file", { path }] as const),
  ...SET_PATHS.flatMap((path) =>
    [1, 2, 3, 9, -1, 0, 1.5].map((n) => ["read_text_file", { path, head: n }] as const),
  ),
  ...SET_PATHS.flatMap((path) =>
    [1, 2, 3, 9, -1, 0, 1.5].map((n) => ["read_text_file", { path, tail: n }] as const),
  ),
  ["read_text_file", { path: "/work/a.txt", head: 1, tail: 1 }],
  ["read_text_file", {}],
  ["read_text_file", { path: 5 }],
  ["read_file", { path: "/work/a.txt" }],
  ...["pic.png", "sound.MP3", "data.bin", "a.txt", "missing.png"].map(
    (name) => ["read_media_file", { path: `/work/${name}` }] as const,
  ),
  ["read_multiple_files", { paths: ["/work/a.txt", "/work/missing.txt", "/secret.txt", "/work/empty.txt"] }],
  ["read_multiple_files", { paths: [] }],
  ...["/work", "/work/dir", "/work/dir-link", "/work/a.txt", "/work/missing", "/other"].flatMap((path) => [
    ["list_directory", { path }] as const,
    ["list_directory_with_sizes", { path: path === "/work" ? "/work/dir/deep" : path }] as const,
    ["list_directory_with_sizes", { path: path === "/work" ? "/work/dir" : path, sortBy: "size" }] as const,
    ["directory_tree", { path }] as const,
    ["directory_tree", { path, excludePatterns: ["node_modules", "*.ts"] }] as const,
    ["directory_tree", { path, excludePatterns: ["**/*.ts", "deep"] }] as const,
    ["search_files", { path, pattern: "**/*.ts" }] as const,
    ["search_files", { path, pattern: "*.ts" }] as const,
    ["search_files", { path, pattern: "**/*", excludePatterns: ["dir/deep/**"] }] as const,
    ["search_files", { path, pattern: "**", excludePatterns: ["dir"] }] as const,
    ["search_files", { path, pattern: "dir/*" }] as const,
    ["search_files", { path, pattern: "nothing-like-it" }] as const,
    ["get_file_info", { path }] as const,
  ]),
  ["get_file_info", { path: "/work/in-link" }],
  ["list_allowed_directories", {}],
  ...[true, false].flatMap((dryRun) => [
    ["edit_file", { path: "/work/a.txt", edits: [edit("two", "TWO $& $1")], dryRun }] as const,
    [
      "edit_file",
      { path: "/work/code.ts", edits: [edit("if (x) {\n  return 1;", "if (y) {\n    return 2;")], dryRun },
    ] as const,
    ["edit_file", { path: "/work/fence.md", edits: [edit("js", "ts"), edit("ts", "tsx")], dryRun }] as const,
    ["edit_file", { path: "/work/no-newline.txt", edits: [edit("b", "c\n")], dryRun }] as const,
    ["edit_file", { path: "/work/dos.txt", edits: [edit("two\nthree", "2\n3")], dryRun }] as const,
    ["edit_file", { path: "/work/empty.txt", edits: [edit("", "filled\n")], dryRun }] as const,
  ]),
  ["edit_file", { path: "/work/a.txt", edits: [edit("one", "1"), edit("not there", "x")] }],
  ["edit_file", { path: "/work/a.txt", edits: [] }],
  ["edit_file", { path: "/work/missing.txt", edits: [edit("a", "b")] }],
  ["edit_file", { path: "/work/dir", edits: [edit("a", "b")] }],
  ["read_text_file", { path: "/work/a.txt" }],
  ["read_text_file", { path: "/work/code.ts" }],
  ["read_text_file", { path: "/work/no-newline.txt" }],
  ["write_file", { path: "/work/new.txt", content: "new\n" }],
  ["write_file", { path: "/work/in-link", content: "through the link\n" }],
  ["read_text_file", { path: "/work/a.txt" }],
  ...[
    "/work/no/such/dir.txt",
    "/work/dir",
    "/secret.txt",
    "/work/out-link",
    "/work/a.txt/x",
    "/work/dangling",
  ].map((path) => ["write_file", { path, content: "x" }] as const),
  ...["/work/made/deep/er", "/work/dir", "/work/a.txt", "/work/a.txt/x", "/elsewhere"].map(
    (path) => ["create_directory", { path }] as const,
  ),
  ["move_file", { source: "/work/new.txt", destination: "/work/made/moved.txt" }],
  ["move_file", { source: "/work/made/moved.txt", destination: "/work/a.txt" }],
  ["move_file", { source: "/work/missing", destination: "/work/x" }],
  ["move_file", { source: "/work/a.txt", destination: "/work/no/dir/x" }],
  ["move_file", { source: "/work/dir", destination: "/work/dir/inside" }],
  ["move_file", { source: "/work/dir", destination: "/work/moved-dir" }],
  ["move_file", { source: "/work/a.txt", destination: "/work/dangling" }],
  ["list_directory", { path: "/work/made" }],
  ["directory_tree", { path: "/work/moved-dir" }],
];

describe("beside the reference filesystem server", () => {
  let root: string;
  let reference: Reference;
  let ours: Client;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "coregit-mcp-"));
    reference = new Reference(root);
    await reference.start();
    ours = await connect(await mountFiles(FILES), { allowedDirectories: ["/work"] });
  });
  afterAll(async () => {
    await reference.client.close();
    await ours.close();
    await rm(root, { recursive: true, force: true });
  });

  test("every tool has the same name, inputs, outputs and annotations", async () => {
    const strip = (value: unknown): unknown =>
      JSON.parse(
        JSON.stringify(value, (key, inner) =>
          key === "description" || key === "$schema" ? undefined : inner,
        ),
      );
    const mine = new Map((await ours.listTools()).tools.map((tool) => [tool.name, tool]));
    const theirs = (await reference.client.listTools()).tools;
    expect(theirs).toHaveLength(14);
    for (const { name, inputSchema, outputSchema, annotations } of theirs) {
      const { inputSchema: input, outputSchema: output, annotations: hints } = mine.get(name) ?? {};
      expect(strip({ input, output, hints }), name).toEqual(
        strip({ input: inputSchema, output: outputSchema, hints: annotations }),
      );
    }
  });

  test(`answers ${CALLS.length} calls of every tool alike, failures included`, async () => {
    const tools = new Set(CALLS.map(([name]) => name));
    expect(tools.size).toBe(14);
    for (const [name, args] of CALLS) {
      const expected = normalise(name, await reference.call(name, args));
      expect
        .soft(normalise(name, await call(ours, name, args)), `${name} ${JSON.stringify(args)}`)
        .toEqual(expected);
    }
  });
});

describe("what the reference server does not do", () => {
  test("edits keep the line ends of a file, and what is not text is left alone", async () => {
    const files = await mountFiles({ "dos.txt": "one\r\ntwo\r\n", bin: new Uint8Array([255, 10]) });
    const client = await connect(files);
    await call(client, "edit_file", { path: "/dos.txt", edits: [edit("two", "2\n3")] });
    expect(await files.mount.readFile("/dos.txt")).toBe("one\r\n2\r\n3\r\n");
    const answer = await call(client, "edit_file", { path: "/bin", edits: [edit("\n", "x")] });
    expect(answer.failed && textOf(answer)).toContain("/bin is not UTF-8 text (2 bytes)");
  });

  test("of edits called at once none is lost", async () => {
    const files = await mountFiles({
      "list.txt": Array.from({ length: 20 }, (_, n) => `item ${n};\n`).join(""),
    });
    const client = await connect(files);
    await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        call(client, "edit_file", { path: "/list.txt", edits: [edit(`item ${n};`, `done ${n};`)] }),
      ),
    );
    expect(await files.mount.readFile("/list.txt")).not.toContain("item");
  });

  test("searches, shows what is unsaved, deletes, discards and commits", async () => {
    const files = await mountFiles({
      "src/a.ts": "const needle = 1;\nnext\n",
      "b.md": "Needle\n",
      "c.txt": "c\n",
    });
    const client = await connect(files);
    const grep = async (args: Args) => textOf(await call(client, "grep", args));
    expect(await grep({ pattern: "needle", context: 1 })).toMatch(
      /^\/src\/a\.ts:1:const needle = 1;\n\/src\/a\.ts-2-next$/,
    );
    expect(await grep({ pattern: "needle", caseSensitive: false })).toMatch(
      /^\/b\.md:1:Needle\n\/src\/a\.ts:1:/,
    );
    expect(await grep({ pattern: "n.*e\\s", regex: true, globs: ["**/*.ts"] })).toContain("/src/a.ts:1:");
    expect(await grep({ pattern: "e", maxMatches: 1 })).toContain("only the first 1 matches");
    expect(await grep({ pattern: "nowhere" })).toBe("No matches.");
    expect(textOf(await call(client, "status", {}))).toBe("Nothing is unsaved.");
    await call(client, "write_file", { path: "/src/new.ts", content: "needle\n" });
    await call(client, "delete_file", { path: "/b.md" });
    await call(client, "delete_file", { path: "/c.txt" });
    expect(
      textOf(await call(client, "status", {}))
        .split("\n")
        .sort(),
    ).toEqual(["A /src/new.ts", "D /b.md", "D /c.txt"]);
    await call(client, "discard", { paths: ["/c.txt"] });
    expect((await call(client, "delete_file", { path: "/src" })).failed).toBe(true);
    expect(textOf(await call(client, "commit", { message: "Needles" }))).toMatch(
      /^Committed to app: [0-9a-f]{40}$/,
    );
    expect([...(files.repo.head("main")?.files.keys() ?? [])].sort()).toEqual([
      "c.txt",
      "src/a.ts",
      "src/new.ts",
    ]);
    expect(textOf(await call(client, "commit", { message: "Nothing" }))).toBe("Nothing to commit.");
  });

  test("a conflict says which file and what to do, and loses nothing", async () => {
    const files = await mountFiles({ "a.txt": "1\n" });
    const client = await connect(files);
    await call(client, "write_file", { path: "/a.txt", content: "mine\n" });
    await files.repo.seed({ "a.txt": "theirs\n" });
    const refused = await call(client, "commit", { message: "mine" });
    expect(refused.failed && textOf(refused)).toMatch(
      /somebody else changed \/a\.txt \(now blob [0-9a-f]{40}\)/,
    );
    expect(await files.mount.readFile("/a.txt")).toBe("mine\n");
    await call(client, "discard", { paths: ["/a.txt"] });
    await call(client, "refresh", {});
    expect(textOf(await call(client, "read_text_file", { path: "/a.txt" }))).toBe("theirs\n");
  });

  test("read-only and chosen tools are all there is, and the directories bind every tool", async () => {
    const files = await mountFiles({ "open/a.txt": "word\n", "closed/b.txt": "word\n" });
    const readOnly = await connect(files, { readOnly: true });
    const { tools } = await readOnly.listTools();
    expect(tools.filter(({ annotations }) => annotations?.readOnlyHint !== true)).toEqual([]);
    expect(tools.map(({ name }) => name)).toContain("grep");
    expect((await call(readOnly, "write_file", { path: "/a", content: "" })).failed).toBe(true);
    const few = await connect(files, { tools: ["read_text_file"] });
    expect((await few.listTools()).tools.map(({ name }) => name)).toEqual(["read_text_file"]);
    expect(() => createMcpServer(files.mount, { tools: ["nope"] })).toThrow("no such tool: nope");

    const client = await connect(files, { allowedDirectories: ["/open"] });
    await files.mount.writeFile("/closed/new.txt", "x");
    expect(textOf(await call(client, "grep", { pattern: "word" }))).toBe("/open/a.txt:1:word");
    expect(textOf(await call(client, "status", {}))).toBe("Nothing is unsaved.");
    expect(textOf(await call(client, "diff", {}))).toBe("Nothing is unsaved.");
    await files.mount.writeFile("/open/a.txt", "words\n");
    expect(textOf(await call(client, "diff", {}))).toMatch(
      /^diff --git a\/open\/a\.txt [\s\S]*\n-word\n\+words\n$/,
    );
    for (const [name, args] of [
      ["delete_file", { path: "/closed/b.txt" }],
      ["delete_file", { path: "/open", recursive: true }],
      ["discard", { paths: ["/closed"] }],
    ] as const) {
      expect((await call(client, name, args)).failed, name).toBe(true);
    }
    await call(client, "discard", {});
    expect(await files.mount.exists("/closed/new.txt")).toBe(true);
    await expect(client.readResource({ uri: "coregit:///closed/b.txt" })).rejects.toThrow("Access denied");
  });

  test("allowed directories go by either name of a mount with one repository", async () => {
    const files = await mountFiles({ "src/a.ts": "word\n" }, { repos: [{ slug: "app" }] });
    for (const directory of ["/src", "/app/src"]) {
      const client = await connect(files, { allowedDirectories: [directory] });
      expect(textOf(await call(client, "read_text_file", { path: `${directory}/a.ts` }))).toBe("word\n");
      expect(textOf(await call(client, "read_text_file", { path: "a.ts" }))).toBe("word\n");
      expect(textOf(await call(client, "grep", { pattern: "word" }))).toBe("/app/src/a.ts:1:word");
    }
  });

  test("a result over the limit is an error that names the limit", async () => {
    const client = await connect(await mountFiles({ "big.txt": "x".repeat(5_000) }), {
      maxResultChars: 1_000,
    });
    const answer = await call(client, "read_text_file", { path: "/big.txt" });
    expect(answer.failed && textOf(answer)).toContain("5000 characters, over the limit of 1000");
  });

  test("files are resources, with completion of their paths", async () => {
    const client = await connect(
      await mountFiles({ "dir/a b.txt": "text\n", "dir/p.png": new Uint8Array([137, 0]) }),
    );
    const text = await client.readResource({ uri: "coregit:///dir/a%20b.txt" });
    expect(text.contents).toEqual([
      { uri: "coregit:///dir/a%20b.txt", mimeType: "text/plain", text: "text\n" },
    ]);
    const image = await client.readResource({ uri: "coregit:///dir/p.png" });
    expect(image.contents[0]).toMatchObject({ mimeType: "image/png", blob: "iQA=" });
    const { completion } = await client.complete({
      ref: { type: "ref/resource", uri: "coregit://{+path}" },
      argument: { name: "path", value: "/dir/p" },
    });
    expect(completion.values).toEqual(["/dir/p.png"]);
  });
});

describe("over streamable HTTP", () => {
  test("a real client works through the handler, which keeps no session", async () => {
    const files = await mountFiles({ "a.txt": "hello\n" });
    const handle = createMcpHandler(files.mount);
    const client = new Client({ name: "test", version: "1" });
    const toHandler = (url: string | URL, init?: RequestInit) => handle(new Request(url, init));
    await client.connect(
      new StreamableHTTPClientTransport(new URL("http://mcp.test/"), { fetch: toHandler }),
    );
    expect(textOf(await call(client, "read_text_file", { path: "/a.txt" }))).toBe("hello\n");
    await call(client, "write_file", { path: "/b.txt", content: "b\n" });
    expect(textOf(await call(client, "status", {}))).toBe("A /b.txt");
    expect((await handle(new Request("http://mcp.test/"))).status).toBe(405);
    await client.close();
  });

  test("node's http server serves the same handler", async () => {
    const files = await mountFiles({ "a.txt": "hello\n" });
    const faults: unknown[] = [];
    const listener = createNodeListener(createMcpHandler(files.mount), (fault) => faults.push(fault));
    const server = createServer(listener).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const url = new URL(`http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/mcp`);
    const client = new Client({ name: "test", version: "1" });
    await client.connect(new StreamableHTTPClientTransport(url));
    expect(textOf(await call(client, "read_text_file", { path: "/a.txt" }))).toBe("hello\n");
    await client.close();
    const long = JSON.stringify({ padding: "x".repeat(17 * 1024 * 1024) });
    const headers = { accept: "application/json, text/event-stream", "content-type": "application/json" };
    expect((await fetch(url, { method: "POST", headers, body: long })).status).toBe(413);
    expect(faults).toEqual([]);
    server.close();
  });

  test("the request picks the mount; foreign hosts and too long bodies are refused", async () => {
    const one = await mountFiles({ "a.txt": "one\n" });
    const two = await mountFiles({ "a.txt": "two\n" });
    const handle = createMcpHandler(
      (request) => (request.headers.get("authorization") === "2" ? two.mount : one.mount),
      { allowedHosts: ["good.test"], maxRequestBytes: 500 },
    );
    const post = (host: string, authorization: string, padding = "") =>
      handle(
        new Request(`http://${host}/`, {
          method: "POST",
          headers: {
            host,
            authorization,
            accept: "application/json, text/event-stream",
            "content-type": "application/json",
          },
          body: JSON.stringify({
            jsonrpc: "2.0",
            id: 1,
            method: "tools/call",
            params: { name: "read_text_file", arguments: { path: "/a.txt", padding } },
          }),
        }),
      );
    expect(await (await post("good.test", "1")).text()).toContain("one\\n");
    expect(await (await post("good.test", "2")).text()).toContain("two\\n");
    expect((await post("evil.test", "1")).status).toBe(403);
    expect((await post("good.test", "1", "x".repeat(600))).status).toBe(413);
  });
});
