import type { RefTransaction, RefUpdateResult } from "../git/ports.ts";
import { RECEIPT_MAX_AGE_MS, type RepoTables } from "./repo-tables.ts";

/** The first result of a transaction that is repeated under its key; null when it is not. */
export function findRefReceipt(
  tables: RepoTables,
  transaction: RefTransaction,
  nowMs: number,
): RefUpdateResult | null {
  const { idempotency, updates } = transaction;
  const stored = idempotency ? tables.receipts.find(idempotency.key) : null;
  if (!idempotency || !stored || nowMs - stored.atMs > RECEIPT_MAX_AGE_MS) return null;
  const { receipt, fingerprint } = stored;
  if ("ref" in receipt && fingerprint === idempotency.fingerprint) {
    return { kind: "moved", name: receipt.ref, previous: null, replayed: receipt.oid };
  }
  const name = updates[0]?.name ?? "";
  return { kind: "rejected", name, reason: "idempotency-mismatch", current: null };
}

/** Call it in the transaction that moves the ref. */
export function putRefReceipt(tables: RepoTables, transaction: RefTransaction, atMs: number): void {
  const { idempotency, updates } = transaction;
  const [update] = updates;
  if (!idempotency || !update?.next) return;
  const { key, fingerprint } = idempotency;
  tables.receipts.put(key, { fingerprint, receipt: { ref: update.name, oid: update.next }, atMs });
}
