/**
 * Inflate for small objects. A call into node:zlib takes some 15 µs in workerd whatever the size, and leaves a native
 * stream to collect; most objects of a repository are some hundred bytes. Taking in a pack of 28,800 objects costs
 * workerd 1.5 s of CPU through node:zlib and 0.45 s this way. It never judges: what it cannot read it leaves to zlib,
 * which says why.
 *
 * Formats: RFC 1950 (zlib: two bytes of header, Adler-32 at the end) and RFC 1951 (deflate).
 */
import { type Codes, createCodes, fillCodes, findLongCode, ROOT_MASK } from "./huffman-codes.ts";

export interface SmallInflated {
  readonly data: Uint8Array;
  readonly consumed: number;
}

const END_OF_BLOCK = 256;
/** So many bits are there before each symbol: enough for a length code and its extra bits. */
const LOW_WATER = 23;

/** The stream that is being read; one at a time, since nothing here waits. */
interface BitState {
  input: Uint8Array;
  at: number;
  bits: number;
  count: number;
  output: Uint8Array;
  to: number;
}

const LENGTH_BASE = Uint16Array.of(
  ...[
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
  ],
  ...[227, 258],
);
const LENGTH_EXTRA = Uint8Array.of(
  ...[0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0],
);
const DISTANCE_BASE = Uint16Array.of(
  ...[
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073,
    4097,
  ],
  ...[6145, 8193, 12289, 16385, 24577],
);
const DISTANCE_EXTRA = Uint8Array.of(
  ...[0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13],
);
const CODE_LENGTH_ORDER = Uint8Array.of(16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15);

const fixedLiterals = createCodes(288);
const fixedDistances = createCodes(30);
const literals = createCodes(288);
const distances = createCodes(32);
const codeLengths = createCodes(19);
const lengths = new Uint8Array(288 + 32);
const nothing = new Uint8Array(0);
const state: BitState = { input: nothing, at: 0, bits: 0, count: 0, output: nothing, to: 0 };
fillFixedCodes();

/**
 * Inflates the zlib stream at the start of `input` to exactly `size` bytes; null when it is not one, does not end
 * there, has another size, or uses something rare.
 */
export function inflateSmall(input: Uint8Array, size: number): SmallInflated | null {
  const [method, flags] = [input[0] ?? 0, input[1] ?? 0];
  if ((method & 0x8f) !== 8 || ((method << 8) | flags) % 31 !== 0 || (flags & 0x20) !== 0) return null;
  const output = new Uint8Array(size);
  state.input = input;
  state.output = output;
  state.at = 2;
  state.bits = 0;
  state.count = 0;
  state.to = 0;
  const sound = readBlocks() && state.to === size;
  const consumed = state.at - (state.count >> 3) + 4;
  state.input = nothing;
  state.output = nothing;
  if (!sound || consumed > input.length || !isAdler32(output, input, consumed - 4)) return null;
  return { data: output, consumed };
}

function readBlocks(): boolean {
  for (;;) {
    const header = takeBits(3);
    const type = header >> 1;
    if (type === 0 ? !readStored() : type === 3 || !readCompressed(type)) return false;
    if ((header & 1) === 1) return true;
  }
}

function readCompressed(type: number): boolean {
  if (type === 1) return decodeSymbols(fixedLiterals, fixedDistances);
  return readCodes() && decodeSymbols(literals, distances);
}

/** The next bits, at most 16; past the end of the input they are zeros, which `consumed` gives away later. */
function takeBits(wanted: number): number {
  while (state.count < wanted) {
    state.bits |= (state.input[state.at++] ?? 0) << state.count;
    state.count += 8;
  }
  const taken = state.bits & ((1 << wanted) - 1);
  state.bits >>>= wanted;
  state.count -= wanted;
  return taken;
}

function readStored(): boolean {
  const { input, output } = state;
  const from = state.at - (state.count >> 3) + 4;
  state.bits = 0;
  state.count = 0;
  if (from > input.length) return false;
  const length = (input[from - 4] as number) | ((input[from - 3] as number) << 8);
  const check = (input[from - 2] as number) | ((input[from - 1] as number) << 8);
  const end = from + length;
  if (length !== (~check & 0xffff) || end > input.length || state.to + length > output.length) return false;
  output.set(input.subarray(from, end), state.to);
  state.to += length;
  state.at = end;
  return true;
}

