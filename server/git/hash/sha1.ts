import { createHash } from "node:crypto";
import type { ObjectType } from "./object-type.ts";
import type { Oid } from "./oid.ts";

/** Incremental SHA-1. */
export interface Sha1 {
  update(bytes: Uint8Array | string): Sha1;
  /** 20 bytes; the hash is finished after it. */
  digest(): Uint8Array;
  hex(): Oid;
}

export function createSha1(): Sha1 {
  const hash = createHash("sha1");
  const sha1: Sha1 = {
    update(bytes) {
      hash.update(bytes);
      return sha1;
    },
    digest: () => hash.digest(),
    hex: () => hash.digest("hex") as Oid,
  };
  return sha1;
}

export function sha1(bytes: Uint8Array): Uint8Array {
  return createHash("sha1").update(bytes).digest();
}

/** Id of an object: SHA-1 over `type size\0content` (`git hash-object`). */
export function hashObject(type: ObjectType, data: Uint8Array): Oid {
  const header = `${type} ${data.length}\0`;
  // 20 bytes as hex are an id by construction.
  return createHash("sha1").update(header).update(data).digest("hex") as Oid;
}
