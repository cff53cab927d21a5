/** What one step did. */
export interface StepDetails {
  readonly files?: number;
  readonly bytes?: number;
  readonly note?: string;
}

interface Row extends StepDetails {
  readonly name: string;
  readonly requests: number;
  readonly ms: number;
}

const PROGRESS_MS = 1_000;
const HEADERS = ["step", "files", "bytes", "requests", "time", ""];

/** Runs steps one after the other and prints what each took. Long ones show that they are alive. */
export class StepTable {
  readonly #rows: Row[] = [];
  readonly #countRequests: () => number;

  /** `countRequests` tells how many were sent so far. */
  constructor(countRequests: () => number) {
    this.#countRequests = countRequests;
  }

  /** What `work` gives; it calls `tell` with what belongs in the table. */
  async run<T>(name: string, work: (tell: (details: StepDetails) => void) => Promise<T>): Promise<T> {
    const requests = this.#countRequests();
    const startedAt = performance.now();
    const elapsed = () => performance.now() - startedAt;
    const progress = setInterval(() => {
      console.log(`  … ${name}: ${formatMs(elapsed())}, ${this.#countRequests() - requests} requests`);
    }, PROGRESS_MS);
    let details: StepDetails = {};
    try {
      const value = await work((told) => {
        details = told;
      });
      const row = { ...details, name, requests: this.#countRequests() - requests, ms: elapsed() };
      this.#rows.push(row);
      console.log(`  ✓ ${name}, ${formatMs(row.ms)}${row.note ? `: ${row.note}` : ""}`);
      return value;
    } catch (error) {
      console.log(`  ✗ ${name}, ${formatMs(elapsed())}`);
      throw error;
    } finally {
      clearInterval(progress);
    }
  }

  format(): string {
    const rows = this.#rows.map((row) => [
      row.name,
      row.files === undefined ? "" : row.files.toLocaleString("en-US"),
      row.bytes === undefined ? "" : formatBytes(row.bytes),
      String(row.requests),
      formatMs(row.ms),
      row.note ?? "",
    ]);
    const widths = HEADERS.map((header, i) =>
      Math.max(header.length, ...rows.map((row) => row[i]?.length ?? 0)),
    );
    const line = (cells: readonly string[]) =>
      cells
        .map((cell, i) => (i === 0 || i === 5 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
        .join("  ")
        .trimEnd();
    return [line(HEADERS), line(widths.map((width) => "─".repeat(width))), ...rows.map(line)].join("\n");
  }
}

export function formatMs(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(2)} s`;
}

export function formatBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
