const TEXTS = {
  ENOENT: "no such file or directory",
  EEXIST: "file already exists",
  EISDIR: "illegal operation on a directory",
  ENOTDIR: "not a directory",
  ENOTEMPTY: "directory not empty",
  EINVAL: "invalid argument",
  ELOOP: "too many symbolic links encountered",
  ENAMETOOLONG: "name too long",
  EROFS: "read-only file system",
  EXDEV: "cross-device link not permitted",
  EBUSY: "resource busy or locked",
  EPERM: "operation not permitted",
} as const;

/** An error of the shell's filesystem in node's wording: commands look at the code in the message. */
export function fsError(code: keyof typeof TEXTS, syscall: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${TEXTS[code]}, ${syscall} '${path}'`), { code, syscall, path });
}
