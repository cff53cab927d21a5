/**
 * Names that some filesystem takes for `.git`: NTFS (any case, trailing dots and spaces, the short name `git~1`, an
 * alternate stream after `:`, a backslash as separator) and HFS+ (code points that it ignores). Git refuses them
 * everywhere, because a clone may land on such a disk. Source: core.protectNTFS and core.protectHFS in git-config(1),
 * CVE-2014-9390, CVE-2019-1353; the table in the test is compared with `git fsck`.
 */
import { type ByteString, byteStringToBytes, decodeUtf8Lossy, findUtf8 } from "../bytes/text.ts";

const NTFS_DOT_GIT = /(?:^|\\)(?:\.git|git~1)[. ]*(?:$|[\\:])/i;
const HFS_IGNORED = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;
const ASCII_ONLY = /^[\0-\x7f]*$/;

/** Whether a path segment names `.git` on some filesystem. */
export function isDotGit(segment: ByteString): boolean {
  return NTFS_DOT_GIT.test(segment) || foldHfs(segment) === ".git";
}

/**
 * NTFS short names: `gitmod~1` to `~4`, later ones are eight characters made of the start of a fixed hash of the name,
 * `~` and a number.
 */
const SHORT_GITMODULES = ["gitmod~[1-4]"].concat(
  Array.from({ length: 7 }, (_, kept) => `${"gi7eba".slice(0, kept)}~[1-9][0-9]{${6 - kept}}`),
);
const NTFS_GITMODULES = new RegExp(
  `(?:^|\\\\)(?:\\.gitmodules|${SHORT_GITMODULES.join("|")})[. ]*(?:$|:)`,
  "i",
);

/** Whether a path segment names `.gitmodules` on some filesystem. Such a file must not be a symbolic link. */
export function isDotGitmodules(segment: ByteString): boolean {
  return NTFS_GITMODULES.test(segment) || foldHfs(segment) === ".gitmodules";
}

/** What HFS+ would compare: without ignored code points, and git reads a name only up to the first malformed byte. */
function foldHfs(segment: ByteString): string {
  if (ASCII_ONLY.test(segment)) return foldCase(segment);
  const bytes = byteStringToBytes(segment);
  const text = findUtf8(bytes) ?? (decodeUtf8Lossy(bytes).split("\ufffd", 1)[0] as string);
  return foldCase(text.replace(HFS_IGNORED, ""));
}

/** ASCII only: U+212A (Kelvin) lower-cases to k, and no filesystem folds it there. */
function foldCase(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
