import type { Change } from "./contract/commits.ts";
import { MOUNT_LIMITS } from "./contract/limits.ts";
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
import type { SecondLevelCache, VerifiedCache } from "./mount/blobs/second-level.ts";
import type {
  Remote,
  RemoteBlob,
  RemoteChange,
  RemoteCommitOutcome,
  RemoteGrep,
  RemoteGrepSummary,
  RemoteMatch,
  RemotePrefetchSummary,
  RemoteRepo,
} from "./mount/kernel/remote.ts";
import type { MountOptions } from "./mount/mount-options.ts";
import type { MountedFS } from "./mount/mounted-fs.ts";
import { openMount } from "./mount/open-mount.ts";
import type { Audit } from "./resources/audit.ts";
import { Branches } from "./resources/branches.ts";
import { Commits } from "./resources/commits.ts";
import type { Connections } from "./resources/connections.ts";
import { Files } from "./resources/files.ts";
import type { History } from "./resources/history.ts";
import { loadOnCall } from "./resources/load-on-call.ts";
import { CherryPicks, Compare, Diff } from "./resources/merges.ts";
import { Objects } from "./resources/objects.ts";
import { Prefetch } from "./resources/prefetch.ts";
import type { PublicKeys } from "./resources/public-keys.ts";
import { Refs } from "./resources/refs.ts";
import { Repos } from "./resources/repos.ts";
import { Search } from "./resources/search.ts";
import { Sessions } from "./resources/session.ts";
import { Snapshots } from "./resources/snapshots.ts";
import type { Sync } from "./resources/sync.ts";
import { Tags } from "./resources/tags.ts";
import type { Tokens } from "./resources/tokens.ts";
import type { UsageReports } from "./resources/usage.ts";
import { Watch } from "./resources/watch.ts";
import type { Webhooks } from "./resources/webhooks.ts";
import { Workspace } from "./resources/workspace.ts";

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
  /** By second-level cache; those without one by the remote. */
  readonly #shared = new WeakMap<object, SharedBlobs>();

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
        : await this.#blobsFor(options.cache),
      session: joined,
      now: () => this.#clock.now(),
      createKey: createIdempotencyKey,
    });
  }

  async #blobsFor(cache: MountOptions["cache"]): Promise<SharedBlobs> {
    if (cache?.enabled === false) return createSharedBlobs(this.#remote, 0);
    const maxBytes = cache?.maxBytes ?? DEFAULT_CACHE_BYTES;
    const key = cache?.second ?? this.#remote;
    const known = this.#shared.get(key);
    if (known?.cache.maxBytes === maxBytes) return known;
    const made = createSharedBlobs(this.#remote, maxBytes, await verifyCache(cache?.second));
    if (known === undefined) this.#shared.set(key, made);
    return made;
  }
}

