import { MountError } from "../../errors.ts";
import type { TransferError } from "./protocol.ts";

/** Linux's number of "too many symbolic links". */
const ELOOP = -40;

/** A path as the mount has it: absolute, without dots, doubled slashes or a slash at the end. */
export function parsePath(path: string): string {
  const segments = path.split("/").filter((segment) => segment !== "" && segment !== ".");
  if (segments.includes("..")) throw new Error("Path traversal not allowed");
  return `/${segments.join("/")}`;
}

/** The error of opening a link where links are not followed. */
export function linkError(path: string): MountError {
  return new MountError("ELOOP", `ELOOP: too many symbolic links encountered, open '${path}'`, {
    errno: ELOOP,
    syscall: "open",
    path,
  });
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Nothing is there, or something on the way is no directory. */
export function isAbsent(error: unknown): boolean {
  return error instanceof MountError && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

const TRANSFER_ERRORS: Readonly<Record<string, TransferError>> = {
  ENOENT: "file_not_found",
  EACCES: "permission_denied",
  EROFS: "permission_denied",
  EISDIR: "is_directory",
};

/** What a failed transfer is called; errors that are no file's fault pass. */
export function transferError(error: unknown): TransferError {
  if (!(error instanceof MountError)) return "invalid_path";
  if (error.code === "EIO" || error.code === "EBADF") throw error;
  return TRANSFER_ERRORS[error.code] ?? "invalid_path";
}
