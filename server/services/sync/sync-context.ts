import { GitError } from "../../git/errors.ts";
import type { Oid } from "../../git/hash/oid.ts";
import type { GitRemote, RemoteReply } from "../../ports/git-remote.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import type { SyncedRef, SyncFailure, SyncSpec } from "../../ports/sync.ts";

/** What one pass in one direction works on. */
export interface SyncContext {
  readonly repo: RepoHandle;
  readonly remote: GitRemote;
  readonly spec: SyncSpec;
  /** Where each ref was on both sides when they were last the same. */
  readonly synced: ReadonlyMap<string, Oid>;
  /** For the reflog. */
  readonly actor: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Hears of faults of our own. */
  readonly onFailure: (error: unknown) => void;
  /** Longest pack that is taken in or sent. */
  readonly maxPackBytes: number;
}

export interface PassReport {
  readonly refs: readonly SyncedRef[];
  readonly objects: number;
  readonly bytes: number;
  /** Refs that are the same on both sides now, and those that are gone from both (null). */
  readonly settled: ReadonlyMap<string, Oid | null>;
  /** The remote's default branch. */
  readonly head: string | null;
}

/** A remote that refuses; the run ends with it. */
export class RemoteError extends Error {
  readonly failure: SyncFailure;

  constructor(failure: SyncFailure) {
    super(failure.message);
    this.name = "RemoteError";
    this.failure = failure;
  }
}

/** The body of a reply. @throws RemoteError when there is none */
export function acceptBody(reply: RemoteReply): AsyncIterable<Uint8Array> {
  if (reply.kind === "reply") return reply.body;
  throw new RemoteError({ code: reply.fault, message: reply.message, retryAfterSec: reply.retryAfterSec });
}

/** What an error of a pass means for whoever reads the run; null: a fault of our own, not for their eyes. */
export function describeFailure(error: unknown): SyncFailure | null {
  if (error instanceof RemoteError) return error.failure;
  if (!(error instanceof GitError)) return null;
  switch (error.code) {
    case "limit-exceeded":
      return { code: "too-large", message: error.message, retryAfterSec: null };
    case "interrupted":
    case "overloaded":
      return { code: "unreachable", message: error.message, retryAfterSec: null };
    case "protocol":
    case "corrupt-pack":
    case "corrupt-object":
    case "wrong-type":
    case "invalid-ref-name":
      return { code: "bad-reply", message: error.message, retryAfterSec: null };
    default:
      return null;
  }
}

/** Passes chunks on, counting them. @throws GitError limit-exceeded beyond `limit` bytes */
export async function* countBytes(
  chunks: AsyncIterable<Uint8Array>,
  meter: { bytes: number },
  limit: number,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    meter.bytes += chunk.length;
    if (meter.bytes > limit) {
      throw new GitError("limit-exceeded", `the pack has more than ${limit} bytes`, { limit });
    }
    yield chunk;
  }
}
