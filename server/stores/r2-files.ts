import { GitError } from "../git/errors.ts";
import type { FileSink, FileStore } from "../git/ports.ts";
import { createFileSource } from "./file-source.ts";

/** R2 takes parts of at least 5 MiB, all of one size but the last. */
const PART_BYTES = 5 * 1024 * 1024;
const DELETE_KEYS_MAX = 1_000;
/** Files in an R2 bucket. */
export function createR2Files(bucket: R2Bucket): FileStore {
  return {
    async open(key) {
      const head = await bucket.head(key);
      return (
        head && createFileSource((offset, length) => readRange(bucket, key, offset, length), key, head.size)
      );
    },
    async readFile(key) {
      const file = await bucket.get(key);
      return file && new Uint8Array(await file.arrayBuffer());
    },
    readRange: (key, offset, length) => readRange(bucket, key, offset, length),
    async writeFile(key, bytes) {
      await bucket.put(key, bytes);
    },
    createFile: async (key) => createR2Sink(bucket, key),
    async deleteFiles(keys) {
      for (let from = 0; from < keys.length; from += DELETE_KEYS_MAX) {
        await bucket.delete(keys.slice(from, from + DELETE_KEYS_MAX));
      }
    },
  };
}

async function readRange(
  bucket: R2Bucket,
  key: string,
  offset: number,
  length: number,
): Promise<Uint8Array | null> {
  // R2 has no empty range.
  if (length === 0) return (await bucket.head(key)) && new Uint8Array(0);
  const file = await bucket.get(key, { range: { offset, length } });
  return file && new Uint8Array(await file.arrayBuffer());
}

/**
 * Gathers parts and uploads one while the next fills: at most two in memory. A file of one part is a plain put.
 * A failed upload is reported by the next call.
 */
function createR2Sink(bucket: R2Bucket, key: string): FileSink {
  let part = new Uint8Array(PART_BYTES);
  let filled = 0;
  let upload: R2MultipartUpload | null = null;
  let inFlight: Promise<R2UploadedPart> | null = null;
  const uploaded: R2UploadedPart[] = [];
  let closed = false;

  const settle = async () => {
    if (inFlight) uploaded.push(await inFlight);
    inFlight = null;
  };
  const send = async (bytes: Uint8Array) => {
    await settle();
    upload ??= await bucket.createMultipartUpload(key);
    inFlight = upload.uploadPart(uploaded.length + 1, bytes);
    // Awaited by `settle`; this keeps a failure in between from being reported as unhandled.
    inFlight.catch(() => undefined);
  };

  return {
    async write(chunk) {
      if (closed) throw new GitError("protocol", "the file is closed", { key });
      for (let at = 0; at < chunk.length; ) {
        if (filled === PART_BYTES) {
          await send(part);
          part = new Uint8Array(PART_BYTES);
          filled = 0;
        }
        const taken = Math.min(PART_BYTES - filled, chunk.length - at);
        part.set(chunk.subarray(at, at + taken), filled);
        filled += taken;
        at += taken;
      }
    },
    async close() {
      if (closed) throw new GitError("protocol", "the file is closed", { key });
      closed = true;
      const rest = part.subarray(0, filled);
      if (!upload) {
        await bucket.put(key, rest);
        return;
      }
      await send(rest);
      await settle();
      await upload.complete(uploaded);
    },
    async abort() {
      if (closed && !upload) return;
      closed = true;
      await inFlight?.catch(() => undefined);
      await upload?.abort();
    },
  };
}
