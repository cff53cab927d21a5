/** What every error of this package carries beside its message. */
interface CoregitErrorOptions {
  readonly data?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** Base of the closed family: an {@link ApiError} from the client, a {@link MountError} from a mount. */
export class CoregitError extends Error {
  /** Stable, for programs. The message is for people and may change. */
  readonly code: string;
  /** Facts beside the code, such as `fields` of a VALIDATION_ERROR or `current_sha` of a CONFLICT. */
  readonly data: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, options: CoregitErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.data = options.data ?? {};
  }
}

interface ApiErrorOptions extends CoregitErrorOptions {
  readonly status: number;
  readonly requestId?: string | null;
  readonly retryable: boolean;
}

/**
 * A request that did not succeed. `code` is one of the wire's codes, or, when no usable answer came, one of
 * NETWORK_ERROR (status 0), REQUEST_TIMEOUT (status 0), INVALID_RESPONSE and INCOMPLETE_STREAM.
 */
export class ApiError<Code extends string = string> extends CoregitError {
  declare readonly code: Code;
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  /** The server's X-Request-Id: quote it when you report a fault. */
  readonly requestId: string | null;
  /** The same request may succeed later. */
  readonly retryable: boolean;

  constructor(code: Code, message: string, options: ApiErrorOptions) {
    super(code, message, options);
    this.status = options.status;
    this.requestId = options.requestId ?? null;
    this.retryable = options.retryable;
  }
}

/** Where and in which call a filesystem operation failed. */
export interface MountErrorOptions extends CoregitErrorOptions {
  /** Negative, as node gives it. */
  readonly errno: number;
  readonly syscall: string;
  readonly path?: string | undefined;
  readonly dest?: string | undefined;
}

/** A failed filesystem call, shaped like node's: `code`, `errno`, `syscall`, `path`, `dest`, message first the code. */
export class MountError extends CoregitError {
  readonly errno: number;
  readonly syscall: string;
  /** Mount path, absent where the call has none. */
  declare readonly path?: string;
  declare readonly dest?: string;

  constructor(code: string, message: string, options: MountErrorOptions) {
    super(code, message, options);
    this.errno = options.errno;
    this.syscall = options.syscall;
    if (options.path !== undefined) this.path = options.path;
    if (options.dest !== undefined) this.dest = options.dest;
  }
}

/** A write to a read-only mount, or to a repository that was mounted at a `ref` (EROFS). */
export class MountReadOnlyError extends MountError {}

/** The path is missing, of the wrong kind, in the way, or not a path (ENOENT, EISDIR, ENOTDIR, EEXIST, …). */
export class MountPathError extends MountError {}

/** One version of a path in a conflict; `sha` null: nothing is there. Contents are read when they are asked for. */
export interface ConflictVersion {
  readonly sha: string | null;
  /** null where `sha` is. Costs a request unless the blob is in memory. */
  bytes(): Promise<Uint8Array | null>;
  /** As UTF-8. */
  text(): Promise<string | null>;
}

/** One path that both the mount and somebody else changed, in ways that do not merge. */
export interface MountConflict {
  /** Mount path. */
  readonly path: string;
  /** `content`, `binary`, `too-large`, `modify-delete`, `add-add`, `file-directory`, `mode`, `symlink`, `type`, … */
  readonly type: string;
  /** What the unsaved change was made from. */
  readonly base: ConflictVersion;
  /** What the mount has. */
  readonly ours: ConflictVersion;
  /** What the branch has. */
  readonly theirs: ConflictVersion;
  /** Both texts between conflict markers (`<<<<<<<`, `=======`, `>>>>>>>`); bytes when they are not UTF-8, null without two texts. */
  readonly merged: string | Uint8Array | null;
  /** `base.sha`. */
  readonly baseSha: string | null;
  /** `theirs.sha`. */
  readonly currentSha: string | null;
}

/** A commit refused because somebody else changed the same path (ECONFLICT). Nothing was written, nothing was lost. */
export class MountConflictError extends MountError {
  readonly baseSha: string | null;
  readonly currentSha: string | null;
  /** Every conflict; the first one is also `path`, `baseSha` and `currentSha`. Empty when the server named no path. */
  readonly conflicts: readonly MountConflict[];

  constructor(
    message: string,
    options: MountErrorOptions & { readonly conflicts: readonly MountConflict[] },
  ) {
    super("ECONFLICT", message, options);
    this.conflicts = options.conflicts;
    this.baseSha = options.conflicts[0]?.baseSha ?? null;
    this.currentSha = options.conflicts[0]?.currentSha ?? null;
  }
}
