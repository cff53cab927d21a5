import type { RepoRef } from "../contract/names.ts";
import type { GrepLine, GrepRequest, SearchReply, SearchRequest } from "../contract/search.ts";
import { type Result, succeed } from "../http/reply.ts";
import type { CallOptions, RequestFunction } from "../http/request.ts";

/** Search of contents. */
export class Search {
  readonly #request: RequestFunction;

  constructor(request: RequestFunction) {
    this.#request = request;
  }

  /**
   * Matching lines in up to 50 repositories, each with the lines around it. `truncated` says that there is more.
   *
   * @example
   * const { data } = await cg.search.query({ q: "createClient", repos: ["my-app"], path_pattern: "src/**" });
   * for (const match of data?.matches ?? []) console.log(match.path, match.line, match.content);
   */
  query(body: SearchRequest, options: CallOptions = {}): Promise<Result<SearchReply>> {
    return this.#request("POST /search", { ...options, body, readOnly: true });
  }

  /**
   * Streams every matching line of one tree, and at last one line with `done: true`. What `git grep -n` gives at that
   * ref, up to the ceilings of the request; `next_cursor` of the last line goes on where they were met. A stream that
   * ends early, or whose last line reports a failure, throws an ApiError inside the loop.
   *
   * @example
   * const { data } = await cg.search.grep("my-app", { pattern: "TODO", globs: ["src/**"] });
   * for await (const line of data ?? []) {
   *   if (!("done" in line)) console.log(`${line.path}:${line.line}: ${line.content}`);
   * }
   */
  async grep(
    repo: RepoRef,
    body: GrepRequest,
    options: CallOptions = {},
  ): Promise<Result<AsyncGenerator<GrepLine>>> {
    const result = await this.#request("POST /repos/:repo/grep", {
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
