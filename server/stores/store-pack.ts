import { type BuiltPack, type WrittenPack, writePack } from "../git/pack/write-pack.ts";
import type { FileStore, GitObject, PackEntry } from "../git/ports.ts";

/** Where a pack goes: what `beginPack` gave, and the time. */
export interface PackPlace {
  readonly id: string;
  readonly key: string;
  readonly createdAtMs: number;
}

/** Stores a built pack with its sidecars; the entry is visible to nobody before it is in a catalog. */
export async function storePack(files: FileStore, place: PackPlace, built: BuiltPack): Promise<PackEntry> {
  await Promise.all([
    files.writeFile(`${place.key}.idx`, built.idx),
    files.writeFile(`${place.key}.refs`, built.refs),
    files.writeFile(`${place.key}.pack`, built.pack),
  ]);
  return describePack(place, { ...built, packBytes: built.pack.length });
}

/** Stores objects as a pack that is never in memory as a whole; as invisible as the one of {@link storePack}. */
export async function storeObjects(
  files: FileStore,
  place: PackPlace,
  objects: readonly GitObject[],
): Promise<PackEntry> {
  const sink = await files.createFile(`${place.key}.pack`);
  let written: WrittenPack;
  try {
    written = await writePack(objects, sink);
    await sink.close();
  } catch (error) {
    await sink.abort();
    throw error;
  }
  await Promise.all([
    files.writeFile(`${place.key}.idx`, written.idx),
    files.writeFile(`${place.key}.refs`, written.refs),
  ]);
  return describePack(place, written);
}

/** A stored pack as the catalog has it. */
export function describePack(place: PackPlace, { packBytes, idx, refs, objects }: WrittenPack): PackEntry {
  return {
    id: place.id,
    key: place.key,
    objects,
    packBytes,
    idxBytes: idx.length,
    refsBytes: refs.length,
    createdAtMs: place.createdAtMs,
  };
}
