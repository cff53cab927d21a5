import { GitError } from "../git/errors.ts";
import type { Oid } from "../git/hash/oid.ts";
import { verifyGitmodules } from "../git/object/verify-gitmodules.ts";
import type { ObjectFault } from "../git/object/verify-object.ts";
import type { ObjectReader } from "../git/ports.ts";

/** Nobody's configuration is larger; git itself gives up on one over 512 MB, with the same name for it. */
const MAX_BYTES = 4 * 1024 * 1024;
/** A history has one `.gitmodules` for each time it changed: what one read brings into memory. */
const BATCH_BYTES = 8 * 1024 * 1024;
const BATCH_OBJECTS = 1_024;

/**
 * Judges the blobs that trees of a push have as `.gitmodules`, be they new or not, as receive.fsckObjects does. One
 * that is missing is passed over: if a new tip needs it, the check of the tips says so.
 * @throws GitError corrupt-object with git's name for the fault
 */
export async function checkGitmodules(objects: ObjectReader, oids: Iterable<Oid>): Promise<void> {
  let batch: Oid[] = [];
  let bytes = 0;
  for await (const { oid, size } of listBlobs(objects, [...oids])) {
    if (batch.length >= BATCH_OBJECTS || bytes + size > BATCH_BYTES) {
      await checkBatch(objects, batch);
      batch = [];
      bytes = 0;
    }
    batch.push(oid);
    bytes += size;
  }
  await checkBatch(objects, batch);
}

async function* listBlobs(objects: ObjectReader, oids: readonly Oid[]) {
  for (let at = 0; at < oids.length; at += BATCH_OBJECTS) {
    const { found } = await objects.readHeaders(oids.slice(at, at + BATCH_OBJECTS));
    for (const [oid, { type, size }] of found) {
      if (type !== "blob") refuse(oid, "gitmodulesBlob", "non-blob found at .gitmodules");
      if (size > MAX_BYTES) refuse(oid, "gitmodulesLarge", ".gitmodules too large to parse");
      yield { oid, size };
    }
  }
}

async function checkBatch(objects: ObjectReader, oids: readonly Oid[]): Promise<void> {
  if (oids.length === 0) return;
  const { found } = await objects.readObjects(oids);
  for (const { oid, data } of found.values()) refuseFaults(oid, verifyGitmodules(data));
}

/** @throws GitError corrupt-object for the first of the faults; none = fine */
export function refuseFaults(oid: Oid, [fault]: readonly ObjectFault[]): void {
  if (fault) refuse(oid, fault.id, fault.message);
}

function refuse(oid: Oid, id: string, message: string): never {
  throw new GitError("corrupt-object", `object ${oid}: ${id}: ${message}`, { oid, id });
}
