/** A fork for each task: work on its own, land in one call, and catch up with what others landed. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCoregitClient } from "@coregit/sdk";
import { startLocal } from "@coregit/server/local";

const dataDir = await mkdtemp(join(tmpdir(), "coregit-"));
const server = await startLocal({ dataDir });
const cg = createCoregitClient({ apiKey: server.apiKey, baseUrl: server.url });

await cg.repos.create({ slug: "app" });
const app = await cg.fs.mount({
  repos: [{ slug: "app" }],
  mode: "rw",
  branch: "main",
  commitMode: "manual",
});
await app.writeFile("/notes.md", "# Notes\n");
await app.commit({ message: "Begin" });

// Ready when the call returns, whatever the size; the mount of the fork keeps its paths.
const [first, second] = [await app.fork("task-1"), await app.fork("task-2")];
await first.writeFile("/one.md", "one\n");
await first.commit({ message: "Task 1" });
await second.writeFile("/two.md", "two\n");
await second.commit({ message: "Task 2" });

for (const task of ["task-1", "task-2"]) {
  const landed = await cg.branches.land("app", { source_repo: task, source: "main", target: "main" });
  console.log(task, "landed:", landed.data?.strategy ?? landed.error?.message);
}
await app.refresh();
console.log("in app:", (await app.readdir("/")).map(({ name }) => name).join(" "));

const synced = await cg.repos.syncUpstream("task-1");
console.log("task-1 caught up:", synced.data?.strategy ?? synced.error?.message);
console.log("in task-1:", (await cg.files.raw("task-1", { ref: "main", path: "two.md" })).status);

for (const mount of [app, first, second]) await mount.unmount();
await server.stop();
await rm(dataDir, { recursive: true });
