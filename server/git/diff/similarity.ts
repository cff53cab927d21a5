/**
 * How much of one content is in another, as git guesses it for renames (diffcore-delta): contents are cut at line feeds
 * or after 64 bytes, and the bytes of pieces that both have count as copied. What follows the last cut is left out.
 */
import { hasNul } from "../bytes/text.ts";

/** Full marks; half of them make a rename. */
export const SIMILARITY_MAX = 60_000;

/** Bytes by hash of the piece. */
export type Pieces = ReadonlyMap<number, number>;

const PIECE_BYTES = 64;
const HASHES = 107_927;

export function cutPieces(content: Uint8Array): Pieces {
  const pieces = new Map<number, number>();
  const isText = !hasNul(content);
  let low = 0;
  let high = 0;
  let length = 0;
  for (let i = 0; i < content.length; i++) {
    const byte = content[i] as number;
    if (isText && byte === 0x0d && content[i + 1] === 0x0a) continue;
    const before = low;
    low = (((low << 7) ^ (high >>> 25)) + byte) >>> 0;
    high = ((high << 7) ^ (before >>> 25)) >>> 0;
    length++;
    if (length < PIECE_BYTES && byte !== 0x0a) continue;
    const hash = ((low + Math.imul(high, 0x61)) >>> 0) % HASHES;
    pieces.set(hash, (pieces.get(hash) ?? 0) + length);
    length = 0;
    low = 0;
    high = 0;
  }
  return pieces;
}

export interface Measured {
  readonly size: number;
  readonly pieces: Pieces;
}

/** Whether sizes alone rule out `score`. */
export function isSizeTooDifferent(a: number, b: number, score: number): boolean {
  const larger = Math.max(a, b);
  return larger * (SIMILARITY_MAX - score) < (larger - Math.min(a, b)) * SIMILARITY_MAX;
}

/** From 0 to {@link SIMILARITY_MAX}. */
export function scoreSimilarity(source: Measured, target: Measured): number {
  const larger = Math.max(source.size, target.size);
  if (larger === 0 || target.size === 0) return 0;
  let copied = 0;
  for (const [hash, bytes] of source.pieces) copied += Math.min(bytes, target.pieces.get(hash) ?? 0);
  return Math.floor((copied * SIMILARITY_MAX) / larger);
}
