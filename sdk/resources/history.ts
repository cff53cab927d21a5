import type { Blame, ReflogEntry, Undo, Undone } from "../contract/history.ts";
import type { RepoRef } from "../contract/names.ts";
import { createIdempotencyKey } from "../http/idempotency.ts";
import type { Result } from "../http/reply.ts";
import type { CallOptions, RequestFunction } from "../http/request.ts";
import type { PageQuery } from "./paging.ts";

/** Which lines to blame. */
export interface BlameOptions {
  /** Branch, tag, sha or revision. */
  readonly ref: string;
  readonly path: string;
  /** Lines from 1, both included: `"10-20"`. All when absent. */
  readonly range?: string;
}

/** What has happened to refs and to lines, and undoing it. */
export class History {
  readonly #request: RequestFunction;

  constructor(request: RequestFunction) {
    this.#request = request;
  }

  /**
   * One page of the moves of a ref, newest first; without `ref` of all refs, those that are gone too.
   *
   * @example
   * const { data } = await cg.history.reflog("my-app", { ref: "main" });
   * for (const { id, from, to, actor, reason } of data?.entries ?? []) console.log(id, from, to, actor, reason);
   */
  reflog(
    repo: RepoRef,
    query: PageQuery & { readonly ref?: string } = {},
    options: CallOptions = {},
  ): Promise<Result<{ entries: ReflogEntry[]; next_cursor: string | null }>> {
    return this.#request("GET /repos/:repo/reflog", { ...options, params: { repo }, query });
  }

  /**
   * Takes the last move of a ref back, or several, or goes back to an entry of its reflog or a sha that it was at. A
   * deleted branch comes back, a created one goes. That is a move as well: undoing it is a redo. Carries an
   * Idempotency-Key of its own, so that a repetition after a lost answer does not undo twice.
   *
   * @example
   * await cg.history.undo("my-app", { ref: "main" });
   * await cg.history.undo("my-app", { ref: "agent/42", steps: 3, expected_sha: head });
   */
  undo(repo: RepoRef, body: Undo, options: CallOptions = {}): Promise<Result<Undone>> {
    const idempotencyKey = options.idempotencyKey ?? createIdempotencyKey();
    return this.#request("POST /repos/:repo/undo", { ...options, idempotencyKey, params: { repo }, body });
  }

  /**
   * Which commit wrote each line of a file, with what its agent said of it.
   *
   * @example
   * const { data } = await cg.history.blame("my-app", { ref: "main", path: "src/app.ts", range: "10-20" });
   * for (const hunk of data?.hunks ?? []) console.log(hunk.final_line, hunk.count, hunk.sha, hunk.metadata?.agent);
   */
  blame(repo: RepoRef, file: BlameOptions, options: CallOptions = {}): Promise<Result<Blame>> {
    const { ref, path, range } = file;
    const query = range === undefined ? {} : { range };
    return this.#request("GET /repos/:repo/blame/:ref/*path", {
      ...options,
      params: { repo, ref, path },
      query,
    });
  }
}
