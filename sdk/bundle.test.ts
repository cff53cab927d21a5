import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, it } from "vitest";

const KIB = 1024;
/** What this package's own code and its small dependencies may weigh. */
const OWN_LIMIT_BYTES = 35 * KIB;
/** Most of what a whole bundle weighs beyond that: measured as external below. */
const HEAVY_DEPENDENCIES = ["minimatch", "lru-cache"];

async function bundle(entry: string, external: readonly string[]) {
  const { outputFiles, metafile } = await build({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    bundle: true,
    platform: "browser",
    format: "esm",
    target: "es2023",
    minify: true,
    write: false,
    metafile: true,
    logLevel: "silent",
    external: [...external],
  });
  const text = outputFiles.map((file) => file.text).join("");
  return { text, gzipBytes: gzipSync(text).byteLength, outputs: Object.values(metafile.outputs) };
}

// The ceilings of whole bundles are what was measured, rounded up: growth has to be meant.
it.each([
  ["index.ts", 48 * KIB],
  ["mount.ts", 38 * KIB],
])("bundles %s for a browser, without Node, without zod, in %i bytes", async (entry, wholeLimit) => {
  const whole = await bundle(entry, []);
  const own = await bundle(entry, HEAVY_DEPENDENCIES);
  console.info(`${entry}: ${whole.gzipBytes} bytes gzipped, of which own and small ${own.gzipBytes}`);
  const contributing = whole.outputs
    .flatMap((output) => Object.entries(output.inputs))
    .filter(([, input]) => input.bytesInOutput > 0)
    .map(([path]) => path);
  expect(whole.outputs.flatMap((output) => output.imports)).toEqual([]);
  expect(whole.text).not.toMatch(/["'`]node:/);
  expect(contributing.filter((path) => path.includes("node_modules/zod/"))).toEqual([]);
  expect(own.gzipBytes).toBeLessThanOrEqual(OWN_LIMIT_BYTES);
  expect(whole.gzipBytes).toBeLessThanOrEqual(wholeLimit);
});
