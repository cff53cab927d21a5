import type { Oid } from "../git/hash/oid.ts";
import type { RefTransaction, RefUpdate, RefUpdateResult } from "../git/ports.ts";
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
    const { ref, oid, previous = null, detail = {} } = receipt;
    return { kind: "moved", name: ref, previous, replayed: { oid, detail } };
  }
  const name = updates[0]?.name ?? "";
  return { kind: "rejected", name, reason: "idempotency-mismatch", current: null };
}

/** Call it in the transaction that moves the ref, with what came of its updates. */
export function putRefReceipt(
  tables: RepoTables,
  transaction: RefTransaction,
  { results, atMs }: { readonly results: ReadonlyMap<RefUpdate, RefUpdateResult>; readonly atMs: number },
): void {
  const { idempotency, updates } = transaction;
  if (!idempotency) return;
  const [update] = updates;
  const result = update && results.get(update);
  if (update && result?.kind !== "moved") return;
  const { key, fingerprint, detail = {} } = idempotency;
  const previous: Oid | null = result?.kind === "moved" ? result.previous : null;
  const receipt = { ref: update?.name ?? "", oid: update?.next ?? null, previous, detail };
  tables.receipts.put(key, { fingerprint, receipt, atMs });
}
