import type { Remote } from "../kernel/remote.ts";
import { BatchReader, type BlobAddress } from "./batch-reader.ts";
import { BlobCache, type CachedBlob } from "./blob-cache.ts";
import type { VerifiedCache } from "./second-level.ts";

/** What a mount's reads came from, and what the cache holds. The cache is shared by the mounts of a client. */
export interface CacheStats {
  /** Reads of this mount that the cache in memory served. */
  readonly hits: number;
  /** Reads of this mount that it did not. */
  readonly misses: number;
  /** Requests for contents, of all mounts that share the cache. */
  readonly requests: number;
  /** Blobs held. */
  readonly entries: number;
  readonly bytes: number;
  readonly maxBytes: number;
  /** Blobs that had to go for others. */
  readonly evictions: number;
  /** Blobs that the second level gave, and what it failed at; 0 without one. */
  readonly secondHits: number;
  readonly secondFailures: number;
}

/** The cache and the reader that the mounts of one client share. */
export interface SharedBlobs {
  readonly cache: BlobCache;
  readonly reader: BatchReader;
  readonly second: VerifiedCache | null;
}

export function createSharedBlobs(
  remote: Remote,
  maxBytes: number,
  second: VerifiedCache | null = null,
): SharedBlobs {
  const cache = new BlobCache(maxBytes);
  return { cache, reader: new BatchReader(remote, cache, second), second };
}

/** One mount's way to blobs: the shared cache first, counted, then the server. */
export class ContentSource {
  readonly #shared: SharedBlobs;
  #hits = 0;
  #misses = 0;

  constructor(shared: SharedBlobs) {
    this.#shared = shared;
  }

  /** A blob at once, if the cache has it. */
  find(sha: string): CachedBlob | null {
    const cached = this.#shared.cache.find(sha);
    if (cached !== null) this.#hits += 1;
    return cached;
  }

  /** A blob that `find` did not give. Rejects with an ApiError. */
  read(address: BlobAddress): Promise<CachedBlob> {
    this.#misses += 1;
    return this.#shared.reader.read(address);
  }

  has(sha: string): boolean {
    return this.#shared.cache.has(sha);
  }

  /** Keeps text that was made from a blob, or bytes that were written here. */
  put(blob: CachedBlob): void {
    this.#shared.cache.put(blob);
  }

  /** Keeps a blob that came from the server by another way. */
  keep(blob: CachedBlob): void {
    this.#shared.reader.keep(blob);
  }

  countRequest(): void {
    this.#shared.reader.countRequest();
  }

  /** Loads what the second level has of these blobs. */
  async warm(shas: readonly string[]): Promise<void> {
    const { second, cache } = this.#shared;
    if (second === null || shas.length === 0) return;
    for (const [sha, bytes] of await second.findMany(shas)) cache.put({ sha, bytes, text: null });
  }

  get stats(): CacheStats {
    const { cache, reader, second } = this.#shared;
    const { entries, bytes, maxBytes, evictions } = cache;
    return {
      hits: this.#hits,
      misses: this.#misses,
      requests: reader.requests,
      entries,
      bytes,
      maxBytes,
      evictions,
      secondHits: second?.hits ?? 0,
      secondFailures: second?.failures ?? 0,
    };
  }
}