/** Its code is loaded by those who have a second level. */
async function verifyCache(second: SecondLevelCache | undefined): Promise<VerifiedCache | null> {
  if (second === undefined) return null;
  const { VerifiedCache } = await import("./mount/blobs/second-level.ts");
  return new VerifiedCache(second);
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
  readonly snapshots: Snapshots;
  readonly tags: Tags;
  readonly tokens: Tokens;
  readonly history: History;
  readonly publicKeys: PublicKeys;
  readonly usage: UsageReports;
  readonly webhooks: Webhooks;
  readonly audit: Audit;
  readonly connections: Connections;
  readonly sync: Sync;
  readonly objects: Objects;
  readonly diff: Diff;
  readonly compare: Compare;
  readonly cherryPick: CherryPicks;
  readonly prefetch: Prefetch;
  readonly watch: Watch;
  readonly session: Sessions;
  readonly search: Search;
  readonly workspace: Workspace;
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
    this.snapshots = new Snapshots(request);
    this.tags = new Tags(request);
    this.tokens = loadOnCall(async () => new (await import("./resources/tokens.ts")).Tokens(request));
    this.history = loadOnCall(async () => new (await import("./resources/history.ts")).History(request));
    this.publicKeys = loadOnCall(
      async () => new (await import("./resources/public-keys.ts")).PublicKeys(request),
    );
    this.usage = loadOnCall(async () => new (await import("./resources/usage.ts")).UsageReports(request));
    this.webhooks = loadOnCall(async () => new (await import("./resources/webhooks.ts")).Webhooks(request));
    this.audit = loadOnCall(async () => new (await import("./resources/audit.ts")).Audit(request));
    this.connections = loadOnCall(
      async () => new (await import("./resources/connections.ts")).Connections(request),
    );
    this.sync = loadOnCall(async () => new (await import("./resources/sync.ts")).Sync(request));
    this.objects = new Objects(request);
    this.diff = new Diff(request);
    this.compare = new Compare(request);
    this.cherryPick = new CherryPicks(request);
    this.prefetch = new Prefetch(request);
    this.watch = new Watch(request, clock);
    this.session = new Sessions(request);
    this.search = new Search(request);
    this.workspace = new Workspace(request);
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

/** Contents of one request, before encoding: far below its 100 MB even when all of it is base64. */
const MAX_CONTENT_BYTES = 32 * 1024 * 1024;

interface Resources {
  readonly objects: Objects;
  readonly repos: Repos;
  readonly commits: Commits;
  readonly files: Files;
  readonly prefetch: Prefetch;
  readonly search: Search;
  readonly watch: Watch;
  readonly workspace: Workspace;
}

function createResources(request: RequestFunction, clock: Clock): Resources {
  return {
    repos: new Repos(request),
    commits: new Commits(request),
    files: new Files(request),
    objects: new Objects(request),
    prefetch: new Prefetch(request),
    search: new Search(request),
    watch: new Watch(request, clock),
    workspace: new Workspace(request),
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
    ...(mode === null ? {} : { mode: mode as NonNullable<Change["mode"]> }),
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

/** Every path that a refusal names: merged ones with their details, else the one path that was not as expected. */
function conflictOf(error: ApiError): RemoteCommitOutcome {
  const { details, path, reason, current_sha: current } = error.data;
  // Bodies of refusals are not typed; each field is looked at on its own.
  const named = (Array.isArray(details) ? details : [{ path, type: reason, theirs_sha: current }]) as Record<
    string,
    unknown
  >[];
  const conflicts = named.flatMap((entry) => {
    const { path: at, type, theirs_sha: theirs, markers_encoding: encoding } = entry;
    if (typeof at !== "string") return [];
    const text = textOf(entry.markers);
    const markers = encoding === "base64" && text !== null ? decodeBase64(text) : text;
    return [{ path: at, type: textOf(type) ?? "content", theirsSha: textOf(theirs), markers }];
  });
  return { kind: "conflict", conflicts, message: error.message, cause: error };
}

/** The mount's port over the client's resources: errors are thrown, contents are bytes, conflicts are values. */
function createRemote(resources: Resources): Remote {
  const { repos, commits, files, objects, prefetch, search, watch, workspace } = resources;
  return {
    limits: {
      ...MOUNT_LIMITS,
      changesPerCommit: MOUNT_LIMITS.changesPerBulkCommit,
      contentBytes: MAX_CONTENT_BYTES,
      prefetchBytes: MOUNT_LIMITS.prefetchBytesMax,
      prefetchBlobBytes: MOUNT_LIMITS.prefetchBlobBytesMax,
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
    async *grep(repo: RemoteRepo, request: RemoteGrep): AsyncGenerator<RemoteMatch, RemoteGrepSummary> {
      const { commitSha, globs, paths, cursor, signal } = request;
      const body = {
        pattern: request.pattern,
        ref: commitSha,
        regex: request.regex,
        case_sensitive: !request.ignoreCase,
        word: request.word,
        context_lines: request.contextLines,
        max_matches: request.maxMatches,
        ...(globs.length === 0 ? {} : { globs: [...globs] }),
        ...(paths.length === 0 ? {} : { paths: [...paths] }),
        ...(cursor === null ? {} : { cursor }),
      };
      for await (const line of unwrap(await search.grep(repo, body, { signal }))) {
        if ("done" in line) return { nextCursor: line.next_cursor };
        const { line_bytes: lineBytes = null, ...match } = line;
        yield { ...match, lineBytes };
      }
      throw new ApiError("INCOMPLETE_STREAM", "no last line", { status: 200, retryable: true });
    },
    async commit(repo, { branch, message, author, metadata, changes, idempotencyKey }) {
      const body = {
        branch,
        message,
        changes: changes.map(toChange),
        rebase: true,
        ...(author && { author }),
        ...(metadata && { metadata }),
      };
      const options = { idempotencyKey };
      const { data, error } =
        changes.length > MOUNT_LIMITS.changesPerCommit
          ? await commits.createBulk(repo, body, options)
          : await commits.create(repo, body, options);
      if (error === null) {
        const { sha, tree_sha: treeSha, parent_sha: parentSha, merged = [] } = data;
        return { kind: "committed", sha, treeSha, parentSha, merged: merged.map(({ path }) => path) };
      }
      if (error.code === "CONFLICT" || CONFLICT_REASONS.has(error.data.reason)) return conflictOf(error);
      throw error;
    },
    watch: async (repo, { branch, signal }) => unwrap(await watch.open(repo, { branch }, { signal })),
    exec: async (request) => (await import("./exec-over-http.ts")).execOverHttp(workspace, request, toChange),
    async storeBlobs(repo, blobs) {
      unwrap(await commits.storeBlobs(repo, { blobs: blobs.map(encodeContent) }));
    },
    async readBlob(repo, sha) {
      return decodeContent(unwrap(await objects.get(repo, sha))) ?? new Uint8Array(0);
    },
    async fork(repo, { idempotencyKey, ...fork }) {
      unwrap(await repos.fork(repo, fork, { idempotencyKey }));
    },
    async findDefaultBranch(repo) {
      return unwrap(await repos.get(repo)).default_branch;
    },
  };
}
