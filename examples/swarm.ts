// Twenty agents, each with a mount of its own, commit to one branch at once, three try something in forks, five
// land a branch of their own.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCoregitClient, MountConflictError } from "@coregit/sdk";
import { startLocal } from "@coregit/server/local";

const AGENTS = 20;
const dataDir = await mkdtemp(join(tmpdir(), "coregit-"));
const server = await startLocal({ dataDir, limits: "off" });
const cg = createCoregitClient({ apiKey: server.apiKey, baseUrl: server.url });
const openMount = (slug = "app") => cg.fs.mount({ repos: [{ slug, as: "/" }], branch: "main" });

await cg.repos.create({ slug: "app" });
const first = await openMount();
const names = Array.from({ length: AGENTS }, (_, i) => `agent-${String(i).padStart(2, "0")}`);
// A section each: far enough apart that git would merge edits of two of them.
await first.writeFile("/plan.md", names.map((name) => `## ${name}\n\nstate: open\n\n---\n\n`).join(""));
await first.commit({ message: "Plan" });

// All read the same commit, then all write: their own file, and their own section of a file that everybody edits.
const mounts = await Promise.all(names.map(() => openMount()));
const landed = await Promise.all(
  mounts.map(async (mount, i) => {
    const name = names[i] ?? "";
    await mount.edit("/plan.md", [{ old: `## ${name}\n\nstate: open`, new: `## ${name}\n\nstate: done` }]);
    await mount.writeFile(`/reports/${name}.md`, `# ${name}\n`);
    return await mount.commit({
      message: `Report of ${name}`,
      author: { name, email: `${name}@example.com` },
    });
  }),
);
console.log("commits:", new Set(landed.flatMap((commit) => Object.values(commit))).size);

const result = await openMount();
const plan = await result.readFile("/plan.md");
console.log(
  "sections done:",
  plan.match(/state: done/g)?.length,
  "open:",
  plan.match(/state: open/g)?.length ?? 0,
);
console.log("reports:", (await result.glob("/reports/*.md")).length);
const { data: log } = await cg.commits.list("app", { ref: "main", limit: 100 });
console.log(
  "history:",
  log?.commits.length,
  "linear:",
  log?.commits.every(({ parents }) => parents.length < 2),
);

// Two agents change one line: one lands, the other is shown all three versions and loses nothing.
const [a, b] = await Promise.all([openMount(), openMount()]);
await a.edit("/plan.md", [{ old: "## agent-00\n", new: "## agent-00, renamed by a\n" }]);
await b.edit("/plan.md", [{ old: "## agent-00\n", new: "## agent-00, renamed by b\n" }]);
await a.commit();
const conflict = await b.commit().catch((error: unknown) => error);
if (conflict instanceof MountConflictError)
  console.log("conflict:", conflict.conflicts[0]?.path, "unsaved:", (await b.status()).length);
await b.commit({ onConflict: "theirs" });

// Each attempt has a fork of its own; neither the others nor the parent see it.
const forks = await Promise.all(["red", "green", "blue"].map((color) => result.fork(`app-${color}`)));
await Promise.all(
  forks.map(async (fork, i) => {
    await fork.writeFile("/attempt.md", `attempt ${i}\n`);
    await fork.commit({ message: "Attempt" });
  }),
);
const attempts = await Promise.all(
  ["app-red", "app-green", "app-blue", "app"].map(async (slug) =>
    (await openMount(slug)).exists("/attempt.md"),
  ),
);
console.log("attempts:", attempts);

// A branch each, landed at once: the commits are made anew on whatever main has by then.
await Promise.all(
  names.slice(0, 5).map(async (name) => {
    const branch = `topic/${name}`;
    await cg.branches.create("app", { name: branch, from: "main" });
    const changes = [{ path: `topics/${name}.md`, content: `# ${name}\n` }];
    await cg.commits.create("app", { branch, message: `Topic of ${name}`, changes });
    await cg.branches.land("app", { source: branch, target: "main" });
  }),
);
console.log("landed:", (await (await openMount()).glob("/topics/*.md")).length);

await server.stop();
await rm(dataDir, { recursive: true });
