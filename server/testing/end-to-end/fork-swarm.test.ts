/** The promise of forks, at its size: a thousand of a repository of 50,000 objects. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeManyObjects } from "../../bench/many-objects.ts";
import { measureFolder } from "../../bench/swarm-forks.ts";
import { type LocalServer, startLocal } from "../../local/start-local.ts";
import { git, hasGit } from "../real-git.ts";

const OBJECTS = 50_000;
const FORKS = 1_000;
const AT_ONCE = 8;
/** Of the data folder: the fork's own SQLite file with its log, its name, its share of the family. */
const BYTES_PER_FORK = 200 * 1024;

let folder = "";
let dataDir = "";
let server: LocalServer;
/** Objects of the parent, and its head. */
let objects = 0;
let head = "";

const urlOf = (slug: string) =>
  `http://x:${server.apiKey}@${new URL(server.url).host}/${server.org}/${slug}.git`;
const run = async (cwd: string, ...args: string[]) => (await git(args, { cwd })).text.trim();

async function call(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(`${server.url}/v1${path}`, {
    method,
    headers: { "x-api-key": server.apiKey, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
  return JSON.parse(text);
}

/** Milliseconds of each fork, in order. */
async function forkMany(source: string, count: number): Promise<number[]> {
  const times: number[] = [];
  let next = 0;
  const worker = async () => {
    for (let at = next++; at < count; at = next++) {
      const startedMs = performance.now();
      const made = await call("POST", `/repos/${source}/fork`, { slug: `${source}-${at}` });
      times.push(performance.now() - startedMs);
      expect(made).toMatchObject({ fork_mode: "instant", blob_materialization: "sync", owned_blobs: 0 });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return times.sort((a, b) => a - b);
}

beforeAll(async () => {
  if (!hasGit) return;
  folder = await mkdtemp(join(tmpdir(), "coregit-fork-swarm-"));
  dataDir = join(folder, "data");
  server = await startLocal({ dataDir, limits: "off" });
  const source = join(folder, "source");
  await run(folder, "init", "-q", "-b", "main", source);
  objects = await writeManyObjects(source, OBJECTS);
  head = await run(source, "rev-parse", "main");
  for (const slug of ["parent", "empty"]) await call("POST", "/repos", { slug, init: false });
  await run(source, "push", "-q", urlOf("parent"), "main");
}, 120_000);
afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

test.runIf(hasGit)(
  "a thousand forks of 50,000 objects cost as little as forks of nothing, and outlive their parent whole",
  { timeout: 240_000 },
  async () => {
    expect(objects).toBeGreaterThanOrEqual(OBJECTS);
    const ofNothing = await forkMany("empty", 100);
    const before = await measureFolder(dataDir);
    const times = await forkMany("parent", FORKS);
    const bytesPerFork = ((await measureFolder(dataDir)) - before) / FORKS;
    const at = (share: number) => `${(times[Math.floor(FORKS * share)] ?? 0).toFixed(1)} ms`;
    console.info(
      `fork of ${objects} objects: p50 ${at(0.5)}, p99 ${at(0.99)}; of an empty repository: p50 ` +
        `${(ofNothing[50] ?? 0).toFixed(1)} ms; ${Math.round(bytesPerFork)} bytes per fork`,
    );
    expect(times).toHaveLength(FORKS);
    // The parent's pack and its index alone are millions.
    expect(bytesPerFork).toBeLessThan(BYTES_PER_FORK);

    expect(await call("DELETE", "/repos/parent")).toEqual({ deleted: true });
    for (const at of [0, 250, 500, 750, 999]) {
      const copy = join(folder, `copy-${at}`);
      await run(folder, "clone", "-q", "--bare", urlOf(`parent-${at}`), copy);
      expect(await run(copy, "rev-parse", "main")).toBe(head);
      expect(await run(copy, "fsck", "--strict", "--full", "--no-progress")).toBe("");
      expect(await run(copy, "count-objects", "-v")).toContain(`in-pack: ${objects}`);
      await rm(copy, { recursive: true });
    }
  },
);
