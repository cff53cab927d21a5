/**
 * What a mount costs beside node:fs, memfs and git, with the conditions: `npm run bench:fs`. Everything is measured in
 * one run on one machine; ratios travel further than times.
 */
import { execFile } from "node:child_process";
import * as nodeFs from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { memfs } from "memfs";
import { createCoregitClient, type MountedFS } from "../../sdk/index.ts";
import { createSharedBlobs, openMount, type Remote } from "../../sdk/mount.ts";
import { findUsage } from "../local/processes.ts";
import { type LocalServer, startLocal } from "../local/start-local.ts";
import { describeMachine } from "./report.ts";

const run = promisify(execFile);
const HOT_FILES = 1_000;
const HOT_BYTES = 4_096;
const CRAWL_FILES = 2_000;
const CRAWL_BYTES = 6_000;
const PARALLEL = 6;

interface Row {
  readonly name: string;
  readonly figures: string;
}

const rows: Row[] = [];

function report(name: string, figures: string): void {
  rows.push({ name, figures });
  console.log(`${name.padEnd(58)} ${figures}`);
}

/** Calls a second, one after the other, each awaited; the best of a few rounds. */
async function rate(paths: readonly string[], call: (path: string) => Promise<unknown>): Promise<number> {
  let best = 0;
  for (let round = 0; round < 6; round += 1) {
    const started = performance.now();
    let calls = 0;
    while (performance.now() - started < 400) {
      for (const path of paths) await call(path);
      calls += paths.length;
    }
    best = Math.max(best, calls / ((performance.now() - started) / 1_000));
  }
  return best;
}

function formatRate(perSecond: number, base: number): string {
  return `${(perSecond / 1_000).toFixed(0).padStart(6)} k/s   ${(perSecond / base).toFixed(2)} × memfs`;
}

async function measureHot(fs: MountedFS, paths: readonly string[], folder: string): Promise<void> {
  const volume = memfs().fs.promises;
  for (const path of paths) {
    const content = "x".repeat(HOT_BYTES);
    await nodeFs.mkdir(join(folder, path, ".."), { recursive: true });
    await nodeFs.writeFile(join(folder, path), content);
    await volume.mkdir(join(path, ".."), { recursive: true });
    await volume.writeFile(path, content);
  }
  await fs.readFiles(paths);
  const memStat = await rate(paths, (path) => volume.stat(path));
  report("stat, memfs", formatRate(memStat, memStat));
  report("stat, node:fs", formatRate(await rate(paths, (path) => nodeFs.stat(folder + path)), memStat));
  report("stat, mount", formatRate(await rate(paths, (path) => fs.stat(path)), memStat));
  report("stat, mount.promises", formatRate(await rate(paths, (path) => fs.promises.stat(path)), memStat));
  const memRead = await rate(paths, (path) => volume.readFile(path, "utf8"));
  const nodeRead = (path: string) => nodeFs.readFile(folder + path, "utf8");
  report("readFile 4 KB text, memfs", formatRate(memRead, memRead));
  report("readFile 4 KB text, node:fs", formatRate(await rate(paths, nodeRead), memRead));
  report("readFile 4 KB text, mount", formatRate(await rate(paths, (path) => fs.readFile(path)), memRead));
  const promised = await rate(paths, (path) => fs.promises.readFile(path, "utf8"));
  report("readFile 4 KB text, mount.promises", formatRate(promised, memRead));
  const memBytes = await rate(paths, (path) => volume.readFile(path));
  report("readFile 4 KB bytes, memfs", formatRate(memBytes, memBytes));
  const bytes = await rate(paths, (path) => fs.promises.readFile(path));
  report("readFile 4 KB bytes, mount.promises", formatRate(bytes, memBytes));
}

interface Cost {
  readonly ms: number;
  readonly clientCpuSec: number;
  readonly serverCpuSec: number;
  readonly requests: number;
  readonly bytes: number;
}

let requests = 0;
let received = 0;

/** Counts what the SDK sends and receives. */
const countingFetch: typeof fetch = async (input, init) => {
  requests += 1;
  const response = await fetch(input, init);
  if (response.body === null) return response;
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      received += chunk.length;
      controller.enqueue(chunk);
    },
  });
  return new Response(response.body.pipeThrough(counter), response);
};

