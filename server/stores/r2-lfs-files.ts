import { createHash } from "node:crypto";
import type { LfsFiles } from "../ports/lfs.ts";

const DELETE_KEYS_MAX = 1_000;
/** A part of a file that is read to be hashed. */
const HASH_BYTES = 4 * 1024 * 1024;

/** workerd only: a stream that says its length, without which R2 takes none. */
declare const FixedLengthStream: new (length: number) => TransformStream<Uint8Array, Uint8Array>;

/** Large files in an R2 bucket, which checks their hash itself while they arrive. */
export function createR2LfsFiles(bucket: R2Bucket): LfsFiles {
  return {
    async put({ key, oid, size, body }) {
      const { readable, writable } = new FixedLengthStream(size);
      const arrives = body.pipeTo(writable);
      // Told by the put, which fails with it; this keeps it from being reported as unhandled.
      arrives.catch(() => undefined);
      try {
        await bucket.put(key, readable, { sha256: oid });
        await arrives;
        return true;
      } catch (error) {
        if (!isMismatch(error)) throw error;
        return false;
      }
    },
    async open(key, range) {
      const file = await bucket.get(
        key,
        range === null ? {} : { range: { offset: range.start, length: range.end - range.start + 1 } },
      );
      return file && { size: file.size, body: file.body };
    },
    async verify({ key, oid, size }) {
      const head = await bucket.head(key);
      if (!head || head.size !== size) return false;
      const known = head.checksums.sha256;
      if (known) return Buffer.from(known).toString("hex") === oid;
      return (await hashFile(bucket, key, size)) === oid;
    },
    async delete(keys) {
      for (let from = 0; from < keys.length; from += DELETE_KEYS_MAX) {
        await bucket.delete(keys.slice(from, from + DELETE_KEYS_MAX));
      }
    },
  };
}

async function hashFile(bucket: R2Bucket, key: string, size: number): Promise<string> {
  const hash = createHash("sha256");
  for (let offset = 0; offset < size; offset += HASH_BYTES) {
    const part = await bucket.get(key, { range: { offset, length: Math.min(HASH_BYTES, size - offset) } });
    if (!part) return "";
    hash.update(new Uint8Array(await part.arrayBuffer()));
  }
  return hash.digest("hex");
}

/** What R2 says of a body whose hash is another (10037), and the stream of one that is shorter or longer. */
function isMismatch(error: unknown): boolean {
  return error instanceof Error && /\(10037\)|checksum|FixedLengthStream/i.test(error.message);
}
