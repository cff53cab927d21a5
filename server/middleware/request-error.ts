import type { ErrorCode, FieldError } from "../../sdk/contract/errors.ts";

/** A refusal with a wire code. `details` become further keys of the error body, `headers` of the reply. */
export class RequestError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ErrorCode,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.name = "RequestError";
    this.code = code;
    this.details = details;
    this.headers = headers;
  }
}

/** 400 that names each bad field; the message repeats the first so that a log line is enough. */
export function invalidFields(fields: readonly FieldError[]): RequestError {
  const first = fields[0];
  const message = first ? `${first.field}: ${first.message}` : "The request is not valid";
  return new RequestError("VALIDATION_ERROR", message, { fields });
}

/** 400 for one field. */
export function invalidField(field: string, message: string): RequestError {
  return invalidFields([{ field, message }]);
}

/** 404. `what` is a noun: "Repository", "Branch main". */
export function notFound(what: string): RequestError {
  return new RequestError("NOT_FOUND", `${what} not found`);
}

/** 409 with what the caller needs to try again. */
export function conflict(message: string, details: Readonly<Record<string, unknown>> = {}): RequestError {
  return new RequestError("CONFLICT", message, details);
}

/** 422: understood, but it cannot be done to what is stored. */
export function unprocessable(
  message: string,
  details: Readonly<Record<string, unknown>> = {},
): RequestError {
  return new RequestError("UNPROCESSABLE", message, details);
}
