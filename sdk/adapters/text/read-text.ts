import type { MountedFS } from "../../mount/mounted-fs.ts";

/** What reading needs of a mount. */
export type ReadableMount = Pick<MountedFS, "readFile">;

/** A file that a text tool must not touch: rewritten as text, its bytes would be lost. */
export class NotTextError extends Error {
  override readonly name = "NotTextError";

  constructor(path: string, size: number) {
    super(`${path} is not UTF-8 text (${size} bytes): it cannot be shown or edited as text`);
  }
}

/** UTF-8 or nothing, and a byte order mark is kept. */
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Text of bytes, or null when they are not UTF-8. */
export function findText(bytes: Uint8Array): string | null {
  try {
    return strict.decode(bytes);
  } catch (error) {
    // Anything but UTF-8 is a TypeError of a fatal decoder.
    if (error instanceof TypeError) return null;
    throw error;
  }
}

/**
 * A file as text that can be written back without loss.
 *
 * @throws NotTextError; the mount's errors.
 */
export async function readText(mount: ReadableMount, path: string): Promise<string> {
  const bytes = await mount.readFile(path, "binary");
  const text = findText(bytes);
  if (text === null) throw new NotTextError(path, bytes.length);
  return text;
}
