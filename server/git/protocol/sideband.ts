/**
 * Side-band: pkt-lines whose first payload byte names the band: 1 data, 2 progress for people, 3 fatal error.
 * Source: gitprotocol-pack(5), "Packfile Data".
 */
import { encodeUtf8 } from "../bytes/text.ts";
import { MAX_PKT_BYTES, writePktLength } from "./pkt-line.ts";

export type Band = 1 | 2 | 3;

/** Longest line of `side-band-64k`, and of the old `side-band`; digits and band byte included. */
export const SIDEBAND_64K_BYTES = MAX_PKT_BYTES;
export const SIDEBAND_SMALL_BYTES = 1_000;

/** `data` on `band`, cut into as many lines as it needs; nothing for no data. */
export function encodeSideband(
  band: Band,
  data: string | Uint8Array,
  maxLineBytes = SIDEBAND_64K_BYTES,
): Uint8Array {
  const bytes = typeof data === "string" ? encodeUtf8(data) : data;
  const room = maxLineBytes - 5;
  const lines = Math.ceil(bytes.length / room);
  const framed = new Uint8Array(bytes.length + 5 * lines);
  let target = 0;
  for (let offset = 0; offset < bytes.length; offset += room) {
    const part = bytes.subarray(offset, offset + room);
    writePktLength(framed, target, part.length + 5);
    framed[target + 4] = band;
    framed.set(part, target + 5);
    target += part.length + 5;
  }
  return framed;
}
