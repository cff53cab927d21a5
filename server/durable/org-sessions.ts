import { LIMITS } from "../../sdk/contract/limits.ts";
import type { NewSession } from "../ports/org.ts";

/** Adds a session to those of its key; false when the key has as many as it may. One that is there already is left. */
export function insertSession(sql: SqlStorage, { hash, keyId }: NewSession, nowMs: number): boolean {
  const { n } = sql.exec<{ n: number }>("SELECT count(*) AS n FROM sessions WHERE key_id = ?", keyId).one();
  if (n >= LIMITS.sessionsPerKey) return false;
  sql.exec("INSERT OR IGNORE INTO sessions (hash, key_id, at_ms) VALUES (?, ?, ?)", hash, keyId, nowMs);
  return true;
}

export function removeSession(sql: SqlStorage, hash: string): void {
  sql.exec("DELETE FROM sessions WHERE hash = ?", hash);
}

/** Marks all sessions of a key for their end. */
export function doomSessions(sql: SqlStorage, keyId: string): void {
  sql.exec("UPDATE sessions SET doomed = 1 WHERE key_id = ?", keyId);
}

export function listDoomedSessions(sql: SqlStorage): readonly string[] {
  return sql
    .exec<{ hash: string }>("SELECT hash FROM sessions WHERE doomed = 1")
    .toArray()
    .map(({ hash }) => hash);
}
