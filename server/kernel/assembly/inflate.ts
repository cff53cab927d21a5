/** One zlib stream (RFC 1950, 1951) from the input to the output. */
import { fillCodes, findCode } from "./codes";
import {
  CODE_LENGTHS,
  DISTANCE_BASE,
  DISTANCE_EXTRA,
  DISTANCES,
  FIXED_DISTANCES,
  FIXED_LITERALS,
  LENGTH_BASE,
  LENGTH_EXTRA,
  LENGTH_ORDER,
  LENGTHS,
  LITERALS,
  OUTPUT,
} from "./memory";

/** The stream that is being read: one at a time. `hold` has `count` bits that are read and not used. */
let at: usize = 0;
let end: usize = 0;
let hold: u64 = 0;
let count: u32 = 0;
/** Where output goes next, and where it has to end. */
let to: usize = 0;
let outputEnd: usize = 0;

/**
 * Inflates the stream at `from`, which ends before `limit`, to exactly `size` bytes.
 * @returns how many bytes the stream has; -1 when it is not one, ends elsewhere, or uses something rare
 */
export function inflateStream(from: usize, limit: usize, size: u32): i32 {
  const method = <u32>load<u8>(from);
  const flags = <u32>load<u8>(from + 1);
  if ((method & 0x8f) !== 8 || ((method << 8) | flags) % 31 !== 0 || (flags & 0x20) !== 0) return -1;
  at = from + 2;
  end = limit;
  hold = 0;
  count = 0;
  to = OUTPUT;
  outputEnd = OUTPUT + size;
  if (!readBlocks() || to !== outputEnd) return -1;
  const trailer = at - (count >> 3);
  if (trailer + 4 > limit || bswap<u32>(load<u32>(trailer)) !== sumAdler(OUTPUT, outputEnd)) return -1;
  return <i32>(trailer + 4 - from);
}

/** At least 56 bits from here on; past the end of the input they are rubbish, which the trailer's place gives away. */
function refill(): void {
  hold |= load<u64>(at) << count;
  at += (63 - count) >> 3;
  count |= 56;
}

function take(bits: u32): u32 {
  refill();
  const taken = <u32>(hold & (((<u64>1) << bits) - 1));
  hold >>= bits;
  count -= bits;
  return taken;
}

function readBlocks(): bool {
  while (true) {
    if (at - (count >> 3) > end) return false;
    const header = take(3);
    const type = header >> 1;
    if (type === 0) {
      if (!readStored()) return false;
    } else if (type === 1) {
      if (!decodeSymbols(FIXED_LITERALS, FIXED_DISTANCES)) return false;
    } else if (type === 3 || !readCodes() || !decodeSymbols(LITERALS, DISTANCES)) return false;
    if ((header & 1) === 1) return true;
  }
}

function readStored(): bool {
  const from = at - (count >> 3) + 4;
  hold = 0;
  count = 0;
  if (from > end) return false;
  const length = <u32>load<u16>(from - 4);
  const check = <u32>load<u16>(from - 2);
  if (length !== (~check & 0xffff) || from + length > end || to + length > outputEnd) return false;
  memory.copy(to, from, length);
  to += length;
  at = from + length;
  return true;
}

/** The codes of a dynamic block, themselves Huffman coded. */
function readCodes(): bool {
  const literalCount = take(5) + 257;
  const distanceCount = take(5) + 1;
  const lengthCount = take(4) + 4;
  if (literalCount > 286 || distanceCount > 30) return false;
  memory.fill(LENGTHS, 0, 19);
  for (let i: u32 = 0; i < lengthCount; i++) store<u8>(LENGTHS + load<u8>(LENGTH_ORDER + i), <u8>take(3));
  if (!fillCodes(CODE_LENGTHS, LENGTHS, 19)) return false;
  const total = literalCount + distanceCount;
  for (let done: u32 = 0; done < total; ) {
    refill();
    const entry = findCode(CODE_LENGTHS, hold);
    if (entry === 0) return false;
    hold >>= entry & 15;
    count -= entry & 15;
    const symbol = entry >> 4;
    if (symbol < 16) {
      store<u8>(LENGTHS + done++, <u8>symbol);
      continue;
    }
    if (symbol === 16 && done === 0) return false;
    const value = symbol === 16 ? load<u8>(LENGTHS + done - 1) : 0;
    const times = symbol === 16 ? 3 + take(2) : symbol === 17 ? 3 + take(3) : 11 + take(7);
    if (done + times > total) return false;
    memory.fill(LENGTHS + done, value, times);
    done += times;
  }
  return (
    fillCodes(LITERALS, LENGTHS, literalCount) && fillCodes(DISTANCES, LENGTHS + literalCount, distanceCount)
  );
}

/** One block of literals and copies. A symbol, a distance and their extra bits are 48 bits at most: one refill. */
function decodeSymbols(literals: usize, distances: usize): bool {
  while (true) {
    refill();
    const entry = findCode(literals, hold);
    if (entry === 0) return false;
    hold >>= entry & 15;
    count -= entry & 15;
    const symbol = entry >> 4;
    if (symbol < 256) {
      if (to === outputEnd) return false;
      store<u8>(to++, <u8>symbol);
      continue;
    }
    if (symbol === 256) return true;
    if (symbol > 285 || !copyMatch(symbol - 257, distances)) return false;
  }
}

function copyMatch(symbol: u32, distances: usize): bool {
  const length = load<u16>(LENGTH_BASE + (symbol << 1)) + useExtra(load<u8>(LENGTH_EXTRA + symbol));
  const entry = findCode(distances, hold);
  if (entry === 0 || entry >> 4 > 29) return false;
  hold >>= entry & 15;
  count -= entry & 15;
  const kind = entry >> 4;
  const distance = load<u16>(DISTANCE_BASE + (kind << 1)) + useExtra(load<u8>(DISTANCE_EXTRA + kind));
  if (distance > <u32>(to - OUTPUT) || to + length > outputEnd) return false;
  // Byte by byte: a match may overlap what it makes.
  const stop = to + length;
  for (let from = to - distance; to < stop; from++, to++) store<u8>(to, load<u8>(from));
  return true;
}

/** Extra bits, which are there: see decodeSymbols. */
function useExtra(bits: u32): u32 {
  const extra = <u32>(hold & (((<u64>1) << bits) - 1));
  hold >>= bits;
  count -= bits;
  return extra;
}

/** Adler-32; sums as long as they stay within 32 bits. */
function sumAdler(from: usize, stop: usize): u32 {
  let low: u32 = 1;
  let high: u32 = 0;
  while (from < stop) {
    const run = min<usize>(from + 5552, stop);
    for (; from < run; from++) {
      low += load<u8>(from);
      high += low;
    }
    low %= 65521;
    high %= 65521;
  }
  return (high << 16) | low;
}