async function measure(server: LocalServer, work: () => Promise<unknown>): Promise<Cost> {
  const usage = async () => (server.pid === null ? 0 : ((await findUsage(server.pid))?.cpuSec ?? 0));
  const [serverBefore, clientBefore] = [await usage(), process.cpuUsage()];
  requests = 0;
  received = 0;
  const started = performance.now();
  await work();
  const ms = performance.now() - started;
  const client = process.cpuUsage(clientBefore);
  return {
    ms,
    clientCpuSec: (client.user + client.system) / 1e6,
    serverCpuSec: (await usage()) - serverBefore,
    requests,
    bytes: received,
  };
}

function formatCost(cost: Cost, base: Cost): string {
  return [
    `${cost.ms.toFixed(0).padStart(6)} ms`,
    `${(cost.ms / base.ms).toFixed(2).padStart(6)} ×`,
    `${cost.clientCpuSec.toFixed(2)} + ${cost.serverCpuSec.toFixed(2)} CPU s`,
    `${cost.requests} requests`,
    `${(cost.bytes / 1e6).toFixed(1)} MB`,
  ].join("   ");
}

function crawlFiles(): { path: string; content: string }[] {
  return Array.from({ length: CRAWL_FILES }, (_, index) => {
    const line = `export const value${index} = compute(${index * 7919}, "${(index * 2654435761).toString(36)}");\n`;
    return {
      path: `src/${index % 40}/file-${index}.ts`,
      content: line.repeat(Math.ceil(CRAWL_BYTES / line.length)),
    };
  });
}

async function seed(
  server: LocalServer,
  slug: string,
  files: readonly { path: string; content: string }[],
): Promise<void> {
  const cg = createCoregitClient({ apiKey: server.apiKey, baseUrl: server.url });
  await cg.repos.create({ slug, init: false });
  for (let start = 0; start < files.length; start += 1_000) {
    const changes = files.slice(start, start + 1_000);
    const { error } = await cg.commits.create(slug, { branch: "main", message: "files", changes });
    if (error !== null) throw error;
  }
}

function mountCounted(server: LocalServer, slug: string): Promise<MountedFS> {
  const cg = createCoregitClient({ apiKey: server.apiKey, baseUrl: server.url, fetch: countingFetch });
  return cg.fs.mount({ repos: [{ slug }], mode: "ro" });
}

