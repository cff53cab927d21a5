/** A repository and where a mount reads and writes in it. */
export interface RemoteRepo {
  readonly slug: string;
  readonly namespace: string | null;
}

/** One entry of a recursive listing: full path, six-digit mode, size of files and symlinks in bytes. */
export interface RemoteEntry {
  readonly path: string;
  readonly sha: string;
  readonly mode: string;
  readonly size: number;
}

/** A page of a recursive listing, depth first in git's order, directories included. */
export interface RemoteTreePage {
  readonly entries: readonly RemoteEntry[];
  readonly treeSha: string;
  /** null: the branch has no commit yet. */
  readonly commitSha: string | null;
  /** ms since the epoch. */
  readonly committedAtMs: number;
  /** Branch that the ref stands for; null when it is a tag or a commit, undefined when the server does not say. */
  readonly branch?: string | null | undefined;
  readonly nextCursor: string | null;
}

export interface RemoteBlob {
  readonly path: string;
  readonly sha: string;
  /** null: too large for a batch; read it on its own. */
  readonly bytes: Uint8Array | null;
}

export interface RemotePrefetchSummary {
  readonly entries: number;
  readonly bytes: number;
  readonly capped: boolean;
}

export interface RemoteIdentity {
  readonly name: string;
  readonly email: string;
}

/** One change of a commit. `ifMatch`: blob that the path must have; null = must not exist; undefined = not checked. */
export type RemoteChange =
  | {
      readonly kind: "put";
      readonly path: string;
      readonly mode: string;
      readonly content: { readonly bytes: Uint8Array } | { readonly sha: string };
      readonly ifMatch: string | null | undefined;
    }
  | { readonly kind: "delete"; readonly path: string; readonly ifMatch: string }
  /** Moves a directory with everything below it. */
  | { readonly kind: "move"; readonly path: string; readonly newPath: string };

export interface RemoteCommit {
  readonly branch: string;
  readonly message: string;
  readonly author: RemoteIdentity | undefined;
  readonly changes: readonly RemoteChange[];
  /** The same for every repetition of the same commit. */
  readonly idempotencyKey: string;
}

export type RemoteCommitOutcome =
  | {
      readonly kind: "committed";
      readonly sha: string;
      readonly treeSha: string;
      readonly parentSha: string | null;
    }
  /** A path is not what `ifMatch` says. `path` is the repository's; absent when the server did not name it. */
  | {
      readonly kind: "conflict";
      readonly path: string | null;
      readonly currentSha: string | null;
      readonly message: string;
      readonly cause: unknown;
    };

/** What a watch tells of a branch, in the words of the wire. */
export type RemoteMove =
  /** Where the branch is; `sha` null: it does not exist. `id` null: moves that lead there follow. */
  | { readonly event: "connected"; readonly sha: string | null; readonly id: string | null }
  /** What happened in between cannot be told. */
  | { readonly event: "reset" }
  | ({
      readonly event: "commit";
      readonly sha: string;
      readonly paths: readonly string[];
      readonly paths_truncated: boolean;
    } & RemoteMoveReason)
  | ({ readonly event: "deleted" } & RemoteMoveReason);

export interface RemoteMoveReason {
  readonly previous: string | null;
  readonly actor: string;
  readonly message: string;
  /** ms since the epoch. */
  readonly ts: number;
}

/** What one request may hold, in bytes unless the name says otherwise. */
export interface RemoteLimits {
  readonly fileBytes: number;
  readonly changesPerCommit: number;
  /** Paths of one `readBlobs`. */
  readonly batchPaths: number;
  readonly prefetchGlobs: number;
  readonly prefetchBytes: number;
  readonly prefetchBlobBytes: number;
}

/**
 * What a mount needs from a server. The one implementation for production goes over HTTP and is made by the client;
 * tests give one in memory. Every method rejects with an ApiError when the request fails, with the abort reason when
 * the signal aborts. Paths are the repository's, without a leading slash.
 */
export interface Remote {
  readonly limits: RemoteLimits;
  listTree(
    repo: RemoteRepo,
    request: {
      readonly ref: string;
      readonly cursor: string | null;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<RemoteTreePage>;
  /** Up to `limits.batchPaths` paths at one commit; what does not exist is left out. */
  readBlobs(
    repo: RemoteRepo,
    request: { readonly commitSha: string; readonly paths: readonly string[] },
  ): Promise<readonly RemoteBlob[]>;
  /** A file's bytes from `start` to the inclusive `end`. */
  openBlob(
    repo: RemoteRepo,
    request: {
      readonly commitSha: string;
      readonly path: string;
      readonly range: { readonly start: number; readonly end: number } | null;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<ReadableStream<Uint8Array>>;
  /** Yields files as they come; the generator's return value sums them up. */
  prefetch(
    repo: RemoteRepo,
    request: {
      readonly commitSha: string;
      readonly globs: readonly string[];
      readonly maxBytes: number;
      readonly maxBlobBytes: number;
      readonly signal?: AbortSignal | undefined;
    },
  ): AsyncGenerator<RemoteBlob & { readonly bytes: Uint8Array }, RemotePrefetchSummary>;
  commit(repo: RemoteRepo, commit: RemoteCommit): Promise<RemoteCommitOutcome>;
  /** Moves of one branch, every one and in order, until the signal aborts; absent where nothing can be watched. */
  watch?(
    repo: RemoteRepo,
    request: { readonly branch: string; readonly signal: AbortSignal },
  ): Promise<AsyncGenerator<RemoteMove, void, undefined>>;
  /** Name of the default branch. */
  findDefaultBranch(repo: RemoteRepo): Promise<string>;
}
