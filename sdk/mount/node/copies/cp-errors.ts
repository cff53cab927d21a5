import { MountPathError } from "../../../errors.ts";

/** node's own errors of cp and rm: what they say first, the code of the system that they stand for, and its number. */
const ERRORS = {
  ERR_FS_CP_EINVAL: ["Invalid src or dest", "EINVAL", 22],
  ERR_FS_CP_DIR_TO_NON_DIR: ["Cannot overwrite non-directory with directory", "EISDIR", 21],
  ERR_FS_CP_NON_DIR_TO_DIR: ["Cannot overwrite directory with non-directory", "ENOTDIR", 20],
  ERR_FS_CP_EEXIST: ["Target already exists", "EEXIST", 17],
  ERR_FS_CP_SYMLINK_TO_SUBDIRECTORY: ["Cannot overwrite symlink in subdirectory of self", "EINVAL", 22],
  ERR_FS_EISDIR: ["Path is a directory", "EISDIR", 21],
} as const;

/** An error of cp in node's shape; its `errno` is positive, as node has it. */
export function cpError(code: keyof typeof ERRORS, detail: string, path: string): MountPathError {
  const [first, system, errno] = ERRORS[code];
  const message = `${first}: cp returned ${system} (${detail}) ${path}`;
  return new MountPathError(code, message, { errno, syscall: "cp", path });
}
