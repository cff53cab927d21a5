import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { SecondLevelCache } from "../mount/blobs/second-level.ts";

export interface FolderCacheOptions {
  /** Made when it is missing. Several processes may share it. */
  readonly folder: string;
  /** Contents kept at most, bytes; the ones not used for longest go first. Default 1 GiB. */
  readonly maxBytes?: number;
}

interface Kept {
  readonly path: string;
  readonly size: number;
  readonly usedAtMs: number;
}

const SHA = /^[0-9a-f]{40}$/;
const LEFTOVER = /\.tmp-/;
/** A use is written down when the last one is older, so that reading costs no writing. */
const TOUCH_AFTER_MS = 60_000;
/** Files of writers that died. */
const LEFTOVER_AFTER_MS = 600_000;

/**
 * A second-level cache in a folder, for Node: one file a blob, `ab/cdef…`, written beside its place and moved there, so
 * that no reader ever sees half of one. What is in the folder is not trusted: every read is checked by its hash.
 */
export function createFolderCache(options: FolderCacheOptions): SecondLevelCache {
  const { folder, maxBytes = 1024 * 1024 * 1024 } = options;
  let bytes: Promise<number> | null = null;
  let sequence = 0;
  let sweeping: Promise<void> = Promise.resolve();
  const pathOf = (sha: string) => {
    if (!SHA.test(sha)) throw new TypeError(`not a blob id: ${sha}`);
    return join(folder, sha.slice(0, 2), sha.slice(2));
  };
  const sweep = async () => {
    const kept = (await listKept(folder)).sort((a, b) => a.usedAtMs - b.usedAtMs);
    let total = kept.reduce((sum, { size }) => sum + size, 0);
    for (const { path, size } of kept) {
      if (total <= maxBytes * 0.9) break;
      await rm(path, { force: true });
      total -= size;
    }
    bytes = Promise.resolve(total);
  };
  return {
    async get(sha) {
      const path = pathOf(sha);
      const content = await readFile(path).catch(nothingIfMissing);
      if (content === null) return null;
      const now = Date.now();
      const { mtimeMs } = await stat(path);
      if (now - mtimeMs > TOUCH_AFTER_MS) await utimes(path, now / 1000, now / 1000);
      return new Uint8Array(content.buffer, content.byteOffset, content.length);
    },
    async put(sha, content) {
      if (content.length > maxBytes) return;
      const path = pathOf(sha);
      bytes ??= listKept(folder).then((kept) => kept.reduce((sum, { size }) => sum + size, 0));
      await mkdir(join(folder, sha.slice(0, 2)), { recursive: true });
      sequence += 1;
      const temporary = `${path}.tmp-${process.pid}-${sequence}`;
      try {
        await writeFile(temporary, content, { flag: "wx" });
        await rename(temporary, path);
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
      const total = (await bytes) + content.length;
      bytes = Promise.resolve(total);
      if (total <= maxBytes) return;
      // One at a time; what comes meanwhile is counted by the next.
      sweeping = sweeping.then(sweep);
      await sweeping;
    },
  };
}

/** Blobs of the folder; leftovers of writers that died are removed on the way. */
async function listKept(folder: string): Promise<Kept[]> {
  const kept: Kept[] = [];
  for (const group of (await readdir(folder).catch(nothingIfMissing)) ?? []) {
    for (const name of (await readdir(join(folder, group)).catch(nothingIfMissing)) ?? []) {
      const path = join(folder, group, name);
      const stats = await stat(path).catch(nothingIfMissing);
      if (stats === null) continue;
      if (LEFTOVER.test(name)) {
        if (Date.now() - stats.mtimeMs > LEFTOVER_AFTER_MS) await rm(path, { force: true });
      } else if (SHA.test(group + name)) kept.push({ path, size: stats.size, usedAtMs: stats.mtimeMs });
    }
  }
  return kept;
}

/** Another process may have removed it; what is no folder holds nothing. */
function nothingIfMissing(error: unknown): null {
  const code = error instanceof Error && "code" in error ? error.code : null;
  if (code === "ENOENT" || code === "ENOTDIR") return null;
  throw error;
}
