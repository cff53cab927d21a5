import { GitError } from "../git/errors.ts";
import type { ByteSource } from "../git/ports.ts";

/** Random access to a file of known size. */
export function createFileSource(
  readRange: (offset: number, length: number) => Promise<Uint8Array | null>,
  key: string,
  size: number,
): ByteSource {
  return {
    size,
    async read(offset, length) {
      if (offset < 0 || length < 0 || offset + length > size) {
        throw new GitError("corrupt-pack", "read beyond the end", { key, offset, length, size });
      }
      const bytes = length === 0 ? new Uint8Array(0) : await readRange(offset, length);
      if (bytes?.length !== length) {
        throw new GitError("corrupt-pack", "stored file is missing or cut off", { key, offset, length });
      }
      return bytes;
    },
  };
}
