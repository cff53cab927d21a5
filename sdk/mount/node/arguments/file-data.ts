import { argumentError } from "../../kernel/errno.ts";
import { encodeText } from "../../kernel/text.ts";
import type { Chunk, FileData } from "../shapes/data-types.ts";

export type { FileData } from "../shapes/data-types.ts";

/** The bytes of one piece, always a copy: the caller may go on to change its own. */
function bytesOf(data: Chunk | ArrayBuffer): Uint8Array {
  if (typeof data === "string") return encodeText(data);
  if (data instanceof ArrayBuffer) return new Uint8Array(data.slice(0));
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
}

function isPiece(data: unknown): data is Chunk | ArrayBuffer {
  return typeof data === "string" || ArrayBuffer.isView(data) || data instanceof ArrayBuffer;
}

function isIterable(data: unknown): data is Iterable<Chunk> | AsyncIterable<Chunk> {
  return (
    typeof data === "object" && data !== null && (Symbol.iterator in data || Symbol.asyncIterator in data)
  );
}

/**
 * All bytes of a value that can be written, text as UTF-8; at once when it is one piece.
 *
 * @throws TypeError ERR_INVALID_ARG_TYPE
 */
export function readData(data: FileData): Uint8Array | Promise<Uint8Array> {
  if (isPiece(data)) return bytesOf(data);
  if (isIterable(data)) return collect(data);
  throw argumentError(
    "ERR_INVALID_ARG_TYPE",
    'The "data" argument must be of type string or an instance of ArrayBuffer, TypedArray, DataView or an iterable of them',
  );
}

async function collect(data: Iterable<Chunk> | AsyncIterable<Chunk>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of data) {
    if (!isPiece(piece))
      throw argumentError("ERR_INVALID_ARG_TYPE", "an iterable gave something that is not data");
    const bytes = bytesOf(piece);
    pieces.push(bytes);
    size += bytes.length;
  }
  const whole = new Uint8Array(size);
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.length;
  }
  return whole;
}
