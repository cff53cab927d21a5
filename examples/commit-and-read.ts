// The API without a mount: many changes in one call, exact edits, history, batch reads.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCoregitClient } from "@coregit/sdk";
import { startLocal } from "@coregit/server/local";

const dataDir = await mkdtemp(join(tmpdir(), "coregit-"));
const server = await startLocal({ dataDir });
const cg = createCoregitClient({ apiKey: server.apiKey, baseUrl: server.url });
await cg.repos.create({ slug: "app" });

// One call, one commit, whatever the number of files.
const created = await cg.commits.create("app", {
  branch: "main",
  message: "Add the app",
  author: { name: "Agent", email: "agent@example.com" },
  changes: [
    { path: "src/app.ts", content: "export const port = 80;\n" },
    { path: "bin/start", content: "#!/bin/sh\nexec node src/app.ts\n", mode: "100755" },
    { path: "logo.bin", content: Buffer.from([0, 159, 146, 150]).toString("base64"), encoding: "base64" },
  ],
});
console.log("first commit:", created.data?.files_changed, "files");

// An edit names the text that it replaces; it fails rather than guess when that text is not there exactly once.
const edited = await cg.commits.create("app", {
  branch: "main",
  message: "Use the usual port",
  changes: [{ path: "src/app.ts", action: "edit", edits: [{ old_string: "80", new_string: "8080" }] }],
});
const refused = await cg.commits.create("app", {
  branch: "main",
  message: "Edit what is not there",
  changes: [{ path: "src/app.ts", action: "edit", edits: [{ old_string: "9090", new_string: "1" }] }],
});
console.log("edit:", edited.status, "refused edit:", refused.status, refused.error?.code);

// Reads: several files in one request, a listing with sizes, the history of one file.
const blobs = await cg.files.blobs("app", { paths: ["src/app.ts", "bin/start", "no/such/file"] });
console.log(
  "read:",
  blobs.data?.blobs.map(({ path, size }) => `${path} (${size})`),
  blobs.data?.missing,
);
const history = await cg.commits.list("app", { path: "src/app.ts" });
console.log(
  "history:",
  history.data?.commits.map(({ message }) => message.trim()),
);

await server.stop();
await rm(dataDir, { recursive: true });
