import { concatBytes } from "../git/bytes/bytes.ts";
import { GitError } from "../git/errors.ts";
import type { Oid } from "../git/hash/oid.ts";
import type { GitObject } from "../git/ports.ts";
import type { HotBatch, HotTable } from "../stores/repo-tables.ts";
import { countRows, decodeSegmentIndex, encodeSegment, type SegmentEntry } from "./repo-segment.ts";

/** A single hot object must fit a message between Durable Object and Worker (32 MiB). */
const OBJECT_BYTES_MAX = 24 * 1024 * 1024;
/** Above this share of a row's bytes, or more objects than this, the row is read whole. */
const WHOLE_ROW_OBJECTS = 4;

type HotRow = { id: number; at_ms: number; idx: ArrayBuffer; bytes: number };

interface Location extends SegmentEntry {
  readonly row: number;
}

/** Hot objects in SQLite. Where each lies is kept in memory, rebuilt from the rows' indexes on the first use. */
export interface SqlHotTable extends HotTable {
  /** When the oldest object came; null when there are none. */
  oldestMs(): number | null;
  /** Size of one object; null when it is not hot. */
  findSize(oid: Oid): number | null;
  /** Number of the first row; null when there is none. */
  firstRow(): number | null;
  /** Number of the last row ever written; everything so far is up to it. */
  lastRow(): number;
  /** What was written so far stays: the transaction is over. */
  settle(): void;
  /** As of {@link HotTable}; the number of rows that it took. `refs` lies in the first of them, where the table has room for it. */
  put(objects: readonly GitObject[], atMs: number, refs?: string | null): number;
  /** Forgets what is remembered, when something was written since it settled: after a rollback. */
  forget(): void;
}

/** Rows lie in the table `name`, which has the columns of `hot`. */
export function createHotTable(sql: SqlStorage, name = "hot"): SqlHotTable {
  let index: HotIndex | null = null;
  let touched = false;
  const known = (): HotIndex => {
    index ??= loadIndex(sql, name);
    return index;
  };
  return {
    count: () => known().locations.size,
    bytes: () => known().bytes,
    oldestMs: () => known().rows.values().next().value?.atMs ?? null,
    findSize: (oid) => known().locations.get(oid)?.size ?? null,
    firstRow: () => known().rows.keys().next().value ?? null,
    lastRow: () => known().lastRow,
    put(objects, atMs, refs = null) {
      const { locations } = known();
      const fresh = new Map<Oid, GitObject>();
      for (const object of objects) {
        if (object.data.length > OBJECT_BYTES_MAX) {
          throw new GitError("limit-exceeded", "the object is too large for the hot tier", {
            oid: object.oid,
            size: object.data.length,
            limit: OBJECT_BYTES_MAX,
          });
        }
        if (!locations.has(object.oid)) fresh.set(object.oid, object);
      }
      touched = true;
      let rows = 0;
      for (const { idx, data } of encodeSegment([...fresh.values()])) {
        const id = known().lastRow + 1;
        if (rows++ === 0 && refs !== null) {
          const columns = "id, at_ms, refs, idx, data";
          sql.exec(`INSERT INTO ${name} (${columns}) VALUES (?, ?, ?, ?, ?)`, id, atMs, refs, idx, data);
        } else {
          sql.exec(`INSERT INTO ${name} (id, at_ms, idx, data) VALUES (?, ?, ?, ?)`, id, atMs, idx, data);
        }
        addRow(known(), id, atMs, idx, data.length);
      }
      return rows;
    },
    read: (oids) => readObjects({ sql, name }, locate(known(), oids)),
    readHeaders: (oids) => new Map(locate(known(), oids).map(({ oid, type, size }) => [oid, { type, size }])),
    readOldest: (maxBytes, after = 0) => readOldest({ sql, name }, known(), { maxBytes, after }),
    deleteUpTo(end) {
      touched = true;
      sql.exec(`DELETE FROM ${name} WHERE id <= ?`, end);
      const { rows } = known();
      for (const [id, row] of rows) {
        if (id > end) break;
        for (const oid of row.oids) known().locations.delete(oid);
        known().bytes -= row.bytes;
        rows.delete(id);
      }
    },
    settle() {
      touched = false;
    },
    forget() {
      if (touched) index = null;
      touched = false;
    },
  };
}

