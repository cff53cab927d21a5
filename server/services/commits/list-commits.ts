import type { ByteString } from "../../git/bytes/text.ts";
import { isOid, type Oid } from "../../git/hash/oid.ts";
import type { ObjectReader } from "../../git/ports.ts";
import { type HistoryEntry, walkHistory } from "../../git/walk/history.ts";
import { walkPathHistory } from "../../git/walk/path-history.ts";

/**
 * Where a page of history starts: so many commits after `base`, in the walk that starts there. The walk is the same
 * each time, so nothing is left out or shown twice, whatever is pushed in between.
 */
export interface HistoryCursor {
  readonly base: Oid;
  readonly skip: number;
}

export interface HistoryPage {
  readonly commits: readonly HistoryEntry[];
  readonly next: HistoryCursor | null;
}

export interface HistoryPageQuery {
  readonly limit: number;
  readonly path: ByteString | null;
}

/** One page of `git log`, newest first, or of `git log -- path`. */
export async function listCommits(
  reader: ObjectReader,
  start: HistoryCursor,
  query: HistoryPageQuery,
): Promise<HistoryPage> {
  const commits: HistoryEntry[] = [];
  const bottleneck = query.path === null ? createBottleneck(start.base) : null;
  let cursor = start;
  let walked = 0;
  for await (const entry of openWalk(reader, start.base, query.path)) {
    if (commits.length === query.limit) return { commits, next: cursor };
    walked++;
    const base = bottleneck?.pass(entry) ?? null;
    if (base) walked = 0;
    cursor = base ? { base, skip: 0 } : { base: cursor.base, skip: walked };
    if (bottleneck ? bottleneck.passed > start.skip : walked > start.skip) commits.push(entry);
  }
  return { commits, next: null };
}

function openWalk(reader: ObjectReader, base: Oid, path: ByteString | null): AsyncIterable<HistoryEntry> {
  return path === null
    ? walkHistory(reader, { from: [base] })
    : walkPathHistory(reader, { from: [base], path });
}

interface Bottleneck {
  /** Commits walked. */
  readonly passed: number;
  /** Takes the next commit of the walk; gives the one that the rest of the walk could start from, if there is one. */
  pass(entry: HistoryEntry): Oid | null;
}

/**
 * Finds commits that all of the remaining history hangs on, so that a cursor need not count from the tip. When a single
 * commit is left to be walked, and none of those walked was a root, then each of them leads down to it; so none is
 * below it, and a walk that starts there gives exactly the rest.
 */
function createBottleneck(tip: Oid): Bottleneck {
  const done = new Set<Oid>();
  const pending = new Set<Oid>([tip]);
  let passed = 0;
  let passedRoot = false;
  return {
    get passed() {
      return passed;
    },
    pass({ oid, commit }) {
      passed++;
      done.add(oid);
      pending.delete(oid);
      for (const parent of commit.parents) if (!done.has(parent)) pending.add(parent);
      passedRoot ||= commit.parents.length === 0;
      const [only] = pending;
      return pending.size === 1 && !passedRoot && only ? only : null;
    },
  };
}

export function formatHistoryCursor(cursor: HistoryCursor): string {
  return `${cursor.base}.${cursor.skip}`;
}

/** null when the text was not made by {@link formatHistoryCursor}. */
export function parseHistoryCursor(text: string): HistoryCursor | null {
  const [base = "", skip = "", ...rest] = text.split(".");
  if (!isOid(base) || !/^\d{1,9}$/.test(skip) || rest.length > 0) return null;
  return { base, skip: Number(skip) };
}
