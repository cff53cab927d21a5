import type { MountedFS } from "../../mount/mounted-fs.ts";

/** As many files as the server gives in one reply. */
const BATCH_FILES = 100;
/** Contents held at a time, bytes; a single larger file goes alone. */
const BATCH_BYTES = 8 * 1024 * 1024;

/** What a prefetch asks for at most: the server's own ceilings. */
const PREFETCH = { maxBytes: 32 * 1024 * 1024, maxBlobBytes: 4 * 1024 * 1024 } as const;

/** A file to be read. */
export interface FileToRead {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
}

/** As many patterns as a prefetch takes. */
const PREFETCH_PATTERNS = 32;

/**
 * Loads files into the mount's cache with one request when they are too many for one batch, so that reading them costs
 * none. What the patterns bring besides the wanted files is cached and nothing else.
 */
export async function warmFiles(
  mount: MountedFS,
  patterns: string | readonly string[],
  files: readonly FileToRead[],
): Promise<void> {
  const fits = typeof patterns === "string" || patterns.length <= PREFETCH_PATTERNS;
  if (fits && files.length > BATCH_FILES) await mount.prefetch(patterns, PREFETCH);
}

/** Yields files with their texts, in order, a bounded part of them in memory at a time. */
export async function* readInBatches<T extends FileToRead>(
  mount: MountedFS,
  files: readonly T[],
): AsyncGenerator<{ readonly file: T; readonly text: string }> {
  let batch: T[] = [];
  let bytes = 0;
  for (const [index, file] of files.entries()) {
    batch.push(file);
    bytes += file.size;
    const next = files[index + 1];
    if (next !== undefined && batch.length < BATCH_FILES && bytes + next.size <= BATCH_BYTES) continue;
    const texts = await Promise.all(batch.map(({ path }) => mount.readFile(path)));
    for (const [at, text] of texts.entries()) {
      const read = batch[at];
      if (read !== undefined) yield { file: read, text };
    }
    batch = [];
    bytes = 0;
  }
}
