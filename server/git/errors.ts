/**
 * The engine's one error class. A code is stable and part of the interface; the message is for people.
 * Absence is never an error here: readers answer null or `missing`.
 */
export type GitErrorCode =
  | "corrupt-object"
  | "corrupt-pack"
  | "corrupt-index"
  /** The caller may not do this. */
  | "forbidden"
  | "invalid-oid"
  | "invalid-ref-name"
  | "invalid-path"
  | "invalid-identity"
  | "invalid-revision"
  | "limit-exceeded"
  | "missing-object"
  | "protocol"
  /** The caller has used up what it may use. `data`: quota, limit, used. */
  | "quota-exceeded"
  /** Refused for now, nothing was done; try again. `data.retryAfterSec` when it is known. */
  | "overloaded"
  /** The answer was lost: what was asked for may have happened or not. */
  | "interrupted"
  | "wrong-type";

export class GitError extends Error {
  readonly code: GitErrorCode;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(
    code: GitErrorCode,
    message: string,
    data: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = "GitError";
    this.code = code;
    this.data = data;
  }
}
