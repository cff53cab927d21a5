/** What a fork costs against the size of what is forked: a section of `npm run bench:swarm`. */
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type LocalServer, startLocal } from "../local/start-local.ts";
import { runGit, writeManyObjects } from "./many-objects.ts";

export interface ForkBenchOptions {
  /** Objects of the repositories that are forked; the first is what the others are compared with. */
  readonly sizes?: readonly number[];
  /** Forks of each. */
  readonly forks?: number;
  /** Requests under way at a time. */
  readonly concurrency?: number;
}

export interface ForkFigures {
  readonly objects: number;
  /** The first fork of this state, which walks the tables of the packs. */
  readonly firstMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** What the data folder grew by, for each fork. */
  readonly bytesPerFork: number;
}

const SIZES = [0, 5_000, 50_000];
const FORKS = 200;
const CONCURRENCY = 8;
const ROUNDS = 10;

interface Source {
  readonly slug: string;
  readonly objects: number;
  readonly firstMs: number;
  readonly times: number[];
  bytes: number;
}

/** Measures forks of repositories of several sizes on a server of its own. */
export async function measureForks(options: ForkBenchOptions = {}): Promise<readonly ForkFigures[]> {
  const dataDir = await mkdtemp(join(tmpdir(), "coregit-bench-forks-"));
  const server = await startLocal({ dataDir: join(dataDir, "data"), limits: "off" });
  try {
    const concurrency = options.concurrency ?? CONCURRENCY;
    const sources = await makeSources(server, dataDir, options.sizes ?? SIZES);
    // Compiled code is what a server runs on.
    for (const source of sources)
      await forkMany(server, source.slug, { forks: 10, concurrency, prefix: "warm" });
    // In turns, so that what else the machine does falls on all sizes alike.
    const perRound = Math.ceil((options.forks ?? FORKS) / ROUNDS);
    for (let round = 0; round < ROUNDS; round++) {
      for (const source of sources) {
        const before = await measureFolder(dataDir);
        const prefix = `round-${round}`;
        source.times.push(...(await forkMany(server, source.slug, { forks: perRound, concurrency, prefix })));
        source.bytes += (await measureFolder(dataDir)) - before;
      }
    }
    return sources.map(summarize);
  } finally {
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** The section as Markdown: a table, and whether the median stays within twice that of the first size. */
export async function benchForks(options: ForkBenchOptions = {}): Promise<string> {
  const figures = await measureForks(options);
  const base = figures[0]?.p50Ms ?? 1;
  const rows = figures.map(({ objects, firstMs, p50Ms, p99Ms, bytesPerFork }) =>
    [
      objects.toLocaleString("en-US"),
      `${firstMs.toFixed(1)} ms`,
      `${p50Ms.toFixed(1)} ms`,
      `${p99Ms.toFixed(1)} ms`,
      (p50Ms / base).toFixed(2),
      `${(bytesPerFork / 1024).toFixed(0)} KB`,
    ].join(" | "),
  );
  const worst = Math.max(...figures.map(({ p50Ms }) => p50Ms / base));
  return [
    `## Forks, ${options.forks ?? FORKS} of each, ${options.concurrency ?? CONCURRENCY} at a time`,
    "",
    "| objects | first fork | p50 | p99 | × empty | bytes per fork |",
    "|---:|---:|---:|---:|---:|---:|",
    ...rows.map((row) => `| ${row} |`),
    "",
    `- ${worst <= 2 ? "holds" : "MISSED"}: the median within twice that of an empty repository: ${worst.toFixed(2)}`,
  ].join("\n");
}

async function makeSources(server: LocalServer, folder: string, sizes: readonly number[]): Promise<Source[]> {
  const sources: Source[] = [];
  const { host } = new URL(server.url);
  for (const size of sizes) {
    const slug = `source-${size}`;
    await post(server, "/repos", { slug, init: false });
    let objects = 0;
    if (size > 0) {
      const cwd = join(folder, slug);
      await runGit(["init", "-q", "-b", "main", cwd], folder);
      objects = await writeManyObjects(cwd, size);
      await runGit(
        ["push", "-q", `http://x:${server.apiKey}@${host}/${server.org}/${slug}.git`, "main"],
        cwd,
      );
      await rm(cwd, { recursive: true });
    }
    const [firstMs = 0] = await forkMany(server, slug, { forks: 1, concurrency: 1, prefix: "first" });
    sources.push({ slug, objects, firstMs, times: [], bytes: 0 });
  }
  return sources;
}

function summarize({ objects, firstMs, times, bytes }: Source): ForkFigures {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { objects, firstMs, p50Ms: at(0.5), p99Ms: at(0.99), bytesPerFork: bytes / times.length };
}

/** Milliseconds of each fork. */
async function forkMany(
  server: LocalServer,
  source: string,
  {
    forks,
    concurrency,
    prefix,
  }: { readonly forks: number; readonly concurrency: number; readonly prefix: string },
): Promise<number[]> {
  const times: number[] = [];
  let next = 0;
  const worker = async () => {
    for (let at = next++; at < forks; at = next++) {
      const startedMs = performance.now();
      await post(server, `/repos/${source}/fork`, { slug: `${source}-${prefix}-${at}` });
      times.push(performance.now() - startedMs);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return times;
}

async function post(server: LocalServer, path: string, body: unknown): Promise<void> {
  const response = await fetch(`${server.url}/v1${path}`, {
    method: "POST",
    headers: { "x-api-key": server.apiKey, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (response.status !== 201) throw new Error(`${path}: ${response.status} ${text}`);
}

/** Bytes of all files below a folder. */
export async function measureFolder(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    // Files come and go while a server runs.
    if (entry.isFile())
      bytes += (await stat(join(entry.parentPath, entry.name)).catch(() => null))?.size ?? 0;
  }
  return bytes;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(await benchForks());
