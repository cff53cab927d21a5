import { isErrorCode } from "../contract/errors.ts";
import type { PrefetchLine } from "../contract/prefetch.ts";
import { ApiError } from "../errors.ts";

/**
 * The lines of a prefetch, up to and with its one `done` line.
 *
 * @throws ApiError INCOMPLETE_STREAM when that line does not come; what it reports, when it reports a failure.
 */
export async function* checkLines(
  lines: AsyncGenerator<PrefetchLine>,
  signal: AbortSignal | undefined,
): AsyncGenerator<PrefetchLine> {
  try {
    for await (const line of lines) {
      // Lines that had come before the abort are still queued.
      signal?.throwIfAborted();
      if ("done" in line && line.error !== undefined) {
        const code = isErrorCode(line.code) ? line.code : "INTERNAL_ERROR";
        throw new ApiError(code, line.error, { status: 200, retryable: true, data: { ...line } });
      }
      yield line;
      if ("done" in line) return;
    }
  } catch (cause) {
    signal?.throwIfAborted();
    throw cause instanceof ApiError ? cause : incomplete(cause);
  }
  throw incomplete(undefined);
}

function incomplete(cause: unknown): ApiError {
  const reason = cause instanceof Error ? `: ${cause.message}` : "";
  return new ApiError("INCOMPLETE_STREAM", `the stream ended before its last line${reason}`, {
    status: 200,
    retryable: true,
    cause,
  });
}
