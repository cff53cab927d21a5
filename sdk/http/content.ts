import { decodeBase64, encodeBase64 } from "./base64.ts";

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Control characters grow sixfold in JSON: contents with them go as base64. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const COSTLY = /[\0-\x08\x0b\x0c\x0e-\x1f]/;

/** A file's bytes as a reply carries them; null when it left them out. */
export function decodeContent(blob: {
  readonly content?: string | undefined;
  readonly encoding: string;
}): Uint8Array | null {
  if (blob.content === undefined) return null;
  return blob.encoding === "base64" ? decodeBase64(blob.content) : encoder.encode(blob.content);
}

/** Text as text where that is exact, everything else as base64. */
export function encodeContent(bytes: Uint8Array): { content: string; encoding: "utf-8" | "base64" } {
  try {
    const content = strictDecoder.decode(bytes);
    if (!COSTLY.test(content)) return { content, encoding: "utf-8" };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // A TypeError says that the bytes are not UTF-8.
  }
  return { content: encodeBase64(bytes), encoding: "base64" };
}
