/**
 * Canonical Huffman codes (RFC 1951, 3.2.2). A table is 512 u16 by the next nine bits (symbol << 4 | length, 0 when the
 * code is longer), then 16 u16 how many codes there are of each length, then the symbols in order of their codes.
 */
import { OFFSETS } from "./memory";

const ROOT_BITS: u32 = 9;
const ROOT_SIZE: u32 = 512;
const MAX_BITS: u32 = 15;
const COUNTS: usize = 1024;
const SYMBOLS: usize = 1056;

/** Makes the table for `count` lengths of a byte each; false unless they use every code exactly once. */
export function fillCodes(table: usize, lengths: usize, count: u32): bool {
  const counts = table + COUNTS;
  memory.fill(counts, 0, 32);
  for (let i: u32 = 0; i < count; i++) {
    const at = counts + ((<usize>load<u8>(lengths + i)) << 1);
    store<u16>(at, load<u16>(at) + 1);
  }
  store<u16>(counts, 0);
  let left: i32 = 1;
  store<u16>(OFFSETS + 2, 0);
  for (let length: u32 = 1; length <= MAX_BITS; length++) {
    const here = <i32>load<u16>(counts + (length << 1));
    left = left * 2 - here;
    if (left < 0) return false;
    store<u16>(OFFSETS + ((length + 1) << 1), load<u16>(OFFSETS + (length << 1)) + <u16>here);
  }
  if (left > 0) return false;
  const symbols = table + SYMBOLS;
  for (let i: u32 = 0; i < count; i++) {
    const length = <usize>load<u8>(lengths + i);
    if (length === 0) continue;
    const at = OFFSETS + (length << 1);
    const offset = load<u16>(at);
    store<u16>(symbols + ((<usize>offset) << 1), <u16>i);
    store<u16>(at, offset + 1);
  }
  fillRoot(table);
  return true;
}

function fillRoot(table: usize): void {
  memory.fill(table, 0, ROOT_SIZE * 2);
  let code: u32 = 0;
  let next = table + SYMBOLS;
  for (let length: u32 = 1; length <= ROOT_BITS; length++) {
    const step: u32 = 1 << length;
    for (let i = <u32>load<u16>(table + COUNTS + (length << 1)); i > 0; i--) {
      const entry = <u16>(((<u32>load<u16>(next)) << 4) | length);
      next += 2;
      for (let slot = reverse(code++, length); slot < ROOT_SIZE; slot += step) {
        store<u16>(table + (slot << 1), entry);
      }
    }
    code <<= 1;
  }
}

function reverse(code: u32, length: u32): u32 {
  let reversed: u32 = 0;
  for (let bit: u32 = 0; bit < length; bit++) reversed |= ((code >> bit) & 1) << (length - 1 - bit);
  return reversed;
}

/** The code that the next bits begin with: symbol << 4 | length, or 0 when there is none. */
export function findCode(table: usize, bits: u64): u32 {
  const entry = <u32>load<u16>(table + ((<usize>bits & (ROOT_SIZE - 1)) << 1));
  return entry !== 0 ? entry : findLongCode(table, bits);
}

function findLongCode(table: usize, bits: u64): u32 {
  let code: i32 = 0;
  let first: i32 = 0;
  let index: i32 = 0;
  for (let length: u32 = 1; length <= MAX_BITS; length++) {
    code |= <i32>((bits >> (length - 1)) & 1);
    const count = <i32>load<u16>(table + COUNTS + (length << 1));
    if (code - count < first) {
      return ((<u32>load<u16>(table + SYMBOLS + ((<usize>(index + code - first)) << 1))) << 4) | length;
    }
    index += count;
    first = (first + count) << 1;
    code <<= 1;
  }
  return 0;
}
