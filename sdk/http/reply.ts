import { ERROR_STATUS, type ErrorCode, isErrorCode } from "../contract/errors.ts";
import { HEADERS } from "../contract/limits.ts";
import { ApiError } from "../errors.ts";
import { isRetryableStatus } from "./retry.ts";

/** Codes of failures that no error body of the server describes. */
export type TransportCode = "NETWORK_ERROR" | "REQUEST_TIMEOUT" | "INVALID_RESPONSE" | "INCOMPLETE_STREAM";
export type RequestError = ApiError<ErrorCode | TransportCode>;

/** What every method of the client resolves with. `status` is 0 when no answer came. */
export type Result<T> =
  | { readonly data: T; readonly error: null; readonly status: number }
  | { readonly data: null; readonly error: RequestError; readonly status: number };

/** A body that is read as it comes, with what its headers say of it. */
export interface BytesReply {
  readonly body: ReadableStream<Uint8Array>;
  /** Length of this body; null when the server did not say. */
  readonly bytes: number | null;
  readonly contentType: string | null;
  /** Blob id of the whole file. */
  readonly sha: string | null;
  /** Commit that the ref of the request resolved to. */
  readonly commitSha: string | null;
  /** `Content-Range` of a partial reply, as sent. */
  readonly contentRange: string | null;
}

export function succeed<T>(data: T, status: number): Result<T> {
  return { data, error: null, status };
}

export function fail<T>(error: RequestError): Result<T> {
  return { data: null, error, status: error.status };
}

function codeOfStatus(status: number): ErrorCode {
  for (const code of Object.keys(ERROR_STATUS)) {
    if (isErrorCode(code) && ERROR_STATUS[code] === status) return code;
  }
  return status >= 500 ? "INTERNAL_ERROR" : "VALIDATION_ERROR";
}

/** JSON.parse whose failure is a value. */
function parseJson(text: string): { readonly value: unknown } | null {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return null; // The caller reports the answer as not decodable, with its status and request id.
  }
}

/** The error that an answer outside 2xx stands for; a body that is not ours (a proxy's page) goes by its status. */
export async function readError(response: Response): Promise<RequestError> {
  const text = await response.text().catch(() => "");
  const parsed = parseJson(text)?.value;
  const body: Readonly<Record<string, unknown>> =
    typeof parsed === "object" && parsed !== null && !Array.isArray(parsed) ? { ...parsed } : {};
  const { error, code, ...data } = body;
  return new ApiError(
    isErrorCode(code) ? code : codeOfStatus(response.status),
    typeof error === "string" ? error : `the server answered ${response.status}`,
    {
      status: response.status,
      requestId: response.headers.get(HEADERS.requestId),
      retryable: isRetryableStatus(response.status),
      data,
    },
  );
}

/** A JSON body; anything else under a success status is an INVALID_RESPONSE error. */
export async function readJson<T>(response: Response): Promise<Result<T>> {
  const parsed = parseJson(await response.text());
  // The cast trusts the server to keep the contract that both sides are typed by; schemas stay out of the bundle.
  if (parsed !== null) return succeed(parsed.value as T, response.status);
  return fail(
    new ApiError("INVALID_RESPONSE", "the server's answer is not JSON", {
      status: response.status,
      requestId: response.headers.get(HEADERS.requestId),
      retryable: false,
    }),
  );
}

export function readBytes(response: Response): BytesReply {
  const { headers } = response;
  const length = headers.get("content-length");
  // A compressed body's Content-Length counts what was on the wire, not what the stream gives.
  const bytes = length === null || headers.has("content-encoding") ? null : Number(length);
  return {
    body: response.body ?? new Blob([]).stream(),
    bytes,
    contentType: headers.get("content-type"),
    sha: headers.get(HEADERS.contentSha),
    commitSha: headers.get(HEADERS.commitSha),
    contentRange: headers.get("content-range"),
  };
}
