import { LIMITS } from "../../sdk/contract/limits.ts";
import type {
  ConnectionCreation,
  ConnectionPatch,
  ConnectionRecord,
  NewConnection,
  Provider,
  SealedConnection,
} from "../ports/connection.ts";
import type { Idempotency } from "../ports/org.ts";

type ConnectionRow = {
  readonly id: string;
  readonly provider: string;
  readonly label: string;
  readonly base_url: string;
  readonly username: string | null;
  readonly external_username: string | null;
  readonly sealed: string;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
  readonly last_synced_at_ms: number | null;
  readonly idem_fingerprint: string | null;
};

/** To be called in a transaction. */
export function insertConnection(
  sql: SqlStorage,
  connection: NewConnection,
  { idempotency, nowMs }: { readonly idempotency: Idempotency | undefined; readonly nowMs: number },
): ConnectionCreation {
  const key = idempotency ? JSON.stringify([idempotency.scope, idempotency.key]) : null;
  const earlier = key === null ? undefined : readRows(sql, "WHERE idem_key = ?", key)[0];
  if (earlier) {
    if (earlier.idem_fingerprint !== idempotency?.fingerprint) return { kind: "idempotency-mismatch" };
    return { kind: "created", connection: toRecord(earlier) };
  }
  const count = sql.exec<{ n: number }>("SELECT count(*) AS n FROM connections").one().n;
  if (count >= LIMITS.connections) return { kind: "full", limit: LIMITS.connections };
  sql.exec(
    `INSERT INTO connections (id, provider, label, base_url, username, external_username, sealed, created_at_ms,
       updated_at_ms, idem_key, idem_fingerprint) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    connection.id,
    connection.provider,
    connection.label,
    connection.baseUrl,
    connection.username,
    connection.externalUsername,
    connection.sealed,
    nowMs,
    nowMs,
    key,
    idempotency?.fingerprint ?? null,
  );
  const { sealed: _, ...record } = connection;
  return {
    kind: "created",
    connection: { ...record, createdAtMs: nowMs, updatedAtMs: nowMs, lastSyncedAtMs: null },
  };
}

export function listConnectionRows(sql: SqlStorage): readonly ConnectionRecord[] {
  return readRows(sql, "ORDER BY seq").map(toRecord);
}

export function findConnectionRow(sql: SqlStorage, id: string): SealedConnection | null {
  const row = readRows(sql, "WHERE id = ?", id)[0];
  return row ? { ...toRecord(row), sealed: row.sealed } : null;
}

/** false when there is none. */
export function patchConnection(
  sql: SqlStorage,
  id: string,
  { patch, nowMs }: { readonly patch: ConnectionPatch; readonly nowMs: number },
): boolean {
  const found = findConnectionRow(sql, id);
  if (!found) return false;
  const next = { ...found, ...patch };
  // That a sync ran is no change to the connection.
  const isChange = Object.keys(patch).some((field) => field !== "lastSyncedAtMs");
  sql.exec(
    `UPDATE connections SET label = ?, username = ?, external_username = ?, sealed = ?, last_synced_at_ms = ?,
       updated_at_ms = ? WHERE id = ?`,
    next.label,
    next.username,
    next.externalUsername,
    next.sealed,
    next.lastSyncedAtMs,
    isChange ? nowMs : found.updatedAtMs,
    id,
  );
  return true;
}

export function removeConnection(sql: SqlStorage, id: string): boolean {
  return sql.exec("DELETE FROM connections WHERE id = ? RETURNING id", id).toArray().length > 0;
}

function readRows(sql: SqlStorage, rest: string, ...values: SqlStorageValue[]): ConnectionRow[] {
  return sql.exec<ConnectionRow>(`SELECT * FROM connections ${rest}`, ...values).toArray();
}

function toRecord(row: ConnectionRow): ConnectionRecord {
  return {
    id: row.id,
    provider: row.provider as Provider, // written by `insertConnection`
    label: row.label,
    baseUrl: row.base_url,
    username: row.username,
    externalUsername: row.external_username,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
    lastSyncedAtMs: row.last_synced_at_ms,
  };
}
