import type { RepoRef } from "../contract/names.ts";
import type { Snapshot, SnapshotCreate } from "../contract/snapshots.ts";
import type { Result } from "../http/reply.ts";
import type { CallOptions, RequestFunction } from "../http/request.ts";
import type { PageQuery } from "./paging.ts";

/** Named places of branches, to come back to. */
export class Snapshots {
  readonly #request: RequestFunction;

  constructor(request: RequestFunction) {
    this.#request = request;
  }

  /**
   * Keeps where a branch is.
   *
   * @example
   * await cg.snapshots.create("my-app", { name: "before-refactor", branch: "main", metadata: { agent: "7" } });
   */
  create(repo: RepoRef, body: SnapshotCreate, options: CallOptions = {}): Promise<Result<Snapshot>> {
    return this.#request("POST /repos/:repo/snapshots", { ...options, params: { repo }, body });
  }

  /**
   * One page of snapshots.
   *
   * @example
   * const { data } = await cg.snapshots.list("my-app");
   */
  list(
    repo: RepoRef,
    query: PageQuery = {},
    options: CallOptions = {},
  ): Promise<Result<{ snapshots: Snapshot[]; total: number; next_cursor: string | null }>> {
    return this.#request("GET /repos/:repo/snapshots", { ...options, params: { repo }, query });
  }

  /**
   * One snapshot.
   *
   * @example
   * const { data } = await cg.snapshots.get("my-app", "before-refactor");
   */
  get(repo: RepoRef, name: string, options: CallOptions = {}): Promise<Result<Snapshot>> {
    return this.#request("GET /repos/:repo/snapshots/:name", { ...options, params: { repo, name } });
  }

  /**
   * Forgets a snapshot; no branch moves.
   *
   * @example
   * await cg.snapshots.delete("my-app", "before-refactor");
   */
  delete(repo: RepoRef, name: string, options: CallOptions = {}): Promise<Result<{ deleted: true }>> {
    return this.#request("DELETE /repos/:repo/snapshots/:name", { ...options, params: { repo, name } });
  }

  /**
   * Moves a branch to where a snapshot is.
   *
   * @example
   * await cg.snapshots.restore("my-app", "before-refactor", { target_branch: "main" });
   */
  restore(
    repo: RepoRef,
    name: string,
    body: { readonly target_branch: string; readonly expected_sha?: string | null },
    options: CallOptions = {},
  ): Promise<Result<{ sha: string; branch: string; previous_sha: string | null }>> {
    return this.#request("POST /repos/:repo/snapshots/:name/restore", {
      ...options,
      params: { repo, name },
      body,
    });
  }
}
