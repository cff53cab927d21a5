import type { ObjectType } from "../git/hash/object-type.ts";
import type { Oid } from "../git/hash/oid.ts";
import { hashObject } from "../git/hash/sha1.ts";
import type { Found, GitObject, ObjectHeader, ObjectReader } from "../git/ports.ts";

/** Objects in a map, with counters of what was asked: for tests of the engine and of services. */
export interface MemoryObjects extends ObjectReader {
  readonly objects: Map<Oid, GitObject>;
  /** Stores an object and gives its id. */
  add(type: ObjectType, data: Uint8Array | string): Oid;
  addAll(objects: Iterable<GitObject>): void;
  readonly counts: {
    /** Calls of `readObjects`. */
    calls: number;
    headerCalls: number;
    /** Ids asked of `readObjects`, repeats included. */
    oids: Oid[];
  };
  resetCounts(): void;
}

export function createMemoryObjects(initial: Iterable<GitObject> = []): MemoryObjects {
  const objects = new Map<Oid, GitObject>();
  const counts: MemoryObjects["counts"] = { calls: 0, headerCalls: 0, oids: [] };
  const memory: MemoryObjects = {
    objects,
    counts,
    add(type, data) {
      const bytes = typeof data === "string" ? Buffer.from(data) : data;
      const oid = hashObject(type, bytes);
      objects.set(oid, { oid, type, data: bytes });
      return oid;
    },
    addAll(added) {
      for (const object of added) objects.set(object.oid, object);
    },
    resetCounts() {
      counts.calls = 0;
      counts.headerCalls = 0;
      counts.oids.length = 0;
    },
    async readObjects(oids) {
      counts.calls++;
      for (const oid of oids) counts.oids.push(oid);
      return pick(oids, (oid) => objects.get(oid));
    },
    async readHeaders(oids) {
      counts.headerCalls++;
      return pick<ObjectHeader>(oids, (oid) => {
        const object = objects.get(oid);
        return object && { type: object.type, size: object.data.length };
      });
    },
  };
  memory.addAll(initial);
  return memory;
}

function pick<T>(oids: readonly Oid[], find: (oid: Oid) => T | undefined): Found<T> {
  const found = new Map<Oid, T>();
  const missing: Oid[] = [];
  for (const oid of oids) {
    const value = find(oid);
    if (value) found.set(oid, value);
    else missing.push(oid);
  }
  return { found, missing };
}
