import { ERROR_STATUS, type ErrorCode } from "../../sdk/contract/errors.ts";
import { GitError, type GitErrorCode } from "../git/errors.ts";
import { RequestError } from "./request-error.ts";

/** Writes one line for whoever runs the server. */
export type Log = (line: Readonly<Record<string, unknown>>) => void;

/** The wire code of each engine error. What says that stored data is bad is ours to answer for: 500. */
const GIT_ERROR_CODE: Readonly<Record<GitErrorCode, ErrorCode>> = {
  "corrupt-object": "INTERNAL_ERROR",
  "corrupt-pack": "INTERNAL_ERROR",
  "corrupt-index": "INTERNAL_ERROR",
  forbidden: "FORBIDDEN",
  "invalid-oid": "VALIDATION_ERROR",
  "invalid-ref-name": "VALIDATION_ERROR",
  "invalid-path": "VALIDATION_ERROR",
  "invalid-identity": "VALIDATION_ERROR",
  "invalid-revision": "VALIDATION_ERROR",
  "limit-exceeded": "PAYLOAD_TOO_LARGE",
  "missing-object": "NOT_FOUND",
  protocol: "VALIDATION_ERROR",
  "quota-exceeded": "QUOTA_EXCEEDED",
  overloaded: "BACKPRESSURE",
  interrupted: "TIMEOUT",
  "wrong-type": "UNPROCESSABLE",
};

/** When to come back, unless the error says so itself. */
const RETRY_AFTER_SEC = 1;

/** Field of a VALIDATION_ERROR whose GitError names none. */
const GIT_ERROR_FIELD: Readonly<Partial<Record<GitErrorCode, string>>> = {
  "invalid-oid": "sha",
  "invalid-ref-name": "ref",
  "invalid-path": "path",
  "invalid-identity": "author",
  "invalid-revision": "ref",
  protocol: "body",
};

/**
 * The reply to anything thrown: an envelope with a code. What was not foreseen tells the caller the request id and
 * nothing else; the rest goes to the log.
 */
export function errorReply(error: unknown, requestId: string, log: Log): Response {
  const known = fromGitError(error);
  if (known instanceof RequestError) {
    const body = { error: known.message, code: known.code, ...known.details };
    return envelope(body, ERROR_STATUS[known.code], known.headers);
  }
  log({
    level: "error",
    request_id: requestId,
    message: error instanceof Error ? error.message : String(error),
    ...(error instanceof Error && { stack: error.stack }),
    ...(error instanceof GitError && { git_error: error.code }),
  });
  return envelope({ error: "Internal error", code: "INTERNAL_ERROR", request_id: requestId }, 500, {});
}

/** The refusal that an error of the engine is to the caller; anything else, and what is not the caller's, as it is. */
export function fromGitError(error: unknown): unknown {
  if (!(error instanceof GitError)) return error;
  const code = GIT_ERROR_CODE[error.code];
  if (code === "INTERNAL_ERROR") return error;
  if (code === "BACKPRESSURE") return tryLater(error);
  if (code !== "VALIDATION_ERROR") return new RequestError(code, error.message, error.data);
  const named = error.data.field;
  const field = typeof named === "string" ? named : (GIT_ERROR_FIELD[error.code] ?? "body");
  return new RequestError(code, `${field}: ${error.message}`, {
    fields: [{ field, message: error.message }],
  });
}

function tryLater({ message, data }: GitError): RequestError {
  const seconds = typeof data.retryAfterSec === "number" ? data.retryAfterSec : RETRY_AFTER_SEC;
  return new RequestError(
    "BACKPRESSURE",
    message,
    { retry_after: seconds },
    { "retry-after": String(seconds) },
  );
}

function envelope(body: unknown, status: number, headers: Readonly<Record<string, string>>): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json; charset=utf-8", ...headers },
  });
}
