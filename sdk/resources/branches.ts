import type { Branch, BranchCreate, BranchList, BranchPromote, BranchUpdate } from "../contract/branches.ts";
import type {
  LandRequest,
  Merged,
  MergeRequest,
  Reset,
  ResetDone,
  Revert,
  Reverted,
} from "../contract/merges.ts";
import type { RepoRef } from "../contract/names.ts";
import { createIdempotencyKey } from "../http/idempotency.ts";
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
   *
   * @example
   * // Goes by itself after an hour, unless it is promoted.
   * await cg.branches.create("my-app", { name: "try/1", ttl_seconds: 3_600 });
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
    return this.update(repo, name, { new_name: newName }, options);
  }

  /**
   * Gives a branch another name, or says anew when it goes by itself.
   *
   * @example
   * await cg.branches.update("my-app", "try/1", { ttl_seconds: 86_400 });
   */
  update(
    repo: RepoRef,
    name: string,
    body: BranchUpdate,
    options: CallOptions = {},
  ): Promise<Result<Branch>> {
    return this.#request("PATCH /repos/:repo/branches/*name", { ...options, params: { repo, name }, body });
  }

  /**
   * Lets an ephemeral branch stay, under its name or, with `as`, under another.
   *
   * @example
   * await cg.branches.promote("my-app", "try/1", { as: "feature/login" });
   */
  promote(
    repo: RepoRef,
    branch: string,
    body: BranchPromote = {},
    options: CallOptions = {},
  ): Promise<Result<Branch>> {
    const params = { repo, branch };
    return this.#request("POST /repos/:repo/branches/*branch/promote", { ...withKey(options), params, body });
  }

  /**
   * Merges `source` into a branch. A 409 says `merged: false` and names the conflicts, each with its three blobs.
   *
   * @example
   * const { data, error } = await cg.branches.merge("my-app", "main", { source: "agent/42", strategy: "squash" });
   * console.log(data?.sha ?? error?.message);
   */
  merge(
    repo: RepoRef,
    target: string,
    body: MergeRequest,
    options: CallOptions = {},
  ): Promise<Result<Merged>> {
    const params = { repo, target };
    return this.#request("POST /repos/:repo/branches/*target/merge", { ...withKey(options), params, body });
  }

  /**
   * Puts a branch's commits on top of wherever the target is by then: one call, however many land at once. With
   * `source_repo` they come out of a fork, or any repository of the org with a common history.
   *
   * @example
   * await cg.branches.land("my-app", { source: "agent/42", target: "main" });
   * await cg.branches.land("my-app", { source_repo: "agent-001", source: "main", target: "main" });
   */
  land(repo: RepoRef, body: LandRequest, options: CallOptions = {}): Promise<Result<Merged>> {
    return this.#request("POST /repos/:repo/land", { ...withKey(options), params: { repo }, body });
  }

  /**
   * Takes one commit's change back, by a new commit.
   *
   * @example
   * await cg.branches.revert("my-app", { branch: "main", commit: sha });
   */
  revert(repo: RepoRef, body: Revert, options: CallOptions = {}): Promise<Result<Reverted>> {
    return this.#request("POST /repos/:repo/revert", { ...withKey(options), params: { repo }, body });
  }

  /**
   * Puts a branch at another commit. What it was at stays in its reflog.
   *
   * @example
   * await cg.branches.reset("my-app", { branch: "main", sha: "main~1", expected_sha: head });
   */
  reset(repo: RepoRef, body: Reset, options: CallOptions = {}): Promise<Result<ResetDone>> {
    return this.#request("POST /repos/:repo/reset", { ...withKey(options), params: { repo }, body });
  }
}

/** A repetition after a lost answer gives the first result again. */
function withKey(options: CallOptions): CallOptions {
  return { ...options, idempotencyKey: options.idempotencyKey ?? createIdempotencyKey() };
}
