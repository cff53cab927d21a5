/** CRC-32 as in zlib and ISO 3309; a pack index keeps one per entry. */
import { nativeCrc32 } from "./zlib.ts";

/** A constant of this module, so that its check holds inside the function below. */
const native = nativeCrc32;

/** CRC-32 of `bytes`; `seed` is the CRC of what came before, so that pieces can be chained. */
export const crc32: (bytes: Uint8Array, seed?: number) => number = native
  ? (bytes, seed = 0) => native(bytes, seed)
  : crc32ByTable;

let table: Uint32Array | null = null;

/** The portable form of {@link crc32}; exported so that a test can hold it against the native one. */
export function crc32ByTable(bytes: Uint8Array, seed = 0): number {
  table ??= makeTable();
  let crc = ~seed;
  for (let i = 0; i < bytes.length; i++) {
    crc = (table[(crc ^ (bytes[i] as number)) & 0xff] as number) ^ (crc >>> 8);
  }
  return ~crc >>> 0;
}

function makeTable(): Uint32Array {
  const made = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    made[byte] = crc;
  }
  return made;
}
