/**
 * Where things lie in the kernel's memory of four pages. Nothing is allocated: every call reads and writes these places
 * only. The input has the whole rest of the memory behind it, so that a bad stream reads rubbish and not beyond its end.
 */

/** Tables of the two kinds of Huffman codes: see codes.ts. */
export const LITERALS: usize = 0x1000;
export const DISTANCES: usize = 0x2000;
export const CODE_LENGTHS: usize = 0x3000;
export const FIXED_LITERALS: usize = 0x4000;
export const FIXED_DISTANCES: usize = 0x5000;
/** Code lengths while codes are read: one byte each, 320 of them. */
export const LENGTHS: usize = 0x6000;
/** Per length symbol its base and extra bits, per distance symbol the same: u16 and u8 tables. */
export const LENGTH_BASE: usize = 0x6200;
export const LENGTH_EXTRA: usize = 0x6280;
export const DISTANCE_BASE: usize = 0x6300;
export const DISTANCE_EXTRA: usize = 0x6380;
export const LENGTH_ORDER: usize = 0x6400;
/** 80 words of the block that is being hashed. */
export const SCHEDULE: usize = 0x6c00;
/** Scratch of codes.ts: a u16 for each code length. */
export const OFFSETS: usize = 0x6e00;

/** What is inflated or hashed lies here, and the digest after it is made. */
export const DIGEST: usize = 0x7000;
export const OUTPUT: usize = 0x8000;
export const INPUT: usize = 0xd000;
