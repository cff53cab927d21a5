// Runs the Worker of worker-mount/ on local workerd, against a server on this machine.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCoregitClient } from "@coregit/sdk";
import { startLocal } from "@coregit/server/local";
import { build } from "esbuild";
import { Miniflare } from "miniflare";

const dataDir = await mkdtemp(join(tmpdir(), "coregit-"));
const server = await startLocal({ dataDir });
const cg = createCoregitClient({ apiKey: server.apiKey, baseUrl: server.url });
await cg.repos.create({ slug: "notes" });

const { outputFiles } = await build({
  entryPoints: [join(import.meta.dirname, "worker-mount/worker.ts")],
  bundle: true,
  format: "esm",
  platform: "browser", // Nothing of Node gets in, and nothing of it is asked for: no nodejs_compat below.
  write: false,
});
const worker = new Miniflare({
  modules: [{ type: "ESModule", path: "worker.js", contents: outputFiles[0]?.text ?? "" }],
  compatibilityDate: "2026-04-26",
  bindings: { COREGIT_URL: server.url, COREGIT_API_KEY: server.apiKey },
});

const send = (path: string, init?: { readonly method: string; readonly body: string }) =>
  worker.dispatchFetch(`http://worker.test${path}`, init);
const written = await send("/days/monday.md", { method: "PUT", body: "# Monday\n" });
console.log("wrote:", written.status, await written.json());
console.log("names:", await (await send("/days")).json());
console.log("text:", (await (await send("/days/monday.md")).text()).trim());
console.log("missing:", (await send("/days/sunday.md")).status);

// What the Worker committed is there for everybody else.
const { data } = await cg.files.blob("notes", { ref: "main", path: "days/monday.md" });
console.log("read elsewhere:", JSON.stringify(data?.content));

await worker.dispose();
await server.stop();
await rm(dataDir, { recursive: true });
