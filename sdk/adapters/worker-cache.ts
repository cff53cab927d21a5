import type { SecondLevelCache } from "../mount/blobs/second-level.ts";

/** What is used of the Cache API; `caches.default` of Workers and caches of browsers have it. */
export interface PlatformCache {
  match(url: string): Promise<Response | undefined>;
  put(url: string, response: Response): Promise<void>;
}

export interface WorkerCacheOptions {
  readonly cache: PlatformCache | Promise<PlatformCache>;
  /** Beginning of the entries' addresses; nothing is ever fetched there. */
  readonly prefix?: string;
  /** `ctx.waitUntil`, so that writes outlive the request. Without it a write may be lost, which costs a read later. */
  readonly waitUntil?: (work: Promise<unknown>) => void;
  /** Larger blobs are not kept, bytes. Default 8 MiB. */
  readonly maxBlobBytes?: number;
}

/**
 * A second-level cache in the platform's cache: in Workers `{ cache: caches.default }`, in browsers
 * `{ cache: caches.open("coregit") }`. An entry that was written in part is found out by its hash and counts as absent.
 */
export function createWorkerCache(options: WorkerCacheOptions): SecondLevelCache {
  const prefix = options.prefix ?? "https://coregit-blobs.invalid/";
  const maxBlobBytes = options.maxBlobBytes ?? 8 * 1024 * 1024;
  return {
    async get(sha) {
      const response = await (await options.cache).match(prefix + sha);
      return response === undefined ? null : new Uint8Array(await response.arrayBuffer());
    },
    async put(sha, bytes) {
      if (bytes.length > maxBlobBytes) return;
      const headers = {
        "content-type": "application/octet-stream",
        "content-length": String(bytes.length),
        "cache-control": "public, max-age=31536000, immutable",
      };
      // A copy: the response's body is read later, and its type wants a buffer that is not shared.
      const work = (await options.cache).put(prefix + sha, new Response(new Uint8Array(bytes), { headers }));
      options.waitUntil?.(work);
      await work;
    },
  };
}
