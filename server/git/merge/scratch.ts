import type { Oid } from "../hash/oid.ts";
import { hashObject } from "../hash/sha1.ts";
import { type Commit, encodeCommit } from "../object/commit.ts";
import type { GitObject, ObjectReader } from "../ports.ts";

/** A repository's objects, and those that a merge makes on the way. */
export interface Scratch {
  readonly reader: ObjectReader;
  /** What was made so far. */
  list(): readonly GitObject[];
  add(objects: readonly GitObject[]): void;
  addCommit(commit: Commit): Oid;
}

export function createScratch(stored: ObjectReader): Scratch {
  const made = new Map<Oid, GitObject>();
  const add = (objects: readonly GitObject[]) => {
    for (const object of objects) made.set(object.oid, object);
  };
  const rest = (oids: readonly Oid[]) => oids.filter((oid) => !made.has(oid));
  const own = (oids: readonly Oid[]) => oids.flatMap((oid) => made.get(oid) ?? []);
  return {
    add,
    list: () => [...made.values()],
    addCommit(commit) {
      const data = encodeCommit(commit);
      const oid = hashObject("commit", data);
      add([{ oid, type: "commit", data }]);
      return oid;
    },
    reader: {
      async readObjects(oids) {
        const { found, missing } = await stored.readObjects(rest(oids));
        return {
          found: new Map([...found, ...own(oids).map((object) => [object.oid, object] as const)]),
          missing,
        };
      },
      async readHeaders(oids) {
        const { found, missing } = await stored.readHeaders(rest(oids));
        const headers = own(oids).map(({ oid, type, data }) => [oid, { type, size: data.length }] as const);
        return { found: new Map([...found, ...headers]), missing };
      },
    },
  };
}
