// From nothing to a committed file: `node --import tsx examples/quickstart.ts`
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCoregitClient } from "@coregit/sdk";
import { startLocal } from "@coregit/server/local";

const dataDir = await mkdtemp(join(tmpdir(), "coregit-"));
const server = await startLocal({ dataDir });
const cg = createCoregitClient({ apiKey: server.apiKey, baseUrl: server.url });

await cg.repos.create({ slug: "hello" });
const fs = await cg.fs.mount({
  repos: [{ slug: "hello" }],
  mode: "rw",
  branch: "main",
  commitMode: "manual",
});
await fs.writeFile("/src/index.ts", "export const answer = 42;\n");
await fs.writeFile("/README.md", "# Hello\n");
const shas = await fs.commit({ message: "Add the answer" });
console.log("committed", shas);
console.log(await fs.readFile("/src/index.ts"));
await fs.unmount();

await server.stop();
await rm(dataDir, { recursive: true });
