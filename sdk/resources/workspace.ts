import type { RepoRef } from "../contract/names.ts";
import type { ExecReply, ExecRequest, MultiExecReply, MultiExecRequest } from "../contract/workspace.ts";
import { createIdempotencyKey } from "../http/idempotency.ts";
import type { Result } from "../http/reply.ts";
import type { CallOptions, RequestFunction } from "../http/request.ts";

/** Shell commands that run on the server, over the files of a ref. */
export class Workspace {
  readonly #request: RequestFunction;

  constructor(request: RequestFunction) {
    this.#request = request;
  }

  /**
   * Runs a command over one repository, in one request. With `commit` what it changed is committed; a file that others
   * have changed meanwhile is a CONFLICT, whose details hold the output. An exit code other than 0 is no error.
   *
   * @example
   * const { data } = await cg.workspace.exec("my-app", { command: "grep -rn TODO src | wc -l" });
   * console.log(data?.exit_code, data?.stdout);
   */
  exec(repo: RepoRef, body: ExecRequest, options: CallOptions = {}): Promise<Result<ExecReply>> {
    return this.#request("POST /repos/:repo/exec", {
      ...options,
      ...repeatable(body, options),
      params: { repo },
      body,
    });
  }

  /**
   * The same over up to ten repositories, each at `/<slug>/`; each that changed gets a commit of its own.
   *
   * @example
   * const { data } = await cg.workspace.multiExec({
   *   repos: [{ slug: "app" }, { slug: "lib" }],
   *   command: "cp lib/LICENSE app/LICENSE",
   *   commit: true,
   * });
   * console.log(data?.commits);
   */
  multiExec(body: MultiExecRequest, options: CallOptions = {}): Promise<Result<MultiExecReply>> {
    return this.#request("POST /workspace/exec", { ...options, ...repeatable(body, options), body });
  }
}

/** What commits nothing may be sent again as it is; what commits carries a key, so that it lands once. */
function repeatable(
  body: { readonly commit?: boolean | undefined },
  options: CallOptions,
): CallOptions & { readOnly?: boolean } {
  if (!body.commit) return { readOnly: true };
  return { idempotencyKey: options.idempotencyKey ?? createIdempotencyKey() };
}
