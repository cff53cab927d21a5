/** Rules of ref names. Source: git-check-ref-format(1), git-branch(1) and what git receive-pack accepts. */
import { encodeUtf8 } from "../bytes/text.ts";
import { GitError } from "../errors.ts";

/** Longest full ref name, in UTF-8 bytes. Git has no number of its own; its files stop at PATH_MAX. */
export const MAX_REF_NAME_BYTES = 1_024;

export const BRANCH_PREFIX = "refs/heads/";
export const TAG_PREFIX = "refs/tags/";

const FORBIDDEN_CHARACTER = /[\0-\x20\x7f~^:?*[\\]/;
const LONE_SURROGATE = /\p{Surrogate}/u;
const LOCK_SUFFIX = /\.lock(?:\/|$)/;

/**
 * Whether `git check-ref-format --allow-onelevel name` accepts the name: any ref, short or full. Text that is not
 * well-formed Unicode has no bytes and is refused.
 */
export function isRefFormat(name: string): boolean {
  return findFormatFault(name) === null;
}

/** Whether `full` may be created: `refs/<kind>/<name>`, well formed, and a branch that `git branch` would make. */
export function isRefName(full: string): boolean {
  return findRefNameFault(full) === null;
}

/** @throws GitError invalid-ref-name with `data.reason` */
export function checkRefName(full: string): void {
  const reason = findRefNameFault(full);
  if (reason) throw new GitError("invalid-ref-name", reason, { name: full.slice(0, 200), reason });
}

/** Git's order of ref names: by their UTF-8 bytes, which is by code point, not by UTF-16 unit. */
export function compareRefNames(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left === right) continue;
    // Code points above U+FFFF sort last as UTF-8, but their surrogates sort before U+E000 as UTF-16.
    const leftHigh = left >= 0xd800 && left < 0xe000;
    const rightHigh = right >= 0xd800 && right < 0xe000;
    if (leftHigh !== rightHigh) return leftHigh ? 1 : -1;
    return left - right;
  }
  return a.length - b.length;
}

function findRefNameFault(full: string): string | null {
  if (!full.startsWith("refs/")) return "a full ref name starts with refs/";
  const fault = findFormatFault(full);
  if (fault) return fault;
  if (encodeUtf8(full).length > MAX_REF_NAME_BYTES) return `name is longer than ${MAX_REF_NAME_BYTES} bytes`;
  if (!full.slice("refs/".length).includes("/")) return "a ref lies in a folder, such as refs/heads/";
  const branch = full.startsWith(BRANCH_PREFIX) ? full.slice(BRANCH_PREFIX.length) : "";
  if (branch === "HEAD") return "a branch cannot be named HEAD";
  if (branch.startsWith("-")) return "a branch name cannot start with -";
  return null;
}

function findFormatFault(name: string): string | null {
  if (name === "") return "name is empty";
  if (name === "@") return "@ alone is not a name";
  if (name.startsWith("/") || name.endsWith("/") || name.includes("//")) return "name has an empty part";
  if (name.startsWith(".") || name.includes("/.")) return "a part of the name starts with a dot";
  if (name.endsWith(".")) return "name ends with a dot";
  if (name.includes("..")) return "name has two dots in a row";
  if (name.includes("@{")) return "name has @{";
  if (LOCK_SUFFIX.test(name)) return "a part of the name ends with .lock";
  if (FORBIDDEN_CHARACTER.test(name)) return "name has a space, a control character or one of ~ ^ : ? * [ \\";
  if (LONE_SURROGATE.test(name)) return "name is not well-formed Unicode";
  return null;
}
