import { GitError } from "../git/errors.ts";
import type { Oid } from "../git/hash/oid.ts";
import { hasBit } from "../git/pack/mark-reachable.ts";
import { openPackIndex, type PackIndex } from "../git/pack/pack-index.ts";
import { openPackRefs, type PackRefs } from "../git/pack/pack-refs.ts";
import { openPack, type PackReader } from "../git/pack/read-pack.ts";
import { veilPack } from "../git/pack/veil-pack.ts";
import type { FileStore, Found, GitObject, ObjectHeader, PackEntry } from "../git/ports.ts";
import { createFileSource } from "./file-source.ts";
import type { ObjectCache } from "./object-cache.ts";
import type { PackLayer } from "./pack-layer.ts";
import { createReadAhead } from "./read-ahead.ts";
import { createReadLimit } from "./read-limit.ts";
import { readStoredEntries } from "./stored-entries.ts";

/** Connections that a Worker may have open at a time. */
const READS_AT_ONCE = 6;
/** Up to so many packs, the sidecar is fetched along with the index: one wait instead of two. */
const EAGER_PACKS = 3;
/** Delta bases kept per open pack, for the walks of one request. */
const BASE_CACHE_BYTES = 2 * 1024 * 1024;

export interface PackSetOptions {
  /**
   * Packs kept open between calls (8), each with up to 2 MiB of delta bases beside its index. 0 for a set that lives
   * longer than a request: then only the shared cache holds indexes.
   */
  readonly openPacks?: number;
}

/** Packs read through `files`; indexes and sidecars come from the isolate's cache or are loaded once. */
export interface PackSet extends PackLayer {
  /** One pack, for those who copy entries or walk its sidecar. @throws GitError corrupt-pack when a file is missing */
  openPack(pack: PackEntry): Promise<PackReader>;
}

export function createPackSet(files: FileStore, cache: ObjectCache, options: PackSetOptions = {}): PackSet {
  const load = createPartLoader(files, cache);
  const keepOpen = options.openPacks ?? 8;
  const open = new Map<string, PackReader>();

  async function openOne(pack: PackEntry): Promise<PackReader> {
    const known = open.get(pack.key);
    if (known) return known;
    const [index, refs] = await Promise.all([load.index(pack), load.refs(pack)]);
    const source = createFileSource(
      (offset, length) => load.limit(() => files.readRange(`${pack.key}.pack`, offset, length)),
      pack.key,
      pack.packBytes,
    );
    // What is kept open is read again, often next to where it was read before.
    const pages = keepOpen > 0 ? createReadAhead(source) : source;
    const whole = openPack({ pack: pages, index, refs }, { baseCacheBytes: BASE_CACHE_BYTES });
    const reader = pack.hidden ? veilPack(whole, pack.hidden) : whole;
    if (keepOpen > 0) {
      const [oldest] = open.keys();
      if (open.size >= keepOpen && oldest !== undefined) open.delete(oldest);
      open.set(pack.key, reader);
    }
    return reader;
  }

  /** Calls `read` on each pack that has some of the objects, with those ids. */
  async function readEach<T>(
    packs: readonly PackEntry[],
    oids: readonly Oid[],
    read: (reader: PackReader, oids: readonly Oid[]) => Promise<Found<T>>,
  ): Promise<Found<T>> {
    const { byPack, missing } = await locate(load, packs, oids);
    const found = new Map<Oid, T>();
    await Promise.all(
      [...byPack].map(async ([pack, own]) => {
        const part = await read(await openOne(pack), own);
        for (const [oid, value] of part.found) found.set(oid, value);
      }),
    );
    return { found, missing };
  }

  return {
    openPack: openOne,
    readStored: (packs, request) => readStoredEntries(openOne, packs, request),
    readObjects: (packs, oids) => readEach<GitObject>(packs, oids, (reader, own) => reader.readObjects(own)),
    readHeaders: (packs, oids) =>
      readEach<ObjectHeader>(packs, oids, (reader, own) => reader.readHeaders(own)),
    async openObject(packs, oid, range) {
      const { byPack } = await locate(load, packs, [oid]);
      const [pack] = byPack.keys();
      return pack ? (await openOne(pack)).openObject(oid, range) : null;
    },
  };
}

