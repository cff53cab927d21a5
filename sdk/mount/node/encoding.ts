import { argumentError } from "../kernel/errno.ts";
import { decodeText, encodeText } from "../kernel/text.ts";

/** Encodings that node's filesystem calls take. */
export type Encoding =
  | "utf8"
  | "utf-8"
  | "latin1"
  | "binary"
  | "ascii"
  | "hex"
  | "base64"
  | "base64url"
  | "utf16le"
  | "utf-16le"
  | "ucs2"
  | "ucs-2";

function formatLatin1(bytes: Uint8Array): string {
  let text = "";
  for (let start = 0; start < bytes.length; start += 8_192) {
    text += String.fromCharCode(...bytes.subarray(start, start + 8_192));
  }
  return text;
}

function formatUtf16(bytes: Uint8Array): string {
  const even = bytes.subarray(0, bytes.length & ~1);
  return new TextDecoder("utf-16le", { fatal: false, ignoreBOM: true }).decode(even);
}

const FORMATTERS: Readonly<Record<string, (bytes: Uint8Array) => string>> = {
  utf8: decodeText,
  "utf-8": decodeText,
  latin1: formatLatin1,
  binary: formatLatin1,
  ascii: (bytes) => formatLatin1(bytes.map((byte) => byte & 0x7f)),
  hex: (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(""),
  base64: (bytes) => btoa(formatLatin1(bytes)),
  base64url: (bytes) =>
    btoa(formatLatin1(bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, ""),
  utf16le: formatUtf16,
  "utf-16le": formatUtf16,
  ucs2: formatUtf16,
  "ucs-2": formatUtf16,
};

function parseLatin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function parseUtf16(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 2);
  const view = new DataView(bytes.buffer);
  for (let index = 0; index < text.length; index += 1)
    view.setUint16(index * 2, text.charCodeAt(index), true);
  return bytes;
}

function parseHex(text: string): Uint8Array {
  const pairs = /^(?:[0-9a-f]{2})*/i.exec(text)?.[0] ?? "";
  return Uint8Array.from({ length: pairs.length / 2 }, (_, index) =>
    Number.parseInt(pairs.substr(index * 2, 2), 16),
  );
}

function parseBase64(text: string): Uint8Array {
  const plain = text
    .replaceAll("-", "+")
    .replaceAll("_", "/")
    .replace(/[^A-Za-z0-9+/]/g, "");
  return parseLatin1(atob(plain.length % 4 === 1 ? plain.slice(0, -1) : plain));
}

const PARSERS: Readonly<Record<string, (text: string) => Uint8Array>> = {
  utf8: encodeText,
  "utf-8": encodeText,
  latin1: parseLatin1,
  binary: parseLatin1,
  ascii: parseLatin1,
  hex: parseHex,
  base64: parseBase64,
  base64url: parseBase64,
  utf16le: parseUtf16,
  "utf-16le": parseUtf16,
  ucs2: parseUtf16,
  "ucs-2": parseUtf16,
};

function pick<T>(table: Readonly<Record<string, T>>, encoding: unknown): T {
  const found = typeof encoding === "string" ? table[encoding.toLowerCase()] : undefined;
  if (found !== undefined) return found;
  throw argumentError(
    "ERR_INVALID_ARG_VALUE",
    `The argument 'encoding' is invalid. Received ${String(encoding)}`,
  );
}

/** @throws TypeError ERR_INVALID_ARG_VALUE for an encoding that node does not have. */
export function checkEncoding(encoding: unknown): void {
  pick(FORMATTERS, encoding);
}

/** Bytes as node's Buffer would put them into a string. */
export function formatBytes(bytes: Uint8Array, encoding: unknown): string {
  return pick(FORMATTERS, encoding)(bytes);
}

/** Text as node's Buffer would make bytes of it. */
export function parseBytes(text: string, encoding: unknown): Uint8Array {
  return pick(PARSERS, encoding)(text);
}

/** A copy that the caller may change; a Buffer where the platform has one, because that is what callers of node expect. */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  const { Buffer } = globalThis as { Buffer?: { from(buffer: ArrayBufferLike): Uint8Array } }; // Absent in browsers.
  return Buffer === undefined ? copy : Buffer.from(copy.buffer);
}