/** Every file by a request of its own, six at a time, as an SDK without batches does. */
async function readOneByOne(server: LocalServer, slug: string, paths: readonly string[]): Promise<string[]> {
  const contents: string[] = [];
  const rest = [...paths];
  const work = async () => {
    for (let path = rest.pop(); path !== undefined; path = rest.pop()) {
      const url = `${server.url}/v1/repos/${slug}/blob/main/${path}`;
      const response = await countingFetch(url, { headers: { "x-api-key": server.apiKey } });
      const { content }: { content: string } = JSON.parse(await response.text());
      contents.push(content);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return contents;
}

async function measureCrawl(server: LocalServer, folder: string): Promise<void> {
  const files = crawlFiles();
  const paths = files.map(({ path }) => path);
  await seed(server, "crawl", files);
  await (await mountCounted(server, "crawl")).readFile(paths[0] ?? ""); // compiled code is what a server runs on
  const { org } = server;
  const url = `${server.url.replace("//", `//x:${server.apiKey}@`)}/${org}/crawl.git`;
  const clone = await measure(server, async () => {
    await run("git", ["clone", "-q", "--depth", "1", url, join(folder, "clone")]);
    for (const path of paths) await nodeFs.readFile(join(folder, "clone", path), "utf8");
  });
  report("cold crawl of 2,000 files, git clone --depth 1 + read", formatCost(clone, clone));
  const mounted = await measure(server, async () => {
    const fs = await mountCounted(server, "crawl");
    await fs.prefetch("**", { maxBytes: 32 * 1024 * 1024 });
    for (const path of paths) await fs.readFile(path);
  });
  report("cold crawl, mount + prefetch + read", formatCost(mounted, clone));
  const batched = await measure(server, async () => {
    const fs = await mountCounted(server, "crawl");
    await fs.readFiles(paths);
  });
  report("cold crawl, mount + readFiles", formatCost(batched, clone));
  const single = await measure(server, () => readOneByOne(server, "crawl", paths));
  report("cold crawl, one request per file, six at a time", formatCost(single, clone));

  const found = await measure(server, () =>
    run("git", ["-C", join(folder, "clone"), "grep", "-n", "value1999", "HEAD"]),
  );
  report("grep over 2,000 files, git grep in the clone", formatCost(found, found));
  const fs = await mountCounted(server, "crawl");
  await fs.grep("warm-up");
  report("grep, mount", formatCost(await measure(server, () => fs.grep("value1999")), found));
  report(
    "grep with an expression, mount",
    formatCost(await measure(server, () => fs.grep(/value19+\b/)), found),
  );
  const scan = await measure(server, async () =>
    (await readOneByOne(server, "crawl", paths)).filter((content) => content.includes("value1999")),
  );
  report("grep, one request per file", formatCost(scan, found));
}

/** A listing of so many entries, in memory: what is measured is the mount and not the network. */
function syntheticRemote(count: number): Remote {
  const refuse = () => Promise.reject(new Error("only the listing is there"));
  const page = () => {
    const entries = [{ path: "packages", sha: "a".repeat(40), mode: "040000", size: 0 }];
    for (let index = 0; entries.length < count; index += 1) {
      const folder = `packages/package-${index}`;
      entries.push({ path: folder, sha: index.toString(16).padStart(40, "0"), mode: "040000", size: 0 });
      for (let file = 0; file < 49 && entries.length < count; file += 1) {
        const sha = (index * 49 + file).toString(16).padStart(40, "f");
        entries.push({ path: `${folder}/source-file-${file}.ts`, sha, mode: "100644", size: 1_000 });
      }
    }
    return {
      entries,
      treeSha: "0".repeat(40),
      commitSha: "1".repeat(40),
      committedAtMs: 0,
      nextCursor: null,
    };
  };
  const limits = new Proxy({}, { get: () => 1_000 }) as Remote["limits"]; // none of them is met here
  return {
    limits,
    listTree: async () => page(),
    readBlobs: refuse,
    openBlob: refuse,
    commit: refuse,
    storeBlobs: refuse,
    readBlob: refuse,
    findDefaultBranch: refuse,
    prefetch: () => {
      throw new Error("only the listing is there");
    },
    grep: () => {
      throw new Error("only the listing is there");
    },
  };
}

async function measureMemory(): Promise<void> {
  const collect = globalThis.gc;
  if (collect === undefined) return report("memory of a mount", "not measured: run with --expose-gc");
  const remote = syntheticRemote(100_000);
  const blobs = createSharedBlobs(remote, 0);
  const parts = { remote, blobs, now: () => 0, createKey: () => "" };
  const options = { repos: [{ slug: "big" }] };
  collect();
  collect(); // what the first has freed of weak references goes with the second
  const before = process.memoryUsage().heapUsed;
  const started = performance.now();
  const fs = await openMount(options, parts);
  const ms = performance.now() - started;
  collect();
  const held = process.memoryUsage().heapUsed - before;
  const perEntry = (held / 100_000).toFixed(0);
  report(
    "mount of 100,000 entries",
    `${ms.toFixed(0)} ms, ${(held / 1e6).toFixed(1)} MB of heap, ${perEntry} B an entry`,
  );
  const globbed = performance.now();
  const { length } = await fs.glob("**/*-7.ts");
  report("glob over them", `${(performance.now() - globbed).toFixed(0)} ms, ${length} matches`);
}

async function main(): Promise<void> {
  console.log(`${describeMachine()}\n`);
  await measureMemory();
  const folder = await nodeFs.mkdtemp(join(tmpdir(), "coregit-bench-fs-"));
  const server = await startLocal({ dataDir: join(folder, "data"), limits: "off" });
  try {
    const hot = Array.from({ length: HOT_FILES }, (_, index) => `/src/${index % 20}/deep/file-${index}.ts`);
    await seed(
      server,
      "hot",
      hot.map((path) => ({ path: path.slice(1), content: "x".repeat(HOT_BYTES) })),
    );
    await measureHot(await mountCounted(server, "hot"), hot, join(folder, "files"));
    await measureCrawl(server, folder);
  } finally {
    await server.stop();
    await nodeFs.rm(folder, { recursive: true, force: true });
  }
  console.log(`\npeak memory of this process: ${(process.resourceUsage().maxRSS / 1_000).toFixed(0)} MB`);
}

await main();
