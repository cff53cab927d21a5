/**
 * Tree object: per entry `mode SP name NUL oid[20]`, sorted by name as bytes, a directory as if its name ended in `/`.
 * Source: git-mktree(1), `base_name_compare` in git's tree handling.
 */
import { type ByteString, openTextCutter } from "../bytes/text.ts";
import { GitError } from "../errors.ts";
import { type Oid, writeOidBytes } from "../hash/oid.ts";

/** Mode as written in a tree: a directory is `40000`. Old trees may hold others (`100664`); they are kept. */
export type TreeMode = string;

/** Modes that a new entry which is not a directory may have. */
export type FileMode = "100644" | "100755" | "120000" | "160000";

export const DIRECTORY_MODE = "40000";
export const FILE_MODE = "100644";
export const EXECUTABLE_MODE = "100755";
export const SYMLINK_MODE = "120000";
export const GITLINK_MODE = "160000";

export interface TreeEntry {
  readonly mode: TreeMode;
  /** One path segment. */
  readonly name: ByteString;
  readonly oid: Oid;
}

const OID_BYTES = 20;
const SLASH = 0x2f;
/** Digits of a 32-bit mode; git takes any number of leading zeros, nobody writes more than one. */
const MAX_MODE_DIGITS = 11;
const TYPE_BITS = 0o170000;
const USUAL_MODES: ReadonlyMap<number, TreeMode> = new Map(
  [FILE_MODE, EXECUTABLE_MODE, DIRECTORY_MODE, SYMLINK_MODE, GITLINK_MODE].map((mode) => [
    Number.parseInt(mode, 8),
    mode,
  ]),
);

/** What an entry points to, by the type bits of its mode, as git reads them: what is nothing else is a gitlink. */
export function entryKind(entry: { readonly mode: TreeMode }): "directory" | "file" | "symlink" | "gitlink" {
  if (entry.mode === FILE_MODE) return "file";
  if (entry.mode === DIRECTORY_MODE) return "directory";
  switch (Number.parseInt(entry.mode, 8) & TYPE_BITS) {
    case 0o040000:
      return "directory";
    case 0o100000:
      return "file";
    case 0o120000:
      return "symlink";
    default:
      return "gitlink";
  }
}

export function isDirectory(entry: { readonly mode: TreeMode }): boolean {
  return entryKind(entry) === "directory";
}

/** Whether the entry names a commit of another repository, which this one does not hold. */
export function isGitlink(entry: { readonly mode: TreeMode }): boolean {
  return entryKind(entry) === "gitlink";
}

/** Git's order of two entries of one tree. */
export function compareTreeEntries(a: TreeEntry, b: TreeEntry): number {
  const left = a.name;
  const right = b.name;
  if (left === right) return Number(isDirectory(a)) - Number(isDirectory(b));
  // Only where one name starts with the other does the imagined slash of a directory count.
  if (left < right) {
    return right.startsWith(left) && isDirectory(a) && right.charCodeAt(left.length) < SLASH ? 1 : -1;
  }
  return left.startsWith(right) && isDirectory(b) && left.charCodeAt(right.length) < SLASH ? -1 : 1;
}

/**
 * Reads the entries as they stand; order and names are not judged here. 0.2 to 0.3 µs an entry. Cutting all names and
 * ids from two large strings would be twice as fast, but then one id in a cache keeps the text of its tree alive.
 * @throws GitError corrupt-object
 */
export function decodeTree(data: Uint8Array): TreeEntry[] {
  const cutter = openTextCutter(data);
  const entries: TreeEntry[] = [];
  let offset = 0;
  while (offset < data.length) {
    let space = offset;
    let modeBits = 0;
    for (let byte = data[space]; byte !== undefined && byte >= 0x30 && byte <= 0x37; byte = data[++space]) {
      modeBits = modeBits * 8 + (byte & 7);
    }
    const start = space + 1;
    const digits = space - offset;
    let nul = start;
    while (nul < data.length && data[nul] !== 0) nul++;
    const end = nul + 1 + OID_BYTES;
    if (
      data[space] !== 0x20 ||
      digits < 1 ||
      digits > MAX_MODE_DIGITS ||
      nul === start ||
      end > data.length
    ) {
      throw new GitError("corrupt-object", "bad or cut-off tree entry", { offset });
    }
    const usual = USUAL_MODES.get(modeBits);
    entries.push({
      mode: usual?.length === digits ? usual : cutter.latin1Slice(offset, space),
      name: cutter.latin1Slice(start, nul) as ByteString,
      // 20 bytes as hex are an id by construction.
      oid: cutter.hexSlice(nul + 1, end) as Oid,
    });
    offset = end;
  }
  return entries;
}

/**
 * One entry by name, without decoding the others: four times faster than `decodeTree` where one name is wanted. Of
 * duplicates in a corrupt tree, the first counts.
 * @throws GitError corrupt-object
 */
export function findTreeEntry(data: Uint8Array, name: ByteString): TreeEntry | null {
  for (let offset = 0; offset < data.length; ) {
    let start = offset;
    while (start < data.length && data[start] !== 0x20) start++;
    start++;
    let same = 0;
    while (same < name.length && data[start + same] === name.charCodeAt(same)) same++;
    let nul = start + same;
    while (nul < data.length && data[nul] !== 0) nul++;
    const end = nul + 1 + OID_BYTES;
    if (end > data.length) throw new GitError("corrupt-object", "cut-off tree entry", { offset });
    if (same === name.length && nul === start + same)
      return decodeTree(data.subarray(offset, end))[0] ?? null;
    offset = end;
  }
  return null;
}

/** Encodes entries that are already in git's order and have distinct names. */
export function encodeTree(entries: readonly TreeEntry[]): Uint8Array {
  let length = 0;
  for (const entry of entries) length += entry.mode.length + entry.name.length + 22;
  const data = new Uint8Array(length);
  let offset = 0;
  for (const entry of entries) {
    offset = writeByteString(data, offset, entry.mode);
    data[offset++] = 0x20;
    offset = writeByteString(data, offset, entry.name);
    data[offset++] = 0;
    writeOidBytes(entry.oid, data, offset);
    offset += 20;
  }
  return data;
}

function writeByteString(data: Uint8Array, offset: number, text: string): number {
  for (let i = 0; i < text.length; i++) data[offset + i] = text.charCodeAt(i);
  return offset + text.length;
}
