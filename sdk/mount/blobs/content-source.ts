import type { Remote } from "../kernel/remote.ts";
import { BatchReader, type BlobAddress } from "./batch-reader.ts";
import { BlobCache, type CachedBlob } from "./blob-cache.ts";

/** What a mount's reads came from, and what the cache holds. */
export interface CacheStats {
  /** Reads served from the cache. */
  readonly hits: number;
  /** Reads that needed the server. */
  readonly misses: number;
  /** Blobs held; the cache is shared by the mounts of a client. */
  readonly entries: number;
  readonly bytes: number;
  readonly maxBytes: number;
}

/** The cache and the reader that the mounts of one client share. */
export interface SharedBlobs {
  readonly cache: BlobCache;
  readonly reader: BatchReader;
}

export function createSharedBlobs(remote: Remote, maxBytes: number): SharedBlobs {
  const cache = new BlobCache(maxBytes);
  return { cache, reader: new BatchReader(remote, cache) };
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

  /** Keeps a blob that came by another way. */
  put(blob: CachedBlob): void {
    this.#shared.cache.put(blob);
  }

  get stats(): CacheStats {
    const { entries, bytes, maxBytes } = this.#shared.cache;
    return { hits: this.#hits, misses: this.#misses, entries, bytes, maxBytes };
  }
}
