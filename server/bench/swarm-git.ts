/** The alternative that everybody has: a bare repository, a clone for each agent, and push until it is not refused. */
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { makeText } from "./sample-files.ts";
import { runAgents, type SwarmFigures } from "./swarm-calls.ts";

const IDENTITY = ["-c", "user.name=Agent", "-c", "user.email=agent@example.com"];
const CLOCK_TICKS_A_SECOND = 100;

/** null: there is no git here. */
export async function measureGitSwarm(
  folder: string,
  { agents, commits }: { readonly agents: number; readonly commits: number },
): Promise<SwarmFigures | null> {
  const bare = join(folder, "bare.git");
  try {
    await run(folder, "init", "-q", "--bare", "-b", "main", bare);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  const clones = Array.from({ length: agents }, (_, agent) => join(folder, `clone-${agent}`));
  await run(folder, "clone", "-q", bare, clones[0] ?? "");
  await run(clones[0] ?? "", ...IDENTITY, "commit", "-q", "--allow-empty", "-m", "start");
  await run(clones[0] ?? "", "push", "-q", "origin", "HEAD:main");
  for (const clone of clones.slice(1)) await run(folder, "clone", "-q", bare, clone);
  let pushes = 0;
  const cpuBefore = await readChildrenCpu();
  const figures = await runAgents(agents, async (agent, measure) => {
    const clone = clones[agent] ?? "";
    for (let turn = 0; turn < commits; turn++) {
      await measure(async () => {
        await writeFile(join(clone, `agent-${agent}-${turn}.txt`), makeText(agent * 1_000 + turn));
        await run(clone, "add", ".");
        await run(clone, ...IDENTITY, "commit", "-q", "-m", `agent ${agent} ${turn}`);
        for (;;) {
          pushes++;
          if (await succeeds(run(clone, "push", "-q", "origin", "HEAD:main"))) return;
          await run(clone, ...IDENTITY, "pull", "-q", "--rebase", "origin", "main");
        }
      });
    }
  });
  const cpuAfter = await readChildrenCpu();
  return {
    name: `git: ${agents} clones, push or pull --rebase and again`,
    ...figures,
    cpuSec: cpuBefore === null || cpuAfter === null ? null : cpuAfter - cpuBefore,
    requests: pushes,
  };
}

function run(cwd: string, ...args: string[]): Promise<unknown> {
  const env = { ...process.env, GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null", LC_ALL: "C" };
  return promisify(execFile)("git", args, { cwd, env });
}

/** A push is refused for two reasons: the branch has moved, or another push holds its lock. Both mean: again. */
async function succeeds(push: Promise<unknown>): Promise<boolean> {
  try {
    await push;
    return true;
  } catch (error) {
    const told = String((error as { readonly stderr?: unknown }).stderr ?? "");
    if (/rejected|cannot lock|failed to update ref|unable to/i.test(told)) return false;
    throw error;
  }
}

/** CPU of all children that have ended, and theirs; null where the system does not tell (man 5 proc, cutime, cstime). */
async function readChildrenCpu(): Promise<number | null> {
  try {
    const stat = await readFile("/proc/self/stat", "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[13]) + Number(fields[14])) / CLOCK_TICKS_A_SECOND;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
