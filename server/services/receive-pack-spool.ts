import { GitError } from "../git/errors.ts";
import type { IngestedPack, PackSpool, SpoolFile } from "../git/pack/ingest-pack.ts";
import type { PackEntry } from "../git/ports.ts";
import type { RepoHandle } from "../ports/repo.ts";

/** Files that a push writes before anything of it is visible. */
export interface PushSpool extends PackSpool {
  /** Stores what is not stored yet of the pack, and its sidecars. */
  storePack(pack: IngestedPack): Promise<PackEntry>;
  /** Deletes whatever was written. What a crash leaves is swept by the store, which knows the keys. */
  discard(): Promise<void>;
}

type Place = Awaited<ReturnType<RepoHandle["store"]["beginPack"]>>;

const EXTENSIONS = [".idx", ".refs", ".pack"];

/**
 * Spools into the place where the pack will stay: `arrived` becomes the `.pack` itself. A thin pack is written a
 * second time, completed, to a place of its own, because stored files cannot be patched.
 */
export function createPushSpool({ store, files }: RepoHandle, now: () => number): PushSpool {
  const places = new Map<SpoolFile, Place>();
  const remove = (place: Place) => files.deleteFiles(EXTENSIONS.map((extension) => place.key + extension));
  const reserve = async (name: SpoolFile): Promise<Place> => {
    const place = places.get(name) ?? (await store.beginPack());
    places.set(name, place);
    return place;
  };
  return {
    createFile: async (name) => files.createFile(`${(await reserve(name)).key}.pack`),
    async openFile(name) {
      const source = await files.open(`${(await reserve(name)).key}.pack`);
      if (!source) throw new GitError("corrupt-pack", "the pack that was just written is not there");
      return source;
    },
    async storePack(pack) {
      const name = pack.file ?? "arrived";
      const place = await reserve(name);
      const unused = places.get(name === "arrived" ? "completed" : "arrived");
      if (unused) await remove(unused);
      if (pack.pack) await files.writeFile(`${place.key}.pack`, pack.pack);
      await Promise.all([
        files.writeFile(`${place.key}.idx`, pack.idx),
        files.writeFile(`${place.key}.refs`, pack.refs),
      ]);
      return {
        id: place.id,
        key: place.key,
        objects: pack.objects,
        packBytes: pack.packBytes,
        idxBytes: pack.idx.length,
        refsBytes: pack.refs.length,
        createdAtMs: now(),
      };
    },
    async discard() {
      for (const place of places.values()) await remove(place);
      places.clear();
    },
  };
}
