/**
 * Lists of numbers, cut into runs where the numbers themselves say so; equal runs are kept once. See pack-refs.ts for
 * what this is good for.
 */
import { GitError } from "../errors.ts";
import { growArray } from "./oid-table.ts";

export interface EdgeRuns {
  /** How many numbers are stored, of runs and of lists of runs: what memory and file size go by. */
  readonly size: number;
  readonly runCount: number;
  /** Takes the next number of the current list. */
  push(id: number): void;
  /** Ends the current list; it is the slice of `runList()` from the returned place up to `listEnd`. */
  endList(): number;
  readonly listEnd: number;
  runList(): Uint32Array;
  /** `runCount` + 1 places in `edges()`. */
  runStarts(): Uint32Array;
  edges(): Uint32Array;
}

/** Runs are 16 numbers long on average: fewer makes lists long, more makes small directories share nothing. */
const CUT_BITS = 4;
/** A list whose numbers never ask for a cut still is cut. */
const MAX_RUN = 512;

/** @param maxSize ceiling for {@link EdgeRuns.size}: past it `push` and `endList` throw GitError limit-exceeded */
export function createEdgeRuns(maxSize: number): EdgeRuns {
  const store = createRunStore();
  const [seed] = crypto.getRandomValues(new Uint32Array(1)) as unknown as [number];
  const multiplier = seed | 1; // not known in advance: ids are chosen by whoever pushes
  let list = new Uint32Array(64);
  let listEnd = 0;
  let listStart = 0;
  let hash = 0;

  function push(id: number): void {
    const open = store.push(id);
    hash = Math.imul(hash + id + 1, multiplier);
    hash ^= hash >>> 15;
    if (Math.imul(id + 1, 0x9e3779b1) >>> (32 - CUT_BITS) === 0 || open === MAX_RUN) endRun();
  }

  function endRun(): void {
    const run = store.endRun(hash >>> 0);
    if (store.edgeCount + listEnd >= maxSize) {
      throw new GitError("limit-exceeded", `the objects name more than ${maxSize} others`, {
        limit: "maxEdges",
        max: maxSize,
      });
    }
    if (listEnd === list.length) list = growArray(list, list.length * 2);
    list[listEnd++] = run;
    hash = 0;
  }

  return {
    get size() {
      return store.edgeCount + listEnd;
    },
    get runCount() {
      return store.runCount;
    },
    get listEnd() {
      return listEnd;
    },
    push,
    endList() {
      if (store.open > 0) endRun();
      const start = listStart;
      listStart = listEnd;
      return start;
    },
    runList: () => list.subarray(0, listEnd),
    runStarts: () => store.starts(),
    edges: () => store.edges(),
  };
}

/** The different runs, in a hash table over their contents; one more is being collected behind them. */
function createRunStore() {
  let edges = new Uint32Array(256);
  let edgeCount = 0;
  let open = 0;
  let starts = new Uint32Array(64);
  let hashes = new Uint32Array(64);
  let runCount = 0;
  let bits = 7;
  let slots = new Int32Array(1 << bits).fill(-1);

  /** The slot of an equal run, or the free one where it belongs. */
  function slotOf(hash: number): number {
    const mask = slots.length - 1;
    let slot = hash >>> (32 - bits);
    for (;;) {
      const run = slots[slot] as number;
      if (run < 0 || (hashes[run] === hash && equalsOpenRun(run))) return slot;
      slot = (slot + 1) & mask;
    }
  }

  function equalsOpenRun(run: number): boolean {
    const start = starts[run] as number;
    if ((starts[run + 1] as number) - start !== open) return false;
    for (let i = 0; i < open; i++) if (edges[start + i] !== edges[edgeCount + i]) return false;
    return true;
  }

  function growSlots(): void {
    bits++;
    slots = new Int32Array(1 << bits).fill(-1);
    const mask = slots.length - 1;
    for (let run = 0; run < runCount; run++) {
      let slot = (hashes[run] as number) >>> (32 - bits);
      while ((slots[slot] as number) >= 0) slot = (slot + 1) & mask;
      slots[slot] = run;
    }
  }

  return {
    get edgeCount() {
      return edgeCount;
    },
    get runCount() {
      return runCount;
    },
    /** Length of the run that is being collected. */
    get open() {
      return open;
    },
    push(id: number): number {
      if (edgeCount + open === edges.length) edges = growArray(edges, edges.length * 2);
      edges[edgeCount + open] = id;
      return ++open;
    },
    /** Number of the run that was collected, which is kept if there was none like it. */
    endRun(hash: number): number {
      const slot = slotOf(hash);
      const known = slots[slot] as number;
      const length = open;
      open = 0;
      if (known >= 0) return known;
      if (runCount + 1 === starts.length) {
        starts = growArray(starts, starts.length * 2);
        hashes = growArray(hashes, hashes.length * 2);
      }
      slots[slot] = runCount;
      hashes[runCount] = hash;
      edgeCount += length;
      starts[++runCount] = edgeCount;
      if (runCount * 2 > slots.length) growSlots();
      return runCount - 1;
    },
    starts: () => starts.subarray(0, runCount + 1),
    edges: () => edges.subarray(0, edgeCount),
  };
}
