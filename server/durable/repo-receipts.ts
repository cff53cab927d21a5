import type { ReceiptTable, StoredReceipt } from "../stores/repo-tables.ts";

type ReceiptRow = { fingerprint: string; receipt: string; at_ms: number };

/** First results by Idempotency-Key. */
export interface SqlReceiptTable extends ReceiptTable {
  deleteBefore(ms: number): void;
  oldestMs(): number | null;
}

export function createReceiptTable(sql: SqlStorage): SqlReceiptTable {
  return {
    find(key) {
      const row = sql
        .exec<ReceiptRow>("SELECT fingerprint, receipt, at_ms FROM receipts WHERE key = ?", key)
        .toArray()[0];
      if (!row) return null;
      // Written by `put` below.
      const receipt = JSON.parse(row.receipt) as StoredReceipt["receipt"];
      return { fingerprint: row.fingerprint, receipt, atMs: row.at_ms };
    },
    put: (key, { fingerprint, receipt, atMs }) =>
      void sql.exec(
        "INSERT OR REPLACE INTO receipts (key, fingerprint, receipt, at_ms) VALUES (?, ?, ?, ?)",
        key,
        fingerprint,
        JSON.stringify(receipt),
        atMs,
      ),
    // Ids grow with time: this ends at the first receipt that is young enough.
    deleteBefore(ms) {
      const kept = sql
        .exec<{ id: number }>("SELECT id FROM receipts WHERE at_ms >= ? ORDER BY id LIMIT 1", ms)
        .toArray()[0];
      if (kept) sql.exec("DELETE FROM receipts WHERE id < ?", kept.id);
      else sql.exec("DELETE FROM receipts");
    },
    oldestMs: () =>
      sql.exec<{ at_ms: number }>("SELECT at_ms FROM receipts ORDER BY id LIMIT 1").toArray()[0]?.at_ms ??
      null,
  };
}
