import { findUsage } from "../local/processes.ts";
import type { LocalServer } from "../local/start-local.ts";

/** What a swarm's work came to. */
export interface SwarmFigures {
  readonly name: string;
  readonly commits: number;
  readonly seconds: number;
  /** Of one commit, or of one land; ms. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the server, or of all processes of git; null where the system does not tell. */
  readonly cpuSec: number | null;
  /** Requests, or pushes that were tried. */
  readonly requests: number;
}

/** Work of one agent; it measures what it calls a step itself. */
export type AgentWork = (agent: number, measure: <T>(step: () => Promise<T>) => Promise<T>) => Promise<void>;

const ATTEMPTS = 4;

/** Calls of one local server, counted. */
export class SwarmCalls {
  readonly #server: LocalServer;
  #requests = 0;

  constructor(server: LocalServer) {
    this.#server = server;
  }

  /** @throws Error for an answer that is not 2xx: a figure of failures would say nothing */
  async post(
    path: string,
    body: unknown,
    { session, method = "POST" }: { readonly session?: string; readonly method?: string } = {},
  ): Promise<Readonly<Record<string, string>>> {
    const response = await this.#send(`${this.#server.url}/v1${path}`, {
      method,
      headers: {
        "x-api-key": this.#server.apiKey,
        "content-type": "application/json",
        // As the SDK sends it; an idle connection that is closed under a request is no reason to stop.
        "idempotency-key": crypto.randomUUID(),
        ...(session !== undefined && { "x-session-id": session }),
      },
      ...(body !== null && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 300)}`);
    // Replies of this API's writes are objects; the bench reads only their texts.
    return JSON.parse(text) as Readonly<Record<string, string>>;
  }

  /** All agents at once; times are of the steps that they measured. */
  async run(name: string, agents: number, work: AgentWork): Promise<SwarmFigures> {
    const cpuBefore = await this.#readCpu();
    const requestsBefore = this.#requests;
    const steps = await runAgents(agents, work);
    const cpuAfter = await this.#readCpu();
    return {
      name,
      ...steps,
      cpuSec: cpuBefore === null || cpuAfter === null ? null : cpuAfter - cpuBefore,
      requests: this.#requests - requestsBefore,
    };
  }

  async #send(url: string, init: RequestInit): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      this.#requests++;
      try {
        return await fetch(url, init);
      } catch (error) {
        if (!(error instanceof TypeError) || attempt >= ATTEMPTS) throw error;
      }
    }
  }

  async #readCpu(): Promise<number | null> {
    const { pid } = this.#server;
    return pid === null ? null : ((await findUsage(pid))?.cpuSec ?? null);
  }
}

/** Runs agents at once. */
export async function runAgents(
  agents: number,
  work: AgentWork,
): Promise<Pick<SwarmFigures, "commits" | "seconds" | "p50Ms" | "p99Ms">> {
  const times: number[] = [];
  const measure = async <T>(step: () => Promise<T>) => {
    const startedAt = performance.now();
    const result = await step();
    times.push(performance.now() - startedAt);
    return result;
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: agents }, (_, agent) => work(agent, measure)));
  const seconds = (performance.now() - startedAt) / 1_000;
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return { commits: times.length, seconds, p50Ms: at(0.5), p99Ms: at(0.99) };
}

/** A Markdown table, one row for each. */
export function formatFigures(rows: readonly SwarmFigures[]): string {
  const cells = rows.map(({ name, commits, seconds, p50Ms, p99Ms, cpuSec, requests }) => [
    name,
    String(commits),
    `${seconds.toFixed(2)} s`,
    (commits / seconds).toFixed(0),
    `${p50Ms.toFixed(1)} ms`,
    `${p99Ms.toFixed(1)} ms`,
    cpuSec === null ? "" : `${((cpuSec * 1_000) / commits).toFixed(1)} ms`,
    String(requests),
  ]);
  const heads = ["", "commits", "time", "a second", "p50", "p99", "CPU a commit", "requests"];
  const widths = heads.map((head, i) => Math.max(head.length, ...cells.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(" | ")} |`;
  const rule = `| ${widths.map((width, i) => (i === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  return [line(heads), rule, ...cells.map(line)].join("\n");
}