/** The codes of a dynamic block, themselves Huffman coded. */
function readCodes(): boolean {
  const literalCount = takeBits(5) + 257;
  const distanceCount = takeBits(5) + 1;
  const lengthCount = takeBits(4) + 4;
  if (literalCount > 286 || distanceCount > 30) return false;
  lengths.fill(0, 0, 19);
  for (let i = 0; i < lengthCount; i++) lengths[CODE_LENGTH_ORDER[i] as number] = takeBits(3);
  if (!fillCodes(codeLengths, lengths.subarray(0, 19))) return false;
  const total = literalCount + distanceCount;
  for (let at = 0; at < total; ) {
    while (state.count < 7) {
      state.bits |= (state.input[state.at++] ?? 0) << state.count;
      state.count += 8;
    }
    const entry = codeLengths.root[state.bits & ROOT_MASK] as number; // these codes have seven bits at most
    if (entry === 0) return false;
    state.bits >>>= entry & 15;
    state.count -= entry & 15;
    const symbol = entry >> 4;
    if (symbol < 16) {
      lengths[at++] = symbol;
      continue;
    }
    if (symbol === 16 && at === 0) return false;
    const value = symbol === 16 ? (lengths[at - 1] as number) : 0;
    const times = symbol === 16 ? 3 + takeBits(2) : symbol === 17 ? 3 + takeBits(3) : 11 + takeBits(7);
    if (at + times > total) return false;
    lengths.fill(value, at, at + times);
    at += times;
  }
  return (
    fillCodes(literals, lengths.subarray(0, literalCount)) &&
    fillCodes(distances, lengths.subarray(literalCount, total))
  );
}

/** One block of literals and copies. The state is kept in locals: this loop is where the time goes. */
function decodeSymbols(literal: Codes, distance: Codes): boolean {
  const { input, output } = state;
  const literalRoot = literal.root;
  const distanceRoot = distance.root;
  const size = output.length;
  let { at, bits, count, to } = state;
  for (;;) {
    while (count < LOW_WATER) {
      bits |= (input[at++] as number) << count;
      count += 8;
    }
    let entry = literalRoot[bits & ROOT_MASK] as number;
    if (entry === 0) entry = findLongCode(literal, bits);
    if (entry === 0) return false;
    bits >>>= entry & 15;
    count -= entry & 15;
    const symbol = entry >> 4;
    if (symbol < END_OF_BLOCK) {
      if (to === size) return false;
      output[to++] = symbol;
      continue;
    }
    if (symbol === END_OF_BLOCK) break;
    if (symbol > 285) return false;
    let extra = LENGTH_EXTRA[symbol - 257] as number;
    const length = (LENGTH_BASE[symbol - 257] as number) + (bits & ((1 << extra) - 1));
    bits >>>= extra;
    count -= extra;
    while (count < LOW_WATER) {
      bits |= (input[at++] as number) << count;
      count += 8;
    }
    entry = distanceRoot[bits & ROOT_MASK] as number;
    if (entry === 0) entry = findLongCode(distance, bits);
    if (entry === 0 || entry >> 4 > 29) return false;
    bits >>>= entry & 15;
    count -= entry & 15;
    extra = DISTANCE_EXTRA[entry >> 4] as number;
    while (count < extra) {
      bits |= (input[at++] as number) << count;
      count += 8;
    }
    let from = to - ((DISTANCE_BASE[entry >> 4] as number) + (bits & ((1 << extra) - 1)));
    bits >>>= extra;
    count -= extra;
    const end = to + length;
    if (from < 0 || end > size) return false;
    while (to < end) output[to++] = output[from++] as number;
  }
  state.at = at;
  state.bits = bits;
  state.count = count;
  state.to = to;
  return true;
}

function fillFixedCodes(): void {
  lengths.fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280, 288);
  fillCodes(fixedLiterals, lengths.subarray(0, 288));
  lengths.fill(5, 0, 32);
  fillCodes(fixedDistances, lengths.subarray(0, 32));
}

/** Whether the four bytes at `at` are the Adler-32 of `data`. */
function isAdler32(data: Uint8Array, bytes: Uint8Array, at: number): boolean {
  let a = 1;
  let b = 0;
  for (let i = 0; i < data.length; ) {
    const end = Math.min(i + 3_800, data.length); // as long as b stays below 2^31
    while (i < end) {
      a += data[i++] as number;
      b += a;
    }
    a %= 65_521;
    b %= 65_521;
  }
  return (
    bytes[at] === b >> 8 &&
    bytes[at + 1] === (b & 255) &&
    bytes[at + 2] === a >> 8 &&
    bytes[at + 3] === (a & 255)
  );
}
