import { BlobCache } from "../mount/blobs/blob-cache.ts";
import type { SecondLevelCache } from "../mount/blobs/second-level.ts";

/**
 * A second-level cache in memory, for several clients of one process: blobs by id up to `maxBytes` (256 MiB), the least
 * recently used going first.
 *
 * @example
 * const second = createMemoryCache({ maxBytes: 64 * 1024 * 1024 });
 * const fs = await cg.fs.mount({ repos: [{ slug: "my-app" }], cache: { second } });
 */
export function createMemoryCache(options: { readonly maxBytes?: number } = {}): SecondLevelCache {
  const blobs = new BlobCache(options.maxBytes ?? 256 * 1024 * 1024);
  return {
    get: async (sha) => blobs.find(sha)?.bytes ?? null,
    put: async (sha, bytes) => blobs.put({ sha, bytes, text: null }),
  };
}
