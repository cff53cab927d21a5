import { type ByteString, byteStringFromBytes } from "../bytes/text.ts";
import { isOid } from "../hash/oid.ts";
import { findIdentityFault, type ObjectFault } from "./verify-identity.ts";

/** Lines of a header block, read one by one. */
export interface HeaderLines {
  /**
   * The value of the next line when it starts with `name` and a space; null otherwise, and nothing is taken.
   * The last line need not end with a line break.
   */
  take(name: string): ByteString | null;
}

/**
 * The header of a commit or tag as lines, or the fault of a header that does not end or holds a NUL.
 * Source: git-fsck(1), message ids nulInHeader and unterminatedHeader.
 */
export function openHeader(data: Uint8Array): HeaderLines | ObjectFault {
  const view = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const blank = view.indexOf("\n\n");
  const end = blank < 0 ? data.length : blank + 1;
  const nul = data.subarray(0, end).indexOf(0);
  if (nul >= 0) return { id: "nulInHeader", message: `unterminated header: NUL at offset ${nul}` };
  if (data[end - 1] !== 0x0a) return { id: "unterminatedHeader", message: "unterminated header" };
  const text = byteStringFromBytes(data, 0, end);
  let offset = 0;
  return {
    take(name) {
      if (!text.startsWith(`${name} `, offset)) return null;
      const newline = text.indexOf("\n", offset);
      const value = text.slice(offset + name.length + 1, newline);
      offset = newline + 1;
      return value as ByteString; // a part of a byte string is one
    },
  };
}

export function isFault(value: HeaderLines | ObjectFault): value is ObjectFault {
  return "id" in value;
}

/** Takes an identity line; gives its first fault, or `absent` when the line is not there. */
export function takeIdentity(
  lines: HeaderLines,
  name: string,
  absent: ObjectFault | null,
): ObjectFault | null {
  const line = lines.take(name);
  return line === null ? absent : findIdentityFault(line);
}

/** Takes a line with an object id; gives what is wrong with it. */
export function takeOid(
  lines: HeaderLines,
  name: string,
  absentId: string,
  badId: string,
): ObjectFault | null {
  const value = lines.take(name);
  if (value === null) return { id: absentId, message: `invalid format - expected '${name}' line` };
  return isOid(value) ? null : { id: badId, message: `invalid '${name}' line format - bad sha1` };
}
