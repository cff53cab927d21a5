import type { Fork, ForkCreate, Synced, SyncUpstream } from "../contract/forks.ts";
import type { RepoRef } from "../contract/names.ts";
import type { Repo, RepoCreate, RepoDetails, RepoList, RepoUpdate } from "../contract/repos.ts";
import { createIdempotencyKey } from "../http/idempotency.ts";
import type { Result } from "../http/reply.ts";
import type { CallOptions, RequestFunction } from "../http/request.ts";
import type { PageQuery } from "./paging.ts";

/** Which repositories to list. */
export interface RepoListOptions extends PageQuery {
  readonly offset?: number;
  readonly namespace?: string;
  readonly is_template?: boolean;
}

/** The org's repositories. Creating, updating and deleting takes the master key. */
export class Repos {
  readonly #request: RequestFunction;

  constructor(request: RequestFunction) {
    this.#request = request;
  }

  /**
   * Creates a repository; with `init` (the default) it has one empty commit.
   *
   * @example
   * const { data, error } = await cg.repos.create({ slug: "my-app", visibility: "private" });
   * if (error === null) console.log(data.git_url);
   */
  create(body: RepoCreate, options: CallOptions = {}): Promise<Result<Repo>> {
    return this.#request("POST /repos", { ...options, body });
  }

  /**
   * One page of the org's repositories, oldest first.
   *
   * @example
   * const { data } = await cg.repos.list({ limit: 100 });
   * console.log(data?.repos.map((repo) => repo.slug));
   */
  list(query: RepoListOptions = {}, options: CallOptions = {}): Promise<Result<RepoList>> {
    const { is_template, ...rest } = query;
    const flag =
      is_template === undefined ? {} : { is_template: is_template ? ("true" as const) : ("false" as const) };
    return this.#request("GET /repos", { ...options, query: { ...rest, ...flag } });
  }

  /**
   * Every repository, page after page as the loop goes on. A page that fails ends the loop with its ApiError.
   *
   * @example
   * for await (const repo of cg.repos.listAll()) console.log(repo.slug);
   */
  async *listAll(
    query: Omit<RepoListOptions, "cursor" | "offset"> = {},
    options: CallOptions = {},
  ): AsyncGenerator<Repo> {
    let cursor: string | null | undefined;
    do {
      const page: Result<RepoList> = await this.list(cursor ? { ...query, cursor } : query, options);
      if (page.error !== null) throw page.error;
      yield* page.data.repos;
      cursor = page.data.next_cursor;
    } while (cursor);
  }

  /**
   * One repository, with what it was forked from and whether it has commits.
   *
   * @example
   * const { data } = await cg.repos.get("my-app");
   * console.log(data?.default_branch, data?.is_empty);
   */
  get(repo: RepoRef, options: CallOptions = {}): Promise<Result<RepoDetails>> {
    return this.#request("GET /repos/:repo", { ...options, params: { repo } });
  }

  /**
   * Changes description, visibility, default branch, template or index flag.
   *
   * @example
   * await cg.repos.update("my-app", { description: "The app" });
   */
  update(repo: RepoRef, body: RepoUpdate, options: CallOptions = {}): Promise<Result<Repo>> {
    return this.#request("PATCH /repos/:repo", { ...options, params: { repo }, body });
  }

  /**
   * Forks a repository: everything it has now, in a repository of its own that is ready when this returns and stays
   * whole when the source goes. With `from_org` the source is another org's public template.
   *
   * @example
   * const { data } = await cg.repos.fork("nextjs-starter", { slug: "agent-001" });
   * console.log(data?.git_url, data?.shared_blobs);
   */
  fork(
    repo: RepoRef,
    body: ForkCreate & { readonly from_org?: string },
    options: CallOptions = {},
  ): Promise<Result<Fork>> {
    const { from_org, ...rest } = body;
    if (from_org === undefined)
      return this.#request("POST /repos/:repo/fork", { ...options, params: { repo }, body: rest });
    return this.#request("POST /orgs/:org/repos/:repo/fork", {
      ...options,
      params: { org: from_org, repo },
      body: rest,
    });
  }

  /**
   * Takes what its parent has since into a fork's branch: a fast-forward, or by `strategy` a merge.
   *
   * @example
   * const { data, error } = await cg.repos.syncUpstream("agent-001", { strategy: "merge-commit" });
   * console.log(data?.sha ?? error?.message);
   */
  syncUpstream(repo: RepoRef, body: SyncUpstream = {}, options: CallOptions = {}): Promise<Result<Synced>> {
    const idempotencyKey = options.idempotencyKey ?? createIdempotencyKey();
    return this.#request("POST /repos/:repo/sync-upstream", {
      ...options,
      idempotencyKey,
      params: { repo },
      body,
    });
  }

  /**
   * Deletes a repository.
   *
   * @example
   * await cg.repos.delete("my-app");
   */
  delete(repo: RepoRef, options: CallOptions = {}): Promise<Result<{ deleted: true }>> {
    return this.#request("DELETE /repos/:repo", { ...options, params: { repo } });
  }
}
