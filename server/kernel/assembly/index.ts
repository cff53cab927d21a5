/**
 * The kernel for small objects, in AssemblyScript: inflate and SHA-1 over a fixed memory. server/git/bytes/kernel.ts
 * is its other side, and the plain code beside that does the same for those who have no WebAssembly.
 */
import { fillCodes } from "./codes";
import { digestSha1 } from "./digest";
import { inflateStream } from "./inflate";
import {
  DIGEST,
  DISTANCE_BASE,
  DISTANCE_EXTRA,
  FIXED_DISTANCES,
  FIXED_LITERALS,
  INPUT,
  LENGTH_BASE,
  LENGTH_EXTRA,
  LENGTH_ORDER,
  LENGTHS,
  OUTPUT,
} from "./memory";

export function inputAt(): usize {
  return INPUT;
}

export function outputAt(): usize {
  return OUTPUT;
}

export function digestAt(): usize {
  return DIGEST;
}

/** Makes the tables; call it once, first. */
export function prepare(): void {
  // Lengths 3 to 258 and distances 1 to 32,768 in steps that double (RFC 1951, 3.2.5).
  let base: u32 = 3;
  for (let symbol: u32 = 0; symbol < 28; symbol++) {
    const extra: u32 = symbol < 8 ? 0 : (symbol >> 2) - 1;
    store<u16>(LENGTH_BASE + (symbol << 1), <u16>base);
    store<u8>(LENGTH_EXTRA + symbol, <u8>extra);
    base += 1 << extra;
  }
  store<u16>(LENGTH_BASE + 56, 258);
  store<u8>(LENGTH_EXTRA + 28, 0);
  base = 1;
  for (let symbol: u32 = 0; symbol < 30; symbol++) {
    const extra: u32 = symbol < 4 ? 0 : (symbol >> 1) - 1;
    store<u16>(DISTANCE_BASE + (symbol << 1), <u16>base);
    store<u8>(DISTANCE_EXTRA + symbol, <u8>extra);
    base += 1 << extra;
  }
  // 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15
  store<u32>(LENGTH_ORDER, 0x00121110);
  for (let i: u32 = 0; i < 7; i++) {
    store<u8>(LENGTH_ORDER + 4 + i * 2, <u8>(8 + i));
    store<u8>(LENGTH_ORDER + 5 + i * 2, <u8>(7 - i));
  }
  store<u8>(LENGTH_ORDER + 18, 15);
  memory.fill(LENGTHS, 8, 144);
  memory.fill(LENGTHS + 144, 9, 112);
  memory.fill(LENGTHS + 256, 7, 24);
  memory.fill(LENGTHS + 280, 8, 8);
  fillCodes(FIXED_LITERALS, LENGTHS, 288);
  memory.fill(LENGTHS, 5, 32);
  fillCodes(FIXED_DISTANCES, LENGTHS, 32);
}

/**
 * Inflates the zlib stream at the start of an input of `length` bytes.
 * @returns its length; -1 when it is no stream of exactly `size` bytes, or one for the plain code to judge
 */
export function inflate(length: u32, size: u32): i32 {
  return inflateStream(INPUT, INPUT + length, size);
}

/** SHA-1 of the first `length` bytes of the input. */
export function sha1(length: u32): void {
  digestSha1(INPUT, length);
}
