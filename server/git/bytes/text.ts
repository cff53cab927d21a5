/**
 * Text and bytes. Git knows bytes only, so the engine keeps names as byte strings: JavaScript strings in which each
 * char is one byte. They are lossless, and comparing two with `<` is git's memcmp order. For ASCII they are
 * the text itself.
 */
export type ByteString = string & { readonly __brand: "ByteString" };

const encoder = new TextEncoder();
// ignoreBOM keeps a leading U+FEFF: content must come back as it went in.
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lossyDecoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
const NON_ASCII = /[^\0-\x7f]/;
/** Git looks for a NUL in this many first bytes to call content binary (xdiff-interface.c, FIRST_FEW_BYTES). */
const BINARY_PROBE_BYTES = 8_000;

export function encodeUtf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** The text of valid UTF-8 bytes, a BOM included; null when the bytes are not UTF-8. */
export function findUtf8(bytes: Uint8Array): string | null {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return null; // TypeError is how a fatal decoder says "not UTF-8"
  }
}

/** Text for display; what is not UTF-8 becomes U+FFFD. */
export function decodeUtf8Lossy(bytes: Uint8Array): string {
  return lossyDecoder.decode(bytes);
}

export function hasNul(bytes: Uint8Array): boolean {
  return bytes.subarray(0, BINARY_PROBE_BYTES).includes(0);
}

/** Cuts text out of bytes; the cuts are strings of their own and keep nothing else alive. */
export interface TextCutter {
  /** Bytes [start, end) as one char each. */
  latin1Slice(start: number, end: number): string;
  /** Bytes [start, end) as lower-case hex. */
  hexSlice(start: number, end: number): string;
}

/**
 * A view of `bytes` to cut text from. Every Buffer of node and workerd has these two methods, though the types do not
 * say so; `toString(encoding, start, end)` does the same at three times the cost in workerd.
 */
export function openTextCutter(bytes: Uint8Array): TextCutter {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) as unknown as TextCutter;
}

export function byteStringFromBytes(bytes: Uint8Array, start = 0, end = bytes.length): ByteString {
  return openTextCutter(bytes).latin1Slice(start, end) as ByteString;
}

export function byteStringToBytes(text: ByteString): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** The UTF-8 bytes of `text` as a byte string. */
export function toByteString(text: string): ByteString {
  return NON_ASCII.test(text) ? byteStringFromBytes(encodeUtf8(text)) : (text as ByteString);
}

/** Text of a byte string for display; what is not UTF-8 becomes U+FFFD. */
export function formatByteString(bytes: ByteString): string {
  return NON_ASCII.test(bytes) ? decodeUtf8Lossy(byteStringToBytes(bytes)) : bytes;
}
