import type { RepoRef } from "../contract/names.ts";
import type { PrefetchLine, PrefetchRequest } from "../contract/prefetch.ts";
import { type Result, succeed } from "../http/reply.ts";
import type { CallOptions, RequestFunction } from "../http/request.ts";

/** Whole file sets as one stream. */
export class Prefetch {
  readonly #request: RequestFunction;

  constructor(request: RequestFunction) {
    this.#request = request;
  }

  /**
   * Streams every file that matches the globs (`*`, `?`, `**`), one line each, and at last one line with `done: true`.
   * The loop sees files as they arrive and no faster than it takes them; leaving it cancels the request. A stream that
   * ends early, or whose last line reports a failure, throws an ApiError inside the loop.
   *
   * @example
   * const { data } = await cg.prefetch.stream("my-app", { ref: "main", globs: ["src/**"] });
   * for await (const line of data ?? []) {
   *   if (!("done" in line)) console.log(line.path, line.size);
   * }
   */
  async stream(
    repo: RepoRef,
    body: PrefetchRequest,
    options: CallOptions = {},
  ): Promise<Result<AsyncGenerator<PrefetchLine>>> {
    const result = await this.#request("POST /repos/:repo/prefetch", {
      ...options,
      params: { repo },
      body,
      format: "ndjson",
      readOnly: true,
    });
    if (result.error !== null) return result;
    const { checkLines } = await import("../http/done-line.ts");
    return succeed(checkLines(result.data, options.signal), result.status);
  }
}
