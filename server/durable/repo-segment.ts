/**
 * Hot objects as rows: one write makes one row (or few), not one per object. A row's data is the contents one after
 * the other, uncompressed; its idx has 29 bytes an object: id (20), pack type (1), offset (4), size (4), big endian.
 * An object larger than a row starts a row of its own and goes on in the rows after it, whose idx is empty.
 */
import { GitError } from "../git/errors.ts";
import { findObjectType, type ObjectType, PACK_TYPE } from "../git/hash/object-type.ts";
import { type Oid, oidFromBytes, writeOidBytes } from "../git/hash/oid.ts";
import type { GitObject } from "../git/ports.ts";

/** SQLite rows in a Durable Object end at 2 MB. */
export const ROW_BYTES_MAX = 1_900_000;
const ENTRY_BYTES = 29;

export interface SegmentRow {
  readonly idx: Uint8Array;
  readonly data: Uint8Array;
}

export interface SegmentEntry {
  readonly oid: Oid;
  readonly type: ObjectType;
  /** In the data of its row. */
  readonly offset: number;
  readonly size: number;
}

/** Lays objects out in rows of at most {@link ROW_BYTES_MAX} bytes, in order. */
export function encodeSegment(objects: readonly GitObject[]): SegmentRow[] {
  const rows: SegmentRow[] = [];
  let group: GitObject[] = [];
  let bytes = 0;
  const endRow = () => {
    if (group.length > 0) rows.push(...splitRow(group));
    group = [];
    bytes = 0;
  };
  for (const object of objects) {
    const cost = object.data.length + ENTRY_BYTES;
    if (bytes + cost > ROW_BYTES_MAX) endRow();
    group.push(object);
    bytes += cost;
  }
  endRow();
  return rows;
}

/** Rows that one object of `size` bytes takes when it starts a row. */
export function countRows(size: number): number {
  return Math.max(1, Math.ceil((size + ENTRY_BYTES) / ROW_BYTES_MAX));
}

function splitRow(group: readonly GitObject[]): SegmentRow[] {
  const idx = new Uint8Array(group.length * ENTRY_BYTES);
  const view = new DataView(idx.buffer);
  const data = new Uint8Array(group.reduce((sum, object) => sum + object.data.length, 0));
  let offset = 0;
  group.forEach((object, i) => {
    const at = i * ENTRY_BYTES;
    writeOidBytes(object.oid, idx, at);
    view.setUint8(at + 20, PACK_TYPE[object.type]);
    view.setUint32(at + 21, offset);
    view.setUint32(at + 25, object.data.length);
    data.set(object.data, offset);
    offset += object.data.length;
  });
  const first = ROW_BYTES_MAX - idx.length;
  const rows: SegmentRow[] = [{ idx, data: data.subarray(0, first) }];
  for (let at = first; at < data.length; at += ROW_BYTES_MAX) {
    rows.push({ idx: new Uint8Array(0), data: data.subarray(at, at + ROW_BYTES_MAX) });
  }
  return rows;
}

/** @throws GitError corrupt-index */
export function decodeSegmentIndex(idx: Uint8Array): SegmentEntry[] {
  if (idx.length % ENTRY_BYTES !== 0) throw new GitError("corrupt-index", "segment index is cut off");
  const view = new DataView(idx.buffer, idx.byteOffset, idx.length);
  const entries: SegmentEntry[] = [];
  for (let at = 0; at < idx.length; at += ENTRY_BYTES) {
    const type = findObjectType(view.getUint8(at + 20));
    if (type === null) throw new GitError("corrupt-index", "segment index names an unknown type", { at });
    entries.push({
      oid: oidFromBytes(idx, at),
      type,
      offset: view.getUint32(at + 21),
      size: view.getUint32(at + 25),
    });
  }
  return entries;
}
