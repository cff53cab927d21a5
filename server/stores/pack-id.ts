const TIME_DIGITS = 9;
const RANDOM_BYTES = 8;

/** Where time and randomness come from; tests pass fixed ones. */
export interface IdSource {
  /** Milliseconds since 1970. */
  now(): number;
  randomBytes(length: number): Uint8Array;
}

/** The platform's clock and random generator. */
export const platformIds: IdSource = {
  now: () => Date.now(),
  randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
};

/** An id whose text order is its order in time (base 36 milliseconds), unique by 64 random bits. */
export function createPackId(ids: IdSource): string {
  const time = ids.now().toString(36).padStart(TIME_DIGITS, "0");
  return time + Buffer.from(ids.randomBytes(RANDOM_BYTES)).toString("hex");
}

/** Storage key of a pack, without extension. */
export function formatPackKey(repoId: string, packId: string): string {
  return `packs/${repoId}/${packId}`;
}

/** Extensions of the files that make one pack. The `.pack` is written last by convention, the others must exist by then. */
export const PACK_EXTENSIONS = [".idx", ".refs", ".pack"] as const;

/** The files of the pack at `key`. */
export function listPackFiles(key: string): string[] {
  return PACK_EXTENSIONS.map((extension) => key + extension);
}
