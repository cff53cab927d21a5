import type { RepoHandle } from "../../ports/repo.ts";

/** What one request did so far. */
export interface RequestTally {
  commits: number;
  bytesIn: number;
}

/** The same repository; commits that are made in it are counted. */
export function countWrites<T extends RepoHandle>(repo: T, tally: RequestTally): T {
  return {
    ...repo,
    store: {
      ...repo.store,
      async transact(transaction) {
        const results = await repo.store.transact(transaction);
        if (results.some(({ kind }) => kind === "moved")) {
          tally.commits += transaction.objects?.filter(({ type }) => type === "commit").length ?? 0;
        }
        return results;
      },
      async commit(request) {
        const outcome = await repo.store.commit(request);
        if (outcome.kind === "committed" && !outcome.replayed) tally.commits++;
        return outcome;
      },
    },
  };
}
