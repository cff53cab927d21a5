import { openTextCutter } from "../bytes/text.ts";
import { GitError } from "../errors.ts";

/** A SHA-1 object id: 40 lowercase hex digits, checked once at the edge by {@link parseOid}. */
export type Oid = string & { readonly __brand: "Oid" };

const OID = /^[0-9a-f]{40}$/;

/** The all-zero id that the wire protocol uses for "no object". */
export const ZERO_OID = "0".repeat(40) as Oid;
/** Id of the tree without entries (`git hash-object -t tree /dev/null`). */
export const EMPTY_TREE_OID = "4b825dc642cb6eb9a060e54bf8d69288fbee4904" as Oid;

export function isOid(text: string): text is Oid {
  return OID.test(text);
}

/** Checks `text` and brands it. @throws GitError invalid-oid */
export function parseOid(text: string): Oid {
  if (!isOid(text))
    throw new GitError("invalid-oid", `not an object id: ${JSON.stringify(text).slice(0, 80)}`);
  return text;
}

/** Reads the 20 bytes at `offset`. @throws GitError invalid-oid when fewer than 20 bytes are left */
export function oidFromBytes(bytes: Uint8Array, offset = 0): Oid {
  if (!(offset >= 0 && offset + 20 <= bytes.length))
    throw new GitError("invalid-oid", "object id is cut off");
  return openTextCutter(bytes).hexSlice(offset, offset + 20) as Oid;
}

/** Writes the 20 raw bytes of `oid` into `target` at `offset`. */
export function writeOidBytes(oid: Oid, target: Uint8Array, offset = 0): void {
  for (let i = 0; i < 20; i++) {
    target[offset + i] = (hexDigit(oid.charCodeAt(2 * i)) << 4) | hexDigit(oid.charCodeAt(2 * i + 1));
  }
}

/** The 20 raw bytes of `oid`. */
export function oidToBytes(oid: Oid): Uint8Array {
  const bytes = new Uint8Array(20);
  writeOidBytes(oid, bytes);
  return bytes;
}

function hexDigit(charCode: number): number {
  return charCode <= 57 ? charCode - 48 : charCode - 87;
}
