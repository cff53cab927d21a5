import type { RepoRef } from "../contract/names.ts";
import type { GitObjectReply, Revision } from "../contract/objects.ts";
import type { Result } from "../http/reply.ts";
import type { CallOptions, RequestFunction } from "../http/request.ts";

/** Git objects by id, and revisions to ids. */
export class Objects {
  readonly #request: RequestFunction;

  constructor(request: RequestFunction) {
    this.#request = request;
  }

  /**
   * One object of this repository: commit, tree, blob or tag, without git's header.
   *
   * @example
   * const { data } = await cg.objects.get("my-app", sha);
   * console.log(data?.type, data?.size);
   */
  get(repo: RepoRef, sha: string, options: CallOptions = {}): Promise<Result<GitObjectReply>> {
    return this.#request("GET /repos/:repo/objects/:sha", { ...options, params: { repo, sha } });
  }

  /**
   * Resolves a revision as git does: names, ids, `~n`, `^n`, `^{type}`.
   *
   * @example
   * const { data } = await cg.objects.revParse("my-app", "main~2");
   * console.log(data?.sha);
   */
  revParse(repo: RepoRef, ref: string, options: CallOptions = {}): Promise<Result<Revision>> {
    return this.#request("GET /repos/:repo/rev-parse", { ...options, params: { repo }, query: { ref } });
  }
}
