import { type ByteString, toByteString } from "../bytes/text.ts";
import { GitError } from "../errors.ts";
import { isDotGit } from "./dot-git.ts";

/** Longest path that is taken, in UTF-8 bytes (PATH_MAX of Linux: a longer one cannot be checked out there). */
export const MAX_PATH_BYTES = 4_096;

const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * A path of API text, checked for use in a tree: relative, `/` between segments, no empty segment, `.`, `..` or
 * whatever a filesystem takes for `.git`, no NUL. Line breaks, backslashes and spaces are fine, as they are for git.
 * @throws GitError invalid-path with `data.reason`
 */
export function parsePath(text: string): ByteString {
  const reason = findTextFault(text);
  if (reason) throw invalidPath(text, reason);
  const path = toByteString(text);
  if (path.length > MAX_PATH_BYTES) throw invalidPath(text, `path is longer than ${MAX_PATH_BYTES} bytes`);
  const fault = findPathFault(path);
  if (fault) throw invalidPath(text, fault);
  return path;
}

/** Why these bytes cannot be a path in a tree, or null when they can. No length limit: old trees are what they are. */
export function findPathFault(path: ByteString): string | null {
  if (path === "") return "path is empty";
  for (const segment of path.split("/")) {
    const fault = findSegmentFault(segment as ByteString);
    if (fault) return fault;
  }
  return null;
}

/** Why these bytes cannot be the name of a tree entry, or null when they can. */
export function findSegmentFault(segment: ByteString): string | null {
  if (segment === "") return "path has an empty segment";
  if (segment === "." || segment === "..") return `path has a "${segment}" segment`;
  if (segment.includes("\0")) return "path has a NUL";
  if (segment.includes("/")) return "segment has a slash";
  if (isDotGit(segment)) return `path has a segment that some filesystems take for .git`;
  return null;
}

function findTextFault(text: string): string | null {
  // Each UTF-16 unit is at least one byte of UTF-8, so this bounds the work before anything is encoded.
  if (text.length > MAX_PATH_BYTES) return `path is longer than ${MAX_PATH_BYTES} bytes`;
  if (LONE_SURROGATE.test(text)) return "path is not well-formed Unicode";
  return null;
}

function invalidPath(text: string, reason: string): GitError {
  return new GitError("invalid-path", reason, { path: text.slice(0, 200), reason });
}
