import { LRUCache } from "lru-cache";
import type { Oid } from "../git/hash/oid.ts";
import type { GitObject } from "../git/ports.ts";
import type { Catalog } from "./repo-tables.ts";

/** What an entry costs beside its bytes: key, map slot, object. */
const ENTRY_OVERHEAD_BYTES = 200;
const CATALOGS_MAX = 500;
/** Of what catalogs hide of packs, beside the catalogs. */
const CATALOG_BYTES_MAX = 4 * 1024 * 1024;

/**
 * What an isolate remembers from one request to the next: only values that never change for their key, and never a
 * promise, because a promise dies with the request that made it. Objects are keyed by repository and id, so that
 * no repository is ever shown the content of another one.
 */
export interface ObjectCache {
  findObject(repoId: string, oid: Oid): GitObject | null;
  keepObject(repoId: string, object: GitObject): void;
  findCatalog(repoId: string): Catalog | null;
  keepCatalog(repoId: string, catalog: Catalog): void;
  /** Decoded parts of a pack (its index, say) by storage key. */
  findPart(key: string): unknown;
  keepPart(key: string, part: object, bytes: number): void;
}

export interface ObjectCacheOptions {
  /** Ceiling for objects; 32 MiB. */
  readonly objectBytes?: number;
  /** Larger objects are not kept; 1 MiB. */
  readonly oneObjectBytes?: number;
  /** Ceiling for indexes and sidecars of packs; 24 MiB. */
  readonly partBytes?: number;
  /** false: blobs are not kept; a store that only builds trees and commits has no use for them. */
  readonly blobs?: boolean;
}

export function createObjectCache(options: ObjectCacheOptions = {}): ObjectCache {
  const oneObjectBytes = options.oneObjectBytes ?? 1024 * 1024;
  const keepBlobs = options.blobs ?? true;
  const objects = createByteLru<GitObject>(options.objectBytes ?? 32 * 1024 * 1024);
  const parts = createByteLru<object>(options.partBytes ?? 24 * 1024 * 1024);
  const catalogs = new LRUCache<string, Catalog>({
    max: CATALOGS_MAX,
    maxSize: CATALOG_BYTES_MAX,
    sizeCalculation: ({ packs }) => packs.reduce((sum, { hidden }) => sum + (hidden?.length ?? 0), 1),
  });
  return {
    findObject: (repoId, oid) => objects.get(repoId + oid) ?? null,
    keepObject(repoId, object) {
      if (object.data.length > oneObjectBytes || (object.type === "blob" && !keepBlobs)) return;
      objects.set(repoId + object.oid, ownBytes(object), {
        size: object.data.length + ENTRY_OVERHEAD_BYTES,
      });
    },
    findCatalog: (repoId) => catalogs.get(repoId) ?? null,
    keepCatalog(repoId, catalog) {
      // An older answer may arrive after a newer one.
      const known = catalogs.get(repoId);
      if (!known || known.version < catalog.version) catalogs.set(repoId, catalog);
    },
    findPart: (key) => parts.get(key),
    keepPart: (key, part, bytes) => parts.set(key, part, { size: bytes + ENTRY_OVERHEAD_BYTES }),
  };
}

function createByteLru<V extends object>(maxBytes: number): LRUCache<string, V> {
  return new LRUCache<string, V>({ maxSize: maxBytes });
}

/** A view into a larger buffer would keep all of it alive, uncounted. */
function ownBytes(object: GitObject): GitObject {
  return object.data.length === object.data.buffer.byteLength
    ? object
    : { oid: object.oid, type: object.type, data: object.data.slice() };
}
