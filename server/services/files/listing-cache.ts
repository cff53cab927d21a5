import type { TreeItem } from "../../../sdk/contract/files.ts";
import type { Oid } from "../../git/hash/oid.ts";

/** One entry as the wire shows it; `size` joins when it is first asked for. */
export interface ListedItem {
  readonly name: string;
  readonly path: string;
  readonly type: TreeItem["type"];
  readonly oid: Oid;
  /** Six digits. */
  readonly mode: string;
}

/** A directory's entries in git's order. Never changes for its tree id, so it is shared between requests. */
export interface Listing {
  readonly items: readonly ListedItem[];
  /** Bytes by blob id; grows as pages are read. */
  readonly sizes: Map<Oid, number>;
}

/** What an isolate remembers of directory listings. Keys name a repository and a tree id, so a value never ages. */
export interface ListingCache {
  find(key: string): Listing | null;
  keep(key: string, listing: Listing, bytes: number): void;
}

/** 16 MiB: about 45,000 entries of usual paths. */
const DEFAULT_BYTES = 16 * 1024 * 1024;

interface Kept {
  readonly listing: Listing;
  readonly bytes: number;
}

/** Keeps the listings used last, up to `maxBytes` by estimate; a listing above a half of that is not kept at all. */
export function createListingCache(maxBytes: number = DEFAULT_BYTES): ListingCache {
  // A Map iterates in the order of insertion: the first key is the one not used for longest.
  const kept = new Map<string, Kept>();
  let total = 0;
  const drop = (key: string) => {
    total -= kept.get(key)?.bytes ?? 0;
    kept.delete(key);
  };
  return {
    find(key) {
      const entry = kept.get(key);
      if (!entry) return null;
      kept.delete(key);
      kept.set(key, entry);
      return entry.listing;
    },
    keep(key, listing, bytes) {
      drop(key);
      if (bytes > maxBytes / 2) return;
      kept.set(key, { listing, bytes });
      total += bytes;
      for (const oldest of kept.keys()) {
        if (total <= maxBytes) break;
        drop(oldest);
      }
    },
  };
}
