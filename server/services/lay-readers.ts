import type { Oid } from "../git/hash/oid.ts";
import type { Found, GitObject, ObjectHeader, ObjectReader } from "../git/ports.ts";

/** Two readers as one: what the first does not have is looked for in the second. */
export function layReaders(above: ObjectReader, below: ObjectReader): ObjectReader {
  return {
    readObjects: (oids) =>
      readThrough<GitObject>(
        oids,
        (ids) => above.readObjects(ids),
        (ids) => below.readObjects(ids),
      ),
    readHeaders: (oids) =>
      readThrough<ObjectHeader>(
        oids,
        (ids) => above.readHeaders(ids),
        (ids) => below.readHeaders(ids),
      ),
  };
}

type Read<T> = (oids: readonly Oid[]) => Promise<Found<T>>;

async function readThrough<T>(oids: readonly Oid[], above: Read<T>, below: Read<T>): Promise<Found<T>> {
  const first = await above(oids);
  if (first.missing.length === 0) return first;
  const second = await below(first.missing);
  return { found: new Map([...first.found, ...second.found]), missing: second.missing };
}

/** Objects that are held, as a reader. */
export function readHeld(objects: Iterable<GitObject>): ObjectReader {
  const byOid = new Map<Oid, GitObject>();
  for (const object of objects) byOid.set(object.oid, object);
  const read = <T>(oids: readonly Oid[], pick: (object: GitObject) => T): Found<T> => {
    const found = new Map<Oid, T>();
    const missing: Oid[] = [];
    for (const oid of oids) {
      const object = byOid.get(oid);
      if (object) found.set(oid, pick(object));
      else missing.push(oid);
    }
    return { found, missing };
  };
  return {
    readObjects: async (oids) => read(oids, (object) => object),
    readHeaders: async (oids) => read(oids, ({ type, data }) => ({ type, size: data.length })),
  };
}
