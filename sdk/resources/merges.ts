import type {
  CherryPick,
  CherryPicked,
  Compare as CompareReply,
  Diff as DiffReply,
} from "../contract/merges.ts";
import type { RepoRef } from "../contract/names.ts";
import { createIdempotencyKey } from "../http/idempotency.ts";
import type { Result } from "../http/reply.ts";
import type { CallOptions, RequestFunction } from "../http/request.ts";

/** Two names of what to compare: branches, tags, revisions or ids. */
export interface Ends {
  readonly base: string;
  readonly head: string;
  /** `slug` or `namespace/slug` of the repository that `head` is in: a fork, or what was forked. */
  readonly head_repo?: string;
}

export interface DiffOptions extends Ends {
  /** With patches for `git apply`. */
  readonly patch?: boolean;
  /** Lines around a change, up to 20; 3 when absent. */
  readonly context?: number;
}

/** What differs between two trees. */
export class Diff {
  readonly #request: RequestFunction;

  constructor(request: RequestFunction) {
    this.#request = request;
  }

  /**
   * The files that differ, with counts of lines, and patches where asked for.
   *
   * @example
   * const { data } = await cg.diff.compare("my-app", { base: "main", head: "agent/42", patch: true });
   * for (const file of data?.files ?? []) console.log(file.status, file.path, file.additions, file.deletions);
   */
  compare(
    repo: RepoRef,
    { patch, ...query }: DiffOptions,
    options: CallOptions = {},
  ): Promise<Result<DiffReply>> {
    const flags = patch === undefined ? {} : { patch: patch ? ("true" as const) : ("false" as const) };
    return this.#request("GET /repos/:repo/diff", {
      ...options,
      params: { repo },
      query: { ...query, ...flags },
    });
  }
}

/** What one history has that another has not. */
export class Compare {
  readonly #request: RequestFunction;

  constructor(request: RequestFunction) {
    this.#request = request;
  }

  /**
   * Commits and files of head since it left base, and whether it merges.
   *
   * @example
   * const { data } = await cg.compare.compare("my-app", { base: "main", head: "agent/42" });
   * console.log(data?.ahead_by, data?.behind_by, data?.mergeable);
   */
  compare(repo: RepoRef, query: Ends, options: CallOptions = {}): Promise<Result<CompareReply>> {
    return this.#request("GET /repos/:repo/compare", { ...options, params: { repo }, query });
  }
}

/** Commits applied elsewhere. */
export class CherryPicks {
  readonly #request: RequestFunction;

  constructor(request: RequestFunction) {
    this.#request = request;
  }

  /**
   * Applies the commits after `base` up to `head`, at most 100, onto another commit. Conflicts are an answer with
   * `success: false`.
   *
   * @example
   * const { data } = await cg.cherryPick.execute("my-app", {
   *   base: "main", head: "agent/42", onto: "release", branch: "release",
   * });
   * console.log(data?.success, data?.head_sha, data?.conflicts);
   */
  execute(repo: RepoRef, body: CherryPick, options: CallOptions = {}): Promise<Result<CherryPicked>> {
    const idempotencyKey = options.idempotencyKey ?? createIdempotencyKey();
    return this.#request("POST /repos/:repo/cherry-pick", {
      ...options,
      idempotencyKey,
      params: { repo },
      body,
    });
  }
}
