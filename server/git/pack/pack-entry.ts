/**
 * Header of one pack entry. First byte: more bit, three bits type, four low bits of the inflated size; then seven size
 * bits a byte, low ones first. A delta names its base after that: type 6 by the distance back to the base's entry
 * (big-endian base 128, each continuation adding one), type 7 by its 20-byte id. Source: gitformat-pack(5).
 */
import { GitError } from "../errors.ts";

/** Entry types of deltas; those of whole objects are in `PACK_TYPE`. */
export const OFS_DELTA = 6;
export const REF_DELTA = 7;

/** Eight size bytes hold 2^53; then at most a base id. */
export const MAX_ENTRY_HEADER_BYTES = 28;
const MAX_SIZE_BYTES = 8;

export interface EntryHeader {
  /** 1-4 as in `PACK_TYPE`, {@link OFS_DELTA} or {@link REF_DELTA}. */
  readonly packType: number;
  /** Inflated bytes that follow: the object's, or the delta's. */
  readonly size: number;
  /** Bytes of the header, base included. */
  readonly length: number;
  /** Of an ofs-delta: how far before this entry its base starts; otherwise 0. */
  readonly distance: number;
}

/**
 * Decodes the header at `start`. The base id of a ref-delta is the last 20 bytes of the header.
 * @throws GitError corrupt-pack for a cut-off header, an unused type number or sizes beyond 2^53
 */
export function decodeEntryHeader(bytes: Uint8Array, start = 0): EntryHeader {
  let at = start;
  let byte = readByte(bytes, at++);
  const packType = (byte >> 4) & 7;
  let size = byte & 15;
  let scale = 16;
  while (byte >= 0x80) {
    if (at - start === MAX_SIZE_BYTES) throw corrupt("size of a pack entry is beyond 2^53");
    byte = readByte(bytes, at++);
    size += (byte & 0x7f) * scale;
    scale *= 128;
  }
  if (size > Number.MAX_SAFE_INTEGER) throw corrupt("size of a pack entry is beyond 2^53");
  if (packType === 0 || packType === 5) throw corrupt(`pack entry of unused type ${packType}`);
  let distance = 0;
  if (packType === OFS_DELTA) {
    const sizeEnd = at;
    byte = readByte(bytes, at++);
    distance = byte & 0x7f;
    while (byte >= 0x80) {
      if (at - sizeEnd === MAX_SIZE_BYTES) throw corrupt("distance of a delta base is beyond 2^53");
      byte = readByte(bytes, at++);
      distance = (distance + 1) * 128 + (byte & 0x7f);
    }
    if (distance === 0 || distance > Number.MAX_SAFE_INTEGER) throw corrupt("bad distance of a delta base");
  } else if (packType === REF_DELTA) {
    at += 20;
    if (at > bytes.length) throw corrupt("pack entry header is cut off");
  }
  return { packType, size, length: at - start, distance };
}

/** What an entry header says of a delta's base. */
export type DeltaBase = { readonly distance: number } | { readonly oid: Uint8Array };

/**
 * Encodes a header: of a whole object (`packType` 1-4) without a base, of a delta with one (the type follows from it).
 */
export function encodeEntryHeader(packType: number, size: number, base?: DeltaBase): Uint8Array {
  const bytes = new Uint8Array(MAX_ENTRY_HEADER_BYTES);
  const type = base === undefined ? packType : "oid" in base ? REF_DELTA : OFS_DELTA;
  let at = 0;
  let rest = Math.floor(size / 16);
  bytes[at++] = (rest > 0 ? 0x80 : 0) | (type << 4) | (size & 15);
  while (rest > 0) {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes[at++] = (rest > 0 ? 0x80 : 0) | low;
  }
  if (base !== undefined) {
    const tail = "oid" in base ? base.oid : encodeDistance(base.distance);
    bytes.set(tail, at);
    at += tail.length;
  }
  return bytes.subarray(0, at);
}

function encodeDistance(distance: number): Uint8Array {
  const bytes = [distance % 128];
  let rest = Math.floor(distance / 128);
  while (rest > 0) {
    rest -= 1;
    bytes.unshift(0x80 | (rest % 128));
    rest = Math.floor(rest / 128);
  }
  return Uint8Array.from(bytes);
}

function readByte(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw corrupt("pack entry header is cut off");
  return byte;
}

function corrupt(message: string): GitError {
  return new GitError("corrupt-pack", message);
}
