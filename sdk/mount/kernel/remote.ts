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

/** What to look for in the contents of one commit. */
export interface RemoteGrep {
  readonly commitSha: string;
  /** Text, or an expression of RE2's syntax. */
  readonly pattern: string;
  readonly regex: boolean;
  readonly ignoreCase: boolean;
  readonly word: boolean;
  /** Files to search: those that match a glob or are at or below a path; all when both are empty. */
  readonly globs: readonly string[];
  readonly paths: readonly string[];
  readonly contextLines: number;
  readonly maxMatches: number;
  /** Where an answer that was cut short goes on. */
  readonly cursor: string | null;
  readonly signal?: AbortSignal | undefined;
}

/** A matching line. */
export interface RemoteMatch {
  readonly path: string;
  readonly sha: string;
  /** 1 for the first. */
  readonly line: number;
  readonly content: string;
  /** Bytes of the whole line when `content` is only its beginning. */
  readonly lineBytes: number | null;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** `nextCursor`: null when everything was searched and told. */
export interface RemoteGrepSummary {
  readonly nextCursor: string | null;
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
      /** Six digits; null leaves the mode of the file that is there as it is. */
      readonly mode: string | null;
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
  /** What the agent says of the commit; kept with it. */
  readonly metadata: Record<string, unknown> | undefined;
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
      /** Paths that hold something else than was sent, because they were merged with what others did. */
      readonly merged: readonly string[];
    }
  /** Paths are not what `ifMatch` says, and do not merge. Nothing was written. Empty when the server named none. */
  | {
      readonly kind: "conflict";
      readonly conflicts: readonly RemoteConflict[];
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

/** One repository for a command that runs on the server. */
export interface RemoteExecSource {
  readonly repo: RemoteRepo;
  /** First segment of its paths. */
  readonly name: string;
  /** Commit that is read; null: the branch has none. */
  readonly commitSha: string | null;
  /** Where a commit goes; null when nothing may be committed. */
  readonly branch: string | null;
  /** What the command finds changed. */
  readonly changes: readonly RemoteChange[];
}

export interface RemoteExec {
  readonly command: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly commit: boolean;
  readonly message: string;
  readonly author: RemoteIdentity | undefined;
  readonly timeoutMs: number | undefined;
  readonly sources: readonly RemoteExecSource[];
  readonly idempotencyKey: string;
  readonly signal: AbortSignal | undefined;
}

/** One path that is not as in the commit that was read. */
export interface RemoteExecChange {
  readonly path: string;
  /** null: there is nothing any more. */
  readonly after: { readonly mode: string; readonly sha: string; readonly bytes: Uint8Array | null } | null;
}

export type RemoteExecOutcome = {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
  readonly timeMs: number;
  readonly stopped: "time" | "limit" | null;
} & (
  | {
      readonly kind: "ran";
      /** By name. */
      readonly repos: Readonly<
        Record<string, { readonly changes: readonly RemoteExecChange[]; readonly commitSha: string | null }>
      >;
    }
  /** The command ran; its commit was refused because others changed the same paths. */
  | {
      readonly kind: "conflict";
      readonly name: string | null;
      readonly conflicts: readonly {
        readonly path: string;
        readonly baseSha: string | null;
        readonly currentSha: string | null;
      }[];
      readonly cause: unknown;
    }
);

/** One path that a commit and the branch have both changed. null: nothing is there. */
export interface RemoteConflict {
  readonly path: string;
  /** `content`, `binary`, `modify-delete`, `add-add`, `file-directory`, … */
  readonly type: string;
  readonly theirsSha: string | null;
  /** Both texts between conflict markers, where there are two; bytes when they are not UTF-8. */
  readonly markers: string | Uint8Array | null;
}

/** What one request may hold, in bytes unless the name says otherwise. */
export interface RemoteLimits {
  readonly fileBytes: number;
  readonly changesPerCommit: number;
  /** Contents that travel with one commit or one `storeBlobs`, before they are encoded. */
  readonly contentBytes: number;
  /** Paths of one `readBlobs`. */
  readonly batchPaths: number;
  readonly prefetchGlobs: number;
  readonly prefetchBytes: number;
  readonly prefetchBlobBytes: number;
  /** Paths of one search, and lines of one answer to it. */
  readonly grepPaths: number;
  readonly grepMatches: number;
  /** Larger files are not searched. */
  readonly grepFileBytes: number;
  /** Longer lines are told by their beginning. */
  readonly grepLineBytes: number;
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
  /** Yields matching lines in git's order of paths; the generator's return value says whether there are more. */
  grep(repo: RemoteRepo, request: RemoteGrep): AsyncGenerator<RemoteMatch, RemoteGrepSummary>;
  /**
   * One commit, all or nothing, on whatever the branch's head is; a file that others changed too is merged. Rejects with
   * an ApiError whose `data.reason` is "missing-object" when a `sha` is not in the repository.
   */
  commit(repo: RemoteRepo, commit: RemoteCommit): Promise<RemoteCommitOutcome>;
  /** Moves of one branch, every one and in order, until the signal aborts; absent where nothing can be watched. */
  watch?(
    repo: RemoteRepo,
    request: { readonly branch: string; readonly signal: AbortSignal },
  ): Promise<AsyncGenerator<RemoteMove, void, undefined>>;
  /** Runs a shell command over some repositories; absent where the server has no shell. */
  exec?(request: RemoteExec): Promise<RemoteExecOutcome>;
  /** Stores contents that a commit then names by their ids. Harmless when repeated. */
  storeBlobs(repo: RemoteRepo, blobs: readonly Uint8Array[]): Promise<void>;
  /** A blob by its id alone. */
  readBlob(repo: RemoteRepo, sha: string): Promise<Uint8Array>;
  /** Makes a fork that is ready when this resolves; absent where the server makes none. */
  fork?(
    repo: RemoteRepo,
    fork: { readonly slug: string; readonly namespace: string | null; readonly idempotencyKey: string },
  ): Promise<void>;
  /** Name of the default branch. */
  findDefaultBranch(repo: RemoteRepo): Promise<string>;
}
