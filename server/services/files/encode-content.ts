import { encodeUtf8, findUtf8 } from "../../git/bytes/text.ts";
import { dropCutCharacter } from "./read-file.ts";

/** Bytes that one chunk of an encoded stream is made from; a multiple of three, so that base64 has no seam. */
const PIECE_BYTES = 192 * 1024;

export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

/** Base64 of a stream, in chunks of text. Holds at most one piece. */
export async function* streamBase64(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let rest: Uint8Array = new Uint8Array(0);
  for await (const chunk of chunks) {
    let bytes = chunk;
    if (rest.length > 0) {
      bytes = new Uint8Array(rest.length + chunk.length);
      bytes.set(rest);
      bytes.set(chunk, rest.length);
    }
    const whole = bytes.length - (bytes.length % 3);
    for (let start = 0; start < whole; start += PIECE_BYTES) {
      yield encodeBase64(bytes.subarray(start, Math.min(start + PIECE_BYTES, whole)));
    }
    rest = bytes.slice(whole);
  }
  if (rest.length > 0) yield encodeBase64(rest);
}

/** Text as the inside of a JSON string, in chunks. The bytes must be UTF-8: see {@link isText}. */
export function* pieceJsonText(bytes: Uint8Array): Generator<string> {
  for (const piece of cutText(bytes)) yield JSON.stringify(findUtf8(piece) ?? "").slice(1, -1);
}

/** Whether bytes are UTF-8 without NUL; never makes one string of all of them. */
export function isText(bytes: Uint8Array): boolean {
  if (bytes.includes(0)) return false;
  for (const piece of cutText(bytes)) if (findUtf8(piece) === null) return false;
  return true;
}

/** Cuts between characters. */
function* cutText(bytes: Uint8Array): Generator<Uint8Array> {
  let start = 0;
  while (start < bytes.length) {
    const end = start + PIECE_BYTES;
    const window = bytes.subarray(start, end);
    const piece = end < bytes.length ? dropCutCharacter(window) : window;
    yield piece;
    start += piece.length;
  }
}

/** JSON documents that are too large to be one string: `parts` are their text, in order. */
export async function* encodeChunks(
  parts: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<Uint8Array> {
  for await (const part of parts) yield encodeUtf8(part);
}
