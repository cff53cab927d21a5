// A whole git server inside your program: nothing to install, no account, and stock git can talk to it.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startLocal } from "@coregit/server/local";

const dataDir = await mkdtemp(join(tmpdir(), "coregit-"));

const first = await startLocal({ dataDir });
const headers = { "x-api-key": first.apiKey, "content-type": "application/json" };
// `fetch` reaches this server whatever the host, so that a path is enough.
const made = await first.fetch("/v1/repos", {
  method: "POST",
  headers,
  body: JSON.stringify({ slug: "kept" }),
});
console.log("created:", made.status);
console.log("clone:", `git clone http://x:KEY@${new URL(first.url).host}/${first.org}/kept.git`);
await first.stop();

// Everything is in the folder: the next start has the same keys and the same repositories.
const second = await startLocal({ dataDir });
console.log("same key:", second.apiKey === first.apiKey);
const list = await second.fetch("/v1/repos", { headers });
const { repos } = (await list.json()) as { repos: { slug: string }[] };
console.log(
  "repositories:",
  repos.map(({ slug }) => slug),
);
await second.stop();
await rm(dataDir, { recursive: true });
