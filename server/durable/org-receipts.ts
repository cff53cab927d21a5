import { LIMITS } from "../../sdk/contract/limits.ts";
import type { Idempotency, RepoCreation, RepoRecord } from "../ports/org.ts";

const LIFE_MS = LIMITS.idempotencyHours * 3_600_000;

type ReceiptRow = { readonly fingerprint: string; readonly repo: string };

/** What an earlier request with this Idempotency-Key came to; null when there was none in the last 24 hours. */
export function findReceipt(sql: SqlStorage, idempotency: Idempotency, nowMs: number): RepoCreation | null {
  const row = sql
    .exec<ReceiptRow>(
      "SELECT fingerprint, repo FROM receipts WHERE scope = ? AND key = ? AND at_ms > ?",
      idempotency.scope,
      idempotency.key,
      nowMs - LIFE_MS,
    )
    .toArray()[0];
  if (!row) return null;
  if (row.fingerprint !== idempotency.fingerprint) return { kind: "idempotency-mismatch" };
  // Written by keepReceipt, from a RepoRecord.
  return { kind: "created", repo: JSON.parse(row.repo) as RepoRecord, replayed: true };
}

/** Remembers the result, and forgets those that are too old to be asked for. */
export function keepReceipt(
  sql: SqlStorage,
  idempotency: Idempotency,
  repo: RepoRecord,
  nowMs: number,
): void {
  sql.exec("DELETE FROM receipts WHERE at_ms <= ?", nowMs - LIFE_MS);
  sql.exec(
    "INSERT INTO receipts (scope, key, fingerprint, repo, at_ms) VALUES (?, ?, ?, ?, ?)",
    idempotency.scope,
    idempotency.key,
    idempotency.fingerprint,
    JSON.stringify(repo),
    nowMs,
  );
}
