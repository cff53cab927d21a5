import { GitError, type GitErrorCode } from "../git/errors.ts";
import type { Oid } from "../git/hash/oid.ts";
import type {
  GitObject,
  Head,
  ObjectHeader,
  ReflogEntry,
  ReflogQuery,
  RefPage,
  RefQuery,
  RefReason,
  RefTransaction,
  RefTurn,
  RefUpdateResult,
  RepoSnapshot,
} from "../git/ports.ts";
import type { CommitOutcome, CommitRequest } from "../ports/commit.ts";
import type { ForkSeed, ForkStart } from "../ports/fork.ts";

/** Errors do not survive the way out of a Durable Object with their class and data; so they travel as values. */
export type RpcReply<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false;
      readonly code: GitErrorCode;
      readonly message: string;
      readonly data: Readonly<Record<string, unknown>>;
    };

/** As many objects as one message may carry. */
export interface HotPage {
  readonly objects: readonly GitObject[];
  /** How many of the ids asked for this page answers, found or not. Ask again for the others. */
  readonly answered: number;
}

export interface RepoInit {
  readonly repoId: string;
  /** Is told what moves, and whose storage it counts as; absent: nobody is. */
  readonly orgId?: string;
  /** HEAD points at it from the start, whether or not it exists. */
  readonly defaultBranch: string;
  /** First objects and refs, in the step that creates the repository. */
  readonly first?: RefTransaction;
  /** Instead of `first`: what a fork begins with. */
  readonly fork?: ForkStart;
}

export interface RepoStats {
  readonly refs: number;
  readonly packs: number;
  readonly packBytes: number;
  readonly packedObjects: number;
  readonly hotObjects: number;
  readonly hotBytes: number;
  readonly databaseBytes: number;
}

/** The methods of RepoDO, as a stub has them. */
export interface RepoRpc {
  /** false: it exists already; nothing was changed. */
  create(init: RepoInit): Promise<RpcReply<boolean>>;
  destroy(): Promise<RpcReply<void>>;
  stats(): Promise<RpcReply<RepoStats>>;
  /** Moves all hot objects into packs; the number of packs made. */
  flush(): Promise<RpcReply<number>>;
  listReflog(query: ReflogQuery): Promise<RpcReply<readonly ReflogEntry[]>>;
  snapshot(query: {
    readonly refs?: readonly string[];
    readonly knownCatalogVersion?: number;
  }): Promise<RpcReply<RepoSnapshot>>;
  listRefs(query: RefQuery): Promise<RpcReply<RefPage>>;
  countRefs(prefix: string): Promise<RpcReply<number>>;
  readHotPage(oids: readonly Oid[]): Promise<RpcReply<HotPage>>;
  readHotHeaders(oids: readonly Oid[]): Promise<RpcReply<ReadonlyMap<Oid, ObjectHeader>>>;
  transact(transaction: RefTransaction): Promise<RpcReply<readonly RefUpdateResult[]>>;
  setHead(head: Head, reason: RefReason): Promise<RpcReply<void>>;
  takeTurn(name: string): Promise<RpcReply<RefTurn | null>>;
  beginPack(): Promise<RpcReply<{ readonly id: string; readonly key: string }>>;
  commit(request: CommitRequest): Promise<RpcReply<CommitOutcome>>;
  share(): Promise<RpcReply<ForkSeed>>;
  /** Whether the repository's syncs are told of its moves. */
  followMoves(follow: boolean): Promise<RpcReply<void>>;
}

/** Runs `work`; a GitError becomes a value, everything else stays an error: it is a fault, not an answer. */
export async function toReply<T>(work: () => T | Promise<T>): Promise<RpcReply<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    return { ok: false, code: error.code, message: error.message, data: error.data };
  }
}

/** @throws GitError that the other side threw */
export async function fromReply<T>(reply: Promise<RpcReply<T>>): Promise<T> {
  const answer = await reply;
  if (answer.ok) return answer.value;
  throw new GitError(answer.code, answer.message, answer.data);
}
