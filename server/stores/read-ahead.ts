import type { ByteSource } from "../git/ports.ts";

/** Read at once where reads turn out to be neighbours. */
const WINDOW_BYTES = 128 * 1024;
/** Windows begin at multiples of this, so that a walk backwards is served as well as one forwards. */
const STEP_BYTES = 64 * 1024;
const WINDOWS = 4;
/** Reads that the next one is compared with. */
const REMEMBERED = 8;

interface Window {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/**
 * A file whose small reads are seen to lie near each other, as when a history is walked commit by commit: on object
 * storage every read costs the same, so from the second neighbour on a window is read instead, and the next hundred are
 * in memory. Reads that lie apart cost what they did. For one request: holds up to 512 KB.
 */
export function createReadAhead(source: ByteSource): ByteSource {
  const windows: Window[] = [];
  const recent: number[] = [];
  const isNear = (offset: number) => recent.some((other) => Math.abs(other - offset) <= WINDOW_BYTES);
  const remember = <T>(list: T[], item: T, max: number) => {
    list.push(item);
    if (list.length > max) list.shift();
  };
  return {
    size: source.size,
    async read(offset, length) {
      // What is beyond the end is the source's to refuse.
      if (length > STEP_BYTES || offset < 0 || offset + length > source.size)
        return source.read(offset, length);
      const held = windows.find(
        (window) => offset >= window.offset && offset + length <= window.offset + window.bytes.length,
      );
      if (held) return held.bytes.subarray(offset - held.offset, offset - held.offset + length);
      const near = isNear(offset);
      remember(recent, offset, REMEMBERED);
      if (!near) return source.read(offset, length);
      // A step and a read of at most a step: the window covers it.
      const start = Math.floor(offset / STEP_BYTES) * STEP_BYTES;
      const bytes = await source.read(start, Math.min(WINDOW_BYTES, source.size - start));
      remember(windows, { offset: start, bytes }, WINDOWS);
      return bytes.subarray(offset - start, offset - start + length);
    },
  };
}
