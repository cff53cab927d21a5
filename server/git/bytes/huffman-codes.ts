/** Canonical Huffman codes as deflate uses them (RFC 1951, 3.2.2): made from code lengths, read bit by bit or by table. */

/** Codes up to this length are looked up in one step. */
const ROOT_BITS = 9;
export const ROOT_MASK = (1 << ROOT_BITS) - 1;
const MAX_BITS = 15;

export interface Codes {
  /** By the next {@link ROOT_BITS} bits: symbol << 4 | code length; 0 when the code is longer or unused. */
  readonly root: Uint16Array;
  /** How many codes there are of each length. */
  readonly counts: Uint16Array;
  /** Symbols in order of their codes. */
  readonly symbols: Uint16Array;
}

const REVERSED = Uint16Array.from({ length: 1 << ROOT_BITS }, (_, code) => {
  let reversed = 0;
  for (let bit = 0; bit < ROOT_BITS; bit++) reversed |= ((code >> bit) & 1) << (ROOT_BITS - 1 - bit);
  return reversed;
});

const offsets = new Uint16Array(MAX_BITS + 1);

export function createCodes(symbols: number): Codes {
  return {
    root: new Uint16Array(1 << ROOT_BITS),
    counts: new Uint16Array(MAX_BITS + 1),
    symbols: new Uint16Array(Math.max(symbols, 32)),
  };
}

/** Makes the codes for symbols of these lengths, 0 for none; false unless they use every code exactly once. */
export function fillCodes(codes: Codes, lengths: Uint8Array): boolean {
  const { root, counts, symbols } = codes;
  const count = lengths.length;
  counts.fill(0);
  for (let i = 0; i < count; i++) {
    const length = lengths[i] as number;
    counts[length] = (counts[length] as number) + 1;
  }
  counts[0] = 0;
  let left = 1;
  offsets[1] = 0;
  for (let length = 1; length <= MAX_BITS; length++) {
    left = left * 2 - (counts[length] as number);
    if (left < 0) return false;
    if (length < MAX_BITS) offsets[length + 1] = (offsets[length] as number) + (counts[length] as number);
  }
  if (left > 0) return false;
  for (let i = 0; i < count; i++) {
    const length = lengths[i] as number;
    if (length === 0) continue;
    const offset = offsets[length] as number;
    symbols[offset] = i;
    offsets[length] = offset + 1;
  }
  root.fill(0);
  let code = 0;
  let index = 0;
  for (let length = 1; length <= ROOT_BITS; length++) {
    for (let i = counts[length] as number; i > 0; i--) {
      const entry = ((symbols[index++] as number) << 4) | length;
      const step = 1 << length;
      const reversed = (REVERSED[code++] as number) >> (ROOT_BITS - length);
      for (let slot = reversed; slot <= ROOT_MASK; slot += step) root[slot] = entry;
    }
    code <<= 1;
  }
  return true;
}

/** A code longer than the root table, bit by bit: symbol << 4 | length, or 0 when there is none. */
export function findLongCode(codes: Codes, bits: number): number {
  let code = 0;
  let first = 0;
  let index = 0;
  for (let length = 1; length <= MAX_BITS; length++) {
    code |= (bits >>> (length - 1)) & 1;
    const count = codes.counts[length] as number;
    if (code - count < first) return ((codes.symbols[index + code - first] as number) << 4) | length;
    index += count;
    first = (first + count) << 1;
    code <<= 1;
  }
  return 0;
}
