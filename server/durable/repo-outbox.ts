import type { MoveTaker } from "../ports/events.ts";
import { createMutex } from "../stores/mutex.ts";
import type { SqlRepoTables } from "./repo-tables.ts";

/** Moves of one message. */
const BATCH_MOVES = 500;
/** Messages in a row; what is left after them waits for the next run. */
const BATCHES_PER_RUN = 20;
/** A run begins so long after the first move that it is about: at most this, at least half of it. */
const DELAY_MS = 800;
const RETRY_MAX_MS = 60_000;
/** A repository whose name is not in the directory by then was never given one. */
const UNKNOWN_MAX_AGE_MS = 60 * 60 * 1000;

/** An alarm for what a run that died left behind, so long after the write. */
export const OUTBOX_PATIENCE_MS = 30_000;

export interface OutboxDeps {
  readonly tables: SqlRepoTables;
  /** The taker of the org that owns the repository. */
  readonly connect: (orgId: string) => MoveTaker;
  readonly now: () => number;
}

/**
 * Tells the org what moved. The reflog itself is the outbox: the step that moves a ref writes its line, so nothing more
 * is written, sent or awaited in that step. Soon after, in the background, the lines behind the cursor are handed over,
 * and the cursor follows what the org has confirmed; the org leaves out what it has.
 */
export interface RepoOutbox {
  /** To be called when something may have moved: starts a run unless one is about to. Reads and writes nothing. */
  schedule(): void;
  /** Whether there are moves that the org has not confirmed. */
  hasMore(): boolean;
  /** Hands over some or all of it; whether nothing is left. Never rejects. `final`: nothing comes after this. */
  run(final?: boolean): Promise<boolean>;
}

export function createRepoOutbox({ tables, connect, now }: OutboxDeps): RepoOutbox {
  const { facts, refs } = tables;
  const turns = createMutex();
  let timer: ReturnType<typeof setTimeout> | null = null;
  let failures = 0;

  const readCursor = () => Number(facts.find("events_sent") ?? 0);
  const hasMore = () => facts.find("org_id") !== null && refs.lastMove() > readCursor();

  const scheduleIn = (ms: number) => {
    timer ??= setTimeout(() => {
      timer = null;
      void run();
    }, ms);
  };

  /** One batch; whether nothing is left. */
  async function handOver(repoId: string, taker: MoveTaker, final: boolean): Promise<boolean> {
    const cursor = readCursor();
    const moves = refs.listMoves({ after: cursor, limit: BATCH_MOVES });
    const isLast = moves.length < BATCH_MOVES;
    if (moves.length === 0 && !final) return true;
    const reply = await taker.takeMoves({ repoId, moves, final: final && isLast });
    if (reply.kind === "unknown-repo") {
      // Destroyed before it had a name, or told for the second time that it is gone.
      if (final) return true;
      if (now() - (moves[0]?.atMs ?? 0) < UNKNOWN_MAX_AGE_MS)
        throw new Error("the org does not know the repository");
    }
    const upTo = reply.kind === "taken" ? reply.upTo : (moves.at(-1)?.id ?? cursor);
    if (upTo > cursor) tables.atomically(() => facts.put("events_sent", String(upTo)));
    return isLast;
  }

  async function run(final = false): Promise<boolean> {
    const [orgId, repoId] = [facts.find("org_id"), facts.find("repo_id")];
    if (orgId === null || repoId === null) return true;
    try {
      const done = await turns.run(async () => {
        const taker = connect(orgId);
        for (let batch = 0; final || batch < BATCHES_PER_RUN; batch++) {
          if (await handOver(repoId, taker, final)) return true;
        }
        return false;
      });
      failures = 0;
      if (!done) scheduleIn(0);
      return done;
    } catch (error) {
      failures++;
      if (!final) scheduleIn(Math.min(DELAY_MS * 2 ** failures, RETRY_MAX_MS));
      // The moves stay in the reflog, and the next run begins where this one did.
      console.error(`moves could not be handed over, ${failures} times`, error);
      return false;
    }
  }

  return {
    schedule() {
      if (timer === null) scheduleIn(DELAY_MS * (0.5 + 0.5 * Math.random()));
    },
    hasMore,
    run,
  };
}
