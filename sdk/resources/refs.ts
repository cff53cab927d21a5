import type { RepoRef } from "../contract/names.ts";
import type { Ref, RefList, RefMoved, RefPut } from "../contract/refs.ts";
import type { Result } from "../http/reply.ts";
import type { CallOptions, RequestFunction } from "../http/request.ts";
import type { PageQuery } from "./paging.ts";

/** Refs by their full names, with or without the leading `refs/`. */
export class Refs {
  readonly #request: RequestFunction;

  constructor(request: RequestFunction) {
    this.#request = request;
  }

  /**
   * One page of branches and tags.
   *
   * @example
   * const { data } = await cg.refs.list("my-app");
   * console.log(data?.refs);
   */
  list(repo: RepoRef, query: PageQuery = {}, options: CallOptions = {}): Promise<Result<RefList>> {
    return this.#request("GET /repos/:repo/refs", { ...options, params: { repo }, query });
  }

  /**
   * What a ref points to.
   *
   * @example
   * const { data } = await cg.refs.get("my-app", "heads/main");
   */
  get(repo: RepoRef, ref: string, options: CallOptions = {}): Promise<Result<Ref>> {
    return this.#request("GET /repos/:repo/refs/*ref", {
      ...options,
      params: { repo, ref: shortenRef(ref) },
    });
  }

  /**
   * Creates or moves a ref. With `expected_sha` only from there (null: only if it does not exist yet), else 409.
   *
   * @example
   * await cg.refs.put("my-app", "heads/release", { sha, expected_sha: null });
   */
  put(repo: RepoRef, ref: string, body: RefPut, options: CallOptions = {}): Promise<Result<RefMoved>> {
    const params = { repo, ref: shortenRef(ref) };
    return this.#request("PUT /repos/:repo/refs/*ref", { ...options, params, body });
  }

  /**
   * Deletes a ref.
   *
   * @example
   * await cg.refs.delete("my-app", "heads/release");
   */
  delete(repo: RepoRef, ref: string, options: CallOptions = {}): Promise<Result<{ deleted: true }>> {
    return this.#request("DELETE /repos/:repo/refs/*ref", {
      ...options,
      params: { repo, ref: shortenRef(ref) },
    });
  }
}

/** The route already says `refs/`. */
function shortenRef(ref: string): string {
  return ref.startsWith("refs/") ? ref.slice("refs/".length) : ref;
}
