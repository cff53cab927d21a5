/** The two servers that are compared, behind one face. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { findUsage } from "../local/processes.ts";
import { startLocal } from "../local/start-local.ts";
import { runGit } from "./git-client.ts";

export interface Usage {
  readonly cpuSec: number;
  /** Highest memory since `reset`; null where it cannot be told. */
  readonly peakBytes: number | null;
}

export interface GitServer {
  readonly name: string;
  /** Makes an empty repository; gives its address with the password in it. */
  create(slug: string): Promise<string>;
  /** Waits until nothing runs. */
  settle(): Promise<void>;
  /** Waits until packs were compacted, which begins a few seconds after a push. */
  rest(): Promise<void>;
  usage(): Promise<Usage>;
  /** The peak begins anew. */
  resetPeak(): Promise<void>;
  stop(): Promise<void>;
}

const QUIET_SEC = 0.011; // one tick of the clock
const LOOK_MS = 300;
const LOOKS_MAX = 200;
const REST_MS = 4_000;

export async function startCoregit(folder: string): Promise<GitServer> {
  const server = await startLocal({ dataDir: folder, limits: "off" });
  const { pid } = server;
  if (pid === null) throw new Error("this bench reads /proc, which is not here");
  const usage = async () => (await findUsage(pid)) ?? { cpuSec: 0, peakBytes: 0 };
  const settle = async () => {
    for (let look = 0, last = -1; look < LOOKS_MAX; look++) {
      const { cpuSec } = await usage();
      if (cpuSec - last < QUIET_SEC) return;
      last = cpuSec;
      await delay(LOOK_MS);
    }
  };
  return {
    name: "coregit",
    async create(slug) {
      const body = JSON.stringify({ slug, init: false });
      const headers = { "x-api-key": server.apiKey, "content-type": "application/json" };
      const reply = await fetch(`${server.url}/v1/repos`, { method: "POST", headers, body });
      if (reply.status !== 201) throw new Error(`${reply.status} ${await reply.text()}`);
      return `${server.url.replace("://", `://x:${server.apiKey}@`)}/${server.org}/${slug}.git`;
    },
    settle,
    async rest() {
      await delay(REST_MS);
      await settle();
    },
    usage,
    resetPeak: () => writeFile(`/proc/${pid}/clear_refs`, "5"),
    stop: () => server.stop(),
  };
}

export async function startHttpBackend(folder: string): Promise<GitServer> {
  await mkdir(folder, { recursive: true });
  const script = join(dirname(fileURLToPath(import.meta.url)), "http-backend.ts");
  const child = spawn(process.execPath, ["--import", "tsx", script, folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = `http://127.0.0.1:${await readPort(child)}`;
  const ask = async () =>
    (await (await fetch(`${url}/usage`)).json()) as { readonly running: number; readonly cpuSec: number };
  return {
    name: "http-backend",
    async create(slug) {
      const path = join(folder, `${slug}.git`);
      await runGit(["init", "-q", "--bare", "-b", "main", path]);
      await runGit(["config", "http.receivepack", "true"], { cwd: path });
      return `${url}/${slug}.git`;
    },
    async settle() {
      while ((await ask()).running > 0) await delay(20);
    },
    rest: async () => undefined,
    usage: async () => ({ cpuSec: (await ask()).cpuSec, peakBytes: null }),
    resetPeak: async () => undefined,
    async stop() {
      child.kill();
      await once(child, "close");
    },
  };
}

async function readPort(child: ChildProcess): Promise<number> {
  if (!child.stdout) throw new Error("no output to read the port from");
  const [first] = (await once(child.stdout, "data")) as [Buffer];
  return Number(first.toString());
}
