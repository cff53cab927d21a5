import {
  type NewToken,
  NO_LIMITS,
  type Scopes,
  type TokenLimits,
  type TokenPage,
  type TokenRecord,
} from "../ports/access.ts";
import { equalHashes } from "../services/org-keys.ts";

const LOOKUP_CHARS = 16;
/** Live tokens of one org. */
export const TOKENS_MAX = 1_000;

type TokenRow = {
  readonly seq: number;
  readonly id: string;
  readonly hash: string;
  readonly name: string;
  readonly key_prefix: string;
  readonly scopes: string;
  readonly created_at_ms: number;
  readonly expires_at_ms: number;
  readonly limits: string | null;
};

const LIVE = "revoked_at_ms IS NULL AND expires_at_ms > ?";

/** null when the org has as many live tokens as it may have. One that exists already is given again. */
export function insertToken(sql: SqlStorage, token: NewToken, nowMs: number): TokenRecord | null {
  const { n } = sql.exec<{ n: number }>(`SELECT count(*) AS n FROM tokens WHERE ${LIVE}`, nowMs).one();
  if (n >= TOKENS_MAX) return null;
  const [row] = sql
    .exec<TokenRow>(
      `INSERT INTO tokens (id, lookup, hash, name, key_prefix, scopes, created_at_ms, expires_at_ms, limits)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET id = id RETURNING *`,
      token.id,
      token.hash.slice(0, LOOKUP_CHARS),
      token.hash,
      token.name,
      token.keyPrefix,
      JSON.stringify(token.scopes),
      nowMs,
      token.expiresAtMs,
      JSON.stringify(token.limits),
    )
    .toArray();
  return row ? toRecord(row) : null;
}

/** The live token with this hash, compared in constant time. */
export function findToken(sql: SqlStorage, hash: string, nowMs: number): TokenRecord | null {
  const rows = sql.exec<TokenRow>(
    `SELECT * FROM tokens WHERE lookup = ? AND ${LIVE}`,
    hash.slice(0, LOOKUP_CHARS),
    nowMs,
  );
  let found: TokenRecord | null = null;
  for (const row of rows) if (equalHashes(row.hash, hash)) found = toRecord(row);
  return found;
}

/** The live token with this id. */
export function findTokenById(sql: SqlStorage, id: string, nowMs: number): TokenRecord | null {
  const [row] = sql.exec<TokenRow>(`SELECT * FROM tokens WHERE id = ? AND ${LIVE}`, id, nowMs).toArray();
  return row ? toRecord(row) : null;
}

export function listTokenRows(
  sql: SqlStorage,
  query: { readonly limit: number; readonly after?: number },
  nowMs: number,
): TokenPage {
  const rows = sql
    .exec<TokenRow>(
      `SELECT * FROM tokens WHERE ${LIVE} AND seq > ? ORDER BY seq LIMIT ?`,
      nowMs,
      query.after ?? 0,
      query.limit + 1,
    )
    .toArray();
  const page = rows.slice(0, query.limit);
  return {
    tokens: page.map(toRecord),
    next: rows.length > page.length ? (page[page.length - 1]?.seq ?? null) : null,
  };
}

/** false when there is no live token with this id. */
export function revokeTokenRow(sql: SqlStorage, id: string, nowMs: number): boolean {
  const cursor = sql.exec(
    `UPDATE tokens SET revoked_at_ms = ? WHERE id = ? AND ${LIVE} RETURNING id`,
    nowMs,
    id,
    nowMs,
  );
  return cursor.toArray().length > 0;
}

function toRecord(row: TokenRow): TokenRecord {
  return {
    id: row.id,
    name: row.name,
    keyPrefix: row.key_prefix,
    // Written by insertToken.
    scopes: JSON.parse(row.scopes) as Scopes,
    createdAtMs: row.created_at_ms,
    expiresAtMs: row.expires_at_ms,
    limits: row.limits === null ? NO_LIMITS : (JSON.parse(row.limits) as TokenLimits),
  };
}
