import type { Fetch } from "../../../sdk/http/transport.ts";

/** What befalls a commit on its way. */
const FAULTS = ["cut-before", "cut-after", "duplicate", "late", "failed-after"] as const;
export type Fault = (typeof FAULTS)[number];

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function isCommit({ method, url }: Request): boolean {
  return method === "POST" && url.endsWith("/commits");
}

/**
 * A network that spoils a share of the commits sent through it: cut before they arrive or before the answer does,
 * delivered twice, delivered long after the sender has given up, answered with 500 after they took place. Every commit
 * is delayed a little, so that those of several senders change places.
 * @param concerns the requests that it spoils; commits when absent
 */
export function createBadNetwork(
  random: () => number,
  share: number,
  concerns: (request: Request) => boolean = isCommit,
) {
  const counts = new Map<Fault | "none", number>();
  const late: (() => Promise<unknown>)[] = [];
  const pause = () => new Promise((resolve) => setTimeout(resolve, random() * 3));
  const wrap =
    (fetch: Fetch): Fetch =>
    async (input, init) => {
      const request = new Request(input, init);
      if (!concerns(request)) return await fetch(request);
      const fault = random() < share ? (FAULTS[Math.floor(random() * FAULTS.length)] ?? "cut-after") : "none";
      counts.set(fault, (counts.get(fault) ?? 0) + 1);
      await pause();
      const again = request.clone();
      if (fault === "cut-before") throw new TypeError("socket hang up");
      if (fault === "late") {
        late.push(() => fetch(again));
        throw new TypeError("timed out");
      }
      if (fault === "duplicate") {
        const [first, second] = await Promise.all([fetch(request), fetch(again)]);
        return random() < 0.5 ? first : second;
      }
      const reply = await fetch(request);
      if (fault === "cut-after") throw new TypeError("socket hang up");
      if (fault === "failed-after") {
        return Response.json({ error: "Internal error", code: "INTERNAL_ERROR" }, { status: 500 });
      }
      return reply;
    };
  return {
    wrap,
    counts,
    /** Delivers some of what was given up long ago. */
    async deliverLate(): Promise<void> {
      while (late.length > 0 && random() < 0.5) await late.shift()?.();
    },
  };
}
