import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, totalmem } from "node:os";
import type { Measurement } from "./probe.ts";

/** Medians of the original system for the same work on this kind of machine, in ms. */
export const ORIGINAL_MS: Readonly<Record<string, number>> = {
  "commit 1 file": 82,
  "commit 10 files": 199,
  "commit 100 files": 540,
  "commit 1,000 files": 3_743,
  "read one file, warm": 39,
  "batch of 100 files, again": 99,
  "recursive tree of 1,000": 85,
  "prefetch 1,000 files": 808,
};

const HEADERS = [
  "",
  "median",
  "slowest",
  "workerd CPU",
  "requests",
  "sent",
  "received",
  "peak memory",
  "× floor",
  "original",
  "faster",
];

/** Machine and versions: figures without them say nothing. */
export function describeMachine(): string {
  const require = createRequire(import.meta.url);
  const versionOf = (name: string) =>
    JSON.parse(readFileSync(require.resolve(`${name}/package.json`), "utf8")).version;
  const model = cpus()[0]?.model.trim() ?? "unknown CPU";
  return [
    `- ${cpus().length} × ${model}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${process.platform} ${process.arch}`,
    `- Node ${process.versions.node}, workerd ${versionOf("workerd")}, miniflare ${versionOf("miniflare")}`,
    `- ${new Date().toISOString().slice(0, 10)}; client and server on the same machine over HTTP, data on disk`,
  ].join("\n");
}

/** One row per measurement, as a Markdown table that is readable as it is. */
export function formatTable(rows: readonly Measurement[], floor: Measurement): string {
  const cells = rows.map((row) => {
    const original = ORIGINAL_MS[row.name];
    return [
      row.name,
      formatMs(row.medianMs),
      formatMs(row.slowestMs),
      row.cpuMs === null ? "" : formatMs(row.cpuMs),
      formatCount(row.requests),
      formatSize(row.sentBytes),
      formatSize(row.receivedBytes),
      row.peakBytes === null ? "" : formatSize(row.peakBytes),
      (row.medianMs / floor.medianMs).toFixed(1),
      original === undefined ? "" : formatMs(original),
      original === undefined ? "" : `${(original / row.medianMs).toFixed(0)}×`,
    ];
  });
  const widths = HEADERS.map((header, i) =>
    Math.max(header.length, ...cells.map((row) => row[i]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(" | ")} |`;
  const rule = widths.map((width, i) => (i === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  return [line(HEADERS), `| ${rule.join(" | ")} |`, ...cells.map(line)].join("\n");
}

/** An aim and what was reached. */
export function formatAim(text: string, reached: number, holds: boolean): string {
  return `- ${holds ? "holds" : "MISSED"}: ${text}: ${reached.toFixed(1)}`;
}

function formatMs(ms: number): string {
  if (ms < 10) return `${ms.toFixed(2)} ms`;
  return ms < 1_000 ? `${ms.toFixed(0)} ms` : `${(ms / 1_000).toFixed(2)} s`;
}

function formatCount(count: number): string {
  return Number.isInteger(count) ? count.toLocaleString("en-US") : count.toFixed(1);
}

function formatSize(bytes: number): string {
  if (bytes < 1_000) return `${bytes.toFixed(0)} B`;
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
