import { createHash } from "node:crypto";
import { findKernel } from "../bytes/kernel.ts";
import type { ObjectType } from "./object-type.ts";
import { type Oid, oidFromBytes } from "./oid.ts";

/** Up to here the WebAssembly kernel wins in workerd: 300 bytes in 1.5 µs against 3, level at 1 KB. */
const KERNEL_BYTES = 1_024;

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
  return oidFromBytes(hashToBytes(type, data), 0);
}

/** The same as 20 bytes. */
export function hashToBytes(type: ObjectType, data: Uint8Array): Uint8Array {
  const header = `${type} ${data.length}\0`;
  const kernel = data.length <= KERNEL_BYTES ? findKernel() : null;
  return kernel ? kernel.sha1(header, data) : createHash("sha1").update(header).update(data).digest();
}
