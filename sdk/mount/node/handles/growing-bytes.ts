/**
 * Content that grows at its end without a copy for each piece: memory is taken in doubling steps, and what was given
 * out before never changes, because a new piece only goes where no earlier content reaches.
 */
export class GrowingBytes {
  #memory = new Uint8Array(0);
  #used = 0;

  /** `before` with `piece` at `offset`; bytes between the two are zero. `before` stays as it is. */
  splice(before: Uint8Array, offset: number, piece: Uint8Array): Uint8Array {
    const size = Math.max(before.length, offset + piece.length);
    if (offset >= before.length && this.#ends(before) && size <= this.#memory.length) {
      this.#memory.set(piece, offset);
      this.#used = size;
      return this.#memory.subarray(0, size);
    }
    const grows = before.length > 0 && offset >= before.length;
    const memory = new Uint8Array(grows ? Math.max(size, before.length * 2) : size);
    memory.set(before);
    memory.set(piece, offset);
    this.#memory = memory;
    this.#used = size;
    return memory.subarray(0, size);
  }

  /** Whether a content is the last one given out, so that nothing lies behind it yet. */
  #ends(content: Uint8Array): boolean {
    return (
      content.buffer === this.#memory.buffer && content.byteOffset === 0 && content.length === this.#used
    );
  }
}

/** A content in memory of just its size. */
export function compactBytes(bytes: Uint8Array): Uint8Array {
  return bytes.length === bytes.buffer.byteLength ? bytes : bytes.slice();
}
