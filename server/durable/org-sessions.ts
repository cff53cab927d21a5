import { LIMITS } from "../../sdk/contract/limits.ts";
import type { SignedGrant } from "../ports/access.ts";
import type { NewSession } from "../ports/org.ts";
import { formatKidPrefix, parseSignedId } from "../services/access/signed-id.ts";

/**
 * Adds a session to those of its key or token. One that is there already is left.
 * @returns null when it is there now, else how many its key may have
 */
export function insertSession(
  sql: SqlStorage,
  { hash, keyId, grant }: NewSession,
  nowMs: number,
): { readonly limit: number } | null {
  if (countSessions(sql, keyId, keyId) >= LIMITS.sessionsPerKey) return { limit: LIMITS.sessionsPerKey };
  const signed = parseSignedId(keyId);
  if (signed) {
    // Tokens can be signed without end, so their sessions are counted by the key too.
    const limit = LIMITS.sessionsPerPublicKey;
    if (countSessions(sql, ...rangeOfKid(signed.kid)) >= limit) return { limit };
  }
  sql.exec(
    "INSERT OR IGNORE INTO sessions (hash, key_id, at_ms, grant_json) VALUES (?, ?, ?, ?)",
    hash,
    keyId,
    nowMs,
    grant && JSON.stringify(grant),
  );
  return null;
}

/** Ids of all signed tokens of a key lie between these, both included. */
function rangeOfKid(kid: string): [string, string] {
  // "g" comes after every hexadecimal digit.
  return [formatKidPrefix(kid), `${formatKidPrefix(kid)}g`];
}

function countSessions(sql: SqlStorage, from: string, to: string): number {
  return sql
    .exec<{ n: number }>("SELECT count(*) AS n FROM sessions WHERE key_id >= ? AND key_id <= ?", from, to)
    .one().n;
}

/** What the signed token grants that opened a session; null: there is no such session, or no such token. */
export function findSessionGrant(sql: SqlStorage, hash: string): SignedGrant | null {
  const row = sql
    .exec<{ grant_json: string | null }>("SELECT grant_json FROM sessions WHERE hash = ?", hash)
    .toArray()[0];
  // Written by insertSession.
  return row?.grant_json ? (JSON.parse(row.grant_json) as SignedGrant) : null;
}

export function removeSession(sql: SqlStorage, hash: string): void {
  sql.exec("DELETE FROM sessions WHERE hash = ?", hash);
}

/** Marks all sessions of a key for their end. */
export function doomSessions(sql: SqlStorage, keyId: string): void {
  sql.exec("UPDATE sessions SET doomed = 1 WHERE key_id = ?", keyId);
}

/** The same for all signed tokens of a public key. */
export function doomSessionsOfKid(sql: SqlStorage, kid: string): void {
  sql.exec("UPDATE sessions SET doomed = 1 WHERE key_id >= ? AND key_id <= ?", ...rangeOfKid(kid));
}

/** The same for one signed token, whichever key has signed it. */
export function doomSessionsOfSigned(sql: SqlStorage, tokenHash: string): void {
  sql.exec(
    "UPDATE sessions SET doomed = 1 WHERE key_id >= 'jwt:' AND key_id < 'jwt;' AND key_id LIKE '%:' || ?",
    tokenHash,
  );
}

export function listDoomedSessions(sql: SqlStorage): readonly string[] {
  return sql
    .exec<{ hash: string }>("SELECT hash FROM sessions WHERE doomed = 1")
    .toArray()
    .map(({ hash }) => hash);
}
