import type { PackReader } from "../git/pack/read-pack.ts";
import type { FileStore, PackEntry, RepoSnapshot } from "../git/ports.ts";
import type { RepoRecord } from "../ports/org.ts";
import type { CommittingRepoStore, RepoHandle } from "../ports/repo.ts";
import type { ObjectCache } from "./object-cache.ts";
import { createPackSet } from "./pack-set.ts";
import { createTieredReader, type ReaderTiers } from "./tiered-reader.ts";
import { trimSeed } from "./trim-seed.ts";

export interface RepoHandleDeps {
  readonly store: CommittingRepoStore;
  readonly files: FileStore;
  /** One for all requests of an isolate. */
  readonly cache: ObjectCache;
}

/** A handle whose packs can be looked into: for fetch replies, which copy entries and walk sidecars. */
export interface StoredRepoHandle extends RepoHandle {
  /** The packs of the last snapshot's catalog, newest first. */
  openPacks(): Promise<readonly PackReader[]>;
}

/**
 * A repository for one request. Reads go through what the isolate remembers, then to hot objects (one round to the
 * store, only when there are any), then to the packs of the catalog that the last snapshot brought.
 */
export function createRepoHandle(record: RepoRecord, deps: RepoHandleDeps): StoredRepoHandle {
  const { store, files, cache } = deps;
  const packs = createPackSet(files, cache);
  let last: RepoSnapshot | null = null;

  const snapshot = async (refs: readonly string[] = []): Promise<RepoSnapshot> => {
    const known = cache.findCatalog(record.id);
    const taken = await store.snapshot({ refs, ...(known ? { knownCatalogVersion: known.version } : {}) });
    if (taken.packs) cache.keepCatalog(record.id, { version: taken.catalogVersion, packs: taken.packs });
    last = { ...taken, packs: taken.packs ?? known?.packs ?? [] };
    return last;
  };
  const current = async () => last ?? snapshot();

  const tiers: ReaderTiers = {
    repoId: record.id,
    cache,
    packs,
    hot: {
      readObjects: async (oids) => ((await current()).hotObjects > 0 ? store.readHot(oids) : []),
      readHeaders: async (oids) =>
        (await current()).hotObjects > 0 ? store.readHotHeaders(oids) : new Map(),
    },
    listPacks: async () => (await current()).packs ?? [],
    async refresh() {
      const before = last;
      const after = await snapshot();
      return after.hotObjects > 0 || after.catalogVersion !== before?.catalogVersion;
    },
  };
  const openCatalog = (entries: readonly PackEntry[]) =>
    Promise.all(entries.map((pack) => packs.openPack(pack)));
  return {
    record,
    store,
    objects: createTieredReader(tiers),
    settled: createTieredReader({ ...tiers, refresh: async () => false }),
    files,
    snapshot,
    async openPacks() {
      return openCatalog((await current()).packs ?? []);
    },
    trimSeed: (seed) => trimSeed({ cache, openPacks: openCatalog }, seed),
  };
}
