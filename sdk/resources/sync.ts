import type { RepoRef } from "../contract/names.ts";
import type { Repo } from "../contract/repos.ts";
import type {
  ImportCreate,
  SyncConfig,
  SyncConfigCreate,
  SyncConfigCreated,
  SyncConfigUpdate,
  SyncRun,
  SyncRunRequest,
  SyncTriggered,
  SyncTriggerRequest,
} from "../contract/sync.ts";
import type { Result } from "../http/reply.ts";
import type { CallOptions, RequestFunction } from "../http/request.ts";
import type { PageQuery } from "./paging.ts";

/** Links to repositories of GitHub, GitLab and other git servers. What changes something takes the master key. */
export class Sync {
  readonly #request: RequestFunction;

  constructor(request: RequestFunction) {
    this.#request = request;
  }

  /**
   * Makes a repository from one of another server, history, branches and tags; with `sync` the two stay linked.
   *
   * @example
   * const { data } = await cg.sync.importRepo({ slug: "site", url: "https://github.com/acme/site", wait_seconds: 30 });
   * console.log(data?.run.status);
   */
  importRepo(
    body: ImportCreate,
    options: CallOptions = {},
  ): Promise<Result<{ repo: Repo; run: SyncRun; config: SyncConfigCreated | null }>> {
    return this.#request("POST /import", { ...options, body });
  }

  /**
   * Links a repository. The hook's secret is in this reply and nowhere else afterwards.
   *
   * @example
   * const { data } = await cg.sync.createConfig("site", {
   *   connection_id: "conn_…",
   *   remote: "acme/site",
   *   direction: "both",
   *   auto_sync: true,
   * });
   */
  createConfig(
    repo: RepoRef,
    body: SyncConfigCreate,
    options: CallOptions = {},
  ): Promise<Result<SyncConfigCreated>> {
    return this.#request("POST /repos/:repo/sync/config", { ...options, params: { repo }, body });
  }

  /**
   * A repository's links; `config` is the oldest.
   *
   * @example
   * const { data } = await cg.sync.getConfig("site");
   */
  getConfig(
    repo: RepoRef,
    options: CallOptions = {},
  ): Promise<Result<{ config: SyncConfig | null; configs: SyncConfig[] }>> {
    return this.#request("GET /repos/:repo/sync/config", { ...options, params: { repo } });
  }

  /**
   * Changes a link and makes it active again. `sync_id` says which, when there are several.
   *
   * @example
   * await cg.sync.updateConfig("site", { prune: true });
   */
  updateConfig(
    repo: RepoRef,
    { sync_id, ...body }: SyncConfigUpdate & { readonly sync_id?: string },
    options: CallOptions = {},
  ): Promise<Result<SyncConfig & { updated: true }>> {
    const query = sync_id === undefined ? {} : { sync_id };
    return this.#request("PATCH /repos/:repo/sync/config", { ...options, params: { repo }, query, body });
  }

  /**
   * Removes a link; what it brought stays.
   *
   * @example
   * await cg.sync.deleteConfig("site");
   */
  deleteConfig(
    repo: RepoRef,
    query: { readonly sync_id?: string } = {},
    options: CallOptions = {},
  ): Promise<Result<{ deleted: true }>> {
    return this.#request("DELETE /repos/:repo/sync/config", { ...options, params: { repo }, query });
  }

  /**
   * Runs a link and waits for its end, 25 s unless told otherwise. A run that failed is an error with the run in it.
   *
   * @example
   * const { data } = await cg.sync.trigger("site");
   * if (data?.synced) console.log(data.commit_sha);
   */
  trigger(
    repo: RepoRef,
    body: SyncTriggerRequest = {},
    options: CallOptions = {},
  ): Promise<Result<SyncTriggered>> {
    return this.#request("POST /repos/:repo/sync", { ...options, params: { repo }, body });
  }

  /**
   * Starts an import of a link, or once from a `remote`.
   *
   * @example
   * const { data } = await cg.sync.import("site", { remote: "https://github.com/acme/site" });
   */
  import(repo: RepoRef, body: SyncRunRequest = {}, options: CallOptions = {}): Promise<Result<SyncRun>> {
    return this.#request("POST /repos/:repo/sync/import", { ...options, params: { repo }, body });
  }

  /**
   * Starts an export of a link, or once to a `remote`.
   *
   * @example
   * const { data } = await cg.sync.export("site", { connection_id: "conn_…", remote: "acme/mirror" });
   */
  export(repo: RepoRef, body: SyncRunRequest = {}, options: CallOptions = {}): Promise<Result<SyncRun>> {
    return this.#request("POST /repos/:repo/sync/export", { ...options, params: { repo }, body });
  }

  /**
   * Links and latest runs, with what became of each ref.
   *
   * @example
   * const { data } = await cg.sync.status("site");
   */
  status(
    repo: RepoRef,
    options: CallOptions = {},
  ): Promise<Result<{ configs: SyncConfig[]; runs: SyncRun[] }>> {
    return this.#request("GET /repos/:repo/sync", { ...options, params: { repo } });
  }

  /**
   * One page of runs, newest first.
   *
   * @example
   * const { data } = await cg.sync.history("site", { limit: 5 });
   */
  history(
    repo: RepoRef,
    query: PageQuery & { readonly sync_id?: string } = {},
    options: CallOptions = {},
  ): Promise<Result<{ runs: SyncRun[]; next_cursor: string | null }>> {
    return this.#request("GET /repos/:repo/sync/history", { ...options, params: { repo }, query });
  }

  /**
   * One run; with `wait_seconds` when it has ended, or so much later.
   *
   * @example
   * const { data } = await cg.sync.run("site", "run_…", { wait_seconds: 30 });
   */
  run(
    repo: RepoRef,
    id: string,
    query: { readonly wait_seconds?: number } = {},
    options: CallOptions = {},
  ): Promise<Result<SyncRun>> {
    return this.#request("GET /repos/:repo/sync/runs/:id", { ...options, params: { repo, id }, query });
  }
}
