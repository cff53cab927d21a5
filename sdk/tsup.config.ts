import { defineConfig } from "tsup";

export default defineConfig({
  entry: { index: "index.ts", mount: "mount.ts", "contract/index": "contract/index.ts" },
  format: "esm",
  // The core uses nothing of Node: the same files run in Workers, browsers, Bun and Deno.
  platform: "neutral",
  target: "es2023",
  // tsup asks TypeScript for an option that its version 6 deprecates.
  dts: { compilerOptions: { ignoreDeprecations: "6.0" } },
  treeshake: true,
  sourcemap: true,
});
