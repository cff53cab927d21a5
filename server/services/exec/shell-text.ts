import { decodeUtf8Lossy, encodeUtf8 } from "../../git/bytes/text.ts";

/** Encodings that the shell reads and writes files with. */
export type ShellEncoding = "utf8" | "utf-8" | "ascii" | "binary" | "base64" | "hex" | "latin1";

export function encodeShellText(text: string, encoding: ShellEncoding): Uint8Array {
  if (encoding === "utf8" || encoding === "utf-8") return encodeUtf8(text);
  // A small Buffer is a view into a shared pool, which must not be kept.
  return new Uint8Array(Buffer.from(text, encoding));
}

export function decodeShellText(bytes: Uint8Array, encoding: ShellEncoding): string {
  if (encoding === "utf8" || encoding === "utf-8") return decodeUtf8Lossy(bytes);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(encoding);
}

/** Text cut to `maxBytes` of UTF-8, never inside a character. */
export function cutText(text: string, maxBytes: number): { readonly text: string; readonly cut: boolean } {
  if (text.length * 3 <= maxBytes || Buffer.byteLength(text) <= maxBytes) return { text, cut: false };
  const bytes = Buffer.from(text.slice(0, maxBytes));
  let end = Math.min(maxBytes, bytes.length);
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return { text: bytes.subarray(0, end).toString("utf8"), cut: true };
}
