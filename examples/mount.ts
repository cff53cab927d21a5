// A repository as a filesystem: read what you wrote before it is committed, and hand it to code that wants node:fs.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCoregitClient } from "@coregit/sdk";
import { startLocal } from "@coregit/server/local";

const dataDir = await mkdtemp(join(tmpdir(), "coregit-"));
const server = await startLocal({ dataDir });
const cg = createCoregitClient({ apiKey: server.apiKey, baseUrl: server.url });
await cg.repos.create({ slug: "notes" });

const fs = await cg.fs.mount({
  repos: [{ slug: "notes" }],
  mode: "rw",
  branch: "main",
  commitMode: "manual",
});
await fs.writeFile("/days/monday.md", "# Monday\n");
await fs.writeFile("/days/tuesday.md", "# Tuesday\n");

// Unsaved writes are there for every read.
console.log(
  "before the commit:",
  (await fs.readdir("/days")).map(({ name }) => name),
);
await fs.commit({ message: "Start the week" });

// The same mount in the exact shape of node:fs/promises.
const { readFile, readdir, stat } = fs.promises;
console.log("names:", await readdir("/days"));
console.log("text:", await readFile("/days/monday.md", "utf8"));
console.log("size:", (await stat("/days/monday.md")).size);

// Absence is an error with a code, as in node.
const error = await readFile("/days/sunday.md").then(
  () => null,
  (reason: NodeJS.ErrnoException) => reason,
);
console.log(error?.code, "|", error?.message);

await fs.unmount();
await server.stop();
await rm(dataDir, { recursive: true });
