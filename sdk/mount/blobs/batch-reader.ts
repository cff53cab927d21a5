import { ApiError } from "../../errors.ts";
import type { Remote, RemoteRepo } from "../kernel/remote.ts";
import type { BlobCache, CachedBlob } from "./blob-cache.ts";
import { Gate } from "./gate.ts";
import type { VerifiedCache } from "./second-level.ts";

/** A blob and one place where the server has it. */
export interface BlobAddress {
  readonly repo: RemoteRepo;
  readonly commitSha: string;
  readonly path: string;
  readonly sha: string;
  /** Bytes, from the listing. */
  readonly size: number;
}

/** Contents of one batch: within the reply's limit even when all of it is base64, and no more than memory likes. */
const MAX_BATCH_BYTES = 16 * 1024 * 1024;
const MAX_PARALLEL = 6;
/** Turns of the microtask queue without a new read after which a batch leaves. */
const QUIET_TURNS = 4;
const MAX_TURNS = 64;

interface Waiting {
  readonly address: BlobAddress;
  readonly resolve: (blob: CachedBlob) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Turns single reads into few requests: reads of one tick of the event loop leave together, up to 100 files or 16 MiB
 * each, at most six requests at once, and equal blobs are asked for once. One reader serves all mounts of a client.
 */
export class BatchReader {
  readonly #remote: Remote;
  readonly #cache: BlobCache;
  readonly #second: VerifiedCache | null;
  readonly #gate = new Gate(MAX_PARALLEL);
  readonly #inFlight = new Map<string, Promise<CachedBlob>>();
  #queue: Waiting[] = [];

  #requests = 0;

  constructor(remote: Remote, cache: BlobCache, second: VerifiedCache | null) {
    this.#remote = remote;
    this.#cache = cache;
    this.#second = second;
  }

  /** Requests for contents sent so far. */
  get requests(): number {
    return this.#requests;
  }

  /** Counts a request for contents that took another way. */
  countRequest(): void {
    this.#requests += 1;
  }

  /** Keeps a blob that came from the server. */
  keep(blob: CachedBlob): void {
    this.#cache.put(blob);
    if (blob.sha !== null) this.#second?.put(blob.sha, blob.bytes);
  }

  /** A blob that is not in the cache. Rejects with an ApiError. */
  read(address: BlobAddress): Promise<CachedBlob> {
    const running = this.#inFlight.get(address.sha);
    if (running !== undefined) return running;
    const { promise, resolve, reject } = withResolvers<CachedBlob>();
    this.#inFlight.set(address.sha, promise);
    if (this.#queue.length === 0) void this.#flushWhenQuiet();
    this.#queue.push({ address, resolve, reject });
    return promise;
  }

  /**
   * Waits until a few turns of the microtask queue bring no more reads: callers stand behind layers of async functions
   * of different depth. Timers are no choice, some hosts block them while a script runs.
   */
  async #flushWhenQuiet(): Promise<void> {
    let seen = 0;
    for (let turn = 0, quiet = 0; turn < MAX_TURNS && quiet < QUIET_TURNS; turn += 1) {
      await null;
      quiet = this.#queue.length === seen ? quiet + 1 : 0;
      seen = this.#queue.length;
    }
    const waiting = this.#queue;
    this.#queue = [];
    const queue = this.#second === null ? waiting : await this.#takeFromSecond(waiting, this.#second);
    for (const batch of cutBatches(queue, this.#remote.limits.batchPaths))
      void this.#gate.run(() => this.#load(batch));
  }

  /** Settles what the second level has, and gives the rest. */
  async #takeFromSecond(queue: readonly Waiting[], second: VerifiedCache): Promise<readonly Waiting[]> {
    const found = await second.findMany(queue.map((read) => read.address.sha));
    return queue.filter((read) => {
      const bytes = found.get(read.address.sha);
      if (bytes === undefined) return true;
      const blob: CachedBlob = { sha: read.address.sha, bytes, text: null };
      this.#cache.put(blob);
      this.#finish(read, () => read.resolve(blob));
      return false;
    });
  }

  async #load(batch: readonly Waiting[]): Promise<void> {
    try {
      const [first] = batch;
      if (first === undefined) return;
      const { repo, commitSha } = first.address;
      const isAlone = batch.length === 1 && first.address.size > MAX_BATCH_BYTES;
      if (!isAlone) this.#requests += 1;
      const blobs = isAlone
        ? []
        : await this.#remote.readBlobs(repo, { commitSha, paths: batch.map((read) => read.address.path) });
      const bySha = new Map(blobs.map((blob) => [blob.sha, blob.bytes]));
      for (const read of batch) await this.#settle(read, bySha.get(read.address.sha) ?? null);
    } catch (error) {
      for (const read of batch) this.#finish(read, () => read.reject(error));
    }
  }

  async #settle(read: Waiting, found: Uint8Array | null): Promise<void> {
    try {
      const bytes = found ?? (await this.#readWhole(read.address));
      if (bytes.length !== read.address.size) throw wrongContent(read.address);
      const blob: CachedBlob = { sha: read.address.sha, bytes, text: null };
      this.keep(blob);
      this.#finish(read, () => read.resolve(blob));
    } catch (error) {
      this.#finish(read, () => read.reject(error));
    }
  }

  /** A file that no batch carries. */
  async #readWhole({ repo, commitSha, path }: BlobAddress): Promise<Uint8Array> {
    this.#requests += 1;
    const body = await this.#remote.openBlob(repo, { commitSha, path, range: null });
    return new Uint8Array(await new Response(body).arrayBuffer());
  }

  #finish(read: Waiting, settle: () => void): void {
    this.#inFlight.delete(read.address.sha);
    settle();
  }
}

function wrongContent({ path, sha }: BlobAddress): ApiError {
  return new ApiError("INVALID_RESPONSE", `the content of ${path} is not the one of blob ${sha}`, {
    status: 200,
    retryable: false,
  });
}

/** Reads of one commit per batch, within the limits of the wire; one too large for any batch stands alone. */
function* cutBatches(queue: readonly Waiting[], maxPaths: number): Generator<readonly Waiting[]> {
  const byCommit = new Map<string, Waiting[]>();
  for (const read of queue) {
    const { repo, commitSha } = read.address;
    const key = `${repo.namespace ?? ""}/${repo.slug}@${commitSha}`;
    const group = byCommit.get(key);
    if (group === undefined) byCommit.set(key, [read]);
    else group.push(read);
  }
  for (const group of byCommit.values()) {
    let batch: Waiting[] = [];
    let bytes = 0;
    for (const read of group) {
      const { size } = read.address;
      if (batch.length === maxPaths || (batch.length > 0 && bytes + size > MAX_BATCH_BYTES)) {
        yield batch;
        batch = [];
        bytes = 0;
      }
      batch.push(read);
      bytes += size;
    }
    if (batch.length > 0) yield batch;
  }
}

function withResolvers<T>() {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
