import type {
  BlobsStored,
  BlobUpload,
  CommitCreate,
  CommitCreated,
  CommitDetails,
  CommitList,
} from "../contract/commits.ts";
import type { RepoRef } from "../contract/names.ts";
import { createIdempotencyKey } from "../http/idempotency.ts";
import type { Result } from "../http/reply.ts";
import type { CallOptions, RequestFunction } from "../http/request.ts";
import type { PageQuery } from "./paging.ts";

/** Which commits to list. */
export interface CommitListOptions extends PageQuery {
  /** Branch, tag or sha; the default branch when absent. */
  readonly ref?: string;
  /** Only commits that `git log -- path` shows. */
  readonly path?: string;
}

/** History: one call writes up to 1,000 file changes. */
export class Commits {
  readonly #request: RequestFunction;

  constructor(request: RequestFunction) {
    this.#request = request;
  }

  /**
   * Commits up to 1,000 changes at once. Without `parent_sha` they are applied to whatever the branch's head is; changes
   * that others made to other files stay. Carries an Idempotency-Key of its own, so that a repetition after a lost
   * answer gives the first commit again.
   *
   * @example
   * const { data, error } = await cg.commits.create("my-app", {
   *   branch: "main",
   *   message: "Add the entry point",
   *   changes: [
   *     { path: "src/app.ts", content: "export const app = 1;\n" },
   *     { path: "README.md", action: "edit", edits: [{ old_string: "TBD", new_string: "An app" }] },
   *   ],
   * });
   * console.log(error?.code ?? data.sha);
   *
   * @example
   * // Kept as a git note, and read back by get, list and blame.
   * await cg.commits.create("my-app", { ...commit, metadata: { agent: "reviewer", session: "s-7", prompt: "p-12" } });
   *
   * @example
   * // Others may have committed since: merge with what they did. A 409 names every path that does not merge.
   * const { data, error } = await cg.commits.create("my-app", {
   *   branch: "main",
   *   message: "Rename the flag",
   *   parent_sha: seen,
   *   rebase: true,
   *   changes: [{ path: "src/app.ts", content: mine }],
   * });
   * console.log(data?.merged ?? error?.data.conflicts);
   */
  create(repo: RepoRef, body: CommitCreate, options: CallOptions = {}): Promise<Result<CommitCreated>> {
    const idempotencyKey = options.idempotencyKey ?? createIdempotencyKey();
    return this.#request("POST /repos/:repo/commits", { ...options, idempotencyKey, params: { repo }, body });
  }

  /**
   * Commits up to 20,000 changes at once, otherwise as `create`. Still one commit: nobody sees a part of it.
   *
   * @example
   * const changes = Array.from({ length: 5_000 }, (_, n) => ({ path: `data/${n}.json`, content: "{}" }));
   * const { data } = await cg.commits.createBulk("my-app", { branch: "main", message: "Import", changes });
   * console.log(data?.sha);
   */
  createBulk(repo: RepoRef, body: CommitCreate, options: CallOptions = {}): Promise<Result<CommitCreated>> {
    const idempotencyKey = options.idempotencyKey ?? createIdempotencyKey();
    const request = { ...options, idempotencyKey, params: { repo }, body };
    return this.#request("POST /repos/:repo/commits/bulk", request);
  }

  /**
   * Stores contents that a commit then names by `sha`, for commits whose contents exceed one request. Nothing refers to
   * them until then. Repeated like a read: the same contents are the same blobs.
   *
   * @example
   * const { data } = await cg.commits.storeBlobs("my-app", { blobs: [{ content: "hello\n" }] });
   * console.log(data?.blobs[0]?.sha);
   */
  storeBlobs(repo: RepoRef, body: BlobUpload, options: CallOptions = {}): Promise<Result<BlobsStored>> {
    return this.#request("POST /repos/:repo/blobs", { ...options, readOnly: true, params: { repo }, body });
  }

  /**
   * One page of a ref's history, newest first.
   *
   * @example
   * const { data } = await cg.commits.list("my-app", { ref: "main", path: "src/app.ts", limit: 5 });
   * for (const commit of data?.commits ?? []) console.log(commit.sha, commit.message);
   */
  list(repo: RepoRef, query: CommitListOptions = {}, options: CallOptions = {}): Promise<Result<CommitList>> {
    return this.#request("GET /repos/:repo/commits", { ...options, params: { repo }, query });
  }

  /**
   * One commit with its tree and both identities.
   *
   * @example
   * const { data } = await cg.commits.get("my-app", sha);
   * console.log(data?.tree, data?.parents);
   */
  get(repo: RepoRef, sha: string, options: CallOptions = {}): Promise<Result<CommitDetails>> {
    return this.#request("GET /repos/:repo/commits/:sha", { ...options, params: { repo, sha } });
  }
}
