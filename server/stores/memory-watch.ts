import type { BranchMove, FeedOpening, FeedQuery, FeedSink } from "../ports/watch.ts";
import { type FeedRules, selectMoves, startFeed } from "./branch-feed.ts";
import type { RepoTables } from "./repo-tables.ts";

/** The watches of one repository in memory. */
export interface MemoryFeeds {
  open(query: FeedQuery, sink: FeedSink): FeedOpening;
  /** Tells what has happened since the last time; to be called after each write. */
  publish(): void;
  end(): void;
}

/** Watches of a repository whose rows are in this process: for tests, with the rules of the real ones. */
export function createMemoryFeeds(
  tables: RepoTables,
  rules: FeedRules & { readonly watchers: number },
): MemoryFeeds {
  const watches = new Map<FeedSink, readonly string[] | null>();
  let published = tables.refs.lastMove();
  const tell = (sink: FeedSink, moves: readonly BranchMove[]) => {
    if (moves.length > 0) queueMicrotask(() => watches.has(sink) && sink.onMoves(moves));
  };
  return {
    open(query, sink) {
      if (watches.size >= rules.watchers) return { kind: "full", limit: rules.watchers };
      const { start, branches, moves } = startFeed(tables.refs, query, rules);
      watches.set(sink, branches);
      tell(sink, moves);
      return { kind: "open", feed: { start, ping: () => true, close: () => void watches.delete(sink) } };
    },
    publish() {
      const moves = tables.refs.listMoves({ after: published, limit: Number.MAX_SAFE_INTEGER });
      published = tables.refs.lastMove();
      for (const [sink, branches] of watches) tell(sink, selectMoves(moves, branches));
    },
    end() {
      for (const sink of watches.keys()) sink.onEnd("repository-deleted");
      watches.clear();
    },
  };
}
