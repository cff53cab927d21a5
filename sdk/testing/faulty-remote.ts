import { ApiError } from "../errors.ts";
import type {
  RemoteCommit,
  RemoteCommitOutcome,
  RemoteRepo,
  RemoteTreePage,
} from "../mount/kernel/remote.ts";
import { MemoryRemote } from "./memory-remote.ts";

/** What befalls one commit: it never arrives, is refused, its answer is lost, or the server fails after it took place. */
export type Fault = "cut" | "forbidden" | "lost-answer" | "failed-after" | null;

/** A remote in memory on a bad network; each call takes the next fault of its queue. */
export class FaultyRemote extends MemoryRemote {
  readonly faults: Fault[] = [];
  /** Commits as they were sent, repetitions included. */
  readonly sent: RemoteCommit[] = [];
  listings = 0;
  failListings = false;

  override async listTree(
    repo: RemoteRepo,
    request: { readonly ref: string; readonly cursor: string | null },
  ): Promise<RemoteTreePage> {
    this.listings += 1;
    if (this.failListings) throw networkError();
    return await super.listTree(repo, request);
  }

  override async commit(repo: RemoteRepo, commit: RemoteCommit): Promise<RemoteCommitOutcome> {
    this.sent.push(commit);
    const fault = this.faults.shift() ?? null;
    if (fault === "cut") throw networkError();
    if (fault === "forbidden") {
      throw new ApiError("FORBIDDEN", "the key may not write", { status: 403, retryable: false });
    }
    const outcome = await super.commit(repo, commit);
    if (fault === "lost-answer") throw networkError();
    if (fault === "failed-after") {
      throw new ApiError("INTERNAL_ERROR", "Internal error", { status: 500, retryable: true });
    }
    return outcome;
  }
}

function networkError(): ApiError {
  return new ApiError("NETWORK_ERROR", "no answer: socket hang up", { status: 0, retryable: true });
}
