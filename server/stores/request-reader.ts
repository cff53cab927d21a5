import type { Oid } from "../git/hash/oid.ts";
import type { GitObject, ObjectHeader, ObjectReader, PackEntry } from "../git/ports.ts";
import type { PackLayer } from "./pack-layer.ts";

/** What a write brings along before it is visible to anybody else. */
export interface Brought {
  readonly blobs: readonly GitObject[];
  readonly pack?: PackEntry;
}

/** The repository's objects, and those that a request brings along. */
export function createRequestReader(objects: ObjectReader, packs: PackLayer, request: Brought): ObjectReader {
  if (request.blobs.length === 0 && !request.pack) return objects;
  const blobs = new Map(request.blobs.map((blob) => [blob.oid, blob]));
  const own: readonly PackEntry[] = request.pack ? [request.pack] : [];
  const split = (oids: readonly Oid[]) => ({
    brought: [...new Set(oids)].flatMap((oid) => blobs.get(oid) ?? []),
    rest: oids.filter((oid) => !blobs.has(oid)),
  });
  return {
    async readObjects(oids) {
      const { brought, rest } = split(oids);
      const found = new Map(brought.map((blob) => [blob.oid, blob]));
      if (rest.length === 0) return { found, missing: [] };
      // The request's own pack first: its contents are mostly new, and its index is in memory by now.
      const packed = own.length > 0 ? await packs.readObjects(own, rest) : { found: [], missing: rest };
      const stored = packed.missing.length > 0 ? await objects.readObjects(packed.missing) : packed;
      for (const part of [packed.found, stored.found])
        for (const [oid, object] of part) found.set(oid, object);
      return { found, missing: stored.missing };
    },
    async readHeaders(oids) {
      const { brought, rest } = split(oids);
      const found = new Map<Oid, ObjectHeader>(
        brought.map((blob) => [blob.oid, { type: blob.type, size: blob.data.length }]),
      );
      if (rest.length === 0) return { found, missing: [] };
      const packed = own.length > 0 ? await packs.readHeaders(own, rest) : { found: [], missing: rest };
      const stored = packed.missing.length > 0 ? await objects.readHeaders(packed.missing) : packed;
      for (const part of [packed.found, stored.found])
        for (const [oid, header] of part) found.set(oid, header);
      return { found, missing: stored.missing };
    },
  };
}
