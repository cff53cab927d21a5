import { encodeText } from "../kernel/text.ts";

/**
 * Bytes as a string of one character for each, so that search and replacement leave a byte order mark, line ends and
 * text that is not UTF-8 as they are.
 */
export function toByteText(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let start = 0; start < bytes.length; start += 8_192) {
    parts.push(String.fromCharCode(...bytes.subarray(start, start + 8_192)));
  }
  return parts.join("");
}

export function fromByteText(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index += 1) bytes[index] = text.charCodeAt(index);
  return bytes;
}

/** The UTF-8 bytes of a text, one character for each. */
export function encodeByteText(text: string): string {
  return toByteText(encodeText(text));
}

/** Lines with their ends; text after the last line break is a line too. */
export function splitLines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}
