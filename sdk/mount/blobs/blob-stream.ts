import type { Remote } from "../kernel/remote.ts";
import type { BlobAddress } from "./batch-reader.ts";

const CHUNK_BYTES = 64 * 1024;
/** Connections that may break before a stream gives up; each goes on where the one before ended. */
const MAX_RESUMES = 3;

/** An inclusive range of bytes. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Bytes at hand as a stream of moderate chunks; each is the reader's own. */
export function streamBytes(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let offset = 0;
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (offset >= bytes.length) return controller.close();
        controller.enqueue(bytes.slice(offset, offset + CHUNK_BYTES));
        offset += CHUNK_BYTES;
      },
    },
    { highWaterMark: 0 },
  );
}

/**
 * A span of a blob straight from the server, past the cache and at the reader's pace. A connection that breaks is
 * replaced by one for the rest: the commit that is read never changes.
 */
export async function openSpan(
  remote: Remote,
  address: BlobAddress,
  options: { readonly span: Span; readonly signal?: AbortSignal | undefined },
): Promise<ReadableStream<Uint8Array>> {
  const { repo, commitSha, path, size } = address;
  const { span, signal } = options;
  let next = span.start;
  const open = async () => {
    const whole = next === 0 && span.end === size - 1;
    const range = whole ? null : { start: next, end: span.end };
    return (await remote.openBlob(repo, { commitSha, path, range, signal })).getReader();
  };
  let reader = await open();
  let resumes = 0;
  const readOn = async (): Promise<Uint8Array | null> => {
    for (;;) {
      try {
        const { done, value } = await reader.read();
        if (!done) return value;
        if (next > span.end) return null;
        throw new TypeError(`${path} ended after ${next} of ${span.end + 1} bytes`);
      } catch (error) {
        signal?.throwIfAborted();
        if (resumes === MAX_RESUMES) throw error;
        resumes += 1;
        reader = await open();
      }
    }
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunk = await readOn();
        if (chunk === null) return controller.close();
        next += chunk.length;
        controller.enqueue(chunk);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
