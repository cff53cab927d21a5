import { argumentError, type CallSite, errnoError } from "./errno.ts";

const MAX_NAME_BYTES = 255;
const MAX_PATH_BYTES = 4_096;

/** Something that a plain lookup by text would miss: an empty segment, `.`, `..`, or a slash at the end. */
const NEEDS_WALK = /\/(?:\.{0,2})(?:\/|$)/;

const encoder = new TextEncoder();

/** Length in UTF-8 bytes, counted only when the text is long enough for the answer to matter. */
function exceedsBytes(text: string, limit: number): boolean {
  if (text.length > limit) return true;
  return text.length * 3 > limit && encoder.encode(text).length > limit;
}

/** A mount path: absolute, `/` between segments. Segments are never percent-decoded or otherwise interpreted. */
export interface MountPath {
  /** As given, made absolute. */
  readonly text: string;
  /** No empty, `.` or `..` segment and no slash at the end: may be looked up as it is. */
  readonly plain: boolean;
}

/**
 * Checks a path argument. Relative paths start at the mount's root; node's `file:` URLs are not taken.
 *
 * @throws TypeError ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE for NUL; MountPathError ENOENT for "", ENAMETOOLONG.
 */
export function parseMountPath(path: unknown, site: CallSite): MountPath {
  if (typeof path !== "string") {
    throw argumentError(
      "ERR_INVALID_ARG_TYPE",
      `The "path" argument must be of type string. Received ${typeof path}`,
    );
  }
  if (path === "") throw errnoError("ENOENT", { path, ...site });
  if (path.includes("\0")) {
    throw argumentError("ERR_INVALID_ARG_VALUE", `The argument 'path' must be a string without null bytes`);
  }
  if (path.length * 3 >= MAX_PATH_BYTES && exceedsBytes(path, MAX_PATH_BYTES - 1)) {
    throw errnoError("ENAMETOOLONG", { path, ...site });
  }
  const text = path.charCodeAt(0) === 47 ? path : `/${path}`;
  return { text, plain: text === "/" || !NEEDS_WALK.test(text) };
}

/** Whether a name is too long for Linux (255 bytes). */
export function isNameTooLong(name: string): boolean {
  return exceedsBytes(name, MAX_NAME_BYTES);
}

/** `.git` lives in the mount only: like git itself, a commit never takes it. Tools that bring their own git need it. */
export const LOCAL_NAME = ".git";

const EVIL_NAME = /^(?:\.git|git~1)$/i;

/** Names that no commit can hold (git's guard of case-folding disks, text that is not Unicode), refused when written. */
export function isNameForbidden(name: string): boolean {
  if (name !== LOCAL_NAME && EVIL_NAME.test(name)) return true;
  return LONE_SURROGATE.test(name);
}

const LONE_SURROGATE = /\p{Surrogate}/u;

/** `a` + `b`, where either may be empty. */
export function joinPath(parent: string, name: string): string {
  return parent === "" ? name : name === "" ? parent : `${parent}/${name}`;
}

export function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash === -1 ? "" : path.slice(0, slash);
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
