import type { FileStore, GitObject, PackEntry } from "../git/ports.ts";
import type { RepoHandle } from "../ports/repo.ts";

/** Stores objects, no two the same, as a pack under a reserved key; a store's function, handed in. */
export type StoreObjects = (
  files: FileStore,
  place: { readonly id: string; readonly key: string; readonly createdAtMs: number },
  objects: readonly GitObject[],
) => Promise<PackEntry>;

export interface PlacedObjects {
  readonly objects: readonly GitObject[];
  /** Holds the others. */
  readonly pack?: PackEntry;
}

/** Larger objects do not go through the store's rows: they are put into a pack first. */
const ROW_OBJECT_BYTES = 1024 * 1024;
/** Above this total, or this many, all objects are. */
const ROW_TOTAL_BYTES = 8 * 1024 * 1024;
const ROW_OBJECTS = 2_000;

/** Stores what is too large to be sent along with a write, in a pack that the write has to enter into the catalog. */
export async function placeObjects(
  context: { readonly storeObjects: StoreObjects; readonly repo: RepoHandle; readonly nowMs: number },
  objects: readonly GitObject[],
): Promise<PlacedObjects> {
  const { storeObjects, repo, nowMs } = context;
  const total = objects.reduce((sum, object) => sum + object.data.length, 0);
  const isLarge = total > ROW_TOTAL_BYTES || objects.length > ROW_OBJECTS;
  const isPacked = ({ data }: GitObject) => isLarge || data.length > ROW_OBJECT_BYTES;
  const packed = objects.filter(isPacked);
  if (packed.length === 0) return { objects };
  const reserved = await repo.store.beginPack();
  const pack = await storeObjects(repo.files, { ...reserved, createdAtMs: nowMs }, packed);
  return { objects: objects.filter((object) => !isPacked(object)), pack };
}
