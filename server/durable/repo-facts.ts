/** Named single values of a repository, remembered once read. */
export interface Facts {
  find(name: FactName): string | null;
  put(name: FactName, value: string): void;
  /** Forgets what is remembered: after a rollback. */
  forget(): void;
}

/**
 * `events_sent`: id of the last move that the org has confirmed. `sync`: "on" while syncs are told of moves;
 * `sync_told`: the last move that they were told of.
 */
export type FactName =
  | "repo_id"
  | "head"
  | "catalog_version"
  | "state"
  | "family"
  | "org_id"
  | "reported_bytes"
  | "events_sent"
  | "sync"
  | "sync_told";

export function createFacts(sql: SqlStorage): Facts {
  const known = new Map<FactName, string | null>();
  return {
    find(name) {
      const value = known.get(name);
      if (value !== undefined) return value;
      const row = sql.exec<{ value: string }>("SELECT value FROM facts WHERE name = ?", name).toArray()[0];
      known.set(name, row?.value ?? null);
      return row?.value ?? null;
    },
    put(name, value) {
      sql.exec("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", name, value);
      known.set(name, value);
    },
    forget: () => known.clear(),
  };
}
