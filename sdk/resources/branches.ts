import type { Branch, BranchCreate, BranchList } from "../contract/branches.ts";
import type { RepoRef } from "../contract/names.ts";
import type { Result } from "../http/reply.ts";
import type { CallOptions, RequestFunction } from "../http/request.ts";
import type { PageQuery } from "./paging.ts";

/** Branches; their names may contain slashes. */
export class Branches {
  readonly #request: RequestFunction;

  constructor(request: RequestFunction) {
    this.#request = request;
  }

  /**
   * Creates a branch at a branch, tag or commit; at the default branch's head when neither `from` nor `from_sha` is given.
   *
   * @example
   * await cg.branches.create("my-app", { name: "agent/42", from: "main" });
   */
  create(repo: RepoRef, body: BranchCreate, options: CallOptions = {}): Promise<Result<Branch>> {
    return this.#request("POST /repos/:repo/branches", { ...options, params: { repo }, body });
  }

  /**
   * One page of branches in byte order, with the default branch's name.
   *
   * @example
   * const { data } = await cg.branches.list("my-app");
   * console.log(data?.default_branch, data?.branches);
   */
  list(repo: RepoRef, query: PageQuery = {}, options: CallOptions = {}): Promise<Result<BranchList>> {
    return this.#request("GET /repos/:repo/branches", { ...options, params: { repo }, query });
  }

  /**
   * The commit that a branch points to.
   *
   * @example
   * const { data } = await cg.branches.get("my-app", "agent/42");
   */
  get(repo: RepoRef, name: string, options: CallOptions = {}): Promise<Result<Branch>> {
    return this.#request("GET /repos/:repo/branches/*name", { ...options, params: { repo, name } });
  }

  /**
   * Deletes a branch; the default branch is refused.
   *
   * @example
   * await cg.branches.delete("my-app", "agent/42");
   */
  delete(repo: RepoRef, name: string, options: CallOptions = {}): Promise<Result<{ deleted: true }>> {
    return this.#request("DELETE /repos/:repo/branches/*name", { ...options, params: { repo, name } });
  }

  /**
   * Renames a branch; HEAD follows when it is the default one.
   *
   * @example
   * await cg.branches.rename("my-app", "agent/42", "feature/login");
   */
  rename(repo: RepoRef, name: string, newName: string, options: CallOptions = {}): Promise<Result<Branch>> {
    const body = { new_name: newName };
    return this.#request("PATCH /repos/:repo/branches/*name", { ...options, params: { repo, name }, body });
  }
}
