import type { SecondLevelCache } from "../mount/blobs/second-level.ts";

export interface BrowserCacheOptions {
  /** Name of the database. Default "coregit-blobs". */
  readonly name?: string;
  /** Contents kept at most, bytes; those written first go first. Default 256 MiB. */
  readonly maxBytes?: number;
}

const BLOBS = "blobs";
const SIZES = "sizes";

/** Size and age of a blob, apart from its bytes, so that counting reads no contents. */
interface SizeRecord {
  readonly sha: string;
  readonly size: number;
  readonly writtenAtMs: number;
}

/** A second-level cache in IndexedDB, for browsers and their workers; it outlives the page. */
export function createBrowserCache(options: BrowserCacheOptions = {}): SecondLevelCache {
  const maxBytes = options.maxBytes ?? 256 * 1024 * 1024;
  let opened: Promise<IDBDatabase> | null = null;
  const open = () => {
    opened ??= openDatabase(options.name ?? "coregit-blobs").catch((error: unknown) => {
      opened = null; // The next call may be luckier.
      throw error;
    });
    return opened;
  };
  let total: number | null = null;
  return {
    async get(sha) {
      const blobs = (await open()).transaction(BLOBS).objectStore(BLOBS);
      return toBytes(await settle(blobs.get(sha)));
    },
    async getMany(shas) {
      const blobs = (await open()).transaction(BLOBS).objectStore(BLOBS);
      const found = new Map<string, Uint8Array>();
      const read = async (sha: string) => {
        const bytes = toBytes(await settle(blobs.get(sha)));
        if (bytes !== null) found.set(sha, bytes);
      };
      await Promise.all(shas.map(read));
      return found;
    },
    async put(sha, bytes) {
      if (bytes.length > maxBytes) return;
      const transaction = (await open()).transaction([BLOBS, SIZES], "readwrite");
      const done = finish(transaction);
      const sizes = transaction.objectStore(SIZES);
      const known: readonly SizeRecord[] | null = total === null ? await settle(sizes.getAll()) : null;
      total ??= (known ?? []).reduce((sum, { size }) => sum + size, 0);
      const old: SizeRecord | undefined = await settle(sizes.get(sha));
      const record: SizeRecord = { sha, size: bytes.length, writtenAtMs: Date.now() };
      transaction.objectStore(BLOBS).put(bytes, sha);
      sizes.put(record);
      total += bytes.length - (old?.size ?? 0);
      if (total > maxBytes) total = await removeOldest(transaction, sha, maxBytes * 0.9);
      await done;
    },
  };
}

/** Removes what was written first, down to `target` bytes, and gives what is left. */
async function removeOldest(transaction: IDBTransaction, keep: string, target: number): Promise<number> {
  const sizes = transaction.objectStore(SIZES);
  const records: SizeRecord[] = await settle(sizes.getAll());
  let total = records.reduce((sum, { size }) => sum + size, 0);
  for (const { sha, size } of records.sort((a, b) => a.writtenAtMs - b.writtenAtMs)) {
    if (total <= target) break;
    if (sha === keep) continue;
    sizes.delete(sha);
    transaction.objectStore(BLOBS).delete(sha);
    total -= size;
  }
  return total;
}

/** What is in a database is whatever somebody put there. */
function toBytes(value: unknown): Uint8Array | null {
  return value instanceof Uint8Array ? value : null;
}

function openDatabase(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore(BLOBS);
    request.result.createObjectStore(SIZES, { keyPath: "sha" });
  };
  return settle(request);
}

function settle<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function finish(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error);
  });
}