interface HotRows {
  readonly sql: SqlStorage;
  readonly name: string;
}

interface HotIndex {
  readonly locations: Map<Oid, Location>;
  /** In the order of their ids. */
  readonly rows: Map<
    number,
    { readonly atMs: number; readonly bytes: number; readonly oids: readonly Oid[] }
  >;
  lastRow: number;
  bytes: number;
}

function loadIndex(sql: SqlStorage, name: string): HotIndex {
  const index: HotIndex = { locations: new Map(), rows: new Map(), lastRow: 0, bytes: 0 };
  for (const row of sql.exec<HotRow>(
    `SELECT id, at_ms, idx, length(data) AS bytes FROM ${name} ORDER BY id`,
  )) {
    addRow(index, row.id, row.at_ms, new Uint8Array(row.idx), row.bytes);
  }
  return index;
}

function addRow(index: HotIndex, id: number, atMs: number, idx: Uint8Array, bytes: number): void {
  const entries = decodeSegmentIndex(idx);
  for (const entry of entries) index.locations.set(entry.oid, { ...entry, row: id });
  index.rows.set(id, { atMs, bytes, oids: entries.map((entry) => entry.oid) });
  index.lastRow = id;
  index.bytes += bytes;
}

function locate(index: HotIndex, oids: readonly Oid[]): Location[] {
  return [...new Set(oids)].flatMap((oid) => index.locations.get(oid) ?? []);
}

function readObjects(rows: HotRows, locations: readonly Location[]): GitObject[] {
  const byRow = new Map<number, Location[]>();
  for (const location of locations) {
    const group = byRow.get(location.row);
    if (group) group.push(location);
    else byRow.set(location.row, [location]);
  }
  const objects: GitObject[] = [];
  for (const [row, group] of byRow) {
    if (group.length < WHOLE_ROW_OBJECTS) {
      for (const location of group) objects.push(toObject(location, readSlice(rows, location)));
      continue;
    }
    const data = readRows(rows, row, 1);
    for (const location of group) {
      // A copy of its own: the reply would otherwise carry the whole row once per object.
      objects.push(toObject(location, data.slice(location.offset, location.offset + location.size)));
    }
  }
  return objects;
}

function readSlice(hot: HotRows, { row, offset, size }: Location): Uint8Array {
  const rows = offset === 0 ? countRows(size) : 1;
  if (rows > 1) return readRows(hot, row, rows).subarray(0, size);
  const [found] = hot.sql
    .exec<{ data: ArrayBuffer }>(
      `SELECT substr(data, ?, ?) AS data FROM ${hot.name} WHERE id = ?`,
      offset + 1,
      size,
      row,
    )
    .toArray();
  if (!found) throw new GitError("corrupt-index", "hot row is missing", { row });
  return new Uint8Array(found.data);
}

function readRows({ sql, name }: HotRows, first: number, count: number): Uint8Array {
  const rows = sql
    .exec<{ data: ArrayBuffer }>(
      `SELECT data FROM ${name} WHERE id >= ? AND id < ? ORDER BY id`,
      first,
      first + count,
    )
    .toArray();
  if (rows.length !== count) throw new GitError("corrupt-index", "hot row is missing", { row: first });
  return concatBytes(rows.map((row) => new Uint8Array(row.data)));
}

function toObject({ oid, type, size }: Location, data: Uint8Array): GitObject {
  if (data.length !== size) throw new GitError("corrupt-object", "hot object is cut off", { oid });
  return { oid, type, data };
}

function readOldest(
  hot: HotRows,
  index: HotIndex,
  { maxBytes, after }: { readonly maxBytes: number; readonly after: number },
): HotBatch | null {
  const objects: GitObject[] = [];
  let bytes = 0;
  let end = 0;
  for (const [id, row] of index.rows) {
    if (id <= after) continue;
    // Rows without an index belong to the object before them.
    if (row.oids.length > 0 && bytes > 0 && bytes + row.bytes > maxBytes) break;
    objects.push(...readObjects(hot, locate(index, row.oids)));
    bytes += row.bytes;
    end = id;
  }
  return end > 0 ? { objects, end } : null;
}
