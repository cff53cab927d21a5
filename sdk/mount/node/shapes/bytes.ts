import type { Bytes } from "./node-types.ts";

interface BufferClass {
  from(buffer: ArrayBufferLike, offset: number, length: number): Uint8Array;
}

// Absent in browsers; looked up at each use, because a host may bring it later.
const platform = globalThis as { readonly Buffer?: BufferClass };

/** The same memory as a Buffer where the platform has one, because that is what callers of node's calls expect. */
export function asBuffer(bytes: Uint8Array): Bytes {
  const { Buffer } = platform;
  const view = Buffer === undefined ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return view as Bytes; // The type says Buffer where its types are loaded, which is where it exists.
}

/**
 * A copy that the caller may change, in memory of just its size: callers of node's readFile take `.buffer` for the
 * whole file, so it never comes from a pool. Filling new memory is quicker than `slice` (4 KB: 0.56 M against 0.45 M/s).
 */
export function copyBytes(bytes: Uint8Array): Bytes {
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  return asBuffer(copy);
}
