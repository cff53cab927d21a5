/** A server that is killed while a swarm lands, merges, and flushes sessions. What it said yes to must be there. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isRunning, listRuntimesOf, prepareBuild, type Ready, startReady } from "./cli-process.ts";
import { createRandom } from "./random-texts.ts";
import { git, hasGit, makeFolder } from "./real-git.ts";

const KILLS = 8;
/** A round is killed this soon after it has landed, merged and flushed once. */
const KILL_WITHIN_MS = 250;
/** Files of one branch: they land together or not at all. */
const FILES = 3;
/** Now and then a commit that fills the hot tier, so that kills fall into its flush, too. */
const LARGE = 300;

interface Acknowledged {
  /** Commits that must be in the history of main. */
  readonly onMain: string[];
  /** Commits of sessions; on main after the session's close. */
  readonly inSessions: string[];
  readonly branches: Map<string, string>;
  readonly sessions: string[];
}

let folder = "";
beforeAll(async () => {
  folder = await makeFolder();
  await prepareBuild();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** null: no whole answer came, which is what a kill looks like from outside. */
async function call(
  ready: Ready,
  path: string,
  { body, method = "POST", session }: { body?: unknown; method?: string; session?: string } = {},
) {
  try {
    const response = await fetch(`${ready.url}/v1${path}`, {
      method,
      headers: {
        "x-api-key": ready.api_key,
        "content-type": "application/json",
        ...(session && { "x-session-id": session }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: replies of many shapes
    const json: any = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(json)}`);
    return json;
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

function makeChanges(name: string, count: number) {
  return Array.from({ length: count }, (_, i) => ({
    path: `${name}/file-${i}.txt`,
    content: `${name} ${i}\n`.repeat(10),
  }));
}

/** Makes a branch of one commit, and brings it onto main; again and again until the server is gone. */
async function landInLoop(
  ready: Ready,
  name: string,
  acknowledged: Acknowledged,
  strategy: "rebase" | "merge-commit",
) {
  for (let turn = 0; ; turn++) {
    const branch = `${name}-${turn}`;
    if (!(await call(ready, "/repos/k/branches", { body: { name: branch } }))) return;
    const changes = makeChanges(branch, turn % 4 === 3 ? LARGE : FILES);
    const made = await call(ready, "/repos/k/commits", { body: { branch, message: branch, changes } });
    if (!made) return;
    acknowledged.branches.set(branch, made.sha);
    const landed = await call(ready, "/repos/k/land", {
      body: { source: branch, target: "main", strategy },
    });
    if (!landed) return;
    acknowledged.onMain.push(landed.sha);
  }
}

/** Commits in a session, and flushes it after each third; until the server is gone. */
async function flushInLoop(ready: Ready, name: string, acknowledged: Acknowledged) {
  const opened = await call(ready, "/session", { body: { ttl_seconds: 3_600, repo: "k" } });
  if (!opened) return;
  const session: string = opened.session_id;
  acknowledged.sessions.push(session);
  for (let turn = 0; ; turn++) {
    const changes = makeChanges(`${name}-${turn}`, 1);
    const body = { branch: "main", message: `${name} ${turn}`, changes };
    const made = await call(ready, "/repos/k/commits", { body, session });
    if (!made) return;
    acknowledged.inSessions.push(made.sha);
    if (turn % 3 !== 2) continue;
    if (!(await call(ready, `/session/${session}/flush`))) return;
    acknowledged.onMain.push(made.sha);
  }
}

async function killHard(pid: number, workerdFirst: boolean): Promise<void> {
  const runtimes = listRuntimesOf(pid);
  for (const victim of workerdFirst ? [...runtimes, pid] : [pid, ...runtimes])
    if (isRunning(victim)) process.kill(victim, "SIGKILL");
  while ([pid, ...runtimes].some(isRunning)) await delay(5);
}

function gitUrl(ready: Ready): string {
  return `${ready.url.replace("://", `://x:${ready.api_key}@`)}/${ready.org}/k.git`;
}

async function listLines(clone: string, ...args: string[]): Promise<ReadonlySet<string>> {
  return new Set((await git(args, { cwd: clone })).text.split("\n"));
}

describe.runIf(hasGit && process.platform === "linux")("a server that is killed under a swarm", () => {
  test(`keeps every land, merge and flush it acknowledged through ${KILLS} kills, and shows none by half`, {
    timeout: 180_000,
  }, async () => {
    const data = join(folder, "data");
    const random = createRandom(7);
    const acknowledged: Acknowledged = { onMain: [], inSessions: [], branches: new Map(), sessions: [] };
    for (let round = 0; round < KILLS; round++) {
      const { cli, ready } = await startReady(["--data", data]);
      if (round === 0) await call(ready, "/repos", { body: { slug: "k" } });
      const before = acknowledged.onMain.length;
      const work = [
        landInLoop(ready, `land-${round}`, acknowledged, "rebase"),
        landInLoop(ready, `merge-${round}`, acknowledged, "merge-commit"),
        flushInLoop(ready, `session-${round}`, acknowledged),
        flushInLoop(ready, `other-${round}`, acknowledged),
      ];
      while (acknowledged.onMain.length < before + 4) await delay(5);
      await delay(random() * KILL_WITHIN_MS);
      await killHard(cli.child.pid ?? 0, random() < 0.5);
      await cli.exit;
      await Promise.all(work);
    }

    const { cli, ready } = await startReady(["--data", data]);
    for (const session of acknowledged.sessions)
      expect(await call(ready, `/session/${session}`, { method: "DELETE" })).toMatchObject({
        status: "closed",
      });
    const clone = join(folder, "clone");
    await git(["clone", "--quiet", gitUrl(ready), clone]);
    const fsck = await git(["fsck", "--strict", "--full"], { cwd: clone });
    const main = await listLines(clone, "rev-list", "origin/main");
    const files = await listLines(clone, "ls-tree", "-r", "--name-only", "origin/main");
    const branches = await listLines(clone, "for-each-ref", "--format=%(refname:lstrip=3) %(objectname)");
    cli.child.kill("SIGTERM");
    await cli.exit;

    expect(`${fsck.text}${fsck.stderr}`).toBe("");
    expect(acknowledged.onMain.filter((sha) => !main.has(sha))).toEqual([]);
    expect(acknowledged.inSessions.filter((sha) => !main.has(sha))).toEqual([]);
    for (const [name, sha] of acknowledged.branches) {
      expect(branches.has(`${name} ${sha}`), name).toBe(true);
      const landed = Array.from({ length: FILES }, (_, i) => files.has(`${name}/file-${i}.txt`));
      expect(new Set(landed).size, `${name} landed by half`).toBe(1);
    }
    expect(acknowledged.onMain.length).toBeGreaterThanOrEqual(KILLS * 4);
  });
});
