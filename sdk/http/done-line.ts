import { isErrorCode } from "../contract/errors.ts";
import { ApiError } from "../errors.ts";

/** What the last line of a stream says, beside its own counts. */
interface DoneLine {
  readonly done: true;
  readonly error?: string | undefined;
  readonly code?: unknown;
  readonly [count: string]: unknown;
}

function isDone(line: object): line is DoneLine {
  return "done" in line;
}

/**
 * The lines of a stream, up to and with its one `done` line.
 *
 * @throws ApiError INCOMPLETE_STREAM when that line does not come; what it reports, when it reports a failure.
 */
export async function* checkLines<Line extends object>(
  lines: AsyncGenerator<Line>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Line> {
  try {
    for await (const line of lines) {
      // Lines that had come before the abort are still queued.
      signal?.throwIfAborted();
      if (isDone(line) && line.error !== undefined) {
        const code = isErrorCode(line.code) ? line.code : "INTERNAL_ERROR";
        throw new ApiError(code, line.error, { status: 200, retryable: true, data: { ...line } });
      }
      yield line;
      if (isDone(line)) return;
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
