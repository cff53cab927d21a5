import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, type Metafile } from "esbuild";
import { expect, test } from "vitest";

const CORE_BYTES = 35 * 1024;

/** The SDK as an application's bundler makes it: what is imported at once, and chunks that are loaded when needed. */
async function bundle() {
  const { outputFiles, metafile } = await build({
    entryPoints: [fileURLToPath(new URL("../index.ts", import.meta.url))],
    bundle: true,
    minify: true,
    splitting: true,
    format: "esm",
    platform: "browser",
    target: "es2023",
    outdir: "out",
    write: false,
    metafile: true,
  });
  return {
    metafile,
    contents: new Map(outputFiles.map((file) => [file.path.split("/").at(-1), file.contents])),
  };
}

/** Names of the entry and of everything that it imports statically. */
function listCore(metafile: Metafile): readonly string[] {
  const core = ["out/index.js"];
  for (const name of core) {
    for (const { path, kind } of metafile.outputs[name]?.imports ?? []) {
      if (kind === "import-statement" && !core.includes(path)) core.push(path);
    }
  }
  return core;
}

test(`the core is at most ${CORE_BYTES / 1024} KiB minified and gzipped`, async () => {
  const { metafile, contents } = await bundle();
  const core = listCore(metafile).map((name) => contents.get(name.split("/").at(-1)) ?? new Uint8Array(0));
  const bytes = core.reduce((sum, content) => sum + gzipSync(content, { level: 9 }).length, 0);
  expect(bytes).toBeLessThanOrEqual(CORE_BYTES);
});

test("nothing of Node and no schema is in the bundle", async () => {
  const { metafile, contents } = await bundle();
  const inputs = Object.keys(metafile.inputs);
  expect(inputs.filter((path) => path.includes("/zod/") || path.startsWith("node:"))).toEqual([]);
  for (const content of contents.values()) {
    expect(new TextDecoder().decode(content)).not.toMatch(/(?:from|import\(|require\()\s*["']node:/);
  }
});
