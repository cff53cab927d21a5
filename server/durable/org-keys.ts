import { equalHashes } from "../services/org-keys.ts";

const LOOKUP_CHARS = 16;
const KNOWN_MAX = 1_000;

type KeyRow = { readonly id: string; readonly hash: string };

/** Records a key. Only the hash of its secret is ever here. */
export function insertKey(sql: SqlStorage, id: string, hash: string, nowMs: number): void {
  sql.exec(
    "INSERT INTO keys (id, lookup, hash, created_at_ms) VALUES (?, ?, ?, ?)",
    id,
    hash.slice(0, LOOKUP_CHARS),
    hash,
    nowMs,
  );
}

/** Live keys by their hash. */
export interface KeyIndex {
  /** Id of the live key with this hash, compared in constant time; null when there is none. */
  find(hash: string): string | null;
  /** To be called when a key stops being live. */
  forget(): void;
}

/** Keys that were used are remembered: SQLite takes 40 µs of the 120 that an authorisation costs. */
export function createKeyIndex(sql: SqlStorage): KeyIndex {
  const known = new Map<string, readonly KeyRow[]>();
  return {
    find(hash) {
      const lookup = hash.slice(0, LOOKUP_CHARS);
      const rows = known.get(lookup) ?? listKeys(sql, lookup);
      let found: string | null = null;
      for (const row of rows) if (equalHashes(row.hash, hash)) found = row.id;
      if (found !== null && !known.has(lookup)) {
        if (known.size >= KNOWN_MAX) known.clear();
        known.set(lookup, rows);
      }
      return found;
    },
    forget: () => known.clear(),
  };
}

function listKeys(sql: SqlStorage, lookup: string): readonly KeyRow[] {
  return sql
    .exec<KeyRow>("SELECT id, hash FROM keys WHERE lookup = ? AND revoked_at_ms IS NULL", lookup)
    .toArray();
}

/** false when there is no live key with this id. */
export function revokeKeyRow(sql: SqlStorage, id: string, nowMs: number): boolean {
  const cursor = sql.exec(
    "UPDATE keys SET revoked_at_ms = ? WHERE id = ? AND revoked_at_ms IS NULL RETURNING id",
    nowMs,
    id,
  );
  return cursor.toArray().length > 0;
}

export function isLiveKey(sql: SqlStorage, id: string): boolean {
  return sql.exec("SELECT 1 FROM keys WHERE id = ? AND revoked_at_ms IS NULL", id).toArray().length > 0;
}
