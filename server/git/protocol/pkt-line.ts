/**
 * pkt-line: four hex digits that count themselves and the payload in bytes, then the payload; `0000` flush,
 * `0001` delimiter, `0002` response end. Source: gitprotocol-common(5), gitprotocol-v2(5).
 */
import { concatBytes } from "../bytes/bytes.ts";
import { type ByteString, byteStringFromBytes, encodeUtf8 } from "../bytes/text.ts";
import { GitError } from "../errors.ts";

export type Pkt =
  | { readonly kind: "data"; readonly payload: Uint8Array }
  | { readonly kind: "flush" }
  | { readonly kind: "delim" }
  | { readonly kind: "response-end" };

/** Longest line, its four digits included (LARGE_PACKET_MAX). */
export const MAX_PKT_BYTES = 65_520;
/** Longest payload of one line. */
export const MAX_PKT_PAYLOAD_BYTES = MAX_PKT_BYTES - 4;

export const FLUSH_PKT: Uint8Array = encodeUtf8("0000");
export const DELIM_PKT: Uint8Array = encodeUtf8("0001");
export const RESPONSE_END_PKT: Uint8Array = encodeUtf8("0002");

const CONTROL: readonly (Pkt | undefined)[] = [
  { kind: "flush" },
  { kind: "delim" },
  { kind: "response-end" },
];

/**
 * One line with `payload`; text is written as UTF-8, so the length counts bytes, not characters.
 * @throws GitError limit-exceeded when the payload is longer than {@link MAX_PKT_PAYLOAD_BYTES}
 */
export function encodePkt(payload: string | Uint8Array): Uint8Array {
  const bytes = typeof payload === "string" ? encodeUtf8(payload) : payload;
  if (bytes.length > MAX_PKT_PAYLOAD_BYTES) {
    throw new GitError("limit-exceeded", `pkt-line payload of ${bytes.length} bytes`, {
      maxBytes: MAX_PKT_PAYLOAD_BYTES,
    });
  }
  const line = new Uint8Array(bytes.length + 4);
  writePktLength(line, 0, line.length);
  line.set(bytes, 4);
  return line;
}

/** Writes the four length digits of a line of `lineBytes` bytes, digits included, at `offset`. */
export function writePktLength(target: Uint8Array, offset: number, lineBytes: number): void {
  for (let i = 3, rest = lineBytes; i >= 0; i--, rest >>= 4) {
    const digit = rest & 15;
    target[offset + i] = digit < 10 ? 48 + digit : 87 + digit;
  }
}

/**
 * Total length of the line whose four digits start at `offset`; 0, 1 and 2 are the control lines.
 * @throws GitError protocol for anything but hex digits, for 3, and beyond {@link MAX_PKT_BYTES}
 */
export function decodePktLength(bytes: Uint8Array, offset: number): number {
  let length = 0;
  for (let i = offset; i < offset + 4; i++) length = length * 16 + hexDigit(bytes[i]);
  if (length === 3 || length > MAX_PKT_BYTES) throw new GitError("protocol", `bad pkt-line length ${length}`);
  return length;
}

/** The control line of length 0, 1 or 2; null for a data line. */
export function findControlPkt(length: number): Pkt | null {
  return CONTROL[length] ?? null;
}

/** All lines of a whole message. Payloads alias `bytes`. @throws GitError protocol when it is malformed or cut off */
export function decodePkts(bytes: Uint8Array): Pkt[] {
  const pkts: Pkt[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    if (offset + 4 > bytes.length) throw new GitError("protocol", "pkt-line is cut off");
    const length = decodePktLength(bytes, offset);
    const control = findControlPkt(length);
    if (!control && offset + length > bytes.length) throw new GitError("protocol", "pkt-line is cut off");
    pkts.push(control ?? { kind: "data", payload: bytes.subarray(offset + 4, offset + length) });
    offset += control ? 4 : length;
  }
  return pkts;
}

/** A payload as a byte string without the one line feed that may end it. */
export function formatPktText(payload: Uint8Array): ByteString {
  const end = payload.at(-1) === 0x0a ? payload.length - 1 : payload.length;
  return byteStringFromBytes(payload, 0, end);
}

/** Lines, then a flush. */
export function encodePktMessage(lines: Iterable<string | Uint8Array>): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const line of lines) parts.push(encodePkt(line));
  parts.push(FLUSH_PKT);
  return concatBytes(parts);
}

/** The line by which a server says why it gives up; the client prints it as `remote error: …`. */
export function encodeErrorPkt(message: string): Uint8Array {
  const bytes = encodeUtf8(`ERR ${message}`);
  return encodePkt(bytes.subarray(0, MAX_PKT_PAYLOAD_BYTES));
}

function hexDigit(byte: number | undefined): number {
  if (byte !== undefined) {
    if (byte >= 48 && byte <= 57) return byte - 48;
    const lower = byte | 0x20;
    if (lower >= 97 && lower <= 102) return lower - 87;
  }
  throw new GitError("protocol", "pkt-line length is not hexadecimal");
}
