import { readdirSync } from "node:fs";
import { defineConfig, type Options } from "tsup";

/** Every file directly in `adapters/` is an entry point of its own: `@coregit/sdk/adapters/<name>`. */
const adapters = readdirSync(new URL("adapters", import.meta.url))
  .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
  .map((name) => name.slice(0, -".ts".length));

// tsup asks TypeScript for an option that its version 6 deprecates.
const DECLARATIONS = { ignoreDeprecations: "6.0" } as const;

const shared = {
  format: "esm",
  target: "es2023",
  dts: { compilerOptions: DECLARATIONS },
  treeshake: true,
  sourcemap: true,
} as const;

const core: Options = {
  ...shared,
  entry: {
    index: "index.ts",
    mount: "mount.ts",
    signing: "signing.ts",
    webhooks: "webhooks.ts",
    "contract/index": "contract/index.ts",
    ...Object.fromEntries(adapters.map((name) => [`adapters/${name}`, `adapters/${name}.ts`])),
  },
  // The core uses nothing of Node: the same files run in Workers, browsers, Bun and Deno.
  platform: "neutral",
  // Consumers bring what an adapter plugs into.
  external: [/^node:/, /^@mastra\//, /^@modelcontextprotocol\//, /^@openai\//, "just-bash"],
};

export default defineConfig([
  core,
  // What only Node can do: the core asks for it by its name, and no bundle of the core has it.
  {
    ...shared,
    entry: { node: "node.ts" },
    platform: "node",
    dts: { compilerOptions: { ...DECLARATIONS, types: ["node"] } },
  },
]);
