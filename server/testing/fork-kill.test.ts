/** A server that is killed while it forks repositories and takes the forks' work back. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { killHard, prepareBuild, type Ready, startReady } from "./cli-process.ts";
import { createRandom } from "./git-packs.ts";
import { git, hasGit } from "./real-git.ts";

const KILLS = 6;
const KILL_WITHIN_MS = 600;
/** Files of what a fork writes: one goes along in the transaction, many come as a pack. */
const SIZES = [1, 200];

/** What the server said yes to. */
interface Acknowledged {
  readonly forks: string[];
  /** Shas that the parent was told to have taken in. */
  readonly landed: string[];
}

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "coregit-fork-kill-"));
  await prepareBuild();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Answer {
  readonly status: number;
  readonly json: Record<string, unknown>;
}

/** Calls the API; null when no whole answer came. */
async function call(ready: Ready, method: string, path: string, body?: unknown): Promise<Answer | null> {
  try {
    const response = await fetch(`${ready.url}/v1${path}`, {
      method,
      headers: { "x-api-key": ready.api_key, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, json: JSON.parse(await response.text()) };
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

const urlOf = (ready: Ready, slug: string) =>
  `${ready.url.replace("://", `://x:${ready.api_key}@`)}/${ready.org}/${slug}.git`;

function makeChanges(name: string, files: number) {
  return Array.from({ length: files }, (_, i) => ({
    path: `${name}/f${i}`,
    content: `${name} ${i}\n`.repeat(40),
  }));
}

/** Forks the parent, writes in the fork and lands it in the parent, until the server is gone. */
async function forkInLoop(ready: Ready, name: string, acknowledged: Acknowledged): Promise<void> {
  for (let turn = 0; ; turn++) {
    const slug = `${name}-${turn}`;
    const forked = await call(ready, "POST", "/repos/parent/fork", { slug });
    if (forked === null) return;
    expect(forked.status).toBe(201);
    acknowledged.forks.push(slug);
    const changes = makeChanges(slug, SIZES[turn % SIZES.length] ?? 1);
    const commit = { branch: "main", message: slug, changes };
    const written = await call(ready, "POST", `/repos/${slug}/commits`, commit);
    if (written === null) return;
    expect(written.status).toBe(201);
    const order = { source_repo: slug, source: "main", target: "main" };
    const landed = await call(ready, "POST", "/repos/parent/land", order);
    if (landed === null) return;
    expect(landed.status).toBe(200);
    acknowledged.landed.push(String(landed.json.sha));
  }
}

async function listSlugs(ready: Ready): Promise<string[]> {
  const slugs: string[] = [];
  for (let cursor = ""; ; ) {
    const page = await call(ready, "GET", `/repos?limit=100${cursor}`);
    const repos = page?.json.repos as { slug: string }[];
    slugs.push(...repos.map(({ slug }) => slug));
    if (typeof page?.json.next_cursor !== "string") return slugs;
    cursor = `&cursor=${encodeURIComponent(page.json.next_cursor)}`;
  }
}

async function checkWhole(ready: Ready, slug: string): Promise<ReadonlySet<string>> {
  const clone = join(folder, `clone-${slug}`);
  await git(["clone", "--quiet", "--bare", urlOf(ready, slug), clone]);
  const fsck = await git(["fsck", "--strict", "--full", "--no-progress"], { cwd: clone });
  expect([slug, `${fsck.text}${fsck.stderr}`]).toEqual([slug, ""]);
  const { text } = await git(["rev-list", "--all"], { cwd: clone });
  return new Set(text.split("\n"));
}

describe.runIf(hasGit && process.platform === "linux")("forks of a server that is killed", () => {
  test(`are there whole or not at all, and what was landed stays, through ${KILLS} kills`, {
    timeout: 240_000,
  }, async () => {
    const data = join(folder, "data");
    const random = createRandom(20_261_127);
    const acknowledged: Acknowledged = { forks: [], landed: [] };
    for (let round = 0; round < KILLS; round++) {
      const { cli, ready } = await startReady(["--data", data, "--limits", "off"]);
      if (round === 0) {
        await call(ready, "POST", "/repos", { slug: "parent" });
        const first = { branch: "main", message: "first", changes: makeChanges("base", 300) };
        expect((await call(ready, "POST", "/repos/parent/commits", first))?.status).toBe(201);
      }
      const before = acknowledged.landed.length;
      const loops = [0, 1].map((at) => forkInLoop(ready, `r${round}-${at}`, acknowledged));
      // At least one, however slow the machine is; then at any moment.
      while (acknowledged.landed.length === before) await delay(5);
      await delay(random(KILL_WITHIN_MS));
      await killHard(cli.child.pid ?? 0, random(1_000) / 1_000);
      await cli.exit;
      await Promise.all(loops);
    }

    const { cli, ready } = await startReady(["--data", data, "--limits", "off"]);
    const slugs = await listSlugs(ready);
    expect(acknowledged.forks.filter((slug) => !slugs.includes(slug))).toEqual([]);
    for (const slug of slugs) {
      const read = await call(ready, "GET", `/repos/${slug}/blob/main/base/f299`);
      expect([slug, read?.status]).toEqual([slug, 200]);
    }
    const history = await checkWhole(ready, "parent");
    expect(acknowledged.landed.filter((sha) => !history.has(sha))).toEqual([]);
    for (const slug of [slugs.at(1), acknowledged.forks.at(-1), slugs.at(-1)]) {
      if (slug !== undefined) await rm(join(folder, `clone-${slug}`), { recursive: true, force: true });
      if (slug !== undefined) await checkWhole(ready, slug);
    }
    cli.child.kill("SIGTERM");
    await cli.exit;
    expect(acknowledged.landed.length).toBeGreaterThanOrEqual(KILLS);
  });
});
