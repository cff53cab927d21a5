import { createInflateStream, type Inflated, inflate } from "../bytes/zlib.ts";
import { GitError } from "../errors.ts";
import type { ByteSource } from "../ports.ts";

/** A megabyte a read, and small bites of it: 16 KB of zeros can inflate to 16 MB. */
const READ_BYTES = 1024 * 1024;
const BITE_BYTES = 16 * 1024;

/**
 * Inflates the zlib stream at the start of `bytes` to exactly `size` bytes.
 * @throws GitError corrupt-pack, with the entry's place in the pack
 */
export function inflateEntry(bytes: Uint8Array, size: number, offset: number): Inflated {
  try {
    return inflate(bytes, size);
  } catch (cause) {
    throw new GitError(
      "corrupt-pack",
      `entry at ${offset}: ${(cause as Error).message}`,
      { offset },
      { cause },
    );
  }
}

/** Where a zlib stream lies in a pack, what it inflates to, and which part of that is wanted. */
export interface StreamedEntry {
  /** Of the zlib stream, not of the entry's header. */
  readonly start: number;
  readonly end: number;
  readonly size: number;
  readonly range?: { readonly start: number; readonly end: number };
}

/**
 * Inflates a stream piece by piece; holds one read and what a bite of it inflates to.
 * @throws GitError corrupt-pack for a bad stream or one of another size
 */
export async function* streamEntry(
  source: ByteSource,
  entry: StreamedEntry,
): AsyncGenerator<Uint8Array, void> {
  const from = entry.range?.start ?? 0;
  const to = entry.range?.end ?? entry.size;
  let produced = 0;
  let ready: Uint8Array[] = [];
  const stream = createInflateStream(entry.size, (chunk) => {
    const wanted = chunk.subarray(Math.max(0, from - produced), Math.max(0, to - produced));
    if (wanted.length > 0) ready.push(wanted);
    produced += chunk.length;
  });
  for (let at = entry.start; at < entry.end && !stream.done; ) {
    const window = await source.read(at, Math.min(READ_BYTES, entry.end - at));
    at += window.length;
    for (let bite = 0; bite < window.length && !stream.done; bite += BITE_BYTES) {
      pushBite(stream, window.subarray(bite, bite + BITE_BYTES), entry.start);
      yield* ready;
      ready = [];
      if (produced >= to && to < entry.size) return;
    }
  }
  if (!stream.done || produced !== entry.size) {
    throw new GitError("corrupt-pack", `entry inflates to ${produced} bytes, announced ${entry.size}`, {
      offset: entry.start,
    });
  }
}

function pushBite(stream: { push(input: Uint8Array): number }, bite: Uint8Array, offset: number): void {
  try {
    stream.push(bite);
  } catch (cause) {
    throw new GitError(
      "corrupt-pack",
      `entry at ${offset}: ${(cause as Error).message}`,
      { offset },
      { cause },
    );
  }
}

/** All of a stream's content in one array of the announced size. */
export async function readStreamedEntry(source: ByteSource, entry: StreamedEntry): Promise<Uint8Array> {
  const content = new Uint8Array(entry.size);
  let at = 0;
  for await (const chunk of streamEntry(source, entry)) {
    content.set(chunk, at);
    at += chunk.length;
  }
  return content;
}
