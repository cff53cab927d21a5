import type { Oid } from "../git/hash/oid.ts";
import type { Found, GitObject, ObjectHeader, ObjectReader, OpenObject, PackEntry } from "../git/ports.ts";
import type { ObjectCache } from "./object-cache.ts";
import type { ByteRange, PackLayer } from "./pack-layer.ts";

/** Where one repository's objects are. Objects only ever move from hot to packs. */
export interface ReaderTiers {
  readonly repoId: string;
  readonly cache: ObjectCache;
  readonly hot: HotReader;
  readonly packs: PackLayer;
  /** The catalog as it is known. */
  listPacks(): Promise<readonly PackEntry[]>;
  /** Looks whether hot objects or packs have changed since; false = looking again is useless. */
  refresh(): Promise<boolean>;
}

export interface HotReader {
  readObjects(oids: readonly Oid[]): Promise<readonly GitObject[]>;
  readHeaders(oids: readonly Oid[]): Promise<ReadonlyMap<Oid, ObjectHeader>>;
}

/** A reader that can stream single objects, which the port leaves optional. */
export type StreamingReader = ObjectReader & Required<Pick<ObjectReader, "openObject">>;

/**
 * Reads cache, then hot objects, then packs. A miss is believed only after a refresh: between two looks a flush may
 * have moved the object.
 */
export function createTieredReader(tiers: ReaderTiers): StreamingReader {
  const { cache, repoId } = tiers;
  const keep = (objects: Iterable<GitObject>) => {
    for (const object of objects) cache.keepObject(repoId, object);
  };
  return {
    async readObjects(oids) {
      const found = new Map<Oid, GitObject>();
      const wanted = takeFound(new Set(oids), found, (oid) => cache.findObject(repoId, oid));
      return lookTwice(tiers, wanted, found, async (open) => {
        const hot = await tiers.hot.readObjects([...open]);
        keep(hot);
        const hits = new Map(hot.map((object) => [object.oid, object]));
        const rest = [...open].filter((oid) => !hits.has(oid));
        if (rest.length === 0) return hits;
        const packed = await tiers.packs.readObjects(await tiers.listPacks(), rest);
        keep(packed.found.values());
        for (const [oid, object] of packed.found) hits.set(oid, object);
        return hits;
      });
    },

    async readHeaders(oids) {
      const found = new Map<Oid, ObjectHeader>();
      const wanted = takeFound(new Set(oids), found, (oid) => {
        const object = cache.findObject(repoId, oid);
        return object && { type: object.type, size: object.data.length };
      });
      return lookTwice(tiers, wanted, found, async (open) => {
        const hits = new Map(await tiers.hot.readHeaders([...open]));
        const rest = [...open].filter((oid) => !hits.has(oid));
        if (rest.length === 0) return hits;
        const packed = await tiers.packs.readHeaders(await tiers.listPacks(), rest);
        for (const [oid, header] of packed.found) hits.set(oid, header);
        return hits;
      });
    },

    async *readStored(oids, hasBase) {
      // A pack that came since the last look is missed here; its objects are read and compressed anew.
      yield* tiers.packs.readStored?.(await tiers.listPacks(), { oids, hasBase }) ?? [];
    },

    async openObject(oid, range) {
      const opened = await openOnce(tiers, oid, range);
      if (opened || !(await tiers.refresh())) return opened;
      return openOnce(tiers, oid, range);
    },
  };
}

/** Moves what `find` knows into `found`; the rest is still wanted. */
function takeFound<T>(oids: Set<Oid>, found: Map<Oid, T>, find: (oid: Oid) => T | null): Set<Oid> {
  for (const oid of oids) {
    const value = find(oid);
    if (value === null) continue;
    found.set(oid, value);
    oids.delete(oid);
  }
  return oids;
}

async function lookTwice<T>(
  tiers: ReaderTiers,
  wanted: Set<Oid>,
  found: Map<Oid, T>,
  look: (oids: ReadonlySet<Oid>) => Promise<ReadonlyMap<Oid, T>>,
): Promise<Found<T>> {
  for (let round = 0; round < 2 && wanted.size > 0; round++) {
    if (round > 0 && !(await tiers.refresh())) break;
    const hits = await look(wanted);
    takeFound(wanted, found, (oid) => hits.get(oid) ?? null);
  }
  return { found, missing: [...wanted] };
}

async function openOnce(tiers: ReaderTiers, oid: Oid, range?: ByteRange): Promise<OpenObject | null> {
  const cached = tiers.cache.findObject(tiers.repoId, oid);
  const whole = cached ?? (await tiers.hot.readObjects([oid]))[0];
  if (whole) return openWhole(whole, range);
  return tiers.packs.openObject(await tiers.listPacks(), oid, range);
}

/** Serves an object that is in memory as if it were streamed. */
function openWhole(object: GitObject, range?: ByteRange): OpenObject {
  const data = range ? object.data.subarray(range.start, range.end) : object.data;
  return {
    oid: object.oid,
    type: object.type,
    size: object.data.length,
    chunks: (async function* () {
      if (data.length > 0) yield data;
    })(),
  };
}
