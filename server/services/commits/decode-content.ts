import { encodeUtf8 } from "../../git/bytes/text.ts";

export type DecodedContent =
  | { readonly kind: "decoded"; readonly data: Uint8Array }
  | { readonly kind: "invalid"; readonly message: string };

const LONE_SURROGATE = /\p{Surrogate}/u;
const OUTSIDE_ALPHABET = /[^A-Za-z0-9+/]/;

/** Whether a text has bytes at all: a lone surrogate has none, and encoders would replace it without a word. */
export function isWellFormed(text: string): boolean {
  return !LONE_SURROGATE.test(text);
}

/** The bytes of content as sent. Base64 is that of RFC 4648, section 4: padded, no line breaks, nothing left over. */
export function decodeContent(content: string, encoding: "utf-8" | "base64"): DecodedContent {
  if (encoding === "base64") return decodeBase64(content);
  return isWellFormed(content)
    ? { kind: "decoded", data: encodeUtf8(content) }
    : { kind: "invalid", message: "holds a lone surrogate, which has no UTF-8 bytes: send base64" };
}

function decodeBase64(content: string): DecodedContent {
  const padding = content.endsWith("==") ? 2 : content.endsWith("=") ? 1 : 0;
  const digits = padding === 0 ? content : content.slice(0, -padding);
  if (content.length % 4 !== 0 || OUTSIDE_ALPHABET.test(digits)) {
    return { kind: "invalid", message: "is not base64: standard alphabet, padded, no line breaks" };
  }
  const data = Buffer.from(content, "base64");
  const tail = content.slice(-4);
  if (padding > 0 && data.subarray(data.length - (3 - padding)).toString("base64") !== tail) {
    return { kind: "invalid", message: "is not base64: its last digit has bits that stand for nothing" };
  }
  // A small Buffer is a view into a shared pool, which must not travel with it.
  return { kind: "decoded", data: new Uint8Array(data) };
}
