import type { OverlayRows } from "./overlay-refs.ts";
import type { HotTable, ReceiptTable } from "./repo-tables.ts";

/** Where one repository's part of a session lies. */
export interface SessionRows {
  /** Runs `change` as one transaction: when it throws, nothing of it stays. */
  atomically<T>(change: () => T): T;
  readonly refs: OverlayRows;
  readonly hot: HotTable;
  readonly receipts: ReceiptTable;
}
