import { type BuiltPack, buildPackInSteps } from "../git/pack/write-pack.ts";
import type { FileStore, GitObject, PackEntry } from "../git/ports.ts";
import { addReservedPack } from "./commit-on-head.ts";
import { createPackId, formatPackKey, type IdSource } from "./pack-id.ts";
import type { RepoTables } from "./repo-tables.ts";
import { storePack } from "./store-pack.ts";

const PACK_CONTENT_BYTES = 16 * 1024 * 1024;
/** Contents compressed before requests get their turn: about 8 ms. */
const TURN_BYTES = 512 * 1024;
/** What an object costs beside its bytes (55 µs a call of zlib), as bytes. */
const OBJECT_COST_BYTES = 4 * 1024;

export interface FlushDeps {
  readonly repoId: string;
  readonly tables: RepoTables;
  readonly files: FileStore;
  readonly ids: IdSource;
}

/**
 * Moves the oldest hot objects into one pack; null when there are none. Nothing waits for it: the objects stay
 * readable as hot ones until the transaction that shows them as packed. Killed before it, the flush leaves files under
 * a reserved key, which the sweeper takes away.
 */
export async function flushHot(deps: FlushDeps): Promise<PackEntry | null> {
  const { tables, ids } = deps;
  const batch = tables.hot.readOldest(PACK_CONTENT_BYTES);
  if (!batch) return null;
  const id = createPackId(ids);
  const reserved = { id, key: formatPackKey(deps.repoId, id) };
  tables.packs.reserve({ ...reserved, reservedAtMs: ids.now() });
  const built = await buildInTurns(batch.objects);
  const entry = await storePack(deps.files, { ...reserved, createdAtMs: ids.now() }, built);
  tables.atomically(() => {
    addReservedPack(tables, entry);
    tables.hot.deleteUpTo(batch.end);
  });
  return entry;
}

/** Builds a pack between requests: 16 MiB are 0.25 s of compression, and an object has one thread. */
async function buildInTurns(objects: readonly GitObject[]): Promise<BuiltPack> {
  const steps = buildPackInSteps(objects);
  let cost = 0;
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    cost += step.value + OBJECT_COST_BYTES;
    if (cost < TURN_BYTES) continue;
    cost = 0;
    await new Promise((resume) => setTimeout(resume, 0));
  }
}
