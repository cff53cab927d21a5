import { decodeText, encodeText } from "../../kernel/text.ts";
import { asBuffer } from "../shapes/bytes.ts";
import type { Bytes } from "../shapes/node-types.ts";
import { typeError, valueError } from "./argument-errors.ts";
import { checkSignal } from "./check-values.ts";

/** Encodings that node's filesystem calls take. */
export type Encoding = "utf8" | "latin1" | "ascii" | "hex" | "base64" | "base64url" | "utf16le";

const CHUNK = 8_192;

function formatLatin1(bytes: Uint8Array): string {
  let text = "";
  for (let start = 0; start < bytes.length; start += CHUNK) {
    text += String.fromCharCode(...bytes.subarray(start, start + CHUNK));
  }
  return text;
}

/** Code units as they are: half a surrogate pair stays one. */
function formatUtf16(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const units = new Uint16Array(bytes.length >> 1);
  for (let index = 0; index < units.length; index += 1) units[index] = view.getUint16(index * 2, true);
  let text = "";
  for (let start = 0; start < units.length; start += CHUNK)
    text += String.fromCharCode(...units.subarray(start, start + CHUNK));
  return text;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

function formatHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += HEX[byte];
  return text;
}

function formatBase64(bytes: Uint8Array): string {
  return btoa(formatLatin1(bytes));
}

const FORMATTERS: Readonly<Record<Encoding, (bytes: Uint8Array) => string>> = {
  utf8: decodeText,
  latin1: formatLatin1,
  ascii: (bytes) => formatLatin1(bytes.map((byte) => byte & 0x7f)),
  hex: formatHex,
  base64: formatBase64,
  base64url: (bytes) => formatBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, ""),
  utf16le: formatUtf16,
};

function parseLatin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index += 1) bytes[index] = text.charCodeAt(index);
  return bytes;
}

function parseUtf16(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 2);
  const view = new DataView(bytes.buffer);
  for (let index = 0; index < text.length; index += 1)
    view.setUint16(index * 2, text.charCodeAt(index), true);
  return bytes;
}

/** Up to the first pair that is none, as node reads it. */
function parseHex(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length >> 1);
  for (let index = 0; index < bytes.length; index += 1) {
    const pair = text.slice(index * 2, index * 2 + 2);
    if (!/^[0-9a-f]{2}$/i.test(pair)) return bytes.slice(0, index);
    bytes[index] = Number.parseInt(pair, 16);
  }
  return bytes;
}

function parseBase64(text: string): Uint8Array {
  const [coded = ""] = text.split("=", 1);
  const plain = coded
    .replaceAll("-", "+")
    .replaceAll("_", "/")
    .replace(/[^A-Za-z0-9+/]/g, "");
  return parseLatin1(atob(plain.length % 4 === 1 ? plain.slice(0, -1) : plain));
}

const PARSERS: Readonly<Record<Encoding, (text: string) => Uint8Array>> = {
  utf8: encodeText,
  latin1: parseLatin1,
  ascii: parseLatin1,
  hex: parseHex,
  base64: parseBase64,
  base64url: parseBase64,
  utf16le: parseUtf16,
};

const NAMES: ReadonlyMap<string, Encoding> = new Map([
  ["utf8", "utf8"],
  ["utf-8", "utf8"],
  ["latin1", "latin1"],
  ["binary", "latin1"],
  ["ascii", "ascii"],
  ["hex", "hex"],
  ["base64", "base64"],
  ["base64url", "base64url"],
  ["utf16le", "utf16le"],
  ["utf-16le", "utf16le"],
  ["ucs2", "utf16le"],
  ["ucs-2", "utf16le"],
]);

/**
 * An encoding by any of its names; null for none.
 *
 * @throws TypeError ERR_INVALID_ARG_VALUE for one that node does not have
 */
export function parseEncoding(encoding: unknown): Encoding | "buffer" | null {
  if (encoding === undefined || encoding === null || encoding === "") return null;
  if (encoding === "buffer") return "buffer";
  const found = typeof encoding === "string" ? NAMES.get(encoding.toLowerCase()) : undefined;
  if (found === undefined) throw valueError("encoding", encoding, "is invalid encoding");
  return found;
}

/** What may be given beside a path: an encoding, or options that may hold one. */
export type GivenOptions = Readonly<Record<string, unknown>> & {
  readonly encoding: Encoding | "buffer" | null;
  readonly signal?: AbortSignal | undefined;
};

/** Options as node reads them. Throws ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE. */
export function parseOptions(options: unknown): GivenOptions {
  if (options === undefined || options === null || typeof options === "function") return { encoding: null };
  if (typeof options === "string") return { encoding: parseEncoding(options) };
  if (typeof options !== "object") throw typeError("options", "one of type string or object", options);
  const given: Readonly<Record<string, unknown>> = { ...options };
  const encoding = parseEncoding(given.encoding);
  checkSignal(given.signal);
  return { ...given, encoding, signal: given.signal };
}

/** Bytes as node's Buffer would put them into a string. */
export function formatBytes(bytes: Uint8Array, encoding: unknown): string {
  const name = parseEncoding(encoding);
  if (name === "buffer") throw unknownEncoding(name);
  return FORMATTERS[name ?? "utf8"](bytes);
}

/** Text as node's Buffer would make bytes of it. */
export function parseBytes(text: string, encoding: unknown): Uint8Array {
  const name = parseEncoding(encoding);
  if (name === "buffer") throw unknownEncoding(name);
  return PARSERS[name ?? "utf8"](text);
}

/** A name or path in the encoding that was asked for. */
export function encodeName(name: string, encoding: Encoding | "buffer" | null): string | Bytes {
  if (encoding === null || encoding === "utf8") return name;
  const bytes = encodeText(name);
  return encoding === "buffer" ? asBuffer(bytes) : FORMATTERS[encoding](bytes);
}

/** node reads files in every encoding but this one, which it takes for names only. */
export function unknownEncoding(name: string): TypeError {
  return Object.assign(new TypeError(`Unknown encoding: ${name}`), { code: "ERR_UNKNOWN_ENCODING" });
}
