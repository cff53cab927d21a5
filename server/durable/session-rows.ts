import type { Oid } from "../git/hash/oid.ts";
import { compareRefNames } from "../git/object/ref-name.ts";
import type { GitObject } from "../git/ports.ts";
import type { OverlayRef } from "../stores/overlay-refs.ts";
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

/** What one transaction has written so far: it becomes rows at its end. */
interface Draft {
  readonly refs: Map<string, OverlayRef>;
  readonly objects: Map<Oid, GitObject>;
  atMs: number;
}

/**
 * What a session holds of its `n`-th repository, in SQLite. A commit is one row: where its refs are lies beside its
 * objects. Only moves that bring no objects are rows of `refs`; of two entries of one ref the one with more moves counts.
 */
export function createSqlSessionRows(storage: DurableObjectStorage, n: number): SessionRows {
  const { sql } = storage;
  const table = createHotRows(sql, n);
  const hot = createHotTable(sql, table);
  const receipts = createReceiptTable(sql);
  let moved: Map<string, OverlayRef> | null = null;
  let draft: Draft | null = null;
  const known = () => {
    moved ??= loadRefs(sql, { table, n });
    return moved;
  };
  const write = ({ refs, objects, atMs }: Draft) => {
    const entries = [...refs.values()];
    const rows = objects.size > 0 ? hot.put([...objects.values()], atMs, formatRefs(entries)) : 0;
    if (rows === 0) for (const ref of entries) putRef(sql, n, ref);
    for (const ref of entries) known().set(ref.name, ref);
  };
  return {
    hot: {
      ...hot,
      put(objects, atMs) {
        if (!draft) return void hot.put(objects, atMs);
        for (const object of objects) draft.objects.set(object.oid, object);
        draft.atMs = atMs;
      },
    },
    refs: {
      find: (name) => draft?.refs.get(name) ?? known().get(name) ?? null,
      list: () =>
        [...new Map([...known(), ...(draft?.refs ?? [])]).values()].sort((a, b) =>
          compareRefNames(a.name, b.name),
        ),
      put(ref) {
        if (draft) draft.refs.set(ref.name, ref);
        else write({ refs: new Map([[ref.name, ref]]), objects: new Map(), atMs: 0 });
      },
      clear() {
        sql.exec("DELETE FROM refs WHERE repo = ?", n);
        known().clear();
      },
    },
    receipts: {
      find: (key) => receipts.find(`${n} ${key}`),
      put: (key, receipt) => receipts.put(`${n} ${key}`, receipt),
    },
    atomically(change) {
      try {
        const result = storage.transactionSync(() => {
          draft = { refs: new Map(), objects: new Map(), atMs: 0 };
          const made = change();
          write(draft);
          return made;
        });
        hot.settle();
        return result;
      } catch (error) {
        hot.forget();
        moved = null;
        throw error;
      } finally {
        draft = null;
      }
    },
  };
}

function loadRefs(
  sql: SqlStorage,
  { table, n }: { readonly table: string; readonly n: number },
): Map<string, OverlayRef> {
  const rows = sql.exec<RefRow>("SELECT * FROM refs WHERE repo = ?", n).toArray();
  const beside = sql.exec<{ refs: string }>(`SELECT refs FROM ${table} WHERE refs IS NOT NULL`).toArray();
  const moved = new Map<string, OverlayRef>();
  for (const row of [...rows, ...beside.flatMap(({ refs }) => JSON.parse(refs) as RefRow[])]) {
    if (row.moves > (moved.get(row.name)?.moves ?? 0)) moved.set(row.name, toRef(row));
  }
  return moved;
}

function putRef(sql: SqlStorage, n: number, { name, base, oid, peeled, moves }: OverlayRef): void {
  sql.exec(
    `INSERT INTO refs (repo, name, base, oid, peeled, moves) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (repo, name)
     DO UPDATE SET base = excluded.base, oid = excluded.oid, peeled = excluded.peeled, moves = excluded.moves`,
    n,
    name,
    base,
    oid,
    peeled,
    moves,
  );
}

/** null: none. */
function formatRefs(refs: readonly OverlayRef[]): string | null {
  return refs.length === 0
    ? null
    : JSON.stringify(refs.map(({ name, base, oid, peeled, moves }) => ({ name, base, oid, peeled, moves })));
}

// Ids in these tables were checked when they came in.
function toRef({ name, base, oid, peeled, moves }: RefRow): OverlayRef {
  return { name, base: base as Oid | null, oid: oid as Oid | null, peeled: peeled as Oid | null, moves };
}
