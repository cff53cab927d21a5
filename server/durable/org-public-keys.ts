import { LIMITS } from "../../sdk/contract/limits.ts";
import type {
  NewPublicKey,
  NewRevocation,
  PublicJwk,
  PublicKeyCreation,
  PublicKeyRecord,
  Revocation,
  Scopes,
} from "../ports/access.ts";
import { isSameKey } from "../services/access/same-key.ts";

type KeyRow = {
  readonly kid: string;
  readonly name: string | null;
  readonly alg: string;
  readonly jwk: string;
  readonly ceiling: string | null;
  readonly max_seconds: number;
  readonly created_at_ms: number;
};

type RevokedRow = {
  readonly mark: string;
  readonly jti: string | null;
  readonly revoked_at_ms: number;
  readonly until_ms: number;
};

/** No token of a deleted key is live for longer: from then on its name may be used again. */
export const RETIRED_MS = (LIMITS.signedTokenSecondsMax + LIMITS.signedTokenLeewaySeconds) * 1_000;

/** The public keys of an org and its revoked signed tokens, remembered once read: they are asked for by every request. */
export interface PublicKeyTable {
  find(kid: string): PublicKeyRecord | null;
  list(): readonly PublicKeyRecord[];
  insert(key: NewPublicKey, nowMs: number): PublicKeyCreation;
  /** false when there is no such key. */
  remove(kid: string, nowMs: number): boolean;
  isRevoked(tokenHash: string): boolean;
  revoke(revocation: NewRevocation, nowMs: number): Revocation | null;
  listRevoked(
    limit: number,
    nowMs: number,
  ): { readonly revoked: readonly Revocation[]; readonly total: number };
}

export function createPublicKeyTable(sql: SqlStorage): PublicKeyTable {
  let keys: ReadonlyMap<string, PublicKeyRecord> | null = null;
  let revoked: Set<string> | null = null;
  const readKeys = () => {
    keys ??= new Map(listKeys(sql).map((key) => [key.kid, key]));
    return keys;
  };
  return {
    find: (kid) => readKeys().get(kid) ?? null,
    list: () => [...readKeys().values()],
    insert(key, nowMs) {
      sql.exec("DELETE FROM public_keys WHERE deleted_at_ms <= ?", nowMs - RETIRED_MS);
      const known = readKeys().get(key.kid);
      if (known) return isSameKey(known, key) ? { kind: "created", key: known } : { kind: "taken" };
      if (isRetired(sql, key.kid)) return { kind: "retired" };
      if (readKeys().size >= LIMITS.publicKeysPerOrg) return { kind: "full", limit: LIMITS.publicKeysPerOrg };
      insertKey(sql, key, nowMs);
      keys = null;
      return { kind: "created", key: readKeys().get(key.kid) ?? { ...key, createdAtMs: nowMs } };
    },
    remove(kid, nowMs) {
      keys = null;
      const cursor = sql.exec(
        "UPDATE public_keys SET deleted_at_ms = ? WHERE kid = ? AND deleted_at_ms IS NULL RETURNING kid",
        nowMs,
        kid,
      );
      return cursor.toArray().length > 0;
    },
    isRevoked(tokenHash) {
      revoked ??= new Set(
        sql
          .exec<{ mark: string }>("SELECT mark FROM revoked_tokens")
          .toArray()
          .map(({ mark }) => mark),
      );
      return revoked.has(tokenHash);
    },
    revoke(revocation, nowMs) {
      sql.exec("DELETE FROM revoked_tokens WHERE until_ms <= ?", nowMs);
      revoked = null;
      const { n } = sql.exec<{ n: number }>("SELECT count(*) AS n FROM revoked_tokens").one();
      if (n >= LIMITS.revokedTokens) return findRevoked(sql, revocation.tokenHash);
      const { tokenHash, jti, expiresAtMs } = revocation;
      sql.exec(
        `INSERT INTO revoked_tokens (mark, jti, revoked_at_ms, until_ms) VALUES (?, ?, ?, ?)
         ON CONFLICT (mark) DO UPDATE SET until_ms = max(until_ms, excluded.until_ms)`,
        tokenHash,
        jti,
        nowMs,
        expiresAtMs,
      );
      return findRevoked(sql, tokenHash);
    },
    listRevoked(limit, nowMs) {
      const { n } = sql
        .exec<{ n: number }>("SELECT count(*) AS n FROM revoked_tokens WHERE until_ms > ?", nowMs)
        .one();
      const rows = sql.exec<RevokedRow>(
        "SELECT * FROM revoked_tokens WHERE until_ms > ? ORDER BY seq DESC LIMIT ?",
        nowMs,
        limit,
      );
      return { revoked: rows.toArray().map(toRevocation), total: n };
    },
  };
}

function insertKey(sql: SqlStorage, key: NewPublicKey, nowMs: number): void {
  sql.exec(
    `INSERT INTO public_keys (kid, name, alg, jwk, ceiling, max_seconds, created_at_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
    key.kid,
    key.name,
    key.alg,
    JSON.stringify(key.jwk),
    key.ceiling === null ? null : JSON.stringify(key.ceiling),
    key.maxSeconds,
    nowMs,
  );
}

function isRetired(sql: SqlStorage, kid: string): boolean {
  return sql.exec("SELECT 1 FROM public_keys WHERE kid = ?", kid).toArray().length > 0;
}

function listKeys(sql: SqlStorage): readonly PublicKeyRecord[] {
  return sql
    .exec<KeyRow>("SELECT * FROM public_keys WHERE deleted_at_ms IS NULL ORDER BY seq")
    .toArray()
    .map((row) => ({
      kid: row.kid,
      name: row.name,
      // All of it was written by insertKey.
      alg: row.alg as PublicKeyRecord["alg"],
      jwk: JSON.parse(row.jwk) as PublicJwk,
      ceiling: row.ceiling === null ? null : (JSON.parse(row.ceiling) as Scopes),
      maxSeconds: row.max_seconds,
      createdAtMs: row.created_at_ms,
    }));
}

function findRevoked(sql: SqlStorage, mark: string): Revocation | null {
  const row = sql.exec<RevokedRow>("SELECT * FROM revoked_tokens WHERE mark = ?", mark).toArray()[0];
  return row ? toRevocation(row) : null;
}

function toRevocation(row: RevokedRow): Revocation {
  return { tokenHash: row.mark, jti: row.jti, revokedAtMs: row.revoked_at_ms, expiresAtMs: row.until_ms };
}
