/**
 * Tree object: per entry `mode SP name NUL oid[20]`, sorted by name as bytes, a directory as if its name ended in `/`.
 * Source: git-mktree(1), `base_name_compare` in git's tree handling.
 */
import { type ByteString, byteStringFromBytes } from "../bytes/text.ts";
import { GitError } from "../errors.ts";
import { type Oid, oidFromBytes, writeOidBytes } from "../hash/oid.ts";

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

const MODE = /^[0-7]{5,6}$/;

export function isDirectory(entry: TreeEntry): boolean {
  return entry.mode === DIRECTORY_MODE || entry.mode === "040000";
}

/** Git's order of two entries of one tree. */
export function compareTreeEntries(a: TreeEntry, b: TreeEntry): number {
  const left = isDirectory(a) ? `${a.name}/` : a.name;
  const right = isDirectory(b) ? `${b.name}/` : b.name;
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Reads the entries as they stand; order and names are not judged here. @throws GitError corrupt-object */
export function decodeTree(data: Uint8Array): TreeEntry[] {
  const entries: TreeEntry[] = [];
  let offset = 0;
  while (offset < data.length) {
    const space = data.indexOf(0x20, offset);
    const nul = space < 0 ? -1 : data.indexOf(0, space + 1);
    if (space - offset > 6 || nul < 0 || nul + 21 > data.length) {
      throw new GitError("corrupt-object", "tree entry is cut off", { offset });
    }
    const mode = byteStringFromBytes(data, offset, space);
    if (!MODE.test(mode) || nul === space + 1)
      throw new GitError("corrupt-object", "bad tree entry", { offset });
    entries.push({ mode, name: byteStringFromBytes(data, space + 1, nul), oid: oidFromBytes(data, nul + 1) });
    offset = nul + 21;
  }
  return entries;
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
