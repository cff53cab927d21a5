/**
 * What the API costs, with the conditions: `npm run bench`. One server on an empty folder, one client, one request at
 * a time; times include sending and reading the whole answer.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LocalServer, startLocal } from "../local/start-local.ts";
import { type Call, type Measurement, Probe } from "./probe.ts";
import { describeMachine, formatAim, formatTable } from "./report.ts";
import { FILE_BYTES, makeChanges, makePath, type SampleChange } from "./sample-files.ts";

const CHANGES_PER_COMMIT = 1_000;

function commitCall(repo: string, changes: readonly SampleChange[]): Call {
  const body = JSON.stringify({ branch: "main", message: "Bench", changes });
  return { method: "POST", path: `/v1/repos/${repo}/commits`, body, status: 201 };
}

async function createRepo(probe: Probe, slug: string): Promise<string> {
  const body = JSON.stringify({ slug });
  await probe.send({ method: "POST", path: "/v1/repos", body, status: 201 });
  return slug;
}

/** A repository of `files` files in as few commits as the limit allows. */
async function createFilledRepo(probe: Probe, slug: string, files: number): Promise<string> {
  const repo = await createRepo(probe, slug);
  const changes = makeChanges(files, 0);
  for (let from = 0; from < files; from += CHANGES_PER_COMMIT) {
    await probe.send(commitCall(repo, changes.slice(from, from + CHANGES_PER_COMMIT)));
  }
  return repo;
}

/** Authorises the key with one Durable Object, which also says that there is no such repository. */
function measureFloor(probe: Probe): Promise<Measurement> {
  const call: Call = { method: "GET", path: "/v1/repos/absent", status: 404 };
  return probe.measure("empty authenticated request (floor)", { runs: 300, warmUp: 50 }, () =>
    probe.send(call),
  );
}

async function measureCommit(probe: Probe, files: number, runs: number): Promise<Measurement> {
  const repo = await createRepo(probe, `commit-${files}`);
  // Compiled code is what a server runs on; the first requests of an isolate are not.
  const warmUp = files > 100 ? 3 : files > 1 ? 20 : 300;
  // Made beforehand, and in order: a run must not pay for its own JSON.
  const calls = Array.from({ length: runs + warmUp }, (_, i) => commitCall(repo, makeChanges(files, i + 1)));
  const name = `commit ${files.toLocaleString("en-US")} file${files === 1 ? "" : "s"}`;
  return probe.measure(name, { runs, warmUp }, () => probe.send(calls.pop() ?? commitCall(repo, [])));
}

async function measureSequence(
  probe: Probe,
  name: string,
  count: number,
  runs: number,
): Promise<Measurement> {
  let round = 0;
  return probe.measure(name, { runs, warmUp: 0 }, async () => {
    const repo = await createRepo(probe, `sequence-${count}-${round++}`);
    for (const change of makeChanges(count, round)) await probe.send(commitCall(repo, [change]));
  });
}

/** The shape of a REST API without multi-file commits: for every file look up ref, commit and tree, commit, check. */
function measureFiveCallsPerFile(probe: Probe): Promise<Measurement> {
  let round = 0;
  return probe.measure("100 files, five calls each", { runs: 2, warmUp: 0 }, async () => {
    const repo = await createRepo(probe, `five-calls-${round++}`);
    const read = async (rest: string): Promise<{ readonly sha: string }> => {
      const answer = await probe.send({ method: "GET", path: `/v1/repos/${repo}/${rest}`, status: 200 });
      return JSON.parse(answer.text());
    };
    for (const change of makeChanges(100, round)) {
      const head = await read("refs/heads/main");
      await read(`commits/${head.sha}`);
      await read(`tree/${head.sha}`);
      await probe.send(commitCall(repo, [change]));
      await read("refs/heads/main");
    }
  });
}

async function measureWrites(probe: Probe): Promise<Measurement[]> {
  return [
    await measureCommit(probe, 1, 300),
    await measureCommit(probe, 10, 50),
    await measureCommit(probe, 100, 15),
    await measureCommit(probe, 1_000, 7),
    await measureSequence(probe, "50 one-file commits in a row", 50, 3),
    await measureSequence(probe, "100 files as 100 commits", 100, 3),
    await measureFiveCallsPerFile(probe),
  ];
}

