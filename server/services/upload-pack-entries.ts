import { deflateChunks } from "../git/bytes/zlib.ts";
import { GitError } from "../git/errors.ts";
import type { Oid } from "../git/hash/oid.ts";
import type { PackStreamEntry } from "../git/pack/write-pack.ts";
import type { ObjectHeader, ObjectReader, StoredEntry } from "../git/ports.ts";
import type { PackedObject, Selection } from "./upload-pack-objects.ts";

/** What one read brings into memory. Two reads are in flight at a time: one is sent while the next one runs. */
const BATCH_BYTES = 4 * 1024 * 1024;
const BATCH_OBJECTS = 2_000;
/** Objects larger than this are streamed, never held whole. */
const WHOLE_BYTES = 8 * 1024 * 1024;
const HEADER_BATCH = 8_192;

type Step =
  | { readonly kind: "batch"; readonly oids: readonly Oid[] }
  | { readonly kind: "stream"; readonly oid: Oid; readonly header: ObjectHeader };

/**
 * The listed objects as entries of a pack, with bounded memory: first those that can be copied as they are stored,
 * with the deltas among them and those made with one of `bases`, then the rest, read and compressed.
 * @throws GitError missing-object when one is not there: a pack without it would be a corrupt clone
 */
export async function* readPackEntries(
  objects: ObjectReader,
  { list, bases }: Selection,
): AsyncGenerator<PackStreamEntry> {
  if (!objects.readStored) {
    yield* readWholeEntries(objects, list);
    return;
  }
  const open = new Set(list.map(({ oid }) => oid));
  const sent = new Set(open);
  for await (const entry of objects.readStored([...open], (base) => sent.has(base) || bases.has(base))) {
    open.delete(entry.oid);
    yield formatStored(entry);
  }
  yield* readWholeEntries(
    objects,
    list.filter(({ oid }) => open.has(oid)),
  );
}

function formatStored({ oid, type, base, size, deflated }: StoredEntry): PackStreamEntry {
  if (base === null) return { kind: "packed", oid, type, size, deflated };
  return { kind: "delta", oid, base, size, deflated };
}

async function* readWholeEntries(
  objects: ObjectReader,
  list: readonly PackedObject[],
): AsyncGenerator<PackStreamEntry> {
  const steps = planSteps(objects, list);
  let reading = readStep(objects, await steps.next());
  for (;;) {
    const entries = await reading;
    if (!entries) return;
    reading = steps.next().then((step) => readStep(objects, step));
    // Whoever stops listening must not leave an unhandled rejection behind; awaiting `reading` still throws it.
    reading.catch(() => undefined);
    yield* entries;
  }
}

/** Cuts the list into reads of bounded size. */
async function* planSteps(objects: ObjectReader, list: readonly PackedObject[]): AsyncGenerator<Step> {
  let batch: Oid[] = [];
  let bytes = 0;
  for (let at = 0; at < list.length; at += HEADER_BATCH) {
    const part = list.slice(at, at + HEADER_BATCH).map(({ oid }) => oid);
    const { found, missing } = await objects.readHeaders(part);
    if (missing[0]) throw missingObject(missing[0]);
    for (const oid of part) {
      const header = found.get(oid) as ObjectHeader; // nothing is missing
      const streamed = header.size > WHOLE_BYTES && objects.openObject !== undefined;
      if (
        batch.length > 0 &&
        (streamed || bytes + header.size > BATCH_BYTES || batch.length >= BATCH_OBJECTS)
      ) {
        yield { kind: "batch", oids: batch };
        batch = [];
        bytes = 0;
      }
      if (streamed) {
        yield { kind: "stream", oid, header };
        continue;
      }
      batch.push(oid);
      bytes += header.size;
    }
  }
  if (batch.length > 0) yield { kind: "batch", oids: batch };
}

async function readStep(
  objects: ObjectReader,
  step: IteratorResult<Step>,
): Promise<readonly PackStreamEntry[] | null> {
  if (step.done) return null;
  if (step.value.kind === "stream") return [await openEntry(objects, step.value.oid, step.value.header)];
  const { found, missing } = await objects.readObjects(step.value.oids);
  if (missing[0]) throw missingObject(missing[0]);
  return step.value.oids.flatMap((oid) => {
    const object = found.get(oid);
    return object ? [{ kind: "object" as const, object }] : [];
  });
}

async function openEntry(objects: ObjectReader, oid: Oid, header: ObjectHeader): Promise<PackStreamEntry> {
  const opened = await objects.openObject?.(oid);
  if (!opened) throw missingObject(oid);
  return {
    kind: "packed",
    oid,
    type: header.type,
    size: opened.size,
    deflated: deflateChunks(opened.chunks),
  };
}

function missingObject(oid: Oid): GitError {
  return new GitError("missing-object", `object ${oid} is missing`, { oid });
}
