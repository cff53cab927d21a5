/**
 * The one door to zlib. node:zlib does whole buffers (fast), pako does input that arrives in pieces: it is
 * incremental and synchronous, and says how many bytes it consumed.
 */
import * as zlib from "node:zlib";
import { constants, deflateRawSync, deflateSync, inflateSync } from "node:zlib";
import { Inflate } from "pako";
import { GitError } from "../errors.ts";
import { inflateSmall } from "./inflate-small.ts";
import { findKernel, KERNEL_MAX_BYTES } from "./kernel.ts";

/**
 * node has zlib.crc32 since 20.15, and workerd has it; undefined in older runtimes. Through the namespace, because a
 * missing named import would stop this module from loading.
 */
export const nativeCrc32 = (zlib as { readonly crc32?: (data: Uint8Array, seed: number) => number }).crc32;

/** Level 1: 68 MB/s at ratio .323 against 43 MB/s at .293 for level 6, measured in workerd. */
const HOT_LEVEL = 1;
/** Deflate cannot shrink further than this (a code of two bits for 258 bytes), so a larger claim is false. */
const MAX_RATIO = 1_032;
/** Room for one object's output at once: no copying of pieces up to here, and no large room on a mere claim. */
const MAX_ROOM = 1024 * 1024;
const MIN_ROOM = 64; // the least that node takes
/** Output is made in pieces of this size where the whole is larger or not known. */
const STREAM_ROOM = 64 * 1024;

/** Below this our own inflate wins in workerd: 300 bytes in 6.5 µs against 16, level at 2 KB. In node they are level. */
const SMALL_BYTES = 2_048;

/** A whole zlib stream. */
export function deflate(bytes: Uint8Array): Uint8Array {
  // Node keeps a piece of `chunkSize` alive behind every result: 16 KB for a small object by default.
  const worst = bytes.length + (bytes.length >> 8) + MIN_ROOM;
  return deflateSync(bytes, { level: HOT_LEVEL, chunkSize: Math.min(worst, STREAM_ROOM) });
}

/** Header of a zlib stream with a 32 KB window; the level it states is only a remark (RFC 1950, 2.2). */
const ZLIB_HEADER = Uint8Array.of(0x78, 0x01);
/** An empty last block of fixed codes (RFC 1951, 3.2.3). */
const LAST_BLOCK = Uint8Array.of(0x03, 0x00);
const ADLER_MODULUS = 65_521;
/** So many bytes can be summed before the second sum leaves 32 bits (zlib's NMAX). */
const ADLER_RUN = 5_552;

/**
 * One zlib stream of content that arrives in chunks. Each chunk is compressed by itself up to a byte boundary, so
 * chunks should not be small; memory is one chunk.
 */
export async function* deflateChunks(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let low = 1;
  let high = 0;
  yield ZLIB_HEADER;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      for (const end = Math.min(at + ADLER_RUN, chunk.length); at < end; at++) {
        low += chunk[at] as number;
        high += low;
      }
      low %= ADLER_MODULUS;
      high %= ADLER_MODULUS;
    }
    // A sync flush ends on a byte boundary with no last block: such pieces can be joined.
    yield deflateRawSync(chunk, { level: HOT_LEVEL, finishFlush: constants.Z_SYNC_FLUSH });
  }
  yield LAST_BLOCK;
  yield Uint8Array.of(high >> 8, high & 255, low >> 8, low & 255);
}

export interface Inflated {
  readonly data: Uint8Array;
  /** Bytes of input that the zlib stream took. */
  readonly consumed: number;
}

/**
 * Inflates the zlib stream at the start of `input`, which may have other bytes after it, to exactly `size` bytes.
 * Pass a bounded window: node copies the whole input on each call.
 * @throws GitError corrupt-object when the stream is bad, cut off, or of another size
 */
export function inflate(input: Uint8Array, size: number): Inflated {
  // Written so that NaN and negative numbers fail it too.
  if (!(size >= 0 && size <= input.length * MAX_RATIO)) {
    throw new GitError("corrupt-object", `${input.length} bytes cannot inflate to ${size}`, { size });
  }
  const kernel = findKernel();
  if (kernel ? size <= KERNEL_MAX_BYTES : size <= SMALL_BYTES) {
    const small = kernel ? kernel.inflate(input, size) : inflateSmall(input, size);
    if (small) return small;
  }
  let result: { buffer: Uint8Array; engine: { bytesWritten: number } };
  try {
    // node's types do not know `info`; a limit of size + 1 makes a bomb stop after one byte too many.
    result = inflateSync(input, {
      info: true,
      maxOutputLength: size + 1,
      chunkSize: Math.min(Math.max(size + 1, MIN_ROOM), MAX_ROOM),
    } as object) as unknown as typeof result;
  } catch (cause) {
    throw new GitError("corrupt-object", `zlib: ${(cause as Error).message}`, { size }, { cause });
  }
  if (result.buffer.length !== size) {
    throw new GitError("corrupt-object", `inflated to ${result.buffer.length} bytes, expected ${size}`, {
      size,
    });
  }
  // A plain Uint8Array: a Buffer's `slice` shares memory, and it is not equal to one in a deep comparison.
  const { buffer, byteOffset, length } = result.buffer;
  return { data: new Uint8Array(buffer, byteOffset, length), consumed: result.engine.bytesWritten };
}

/** Inflates a stream that arrives in pieces, handing on output as it comes. */
export interface InflateStream {
  /**
   * Takes input; returns how many of its bytes belong to the zlib stream. Less than all once `done`.
   * @throws GitError corrupt-object for a bad stream or too much output, and from then on
   */
  push(input: Uint8Array): number;
  readonly done: boolean;
}

/**
 * @param maxBytes output ceiling: more is a GitError corrupt-object, raised before it is handed on. Give the size of
 * the object when it is known: a small one then needs little room.
 */
export function createInflateStream(maxBytes: number, onData: (chunk: Uint8Array) => void): InflateStream {
  // Window bits are given because without them pako takes gzip too. A little more room than the output needs lets it
  // find the end of the stream without making room again.
  const engine = new Inflate({
    windowBits: 15,
    chunkSize: Math.min(Math.max(maxBytes, MIN_ROOM) + 16, STREAM_ROOM),
  });
  let produced = 0;
  let failure: GitError | null = null;
  engine.onData = (chunk: Uint8Array) => {
    produced += chunk.length;
    // Thrown out of the engine, so that a bomb does no more work.
    if (produced > maxBytes)
      throw new GitError("corrupt-object", `inflated beyond ${maxBytes} bytes`, { maxBytes });
    onData(chunk);
  };
  return {
    get done() {
      return engine.ended && !failure;
    },
    push(input) {
      if (failure) throw failure;
      if (engine.ended) return 0;
      try {
        engine.push(input, false);
        if (engine.err) throw new GitError("corrupt-object", `zlib: ${engine.msg || `error ${engine.err}`}`);
      } catch (error) {
        failure = error instanceof GitError ? error : null;
        throw error;
      }
      // After its end the engine still holds what it did not read (`strm` is not in pako's types).
      const { strm } = engine as unknown as { strm: { avail_in: number } };
      return engine.ended ? input.length - strm.avail_in : input.length;
    },
  };
}
