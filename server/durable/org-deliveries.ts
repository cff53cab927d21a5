import { LIMITS } from "../../sdk/contract/limits.ts";
import type { AttemptOutcome, DeliveryDetails, DeliveryPage, DeliveryRecord } from "../ports/events.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** Deliveries of one webhook that one call deletes. */
const PRUNE_ROWS = 500;

type DeliveryRow = {
  readonly seq: number;
  readonly webhook: number;
  readonly log_id: number | null;
  readonly event: string;
  readonly state: DeliveryRecord["state"];
  readonly attempts: number;
  readonly due_ms: number | null;
  readonly created_at_ms: number;
  readonly last_at_ms: number | null;
  readonly status: number | null;
  readonly error: string | null;
  readonly duration_ms: number | null;
  readonly body: string | null;
  readonly response: string | null;
};

/** A delivery as its org's store knows it. */
export type StoredDelivery = DeliveryRow;

/** Whose delivery it is: its sequence number and its public id. */
export interface DeliveryOwner {
  readonly seq: number;
  readonly id: string;
}

/** Rows of deliveries. One that has not ended has `due_ms`: when a message must be sent for it, again or at all. */
export interface DeliveryTable {
  insert(
    webhook: number,
    of: { readonly logId: number | null; readonly event: string; readonly receipt?: string | null },
    nowMs: number,
  ): number;
  find(seq: number): StoredDelivery | null;
  findByReceipt(webhook: number, receipt: string): StoredDelivery | null;
  countPending(webhook: number): number;
  /** Those that are due, the earliest first. */
  listDue(webhook: number, nowMs: number, limit: number): readonly number[];
  nextDueMs(webhook: number): number | null;
  /** Somebody is at it: it is due again when the lease has run out. */
  lease(seq: number, untilMs: number): void;
  /** `nextMs`: when it is tried again; null: it has ended. */
  settle(seq: number, outcome: AttemptOutcome, nextMs: number | null, nowMs: number): void;
  /** All messages that were sent are lost; whether there were any. */
  releaseAll(nowMs: number): boolean;
  /** Makes it due now, whatever its state. */
  reopen(seq: number, receipt: string | null, nowMs: number): void;
  /** Ends all that have not ended. */
  giveUp(webhook: number, error: string): void;
  list(owner: DeliveryOwner, query: { readonly limit: number; readonly before?: number }): DeliveryPage;
  deleteOf(webhook: number): void;
  /** Deletes some of what has ended and is too old, or too much; whether more is left. */
  prune(webhook: number, nowMs: number): boolean;
  hasAny(): boolean;
}

export function createDeliveryTable(sql: SqlStorage): DeliveryTable {
  return {
    insert: (webhook, of, nowMs) =>
      sql
        .exec<{ seq: number }>(
          `INSERT INTO deliveries (webhook, log_id, event, state, due_ms, created_at_ms, receipt)
           VALUES (?, ?, ?, 'pending', ?, ?, ?) RETURNING seq`,
          webhook,
          of.logId,
          of.event,
          nowMs,
          nowMs,
          of.receipt ?? null,
        )
        .one().seq,
    find: (seq) => sql.exec<DeliveryRow>("SELECT * FROM deliveries WHERE seq = ?", seq).toArray()[0] ?? null,
    findByReceipt: (webhook, receipt) =>
      sql
        .exec<DeliveryRow>("SELECT * FROM deliveries WHERE webhook = ? AND receipt = ?", webhook, receipt)
        .toArray()[0] ?? null,
    countPending: (webhook) =>
      sql
        .exec<{ n: number }>(
          "SELECT count(*) AS n FROM deliveries WHERE webhook = ? AND due_ms IS NOT NULL",
          webhook,
        )
        .one().n,
    listDue: (webhook, nowMs, limit) =>
      sql
        .exec<{ seq: number }>(
          `SELECT seq FROM deliveries WHERE webhook = ? AND due_ms IS NOT NULL AND due_ms <= ?
           ORDER BY due_ms, seq LIMIT ?`,
          webhook,
          nowMs,
          limit,
        )
        .toArray()
        .map(({ seq }) => seq),
    nextDueMs: (webhook) =>
      sql
        .exec<{ at: number | null }>(
          "SELECT min(due_ms) AS at FROM deliveries WHERE webhook = ? AND due_ms IS NOT NULL",
          webhook,
        )
        .one().at,
    lease: (seq, untilMs) =>
      void sql.exec("UPDATE deliveries SET due_ms = ?, leased = 1 WHERE seq = ?", untilMs, seq),
    settle: (seq, outcome, nextMs, nowMs) =>
      void sql.exec(
        `UPDATE deliveries SET state = ?, attempts = attempts + 1, leased = 0, due_ms = ?, last_at_ms = ?, status = ?, error = ?,
           duration_ms = ?, body = coalesce(?, body), response = ? WHERE seq = ?`,
        nextMs !== null ? "pending" : outcome.error === null ? "delivered" : "failed",
        nextMs,
        nowMs,
        outcome.status,
        outcome.error,
        outcome.durationMs,
        outcome.body,
        outcome.response,
        seq,
      ),
    releaseAll: (nowMs) =>
      sql
        .exec(
          "UPDATE deliveries SET leased = 0, due_ms = ? WHERE leased = 1 AND due_ms IS NOT NULL RETURNING seq",
          nowMs,
        )
        .toArray().length > 0,
    reopen: (seq, receipt, nowMs) =>
      void sql.exec(
        `UPDATE deliveries SET state = 'pending', attempts = 0, leased = 0, due_ms = ?, receipt = coalesce(?, receipt) WHERE seq = ?`,
        nowMs,
        receipt,
        seq,
      ),
    giveUp: (webhook, error) =>
      void sql.exec(
        "UPDATE deliveries SET state = 'failed', due_ms = NULL, error = ? WHERE webhook = ? AND due_ms IS NOT NULL",
        error,
        webhook,
      ),
    list: (owner, query) => listDeliveryPage(sql, owner, query),
    deleteOf: (webhook) => void sql.exec("DELETE FROM deliveries WHERE webhook = ?", webhook),
    prune: (webhook, nowMs) => pruneDeliveries(sql, webhook, nowMs),
    hasAny: () => sql.exec("SELECT 1 FROM deliveries LIMIT 1").toArray().length > 0,
  };
}

