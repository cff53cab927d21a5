import type { Oid } from "../git/hash/oid.ts";
import type { OverlayRef, OverlayRows } from "../stores/overlay-refs.ts";
import type { SessionRows } from "../stores/session-rows.ts";
import { createHotTable } from "./repo-hot.ts";
import { createReceiptTable } from "./repo-receipts.ts";
import { createHotRows } from "./session-schema.ts";

type RefRow = {
  readonly name: string;
  readonly base: string | null;
  readonly oid: string | null;
  readonly peeled: string | null;
  readonly moves: number;
};

/** What a session holds of its `n`-th repository, in SQLite. */
export function createSqlSessionRows(storage: DurableObjectStorage, n: number): SessionRows {
  const { sql } = storage;
  const hot = createHotTable(sql, createHotRows(sql, n));
  const receipts = createReceiptTable(sql);
  return {
    hot,
    refs: createOverlayRows(sql, n),
    receipts: {
      find: (key) => receipts.find(`${n} ${key}`),
      put: (key, receipt) => receipts.put(`${n} ${key}`, receipt),
    },
    atomically(change) {
      try {
        const result = storage.transactionSync(change);
        hot.settle();
        return result;
      } catch (error) {
        hot.forget();
        throw error;
      }
    },
  };
}

function createOverlayRows(sql: SqlStorage, n: number): OverlayRows {
  return {
    find(name) {
      const row = sql.exec<RefRow>("SELECT * FROM refs WHERE repo = ? AND name = ?", n, name).toArray()[0];
      return row ? toRef(row) : null;
    },
    list: () => sql.exec<RefRow>("SELECT * FROM refs WHERE repo = ? ORDER BY name", n).toArray().map(toRef),
    put: ({ name, base, oid, peeled, moves }) =>
      void sql.exec(
        `INSERT INTO refs (repo, name, base, oid, peeled, moves) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (repo, name)
         DO UPDATE SET base = excluded.base, oid = excluded.oid, peeled = excluded.peeled, moves = excluded.moves`,
        n,
        name,
        base,
        oid,
        peeled,
        moves,
      ),
    clear: () => void sql.exec("DELETE FROM refs WHERE repo = ?", n),
  };
}

// Ids in these tables were checked when they came in.
function toRef({ name, base, oid, peeled, moves }: RefRow): OverlayRef {
  return { name, base: base as Oid | null, oid: oid as Oid | null, peeled: peeled as Oid | null, moves };
}
