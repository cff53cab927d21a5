import { concatBytes } from "../git/bytes/bytes.ts";
import { GitError } from "../git/errors.ts";
import type { ByteSource, FileStore } from "../git/ports.ts";

export interface MemoryFiles extends FileStore {
  /** Keys of all files, sorted. */
  keys(): readonly string[];
}

/** Files in a map. What goes in is copied, what comes out is a view: as with real storage, callers never alias. */
export function createMemoryFiles(): MemoryFiles {
  const files = new Map<string, Uint8Array>();
  return {
    async open(key) {
      const bytes = files.get(key);
      return bytes ? createBytesSource(bytes) : null;
    },
    readFile: async (key) => files.get(key) ?? null,
    async readRange(key, offset, length) {
      return files.get(key)?.subarray(offset, offset + length) ?? null;
    },
    async writeFile(key, bytes) {
      files.set(key, bytes.slice());
    },
    async createFile(key) {
      let chunks: Uint8Array[] | null = [];
      return {
        async write(chunk) {
          if (!chunks) throw new GitError("protocol", "the file is closed", { key });
          chunks.push(chunk.slice());
        },
        async close() {
          if (!chunks) throw new GitError("protocol", "the file is closed", { key });
          files.set(key, concatBytes(chunks));
          chunks = null;
        },
        async abort() {
          chunks = null;
        },
      };
    },
    async deleteFiles(keys) {
      for (const key of keys) files.delete(key);
    },
    keys: () => [...files.keys()].sort(),
  };
}

/** Random access to bytes in memory. `read` throws GitError corrupt-pack beyond the end. */
export function createBytesSource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    async read(offset, length) {
      if (offset < 0 || length < 0 || offset + length > bytes.length) {
        throw new GitError("corrupt-pack", "read beyond the end", { offset, length, size: bytes.length });
      }
      return bytes.subarray(offset, offset + length);
    },
  };
}
