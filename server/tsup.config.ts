import { defineConfig } from "tsup";

/** tsup sets `baseUrl` for its own use, which this TypeScript calls deprecated. */
const DECLARATIONS = { compilerOptions: { ignoreDeprecations: "6.0" } };

/** Three builds: the package's entry, the Node-only local runtime, and the Worker as one module for it. */
export default defineConfig([
  {
    entry: { index: "index.ts" },
    format: "esm",
    target: "es2023",
    platform: "neutral",
    external: [/^node:/, /^cloudflare:/],
    loader: { ".wasm": "copy" },
    esbuildOptions(options) {
      options.assetNames = "[name]";
    },
    dts: DECLARATIONS,
    sourcemap: true,
  },
  {
    entry: {
      "local/start-local": "local/start-local.ts",
      "local/cli": "local/cli.ts",
      "local/ssh-cli": "local/ssh/ssh-cli.ts",
    },
    format: "esm",
    target: "node20",
    platform: "node",
    dts: { ...DECLARATIONS, entry: { "local/start-local": "local/start-local.ts" } },
    // One file each: the code finds the Worker by its own place in dist.
    splitting: false,
    sourcemap: true,
  },
  {
    entry: { "worker/index": "index.ts" },
    format: "esm",
    target: "es2023",
    platform: "neutral",
    noExternal: [/^(?!node:|cloudflare:)/],
    external: [/^node:/, /^cloudflare:/],
    splitting: false,
    loader: { ".wasm": "copy" },
    esbuildOptions(options) {
      options.conditions = ["workerd", "worker", "browser"];
      options.mainFields = ["module", "main"];
      options.assetNames = "worker/[name]";
      // Most of the module is the shell, which few requests need: white space costs every start some 100 ms of parsing.
      // Names stay, for what errors say of themselves.
      options.minifyWhitespace = true;
      options.minifySyntax = true;
    },
  },
]);
