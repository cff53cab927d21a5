/** Runs a step on both servers in turn and says what it cost. */
import type { Aims, Outcome, Step } from "./git-runs.ts";
import type { GitServer } from "./git-servers.ts";

interface Cost {
  readonly wallSec: number;
  readonly cpuSec: number;
  readonly peakBytes: number | null;
  readonly outcome: Outcome;
}

export interface Comparison {
  readonly name: string;
  readonly aims: Aims;
  readonly ours: Cost;
  readonly theirs: Cost;
}

export async function compareGit(
  step: Step,
  servers: { readonly ours: GitServer; readonly theirs: GitServer },
): Promise<Comparison> {
  const ours: Cost[] = [];
  const theirs: Cost[] = [];
  // In turn, so that what else the machine does hits both.
  for (let run = 0; run < step.runs; run++) {
    ours.push(await runOnce(step, servers.ours, run));
    theirs.push(await runOnce(step, servers.theirs, run));
  }
  return { name: step.name, aims: step.aims, ours: summarize(ours), theirs: summarize(theirs) };
}

async function runOnce(step: Step, server: GitServer, run: number): Promise<Cost> {
  await step.prepare?.(server, run);
  await server.settle();
  await server.resetPeak();
  const before = await server.usage();
  const startedAt = performance.now();
  const outcome = await step.act(server, run);
  const wallSec = (performance.now() - startedAt) / 1_000;
  await server.settle();
  const after = await server.usage();
  return { wallSec, cpuSec: after.cpuSec - before.cpuSec, peakBytes: after.peakBytes, outcome };
}

/** Medians; the clock of CPU time ticks in 10 ms, so many short runs are summed: their mean. */
function summarize(costs: readonly Cost[]): Cost {
  const last = costs.at(-1);
  if (!last) throw new Error("nothing was run");
  const sorted = (values: readonly number[]) => [...values].sort((a, b) => a - b);
  const walls = sorted(costs.map((cost) => cost.wallSec));
  const cpus = sorted(costs.map((cost) => cost.cpuSec));
  const mean = cpus.reduce((sum, value) => sum + value, 0) / cpus.length;
  return {
    ...last,
    wallSec: walls[walls.length >> 1] ?? 0,
    cpuSec: mean < 0.2 ? mean : (cpus[cpus.length >> 1] ?? 0),
    peakBytes: costs.some(({ peakBytes }) => peakBytes === null)
      ? null
      : Math.max(...costs.map(({ peakBytes }) => peakBytes ?? 0)),
  };
}

const HEADERS = ["", "wall", "git's", "×", "CPU", "git's", "×", "objects", "git's", "pack", "git's", "peak"];

export function formatComparisons(comparisons: readonly Comparison[]): string {
  const rows = comparisons.map(({ name, ours, theirs }) => [
    name,
    formatSec(ours.wallSec),
    formatSec(theirs.wallSec),
    (ours.wallSec / theirs.wallSec).toFixed(2),
    formatSec(ours.cpuSec),
    formatSec(theirs.cpuSec),
    (ours.cpuSec / theirs.cpuSec).toFixed(2),
    String(ours.outcome.objects || ""),
    String(theirs.outcome.objects || ""),
    formatMegabytes(ours.outcome.bytes),
    formatMegabytes(theirs.outcome.bytes),
    formatMegabytes(ours.peakBytes),
  ]);
  const line = (row: readonly string[]) => `| ${row.join(" | ")} |`;
  const rule = `|${HEADERS.map((_, i) => (i === 0 ? "---" : "---:")).join("|")}|`;
  return [line(HEADERS), rule, ...rows.map(line), "", ...comparisons.flatMap(listAims)].join("\n");
}

function listAims({ name, aims, ours, theirs }: Comparison): string[] {
  const lines: string[] = [];
  const judge = (what: string, reached: number, limit: number | undefined) => {
    if (limit === undefined) return;
    lines.push(
      `- ${reached <= limit ? "holds" : "MISSED"}: ${name}: ${what} ≤ ${limit}: ${reached.toFixed(2)}`,
    );
  };
  judge("wall, times git's", ours.wallSec / theirs.wallSec, aims.wall);
  judge("CPU, times git's", ours.cpuSec / theirs.cpuSec, aims.cpu);
  judge("CPU in s", ours.cpuSec, aims.cpuSec);
  judge("bytes, times git's", (ours.outcome.bytes ?? 0) / (theirs.outcome.bytes ?? 1), aims.bytes);
  if (aims.sameObjects) {
    const same = ours.outcome.objects === theirs.outcome.objects;
    lines.push(`- ${same ? "holds" : "MISSED"}: ${name}: as many objects as git: ${ours.outcome.objects}`);
  }
  return lines;
}

function formatSec(seconds: number): string {
  return seconds < 1 ? `${(seconds * 1_000).toFixed(0)} ms` : `${seconds.toFixed(2)} s`;
}

function formatMegabytes(bytes: number | null): string {
  return bytes === null ? "" : `${(bytes / 1e6).toFixed(1)} MB`;
}
