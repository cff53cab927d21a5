import type { Change } from "./contract/commits.ts";
import { LIMITS } from "./contract/limits.ts";
import { ApiError } from "./errors.ts";
import { parseBaseUrl } from "./http/address.ts";
import { decodeBase64 } from "./http/base64.ts";
import { type Clock, systemClock } from "./http/clock.ts";
import { decodeContent, encodeContent } from "./http/content.ts";
import { readEnvironment } from "./http/environment.ts";
import { createIdempotencyKey } from "./http/idempotency.ts";
import type { Result } from "./http/reply.ts";
import { createRequest, type RequestEvent, type RequestFunction } from "./http/request.ts";
import { type RetryOptions, resolveRetryPolicy } from "./http/retry.ts";
import { createTransport, type Fetch } from "./http/transport.ts";
import { createSharedBlobs, type SharedBlobs } from "./mount/blobs/content-source.ts";
import type {
  Remote,
  RemoteBlob,
  RemoteChange,
  RemoteCommitOutcome,
  RemotePrefetchSummary,
  RemoteRepo,
} from "./mount/kernel/remote.ts";
import type { MountedFS } from "./mount/mounted-fs.ts";
import { type MountOptions, openMount } from "./mount/open-mount.ts";
import { Branches } from "./resources/branches.ts";
import { Commits } from "./resources/commits.ts";
import { Files } from "./resources/files.ts";
import { Objects } from "./resources/objects.ts";
import { Prefetch } from "./resources/prefetch.ts";
import { Refs } from "./resources/refs.ts";
import { Repos } from "./resources/repos.ts";
import { Sessions } from "./resources/session.ts";
import { Tags } from "./resources/tags.ts";
import { Watch } from "./resources/watch.ts";

const DEFAULT_BASE_URL = "https://api.coregit.dev";
const DEFAULT_CACHE_BYTES = 64 * 1024 * 1024;

/** How to reach a server. */
export interface CoregitClientOptions {
  /** Key or token, or a function that is asked for it before each attempt. Else COREGIT_API_KEY. */
  readonly apiKey?: string | (() => string | undefined | Promise<string | undefined>) | undefined;
  /** Address of the server, with or without `/v1`. Else COREGIT_BASE_URL, else the hosted service. */
  readonly baseUrl?: string | undefined;
  /** Sends the requests instead of the platform's fetch. */
  readonly fetch?: Fetch | undefined;
  /** How often repeatable requests are repeated; false = never. */
  readonly retry?: RetryOptions | false | undefined;
  /** Limit of one attempt, ms. Default 60,000. */
  readonly timeoutMs?: number | undefined;
  /** Sees every attempt before it is sent. */
  readonly onRequest?: ((event: RequestEvent) => void) | undefined;
  /** Time and chance; for tests. */
  readonly clock?: Clock | undefined;
}

/** Mounting. */
export class Filesystems {
  readonly #remote: Remote;
  readonly #request: RequestFunction;
  readonly #clock: Clock;
  #shared: SharedBlobs | null = null;

  constructor(remote: Remote, request: RequestFunction, clock: Clock) {
    this.#remote = remote;
    this.#request = request;
    this.#clock = clock;
  }

