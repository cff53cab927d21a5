import { openTextCutter } from "../bytes/text.ts";
import { GitError } from "../errors.ts";
import { isOid, type Oid } from "../hash/oid.ts";

/** What a walk needs of a commit. */
export interface CommitLinks {
  readonly tree: Oid;
  readonly parents: readonly Oid[];
  /** Committer date; 0 when it cannot be read, as git has it. */
  readonly seconds: number;
}

const LINE_BREAK = 0x0a;
const DATE = /^ *(\d{1,15})(?: |$)/;

/**
 * Tree, parents and date of a commit: less to do and to keep than `decodeCommit`; identities and message are not judged.
 * @throws GitError corrupt-object
 */
export function decodeCommitLinks(data: Uint8Array): CommitLinks {
  const { tree, parents, end } = decodeCommitIds(data);
  return { tree, parents, seconds: findDate(data, end) };
}

/**
 * Tree and parents of a commit, and the offset of the first line after them. The ids are strings of their own: a walk
 * over a history keeps them by the thousand, and must not keep the text of each commit with them.
 * @throws GitError corrupt-object
 */
export function decodeCommitIds(data: Uint8Array): { tree: Oid; parents: Oid[]; end: number } {
  const tree = readOidLine(data, 0, "tree ");
  if (!tree) throw new GitError("corrupt-object", "commit without tree line");
  const parents: Oid[] = [];
  let end = "tree ".length + 41;
  while (hasText(data, end, "parent ")) {
    const parent = readOidLine(data, end, "parent ");
    if (!parent) throw new GitError("corrupt-object", "bad parent line in a commit");
    parents.push(parent);
    end += "parent ".length + 41;
  }
  return { tree, parents, end };
}

function readOidLine(data: Uint8Array, offset: number, name: string): Oid | null {
  const start = offset + name.length;
  if (!hasText(data, offset, name) || data[start + 40] !== LINE_BREAK) return null;
  const oid = openTextCutter(data).latin1Slice(start, start + 40);
  return isOid(oid) ? oid : null;
}

function findDate(data: Uint8Array, authorLine: number): number {
  const start = data.indexOf(LINE_BREAK, authorLine) + 1;
  if (start === 0 || !hasText(data, start, "committer ")) return 0;
  const newline = data.indexOf(LINE_BREAK, start);
  const end = newline < 0 ? data.length : newline;
  const date = data.lastIndexOf(0x3e, end) + 1; // behind the last ">"
  if (date <= start) return 0;
  return Number(DATE.exec(openTextCutter(data).latin1Slice(date, end))?.[1] ?? 0);
}

function hasText(data: Uint8Array, offset: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (data[offset + i] !== text.charCodeAt(i)) return false;
  return true;
}
