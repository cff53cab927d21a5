import { writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { findUsage } from "../local/processes.ts";
import type { LocalServer } from "../local/start-local.ts";

/** One measured row. Times and CPU are per run; bytes and requests of one run. */
export interface Measurement {
  readonly name: string;
  readonly runs: number;
  readonly medianMs: number;
  readonly slowestMs: number;
  /** CPU of workerd, user and system, mean of the runs; null where the system does not tell. */
  readonly cpuMs: number | null;
  readonly requests: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Highest memory of workerd during the runs. */
  readonly peakBytes: number | null;
}

/** A prepared request: the body is text already, so that making it is not measured. */
export interface Call {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: string;
  /** Status that the measurement is about; anything else ends the bench. */
  readonly status: number;
}

/** What an answer was: its status is as expected. */
export interface Answer {
  readonly bytes: number;
  readonly text: () => string;
}

/** Sends calls to one server and measures what they cost on both sides. */
export class Probe {
  readonly #server: LocalServer;
  #requests = 0;
  #sent = 0;
  #received = 0;

  constructor(server: LocalServer) {
    this.#server = server;
  }

  async send(call: Call): Promise<Answer> {
    const response = await fetch(this.#server.url + call.path, {
      method: call.method,
      headers: { "x-api-key": this.#server.apiKey, "content-type": "application/json" },
      ...(call.body === undefined ? {} : { body: call.body }),
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    this.#requests++;
    this.#sent += call.body === undefined ? 0 : Buffer.byteLength(call.body);
    this.#received += bytes.length;
    if (response.status !== call.status) {
      throw new Error(`${call.method} ${call.path}: ${response.status} ${bytes.toString().slice(0, 300)}`);
    }
    return { bytes: bytes.length, text: () => bytes.toString() };
  }

  /** Runs `work` with 0, 1, 2 … and gives the median. `warmUp` runs come first, numbered on from -1 down. */
  async measure(
    name: string,
    { runs, warmUp = 1 }: { readonly runs: number; readonly warmUp?: number },
    work: (run: number) => Promise<unknown>,
  ): Promise<Measurement> {
    for (let run = 1; run <= warmUp; run++) await work(-run);
    const { pid } = this.#server;
    if (pid !== null) {
      await becomeIdle(pid);
      await resetPeak(pid);
    }
    const before = pid === null ? null : await findUsage(pid);
    const [requests, sent, received] = [this.#requests, this.#sent, this.#received];
    const times: number[] = [];
    for (let run = 0; run < runs; run++) {
      const startedAt = performance.now();
      await work(run);
      times.push(performance.now() - startedAt);
    }
    const after = pid === null ? null : await findUsage(pid);
    times.sort((a, b) => a - b);
    return {
      name,
      runs,
      medianMs: median(times),
      slowestMs: times.at(-1) ?? 0,
      cpuMs: before && after ? ((after.cpuSec - before.cpuSec) * 1_000) / runs : null,
      requests: (this.#requests - requests) / runs,
      sentBytes: (this.#sent - sent) / runs,
      receivedBytes: (this.#received - received) / runs,
      peakBytes: after?.peakBytes ?? null,
    };
  }
}

function median(sorted: readonly number[]): number {
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? high : (high + (sorted[middle - 1] ?? high)) / 2;
}

const IDLE_LOOK_MS = 250;
const IDLE_CPU_SEC = 0.01;
const IDLE_LOOKS_MAX = 120;

/** Waits until the server has packed what was written before: a row pays for its own work only. */
async function becomeIdle(pid: number): Promise<void> {
  let last = (await findUsage(pid))?.cpuSec ?? 0;
  for (let look = 0; look < IDLE_LOOKS_MAX; look++) {
    await delay(IDLE_LOOK_MS);
    const now = (await findUsage(pid))?.cpuSec ?? last;
    if (now - last <= IDLE_CPU_SEC) return;
    last = now;
  }
}

/** Sets VmHWM back to the present size (man 5 proc, clear_refs), so that each row has its own peak. */
async function resetPeak(pid: number): Promise<void> {
  try {
    await writeFile(`/proc/${pid}/clear_refs`, "5");
  } catch (error) {
    // Elsewhere there is no such file, and the peak is that of the whole run.
    if (!["ENOENT", "EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}
