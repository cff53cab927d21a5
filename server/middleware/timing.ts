/** Parts of a request that Server-Timing tells apart; what is left of the total is `cpu`. */
export type TimedPart = "auth" | "refs" | "store";

const PARTS: readonly TimedPart[] = ["auth", "refs", "store"];

/** Stop watch of one request. Overlapping measures of one part count once. */
export interface Timing {
  /** Runs `work` and adds its duration to `part`. */
  measure<T>(part: TimedPart, work: () => Promise<T>): Promise<T>;
  /** Server-Timing's value: `auth;dur=0.4, refs;dur=1.1, store;dur=0, cpu;dur=0.8`, milliseconds. */
  format(): string;
}

interface Watch {
  running: number;
  sinceMs: number;
  totalMs: number;
}

/**
 * Starts a stop watch. `cpu` is the total minus the waiting of the other parts. On Cloudflare the clock stands still
 * while code runs (a guard against timing attacks), so there `cpu` reads as 0 and the parts count waiting only.
 */
export function createTiming(clockMs: () => number): Timing {
  const startMs = clockMs();
  const watches: Record<TimedPart, Watch> = { auth: newWatch(), refs: newWatch(), store: newWatch() };
  return {
    async measure(part, work) {
      const watch = watches[part];
      if (watch.running++ === 0) watch.sinceMs = clockMs();
      try {
        return await work();
      } finally {
        if (--watch.running === 0) watch.totalMs += clockMs() - watch.sinceMs;
      }
    },
    format() {
      let rest = clockMs() - startMs;
      let text = "";
      for (const part of PARTS) {
        const { totalMs } = watches[part];
        rest -= totalMs;
        text += `${part};dur=${formatMs(totalMs)}, `;
      }
      return `${text}cpu;dur=${formatMs(Math.max(0, rest))}`;
    },
  };
}

function newWatch(): Watch {
  return { running: 0, sinceMs: 0, totalMs: 0 };
}

function formatMs(ms: number): string {
  return String(Math.round(ms * 100) / 100);
}