function listDeliveryPage(
  sql: SqlStorage,
  owner: DeliveryOwner,
  { limit, before }: { readonly limit: number; readonly before?: number },
): DeliveryPage {
  const rows = sql
    .exec<DeliveryRow>(
      "SELECT * FROM deliveries WHERE webhook = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
      owner.seq,
      before ?? Number.MAX_SAFE_INTEGER,
      limit + 1,
    )
    .toArray();
  const page = rows.slice(0, limit);
  return {
    deliveries: page.map((row) => toDelivery(row, owner)),
    next: rows.length > page.length ? (page.at(-1)?.seq ?? null) : null,
  };
}

function pruneDeliveries(sql: SqlStorage, webhook: number, nowMs: number): boolean {
  const [beyond] = sql
    .exec<{ seq: number }>(
      "SELECT seq FROM deliveries WHERE webhook = ? ORDER BY seq DESC LIMIT 1 OFFSET ?",
      webhook,
      LIMITS.webhookDeliveries,
    )
    .toArray();
  const deleted = sql.exec(
    `DELETE FROM deliveries WHERE seq IN (SELECT seq FROM deliveries
       WHERE webhook = ? AND due_ms IS NULL AND (seq <= ? OR created_at_ms < ?) ORDER BY seq LIMIT ?) RETURNING seq`,
    webhook,
    beyond?.seq ?? 0,
    nowMs - LIMITS.webhookDeliveryDays * DAY_MS,
    PRUNE_ROWS,
  );
  return deleted.toArray().length === PRUNE_ROWS;
}

const DELIVERY_ID = /^dlv_([0-9A-Za-z]+)_(\d{1,15})$/;

/** `dlv_`, what sets the webhook's id apart, and a number: the same for every attempt, and nobody else's. */
export function formatDeliveryId(webhookId: string, seq: number): string {
  return `dlv_${webhookId.slice(webhookId.indexOf("_") + 1)}_${seq}`;
}

/** The number in a delivery's id; null when it is none of this webhook's. */
export function parseDeliveryId(webhookId: string, id: string): number | null {
  const seq = Number(DELIVERY_ID.exec(id)?.[2]);
  return formatDeliveryId(webhookId, seq) === id ? seq : null;
}

/** A delivery as lists show it. */
export function toDelivery(row: StoredDelivery, owner: DeliveryOwner): DeliveryRecord {
  return {
    id: formatDeliveryId(owner.id, row.seq),
    webhookId: owner.id,
    event: row.event,
    state: row.state,
    attempts: row.attempts,
    createdAtMs: row.created_at_ms,
    nextAtMs: row.due_ms,
    lastAtMs: row.last_at_ms,
    status: row.status,
    error: row.error,
    durationMs: row.duration_ms,
  };
}

/** A delivery with what was sent and answered. */
export function toDeliveryDetails(row: StoredDelivery, owner: DeliveryOwner): DeliveryDetails {
  return { ...toDelivery(row, owner), requestBody: row.body, responseBody: row.response };
}
