import { LRUCache } from "lru-cache";

/** A blob's bytes, never to be written to, and its text once somebody has asked for it. */
export interface CachedBlob {
  /** null: unsaved content, which no cache holds. */
  readonly sha: string | null;
  readonly bytes: Uint8Array;
  text: string | null;
}

/** What an entry costs beside its bytes: key, node and bookkeeping, measured roughly. */
const ENTRY_BYTES = 256;

/**
 * Blobs by id, up to a byte budget, the least recently used going first. An id names the same bytes everywhere, so
 * branches, renames and repositories of one client share entries.
 */
export class BlobCache {
  readonly maxBytes: number;
  readonly #blobs: LRUCache<string, CachedBlob>;

  /** @param maxBytes 0 keeps nothing. */
  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
    this.#blobs = new LRUCache<string, CachedBlob>({ maxSize: Math.max(1, maxBytes) });
  }

  get bytes(): number {
    return this.#blobs.calculatedSize;
  }

  get entries(): number {
    return this.#blobs.size;
  }

  find(sha: string): CachedBlob | null {
    return this.#blobs.get(sha) ?? null;
  }

  has(sha: string): boolean {
    return this.#blobs.has(sha);
  }

  /** Keeps a blob, or counts it anew now that it has its text. */
  put(blob: CachedBlob): void {
    if (blob.sha === null) return;
    const text = blob.text === null ? 0 : blob.text.length * 2;
    this.#blobs.set(blob.sha, blob, { size: blob.bytes.length + text + ENTRY_BYTES });
  }
}
