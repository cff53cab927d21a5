import type { Oid } from "../git/hash/oid.ts";
import type { Found, GitObject, ObjectHeader, OpenObject, PackEntry, StoredEntry } from "../git/ports.ts";

/** Objects of stored packs; which packs may be looked into is the caller's catalog. */
export interface PackLayer {
  readObjects(packs: readonly PackEntry[], oids: readonly Oid[]): Promise<Found<GitObject>>;
  readHeaders(packs: readonly PackEntry[], oids: readonly Oid[]): Promise<Found<ObjectHeader>>;
  openObject(packs: readonly PackEntry[], oid: Oid, range?: ByteRange): Promise<OpenObject | null>;
  /** As `readStored` of an ObjectReader; none are copied when it is absent. */
  readStored?(
    packs: readonly PackEntry[],
    request: { readonly oids: readonly Oid[]; readonly hasBase: (base: Oid) => boolean },
  ): AsyncIterable<StoredEntry>;
}

/** Bytes `start` to `end` (exclusive) of an object's content. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}
