import { GitError } from "../errors.ts";
import type { ByteSource } from "../ports.ts";

/** Bytes in memory as a source; `pieces` lie one after the other. What is read may alias them. */
export function createMemorySource(pieces: readonly Uint8Array[]): ByteSource {
  const starts: number[] = [];
  let size = 0;
  for (const piece of pieces) {
    starts.push(size);
    size += piece.length;
  }
  return {
    size,
    // async, so that a bad range is a rejection as it is in every other source
    async read(offset, length) {
      if (offset < 0 || length < 0 || offset + length > size) {
        throw new GitError("corrupt-pack", `no bytes ${offset} to ${offset + length} in ${size}`);
      }
      if (length === 0) return new Uint8Array(0);
      let at = findPiece(starts, offset);
      const first = pieces[at] as Uint8Array;
      const from = offset - (starts[at] as number);
      if (from + length <= first.length) return first.subarray(from, from + length);
      const joined = new Uint8Array(length);
      joined.set(first.subarray(from));
      for (let filled = first.length - from; filled < length; ) {
        const part = (pieces[++at] as Uint8Array).subarray(0, length - filled);
        joined.set(part, filled);
        filled += part.length;
      }
      return joined;
    },
  };
}

/** Number of the last piece that starts at or before `offset`. */
function findPiece(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((starts[middle] as number) <= offset) low = middle;
    else high = middle;
  }
  return low;
}

const BLOCK_BYTES = 2 * 1024 * 1024;

/**
 * A source for many small reads near each other: whole blocks are fetched and the last few are kept.
 * @param blocks how many blocks of 2 MB are kept
 */
export function createBlockSource(source: ByteSource, blocks: number): ByteSource {
  const kept = new Map<number, Uint8Array>();
  async function readBlock(number: number): Promise<Uint8Array> {
    let block = kept.get(number);
    kept.delete(number);
    const start = number * BLOCK_BYTES;
    block ??= await source.read(start, Math.min(BLOCK_BYTES, source.size - start));
    kept.set(number, block);
    if (kept.size > blocks) kept.delete(kept.keys().next().value as number);
    return block;
  }
  return {
    size: source.size,
    async read(offset, length) {
      const first = Math.floor(offset / BLOCK_BYTES);
      const last = Math.floor((offset + length - 1) / BLOCK_BYTES);
      if (offset < 0 || last - first > 1 || offset + length > source.size) return source.read(offset, length);
      const block = await readBlock(first);
      const from = offset - first * BLOCK_BYTES;
      if (last <= first) return block.subarray(from, from + length);
      const joined = new Uint8Array(length);
      joined.set(block.subarray(from));
      const next = await readBlock(last);
      joined.set(next.subarray(0, length - (block.length - from)), block.length - from);
      return joined;
    },
  };
}
