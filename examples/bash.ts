// A shell over a repository that nobody cloned: see what is there, change it, and get a commit for it.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCoregitClient } from "@coregit/sdk";
import { startLocal } from "@coregit/server/local";

const dataDir = await mkdtemp(join(tmpdir(), "coregit-"));
const server = await startLocal({ dataDir });
const cg = createCoregitClient({ apiKey: server.apiKey, baseUrl: server.url });
await cg.repos.create({ slug: "site" });

const fs = await cg.fs.mount({ repos: [{ slug: "site" }], branch: "main", commitMode: "on-exec" });
const shell = fs.bash();

await shell.exec('mkdir -p pages; for p in home about; do echo "# $p" > pages/$p.md; done');
const listing = await shell.exec("cd pages && wc -l *.md");
console.log(listing.stdout.trimEnd());

// The shell stays where it went.
const edit = await shell.exec("sed -i 's/^# /## /' about.md; cat about.md");
console.log("changed:", edit.changedFiles, "commits:", Object.keys(edit.commits), "|", edit.stdout.trim());

// The same on the server: nothing but the output travels.
const remote = await cg.workspace.exec("site", { command: "grep -rc '#' pages | sort" });
console.log("server:", remote.data?.stdout.trim().split("\n"));

await fs.unmount();
await server.stop();
await rm(dataDir, { recursive: true });
