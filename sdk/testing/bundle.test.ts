import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { build, type Metafile } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { serveFetch } from "../../server/testing/git-http-server.ts";
import { createMemoryApi } from "../../server/testing/memory-api.ts";

/** What import + mount + read + write + commit load. */
const CORE_BYTES = 35 * 1024;
/** Everything of our own that the core may load: a mount that uses every feature there is. */
const ALL_BYTES = 96 * 1024;
/**
 * Packages that are no part of that sum: an application that has them anyway shares them, and each is loaded by the one
 * feature that cannot be had without it: patterns, regular expressions in linear time, a shell.
 */
const SHARED_PACKAGES = ["minimatch", "re2js", "just-bash"];

interface Chunk {
  readonly name: string;
  /** Minified and gzipped. */
  readonly bytes: number;
  readonly contents: Uint8Array;
  readonly inputs: readonly string[];
}

let metafile: Metafile;
let chunks: readonly Chunk[];
let folder: string;

/** The SDK as an application's bundler makes it. Each chunk reports when it is loaded. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "coregit-bundle-"));
  const made = await build({
    entryPoints: [fileURLToPath(import.meta.resolve("../index.ts"))],
    bundle: true,
    minify: true,
    splitting: true,
    format: "esm",
    platform: "browser",
    target: "es2023",
    external: ["just-bash"],
    outdir: "out",
    write: false,
    metafile: true,
  });
  metafile = made.metafile;
  chunks = made.outputFiles.map(({ path, contents }) => ({
    name: basename(path),
    bytes: gzipSync(contents, { level: 9 }).length,
    contents,
    inputs: Object.keys(metafile.outputs[`out/${basename(path)}`]?.inputs ?? {}),
  }));
  for (const { path, text } of made.outputFiles) {
    const report = `(globalThis.loadedChunks ??= []).push(${JSON.stringify(basename(path))});\n`;
    await writeFile(join(folder, basename(path)), report + text);
  }
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Names of the entry and of everything that it imports statically. */
function listCore(): readonly string[] {
  const core = ["out/index.js"];
  for (const name of core) {
    for (const { path, kind } of metafile.outputs[name]?.imports ?? []) {
      if (kind === "import-statement" && !core.includes(path)) core.push(path);
    }
  }
  return core.map((path) => basename(path));
}

function sum(list: readonly Chunk[]): number {
  return list.reduce((total, { bytes }) => total + bytes, 0);
}

const MAIN_PATH = `
  import { createCoregitClient } from "./index.js";
  const [apiKey, baseUrl] = process.argv.slice(2);
  const cg = createCoregitClient({ apiKey, baseUrl });
  const fs = await cg.fs.mount({ repos: [{ slug: "app" }] });
  const before = await fs.readFile("/notes.md");
  await fs.writeFile("/notes.md", before + "more\\n");
  await fs.promises.writeFile("/new.ts", "export {};\\n");
  await fs.commit({ message: "Write" });
  console.log(JSON.stringify({ before, after: await fs.readFile("/notes.md"), loaded: globalThis.loadedChunks }));
`;

test("mounting, reading, writing and committing load the core and nothing else", async () => {
  const api = await createMemoryApi();
  await api.makeRepo("app");
  await api.commit("app", [{ path: "notes.md", content: "first\n" }]);
  const server = await serveFetch(async (request) => api.memory.app.fetch(request));
  try {
    await writeFile(join(folder, "main-path.js"), MAIN_PATH);
    const script = join(folder, "main-path.js");
    const { stdout } = await promisify(execFile)(process.execPath, [script, api.apiKey, server.url]);
    const { before, after, loaded } = JSON.parse(stdout);
    expect([before, after]).toEqual(["first\n", "first\nmore\n"]);
    expect(loaded.sort()).toEqual([...listCore()].sort());
  } finally {
    await server.close();
  }
});

test(`the core is at most ${CORE_BYTES / 1024} KiB minified and gzipped, with all it may load ${ALL_BYTES / 1024} KiB`, () => {
  const core = listCore();
  const isShared = ({ inputs }: Chunk) =>
    inputs.some((path) => SHARED_PACKAGES.some((name) => path.includes(`node_modules/${name}/`)));
  const loadedAtOnce = chunks.filter(({ name }) => core.includes(name));
  const lazy = chunks.filter(({ name }) => !core.includes(name)).sort((a, b) => b.bytes - a.bytes);
  // As one file: into how many pieces it is cut is the bundler's choice, and follows from what else shares them.
  const whole = gzipSync(Buffer.concat(loadedAtOnce.map(({ contents }) => contents)), { level: 9 }).length;
  console.log(`core ${whole} bytes (${sum(loadedAtOnce)} in ${loadedAtOnce.length} pieces); lazy chunks:`);
  for (const chunk of lazy) {
    console.log(`  ${chunk.bytes} ${chunk.name}${isShared(chunk) ? " (shared package)" : ""}`);
  }
  expect(loadedAtOnce.filter(isShared)).toEqual([]);
  expect(whole).toBeLessThanOrEqual(CORE_BYTES);
  expect(sum(chunks.filter((chunk) => !isShared(chunk)))).toBeLessThanOrEqual(ALL_BYTES);
});

test("nothing of Node and no schema is in the bundle", () => {
  const inputs = Object.keys(metafile.inputs);
  expect(inputs.filter((path) => path.includes("/zod/") || path.startsWith("node:"))).toEqual([]);
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  expect(imports.filter(({ path }) => path.startsWith("node:"))).toEqual([]);
});