  /**
   * Mounts up to ten repositories as one filesystem; one request each.
   *
   * @example
   * const fs = await cg.fs.mount({ repos: [{ slug: "my-app" }], mode: "rw", branch: "main" });
   * for (const path of await fs.glob("src/**" + "/*.ts")) console.log(path);
   */
  async mount(options: MountOptions): Promise<MountedFS> {
    const { session } = options;
    const inside = session && "id" in session === false && session.autoOpen === false ? undefined : session;
    const joined = inside && (await import("./http/mount-session.ts")).joinSession(this.#request, inside);
    const remote = joined ? createRemote(createResources(joined.request, this.#clock)) : this.#remote;
    return await openMount(options, {
      remote,
      // What a session has written is read in the session.
      blobs: joined
        ? createSharedBlobs(
            remote,
            options.cache?.enabled === false ? 0 : (options.cache?.maxBytes ?? DEFAULT_CACHE_BYTES),
          )
        : this.#blobsFor(options.cache),
      session: joined,
      now: () => this.#clock.now(),
      createKey: createIdempotencyKey,
    });
  }

  #blobsFor(cache: MountOptions["cache"]): SharedBlobs {
    if (cache?.enabled === false) return createSharedBlobs(this.#remote, 0);
    const maxBytes = cache?.maxBytes ?? DEFAULT_CACHE_BYTES;
    if (this.#shared === null) this.#shared = createSharedBlobs(this.#remote, maxBytes);
    return this.#shared.cache.maxBytes === maxBytes
      ? this.#shared
      : createSharedBlobs(this.#remote, maxBytes);
  }
}

/**
 * A connection to a Coregit server. Every resource method resolves with `{ data, error, status }` and never throws for
 * an answer; `fs.mount` gives repositories as a filesystem, whose calls throw like node's.
 */
export class CoregitClient {
  readonly repos: Repos;
  readonly commits: Commits;
  readonly files: Files;
  readonly branches: Branches;
  readonly refs: Refs;
  readonly tags: Tags;
  readonly objects: Objects;
  readonly prefetch: Prefetch;
  readonly watch: Watch;
  readonly session: Sessions;
  readonly fs: Filesystems;
  /** Any endpoint by its contract key, for what has no method. */
  readonly request: RequestFunction;

  constructor(options: CoregitClientOptions = {}) {
    const clock = options.clock ?? systemClock;
    const { apiKey = readEnvironment("COREGIT_API_KEY") } = options;
    const request = createRequest({
      baseUrl: parseBaseUrl(options.baseUrl ?? readEnvironment("COREGIT_BASE_URL") ?? DEFAULT_BASE_URL),
      apiKey: typeof apiKey === "function" ? apiKey : () => apiKey,
      transport: createTransport(options.fetch),
      clock,
      retry: resolveRetryPolicy(options.retry),
      timeoutMs: options.timeoutMs ?? 60_000,
      onRequest: options.onRequest,
    });
    this.request = request;
    this.repos = new Repos(request);
    this.commits = new Commits(request);
    this.files = new Files(request);
    this.branches = new Branches(request);
    this.refs = new Refs(request);
    this.tags = new Tags(request);
    this.objects = new Objects(request);
    this.prefetch = new Prefetch(request);
    this.watch = new Watch(request, clock);
    this.session = new Sessions(request);
    this.fs = new Filesystems(createRemote(this), request, clock);
  }
}

/**
 * Makes a client.
 *
 * @example
 * const cg = createCoregitClient({ apiKey: "cgk_live_…", baseUrl: "http://127.0.0.1:8787" });
 * const { data, error } = await cg.repos.create({ slug: "my-app" });
 */
export function createCoregitClient(options: CoregitClientOptions = {}): CoregitClient {
  return new CoregitClient(options);
}

interface Resources {
  readonly repos: Repos;
  readonly commits: Commits;
  readonly files: Files;
  readonly prefetch: Prefetch;
  readonly watch: Watch;
}

function createResources(request: RequestFunction, clock: Clock): Resources {
  return {
    repos: new Repos(request),
    commits: new Commits(request),
    files: new Files(request),
    prefetch: new Prefetch(request),
    watch: new Watch(request, clock),
  };
}

function unwrap<T>(result: Result<T>): T {
  if (result.error !== null) throw result.error;
  return result.data;
}

function toChange(change: RemoteChange): Change {
  if (change.kind === "move") return { path: change.path, action: "rename", new_path: change.newPath };
  if (change.kind === "delete") return { path: change.path, action: "delete", if_match: change.ifMatch };
  const { path, mode, content, ifMatch } = change;
  return {
    path,
    action: "create",
    // The mount makes only modes that git has.
    mode: mode as NonNullable<Change["mode"]>,
    ...(ifMatch === undefined ? {} : { if_match: ifMatch }),
    ...("sha" in content ? { sha: content.sha } : encodeContent(content.bytes)),
  };
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

/** Refusals that mean that the branch is not as the change took it to be: changed, gone, or something in the way. */
const CONFLICT_REASONS: ReadonlySet<unknown> = new Set([
  "not-found",
  "file-in-the-way",
  "directory-in-the-way",
]);

function conflictOf(error: ApiError): RemoteCommitOutcome {
  const { path, current_sha: current } = error.data;
  return {
    kind: "conflict",
    path: textOf(path),
    currentSha: textOf(current),
    message: error.message,
    cause: error,
  };
}

/** The mount's port over the client's resources: errors are thrown, contents are bytes, conflicts are values. */
function createRemote({ repos, commits, files, prefetch, watch }: Resources): Remote {
  return {
    limits: {
      ...LIMITS,
      prefetchBytes: LIMITS.prefetchBytesMax,
      prefetchBlobBytes: LIMITS.prefetchBlobBytesMax,
    },
    async listTree(repo, { ref, cursor, signal }) {
      const query = { ref, recursive: true, ...(cursor === null ? {} : { cursor }) };
      const tree = unwrap(await files.tree(repo, query, { signal }));
      return {
        entries: tree.items.map(({ path, sha, mode, size = 0 }) => ({ path, sha, mode, size })),
        treeSha: tree.sha,
        commitSha: tree.commit_sha,
        committedAtMs: tree.committed_at === null ? 0 : Date.parse(tree.committed_at),
        branch: tree.branch,
        nextCursor: tree.next_cursor,
      };
    },
    async readBlobs(repo, { commitSha, paths }): Promise<readonly RemoteBlob[]> {
      const { blobs } = unwrap(await files.blobs(repo, { ref: commitSha, paths: [...paths] }));
      return blobs.map((blob) => ({ path: blob.path, sha: blob.sha, bytes: decodeContent(blob) }));
    },
    async openBlob(repo, { commitSha, path, range, signal }) {
      const file = { ref: commitSha, path, ...(range === null ? {} : { range }) };
      return unwrap(await files.raw(repo, file, { signal })).body;
    },
    async *prefetch(
      repo: RemoteRepo,
      request,
    ): AsyncGenerator<RemoteBlob & { bytes: Uint8Array }, RemotePrefetchSummary> {
      const { commitSha, globs, maxBytes, maxBlobBytes, signal } = request;
      const body = { ref: commitSha, globs: [...globs], max_bytes: maxBytes, max_blob_bytes: maxBlobBytes };
      for await (const line of unwrap(await prefetch.stream(repo, body, { signal }))) {
        if ("done" in line) return { entries: line.entries, bytes: line.bytes, capped: line.capped };
        yield { path: line.path, sha: line.sha, bytes: decodeBase64(line.content_b64) };
      }
      throw new ApiError("INCOMPLETE_STREAM", "no last line", { status: 200, retryable: true });
    },
    async commit(repo, { branch, message, author, changes, idempotencyKey }) {
      const body = {
        branch,
        message,
        changes: changes.map(toChange),
        ...(author === undefined ? {} : { author }),
      };
      const { data, error } = await commits.create(repo, body, { idempotencyKey });
      if (error === null) {
        return { kind: "committed", sha: data.sha, treeSha: data.tree_sha, parentSha: data.parent_sha };
      }
      if (error.code === "CONFLICT" || CONFLICT_REASONS.has(error.data.reason)) return conflictOf(error);
      throw error;
    },
    watch: async (repo, { branch, signal }) => unwrap(await watch.open(repo, { branch }, { signal })),
    async findDefaultBranch(repo) {
      return unwrap(await repos.get(repo)).default_branch;
    },
  };
}
