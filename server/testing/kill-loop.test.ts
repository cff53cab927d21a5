import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { killHard, prepareBuild, type Ready, startReady } from "./cli-process.ts";
import { git, hasGit } from "./real-git.ts";

const KILLS = 16;
/** Every other round is killed this soon after its first commit and push were acknowledged, the others at any moment. */
const KILL_WITHIN_MS = 900;
/** Files of one commit; the large ones fill the hot tier, so that kills also fall into its flush. */
const COMMIT_SIZES = [1, 3, 1, 300, 20];

/** What the server said yes to. */
interface Acknowledged {
  readonly commits: string[];
  readonly pushes: string[];
}

/** Small seeded generator: the same moments on every run, as far as a clock allows. */
function makeRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "coregit-kill-"));
  await prepareBuild();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Calls the API; null when no whole answer came, which is what a kill looks like from outside. */
async function call(ready: Ready, method: string, path: string, body?: unknown): Promise<Response | null> {
  try {
    const response = await fetch(`${ready.url}/v1${path}`, {
      method,
      headers: { "x-api-key": ready.api_key, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return new Response(await response.arrayBuffer(), response);
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

/** Commits until the server is gone. */
async function commitInLoop(ready: Ready, round: number, acknowledged: Acknowledged): Promise<void> {
  for (let turn = 0; ; turn++) {
    const size = COMMIT_SIZES[turn % COMMIT_SIZES.length] ?? 1;
    const changes = Array.from({ length: size }, (_, i) => ({
      path: `api/round-${round}/turn-${turn}/file-${i}.txt`,
      content: `${round} ${turn} ${i}\n`.repeat(20),
    }));
    const body = { branch: "main", message: `Round ${round}, turn ${turn}`, changes };
    const reply = await call(ready, "POST", "/repos/loop/commits", body);
    if (reply === null) return;
    expect(reply.status).toBe(201);
    const { sha } = (await reply.json()) as { sha: string };
    acknowledged.commits.push(sha);
  }
}

function gitUrl(ready: Ready): string {
  return `${ready.url.replace("://", `://x:${ready.api_key}@`)}/${ready.org}/loop.git`;
}

/** Pushes one small commit after the other until the server is gone. */
async function pushInLoop(
  ready: Ready,
  work: string,
  round: number,
  acknowledged: Acknowledged,
): Promise<void> {
  for (let turn = 0; ; turn++) {
    await writeFile(join(work, `pushed-${round}-${turn}.txt`), `${round} ${turn}\n`);
    await git(["add", "."], { cwd: work });
    await git(["commit", "--quiet", "-m", `Push ${round} ${turn}`], { cwd: work });
    const { text: sha } = await git(["rev-parse", "HEAD"], { cwd: work });
    const args = ["push", "--quiet", gitUrl(ready), "HEAD:refs/heads/pushed"];
    const pushed = await git(args, { cwd: work, allowFailure: true });
    if (pushed.status !== 0) return;
    acknowledged.pushes.push(sha);
  }
}

/** Until one more commit and one more push are acknowledged, however slow the machine is. */
async function waitForBoth({ commits, pushes }: Acknowledged): Promise<void> {
  const before = [commits.length, pushes.length];
  while (commits.length === before[0] || pushes.length === before[1]) await delay(5);
}

async function listHistory(clone: string, ref: string): Promise<ReadonlySet<string>> {
  const { text } = await git(["rev-list", ref], { cwd: clone });
  return new Set(text.split("\n"));
}

describe.runIf(hasGit && process.platform === "linux")("a server that is killed again and again", () => {
  test(`keeps everything it acknowledged through ${KILLS} kills`, { timeout: 240_000 }, async () => {
    const data = join(folder, "data");
    const work = join(folder, "work");
    await git(["init", "--quiet", work]);
    const random = makeRandom(20_261_121);
    const acknowledged: Acknowledged = { commits: [], pushes: [] };

    for (let round = 0; round < KILLS; round++) {
      const { cli, ready } = await startReady(["--data", data]);
      if (round === 0) {
        const created = await call(ready, "POST", "/repos", { slug: "loop" });
        expect(created?.status).toBe(201);
      }
      // The last one of the round before is the one that a lost write would hit.
      for (const sha of [acknowledged.commits.at(-1), acknowledged.pushes.at(-1)]) {
        if (sha) expect((await call(ready, "GET", `/repos/loop/commits/${sha}`))?.status).toBe(200);
      }
      const writers = [
        commitInLoop(ready, round, acknowledged),
        pushInLoop(ready, work, round, acknowledged),
      ];
      if (round % 2 === 0) await waitForBoth(acknowledged);
      await delay(random() * KILL_WITHIN_MS);
      await killHard(cli.child.pid ?? 0, random());
      await cli.exit;
      await Promise.all(writers);
    }

    const { cli, ready } = await startReady(["--data", data]);
    const clone = join(folder, "clone");
    await git(["clone", "--quiet", gitUrl(ready), clone]);
    const fsck = await git(["fsck", "--strict", "--full"], { cwd: clone });
    const main = await listHistory(clone, "origin/main");
    const pushed = await listHistory(clone, "origin/pushed");
    cli.child.kill("SIGTERM");
    await cli.exit;

    expect(`${fsck.text}${fsck.stderr}`).toBe("");
    expect(acknowledged.commits.filter((sha) => !main.has(sha))).toEqual([]);
    expect(acknowledged.pushes.filter((sha) => !pushed.has(sha))).toEqual([]);
    // A loop that wrote next to nothing would prove next to nothing.
    expect(acknowledged.commits.length).toBeGreaterThanOrEqual(KILLS / 2);
    expect(acknowledged.pushes.length).toBeGreaterThanOrEqual(KILLS / 2);
  });
});
