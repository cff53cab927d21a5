/**
 * Pack index, version 2: magic, version, fanout of 256 counts, ids in order, CRC-32 of each entry, 31-bit offsets
 * (high bit: number of a row in the table of 64-bit offsets that follows), checksum of the pack, SHA-1 of all before.
 * Big-endian. Source: gitformat-pack(5), "Version 2 pack-*.idx files".
 */
import { equalBytes } from "../bytes/bytes.ts";
import { GitError } from "../errors.ts";
import { type Oid, oidFromBytes, writeOidBytes } from "../hash/oid.ts";
import { sha1 } from "../hash/sha1.ts";
import { compareOidBytes, sortOids } from "./oid-table.ts";

const MAGIC = 0xff744f63;
const HEADER_BYTES = 8;
const FANOUT_BYTES = 1024;
const OIDS_AT = HEADER_BYTES + FANOUT_BYTES;
const ROW_BYTES = 28;
const TRAILER_BYTES = 40;
const LARGE = 0x80000000;

/** Entries in any order, column by column. */
export interface PackIndexEntries {
  readonly count: number;
  /** 20 bytes an entry; ids are distinct. */
  readonly oids: Uint8Array;
  readonly crcs: Uint32Array;
  readonly offsets: Float64Array;
}

export interface PackIndexOptions {
  /** `sortOids` of the ids, when the caller has it already. */
  readonly order?: Uint32Array;
  /** Offsets above this go into the 64-bit table (`git index-pack --index-version=2,<limit>`). */
  readonly offset32Limit?: number;
}

/** Bytes of the `.idx` for `entries`; the same as `git index-pack` writes. */
export function encodePackIndex(
  entries: PackIndexEntries,
  packChecksum: Uint8Array,
  options: PackIndexOptions = {},
): Uint8Array {
  const { count } = entries;
  const order = options.order ?? sortOids(entries.oids, count);
  const limit = Math.min(options.offset32Limit ?? LARGE - 1, LARGE - 1);
  const large: number[] = [];
  for (const from of order) {
    const offset = entries.offsets[from] as number;
    if (offset > limit) large.push(offset);
  }
  const bytes = new Uint8Array(OIDS_AT + count * ROW_BYTES + large.length * 8 + TRAILER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC);
  view.setUint32(4, 2);
  writeFanout(view, entries.oids, order);
  const crcsAt = OIDS_AT + count * 20;
  const offsetsAt = crcsAt + count * 4;
  let largeRows = 0;
  for (let to = 0; to < count; to++) {
    const from = order[to] as number;
    const offset = entries.offsets[from] as number;
    bytes.set(entries.oids.subarray(from * 20, from * 20 + 20), OIDS_AT + to * 20);
    view.setUint32(crcsAt + to * 4, entries.crcs[from] as number);
    view.setUint32(offsetsAt + to * 4, offset > limit ? LARGE + largeRows++ : offset);
  }
  const largeAt = offsetsAt + count * 4;
  large.forEach((offset, row) => {
    view.setUint32(largeAt + row * 8, Math.floor(offset / 2 ** 32));
    view.setUint32(largeAt + row * 8 + 4, offset % 2 ** 32);
  });
  const end = largeAt + large.length * 8;
  bytes.set(packChecksum, end);
  bytes.set(sha1(bytes.subarray(0, end + 20)), end + 20);
  return bytes;
}

function writeFanout(view: DataView, oids: Uint8Array, order: Uint32Array): void {
  let next = 0;
  for (let first = 0; first < 256; first++) {
    while (next < order.length && oids[(order[next] as number) * 20] === first) next++;
    view.setUint32(HEADER_BYTES + first * 4, next);
  }
}

/** An open `.idx`. A position is an object's place in id order. */
export interface PackIndex {
  readonly count: number;
  /** The 20 bytes at the end of the pack that this index is of. */
  readonly packChecksum: Uint8Array;
  /** Position of an object, or -1. */
  findPosition(oid: Oid): number;
  /** Position of the object whose 20 id bytes are at `at`, or -1. */
  findPositionOf(bytes: Uint8Array, at: number): number;
  oidAt(position: number): Oid;
  /** The raw ids, 20 bytes a position. */
  readonly oids: Uint8Array;
  /** Where the object's entry starts in the pack. @throws GitError corrupt-index for a row outside the 64-bit table */
  offsetAt(position: number): number;
  crcAt(position: number): number;
  /** Where the entry after the one at `offset` starts; -1 when it is the last, which the pack's trailer follows. */
  nextOffset(offset: number): number;
  /** Position of the object whose entry starts exactly at `offset`, or -1. */
  findPositionAtOffset(offset: number): number;
  /** Positions in pack order. Do not write to it. */
  packOrder(): Uint32Array;
}

