import { ApiError, MountError, MountPathError, MountReadOnlyError } from "../../errors.ts";

/** Number and text of each code, as Linux and node give them; ECONFLICT is ours, outside the range that systems use. */
const ERRNO = {
  EPERM: [-1, "operation not permitted"],
  ENOENT: [-2, "no such file or directory"],
  EIO: [-5, "i/o error"],
  E2BIG: [-7, "argument list too long"],
  EBADF: [-9, "bad file descriptor"],
  EACCES: [-13, "permission denied"],
  EBUSY: [-16, "resource busy or locked"],
  EEXIST: [-17, "file already exists"],
  EXDEV: [-18, "cross-device link not permitted"],
  ENOTDIR: [-20, "not a directory"],
  EISDIR: [-21, "illegal operation on a directory"],
  EINVAL: [-22, "invalid argument"],
  EFBIG: [-27, "file too large"],
  EROFS: [-30, "read-only file system"],
  ENAMETOOLONG: [-36, "name too long"],
  ENOSYS: [-38, "function not implemented"],
  ENOTEMPTY: [-39, "directory not empty"],
  ELOOP: [-40, "too many symbolic links encountered"],
  ECONFLICT: [-1024, "changed on the branch since it was read"],
} as const;

export type ErrnoCode = keyof typeof ERRNO;

/** Where a call failed. */
export interface CallSite {
  readonly syscall: string;
  readonly path?: string | undefined;
  readonly dest?: string | undefined;
}

export function errnoOf(code: ErrnoCode): number {
  return ERRNO[code][0];
}

/** Node's wording: `ENOENT: no such file or directory, open '/x'`, with ` -> '/y'` for calls of two paths. */
export function formatErrno(code: ErrnoCode, site: CallSite, detail?: string): string {
  const path = site.path === undefined ? "" : ` '${site.path}'`;
  const dest = site.dest === undefined ? "" : ` -> '${site.dest}'`;
  return `${code}: ${detail ?? ERRNO[code][1]}, ${site.syscall}${path}${dest}`;
}

const PATH_CODES: ReadonlySet<ErrnoCode> = new Set([
  "ENOENT",
  "EEXIST",
  "EXDEV",
  "ENOTDIR",
  "EISDIR",
  "EINVAL",
  "ENAMETOOLONG",
  "ENOTEMPTY",
  "ELOOP",
]);

/** The error of a code, in its class. `detail` replaces the code's own text where a limit or reason must be named. */
export function errnoError(
  code: ErrnoCode,
  site: CallSite,
  more: {
    readonly detail?: string;
    readonly cause?: unknown;
    readonly data?: Readonly<Record<string, unknown>>;
  } = {},
): MountError {
  const message = formatErrno(code, site, more.detail);
  const { cause, data = {} } = more;
  const options = { ...site, errno: errnoOf(code), cause, data };
  if (code === "EROFS") return new MountReadOnlyError(code, message, options);
  if (PATH_CODES.has(code)) return new MountPathError(code, message, options);
  return new MountError(code, message, options);
}

/** What a failed request means to a filesystem call: no permission for 401 and 403, else an i/o error. Others pass. */
export function remoteError(error: unknown, site: CallSite): unknown {
  if (!(error instanceof ApiError)) return error;
  const code = error.status === 401 || error.status === 403 ? "EACCES" : "EIO";
  return errnoError(code, site, {
    detail: `${ERRNO[code][1]} (${error.code}: ${error.message})`,
    cause: error,
  });
}

/** An argument that no filesystem takes, in node's shape. */
export function argumentError(
  code: "ERR_INVALID_ARG_TYPE" | "ERR_INVALID_ARG_VALUE",
  message: string,
): TypeError {
  return Object.assign(new TypeError(message), { code });
}
