/** The wire's error codes and their status: the one table that the server encodes with and the SDK decodes with. */
export const ERROR_STATUS = {
  VALIDATION_ERROR: 400,
  UNAUTHORIZED: 401,
  QUOTA_EXCEEDED: 402,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  PAYLOAD_TOO_LARGE: 413,
  RANGE_NOT_SATISFIABLE: 416,
  UNPROCESSABLE: 422,
  RATE_LIMITED: 429,
  INTERNAL_ERROR: 500,
  TIMEOUT: 504,
  BACKPRESSURE: 507,
} as const;

export type ErrorCode = keyof typeof ERROR_STATUS;

/** One rejected field of a VALIDATION_ERROR. `field` is a dotted path such as `changes.3.path`. */
export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/** Every reply that is not a success has this body; further keys are details of the code. */
export interface ErrorBody {
  readonly error: string;
  readonly code: ErrorCode;
  readonly fields?: readonly FieldError[];
  readonly [detail: string]: unknown;
}

export function isErrorCode(text: unknown): text is ErrorCode {
  return typeof text === "string" && Object.hasOwn(ERROR_STATUS, text);
}