/** Opens a whole `.idx`; a view of `bytes`, nothing is made per object. @throws GitError corrupt-index */
export function openPackIndex(bytes: Uint8Array): PackIndex {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = checkLayout(bytes, view);
  const oids = bytes.subarray(OIDS_AT, OIDS_AT + count * 20);
  for (let i = 1; i < count; i++) {
    if (compareOidBytes(oids, (i - 1) * 20, oids, i * 20) >= 0) throw corrupt("ids are not in order");
  }
  checkFanout(view, oids, count);
  const crcsAt = OIDS_AT + count * 20;
  const offsetsAt = crcsAt + count * 4;
  const largeAt = offsetsAt + count * 4;
  let order: Uint32Array | null = null;

  function offsetAt(position: number): number {
    const offset = view.getUint32(offsetsAt + position * 4);
    return offset < LARGE ? offset : readWideOffset(bytes, view, largeAt + (offset - LARGE) * 8);
  }

  function packOrder(): Uint32Array {
    order ??= sortByOffset(count, offsetAt);
    return order;
  }

  /** Place in pack order of the first entry that starts at `offset` or later. */
  function placeOf(offset: number): number {
    const places = packOrder();
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (offsetAt(places[middle] as number) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function findPositionOf(id: Uint8Array, at: number): number {
    const first = id[at] as number;
    let low = first === 0 ? 0 : view.getUint32(HEADER_BYTES + (first - 1) * 4);
    let high = view.getUint32(HEADER_BYTES + first * 4);
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = compareOidBytes(oids, middle * 20, id, at);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return -1;
  }

  const wanted = new Uint8Array(20); // one for all look-ups: findPosition makes nothing
  return {
    count,
    packChecksum: bytes.subarray(bytes.length - TRAILER_BYTES, bytes.length - 20),
    oids,
    findPosition(oid) {
      writeOidBytes(oid, wanted);
      return findPositionOf(wanted, 0);
    },
    findPositionOf,
    oidAt: (position) => oidFromBytes(oids, position * 20),
    offsetAt,
    crcAt: (position) => view.getUint32(crcsAt + position * 4),
    nextOffset(offset) {
      const place = placeOf(offset + 1);
      return place === count ? -1 : offsetAt(packOrder()[place] as number);
    },
    findPositionAtOffset(offset) {
      const place = placeOf(offset);
      if (place === count) return -1;
      const position = packOrder()[place] as number;
      return offsetAt(position) === offset ? position : -1;
    },
    packOrder,
  };
}

/** A row of the 64-bit table. */
function readWideOffset(bytes: Uint8Array, view: DataView, at: number): number {
  if (at + 8 > bytes.length - TRAILER_BYTES) throw corrupt("offset is outside the 64-bit table");
  const wide = view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
  if (!Number.isSafeInteger(wide)) throw corrupt("offset is beyond 2^53");
  return wide;
}

/** Checks all but the fanout; returns the number of objects. */
function checkLayout(bytes: Uint8Array, view: DataView): number {
  if (bytes.length < OIDS_AT + TRAILER_BYTES) throw corrupt("file is cut off");
  if (view.getUint32(0) !== MAGIC || view.getUint32(4) !== 2) throw corrupt("not a version 2 pack index");
  const count = view.getUint32(OIDS_AT - 4);
  const large = bytes.length - (OIDS_AT + count * ROW_BYTES + TRAILER_BYTES);
  if (large < 0 || large % 8 !== 0 || large / 8 > count) throw corrupt("size does not fit the object count");
  const body = bytes.subarray(0, bytes.length - 20);
  if (!equalBytes(sha1(body), bytes.subarray(bytes.length - 20))) throw corrupt("checksum does not match");
  return count;
}

/** With ids in order, a fanout is right exactly when each id's first byte lies in its slice. */
function checkFanout(view: DataView, oids: Uint8Array, count: number): void {
  let from = 0;
  for (let first = 0; first < 256; first++) {
    const to = view.getUint32(HEADER_BYTES + first * 4);
    if (to < from || to > count) throw corrupt("fanout is not monotone");
    if (to > from && (oids[from * 20] !== first || oids[(to - 1) * 20] !== first)) {
      throw corrupt("fanout does not fit the ids");
    }
    from = to;
  }
}

function sortByOffset(count: number, offsetAt: (position: number) => number): Uint32Array {
  const offsets = new Float64Array(count);
  for (let position = 0; position < count; position++) offsets[position] = offsetAt(position);
  const order = new Uint32Array(count);
  if (offsets.every((offset) => offset < 2 ** 32)) {
    const keys = new BigUint64Array(count);
    const halves = new Uint32Array(keys.buffer); // little-endian: low half first
    for (let position = 0; position < count; position++) {
      halves[2 * position] = position;
      halves[2 * position + 1] = offsets[position] as number;
    }
    keys.sort();
    for (let place = 0; place < count; place++) order[place] = halves[2 * place] as number;
    return order;
  }
  for (let position = 0; position < count; position++) order[position] = position;
  return order.sort((a, b) => (offsets[a] as number) - (offsets[b] as number));
}

function corrupt(message: string): GitError {
  return new GitError("corrupt-index", `pack index: ${message}`);
}