async function measureReads(probe: Probe): Promise<Measurement[]> {
  const small = await createFilledRepo(probe, "read-1000", 1_000);
  const medium = await createFilledRepo(probe, "read-5000", 5_000);
  const large = await createFilledRepo(probe, "read-10000", 10_000);
  const get = (repo: string, rest: string): Call => ({
    method: "GET",
    path: `/v1/repos/${repo}/${rest}`,
    status: 200,
  });
  const post = (repo: string, rest: string, body: unknown): Call => {
    return { method: "POST", path: `/v1/repos/${repo}/${rest}`, body: JSON.stringify(body), status: 200 };
  };
  const batch = (run: number) =>
    post(small, "blobs/batch", {
      paths: Array.from({ length: 100 }, (_, i) => makePath((run * 100 + i) % 1_000)),
    });
  const prefetch = (repo: string) => post(repo, "prefetch", { globs: ["**/*"] });
  const send = (call: Call) => () => probe.send(call);
  return [
    await probe.measure(
      "read one file, warm",
      { runs: 200, warmUp: 5 },
      send(get(small, `raw/main/${makePath(7)}`)),
    ),
    await probe.measure("batch of 100 files", { runs: 10, warmUp: 0 }, (run) => probe.send(batch(run))),
    await probe.measure("batch of 100 files, again", { runs: 50 }, send(batch(0))),
    await probe.measure("prefetch 1,000 files", { runs: 10 }, send(prefetch(small))),
    await probe.measure("prefetch 5,000 files", { runs: 5 }, send(prefetch(medium))),
    await probe.measure(
      "recursive tree of 1,000",
      { runs: 20 },
      send(get(small, "tree/main?recursive=true")),
    ),
    await probe.measure(
      "recursive tree of 10,000",
      { runs: 5 },
      send(get(large, "tree/main?recursive=true")),
    ),
  ];
}

function formatAims(rows: readonly Measurement[], floor: Measurement): string {
  const find = (name: string) => rows.find((row) => row.name === name);
  const ms = (name: string) => find(name)?.medianMs ?? Number.NaN;
  const overFloor = ms("commit 1 file") / floor.medianMs;
  const cpuOverFloor = (find("commit 1 file")?.cpuMs ?? Number.NaN) / (floor.cpuMs ?? Number.NaN);
  const overOne = ms("commit 1,000 files") / ms("commit 1 file");
  const inOneCall = ms("100 files as 100 commits") / ms("commit 100 files");
  const fiveCalls = ms("100 files, five calls each") / ms("commit 100 files");
  return [
    formatAim("one-file commit in floors, time, ≤ 3", overFloor, overFloor <= 3),
    formatAim("one-file commit in floors, CPU, ≤ 3", cpuOverFloor, cpuOverFloor <= 3),
    formatAim("1,000 files in one-file commits, ≤ 60", overOne, overOne <= 60),
    formatAim("100 files in one call, times faster than 100 calls, ≥ 20", inOneCall, inOneCall >= 20),
    formatAim("100 files in one call, times faster than five calls a file, ≥ 20", fiveCalls, fiveCalls >= 20),
  ].join("\n");
}

async function startTimed(folder: string): Promise<{ server: LocalServer; ms: number }> {
  const startedAt = performance.now();
  const server = await startLocal({ dataDir: folder, limits: "off" });
  return { server, ms: performance.now() - startedAt };
}

async function run(folder: string): Promise<void> {
  const first = await startTimed(folder);
  await first.server.stop();
  const { server, ms } = await startTimed(folder);
  try {
    const probe = new Probe(server);
    console.log(`Files of ${FILE_BYTES} bytes.\n${describeMachine()}`);
    console.log(
      `- server ready after ${first.ms.toFixed(0)} ms on a new folder, ${ms.toFixed(0)} ms on a known one\n`,
    );
    const floor = await measureFloor(probe);
    const writes = await measureWrites(probe);
    console.log(`${formatTable([floor, ...writes], floor)}\n`);
    const reads = await measureReads(probe);
    console.log(`${formatTable(reads, floor)}\n`);
    console.log(formatAims(writes, floor));
  } finally {
    await server.stop();
  }
}

const folder = await mkdtemp(join(tmpdir(), "coregit-bench-"));
try {
  await run(folder);
} finally {
  await rm(folder, { recursive: true, force: true });
}
