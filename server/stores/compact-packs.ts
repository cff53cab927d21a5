import { GitError } from "../git/errors.ts";
import { mergePacks } from "../git/pack/merge-packs.ts";
import type { PackReader } from "../git/pack/read-pack.ts";
import type { FileStore, PackEntry } from "../git/ports.ts";
import { createObjectCache } from "./object-cache.ts";
import { createPackId, formatPackKey, type IdSource } from "./pack-id.ts";
import { createPackSet } from "./pack-set.ts";
import type { RepoTables } from "./repo-tables.ts";
import { describePack } from "./store-pack.ts";

export interface CompactionLimits {
  /** Fewer packs than this are left alone. */
  readonly minPacks: number;
  /** Objects of one merge: some 250 bytes of memory each, in an isolate of 128 MB. */
  readonly maxObjects: number;
  /** Bytes of one merge: they are read and written once. */
  readonly maxBytes: number;
}

export const COMPACTION_LIMITS: CompactionLimits = {
  minPacks: 6,
  maxObjects: 200_000,
  maxBytes: 256 * 1024 * 1024,
};

/**
 * Packs that a fork began with are left alone up to this many: they cost it nothing, and merged they would be a copy of
 * its own in each of a thousand forks. More come together only where forks of forks add packs, and would slow down reads.
 */
export const ADOPTED_PACKS_MAX = 16;

/** A pack is left alone when it has at least this many times the objects of all smaller ones together. */
const FACTOR = 2;

/**
 * The packs to make one of, newest first, or null when they are few or large enough already. A geometric progression
 * is what stays: each object is rewritten once per doubling of what was added, and reads look into a logarithm of packs.
 * Source: the --geometric option of git-repack(1).
 */
export function choosePacks(
  catalog: readonly PackEntry[],
  limits: CompactionLimits = COMPACTION_LIMITS,
): readonly PackEntry[] | null {
  if (catalog.length < limits.minPacks) return null;
  const packs = [...catalog].sort((a, b) => a.objects - b.objects);
  let split = packs.length - 1;
  while (split > 0 && objectsOf(packs, split) >= FACTOR * objectsOf(packs, split - 1)) split--;
  if (split === 0) return null;
  let objects = 0;
  let bytes = 0;
  const chosen = new Set<PackEntry>();
  for (const [at, pack] of packs.entries()) {
    if (at > split && pack.objects >= FACTOR * objects) break;
    if (objects + pack.objects > limits.maxObjects || bytes + pack.packBytes > limits.maxBytes) break;
    objects += pack.objects;
    bytes += pack.packBytes;
    chosen.add(pack);
  }
  return chosen.size < 2 ? null : catalog.filter((pack) => chosen.has(pack));
}

function objectsOf(packs: readonly PackEntry[], at: number): number {
  return packs[at]?.objects ?? 0;
}

/** As {@link choosePacks}, for a repository that may have begun with packs that another one made. */
export function chooseOwnPacks(repoId: string, catalog: readonly PackEntry[]): readonly PackEntry[] | null {
  const own = catalog.filter(({ key, id }) => key === formatPackKey(repoId, id));
  return choosePacks(catalog.length - own.length > ADOPTED_PACKS_MAX ? catalog : own);
}

export interface CompactionDeps {
  readonly repoId: string;
  readonly tables: RepoTables;
  readonly files: FileStore;
  readonly ids: IdSource;
}

/**
 * Makes one pack of several. Readers see the old ones until the transaction that shows the new one instead; killed before
 * it, a merge leaves files under a reserved key, which the sweeper takes away.
 * @throws GitError interrupted when a pack left the catalog meanwhile
 */
export async function compactPacks(deps: CompactionDeps, packs: readonly PackEntry[]): Promise<PackEntry> {
  const { tables, files, ids } = deps;
  const id = createPackId(ids);
  const place = { id, key: formatPackKey(deps.repoId, id), createdAtMs: ids.now() };
  tables.packs.reserve({ id, key: place.key, reservedAtMs: place.createdAtMs });
  const readers = await openAll(files, packs);
  const sink = await files.createFile(`${place.key}.pack`);
  let entry: PackEntry;
  try {
    const written = await mergePacks(readers, sink, { pause });
    await sink.close();
    entry = describePack(place, written);
    await files.writeFile(`${place.key}.idx`, written.idx);
    await files.writeFile(`${place.key}.refs`, written.refs);
  } catch (error) {
    await sink.abort();
    throw error;
  }
  tables.atomically(() => {
    const present = new Set(tables.packs.readCatalog().packs.map(({ key }) => key));
    if (!tables.packs.isReserved(entry) || packs.some(({ key }) => !present.has(key))) {
      throw new GitError("interrupted", "the packs changed while they were merged");
    }
    tables.packs.replace(packs, entry, ids.now());
  });
  return entry;
}

/** With a cache of their own: what is read once must not push out what requests use. */
function openAll(files: FileStore, packs: readonly PackEntry[]): Promise<readonly PackReader[]> {
  const set = createPackSet(files, createObjectCache({ objectBytes: 1, partBytes: 1 }), {
    openPacks: packs.length,
  });
  return Promise.all(packs.map((pack) => set.openPack(pack)));
}

function pause(): Promise<void> {
  return new Promise((resume) => setTimeout(resume, 0));
}
