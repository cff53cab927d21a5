import type { LfsFile, LfsFiles, LfsObject, LfsStore, StoredLfsObject } from "../../ports/lfs.ts";

export interface LfsTransferDeps {
  readonly store: LfsStore;
  readonly files: LfsFiles;
}

/**
 * Takes an object's bytes as they come. The repository has it once they have arrived whole and their hash is its name;
 * what arrives otherwise is seen by nobody.
 */
export async function receiveObject(
  { store, files }: LfsTransferDeps,
  object: LfsObject,
  body: ReadableStream<Uint8Array>,
): Promise<"stored" | "mismatch"> {
  const [present] = await store.find([object.oid]);
  if (present?.size === object.size) {
    // Whoever has the name alone does not have the bytes: they are let go of, not believed.
    await body.cancel();
    return "stored";
  }
  const [place] = await store.expect([object]);
  if (!place) throw new TypeError("no place for an object");
  if (!(await files.put({ ...place, body }))) return "mismatch";
  await store.confirm(place);
  return "stored";
}

/** Looks whether an object has arrived that was sent to the storage without this server in between. */
export async function verifyObject({ store, files }: LfsTransferDeps, object: LfsObject): Promise<boolean> {
  const [present] = await store.find([object.oid]);
  if (present) return present.size === object.size;
  for (const place of await store.listExpected(object.oid)) {
    if (place.size !== object.size || !(await files.verify(place))) continue;
    await store.confirm(place);
    return true;
  }
  return false;
}

/** The object; null when the repository does not have it. */
export async function findObject({ store }: LfsTransferDeps, oid: string): Promise<StoredLfsObject | null> {
  return (await store.find([oid]))[0] ?? null;
}

/** The bytes of one. @throws Error when its file is gone: it never may be */
export async function openObject(
  { files }: LfsTransferDeps,
  { key, oid }: StoredLfsObject,
  range: { readonly start: number; readonly end: number } | null,
): Promise<LfsFile> {
  const file = await files.open(key, range);
  if (!file) throw new Error(`the file of large object ${oid} is missing`);
  return file;
}