interface Located {
  readonly byPack: ReadonlyMap<PackEntry, readonly Oid[]>;
  readonly missing: readonly Oid[];
}

/**
 * Finds the pack of each object: first among packs whose index is in memory, then in the others, newest first and a few
 * at a time, until everything is found.
 */
async function locate(load: PartLoader, packs: readonly PackEntry[], oids: readonly Oid[]): Promise<Located> {
  const byPack = new Map<PackEntry, readonly Oid[]>();
  let wanted: readonly Oid[] = [...new Set(oids)];
  const look = (pack: PackEntry, index: PackIndex) => {
    const { hidden } = pack;
    const hits: Oid[] = [];
    const rest: Oid[] = [];
    for (const oid of wanted) {
      const position = index.findPosition(oid);
      if (position < 0 || (hidden && hasBit(hidden, position))) rest.push(oid);
      else hits.push(oid);
    }
    if (hits.length === 0) return;
    byPack.set(pack, hits);
    wanted = rest;
  };
  const unknown: PackEntry[] = [];
  for (const pack of packs) {
    if (wanted.length === 0) break;
    const index = load.findIndex(pack);
    if (index) look(pack, index);
    else unknown.push(pack);
  }
  for (let from = 0; from < unknown.length && wanted.length > 0; from += READS_AT_ONCE) {
    const group = unknown.slice(from, from + READS_AT_ONCE);
    if (unknown.length <= EAGER_PACKS) for (const pack of group) load.prefetchRefs(pack);
    const indexes = await Promise.all(group.map((pack) => load.index(pack)));
    group.forEach((pack, i) => {
      const index = indexes[i];
      if (index && wanted.length > 0) look(pack, index);
    });
  }
  return { byPack, missing: wanted };
}

interface PartLoader {
  /** The index, when it is in memory. */
  findIndex(pack: PackEntry): PackIndex | null;
  index(pack: PackEntry): Promise<PackIndex>;
  refs(pack: PackEntry): Promise<PackRefs>;
  /** Starts loading the sidecar; a failure shows when it is asked for. */
  prefetchRefs(pack: PackEntry): void;
  /** Gate of all reads of this set. */
  readonly limit: ReturnType<typeof createReadLimit>;
}

function createPartLoader(files: FileStore, cache: ObjectCache): PartLoader {
  const limit = createReadLimit(READS_AT_ONCE);
  // Of this set only: a promise of another request may never settle.
  const loading = new Map<string, Promise<object>>();

  function loadPart<T extends object>(key: string, decode: (bytes: Uint8Array) => T): Promise<T> {
    const cached = cache.findPart(key);
    // A key with its extension always has the same kind of part.
    if (cached) return Promise.resolve(cached as T);
    const current = loading.get(key);
    if (current) return current as Promise<T>;
    const started = limit(async () => {
      const bytes = await files.readFile(key);
      if (!bytes) throw new GitError("corrupt-pack", "a file of a catalogued pack is missing", { key });
      const part = decode(bytes);
      cache.keepPart(key, part, bytes.length);
      return part;
    }).finally(() => loading.delete(key));
    loading.set(key, started);
    return started;
  }

  const loadRefs = (pack: PackEntry) => loadPart<PackRefs>(`${pack.key}.refs`, openPackRefs);
  return {
    limit,
    // As above: `.idx` is always an index.
    findIndex: (pack) => (cache.findPart(`${pack.key}.idx`) ?? null) as PackIndex | null,
    index: (pack) => loadPart<PackIndex>(`${pack.key}.idx`, openPackIndex),
    refs: loadRefs,
    prefetchRefs(pack) {
      loadRefs(pack).catch(() => undefined); // asked for again, and reported, by who needs it
    },
  };
}
