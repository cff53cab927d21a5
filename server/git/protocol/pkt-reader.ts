import { concatBytes } from "../bytes/bytes.ts";
import { GitError } from "../errors.ts";
import { decodePktLength, findControlPkt, MAX_PKT_BYTES, type Pkt } from "./pkt-line.ts";

/** Pulls pkt-lines off the front of a byte stream, and leaves what follows them to somebody else. */
export interface PktReader {
  /** The next line, or null when the stream ends between lines. @throws GitError protocol */
  read(): Promise<Pkt | null>;
  /** The bytes after the last line read, as they come; `read` must not be called after it. */
  rest(): AsyncIterable<Uint8Array>;
}

/**
 * Holds at most one line and one chunk of `source`. Payloads alias the chunks when a line lies within one.
 */
export function createPktReader(source: AsyncIterable<Uint8Array>): PktReader {
  const chunks = source[Symbol.asyncIterator]();
  let buffer: Uint8Array = new Uint8Array(0);

  /** Makes at least `wanted` bytes available; false when the stream ends first. */
  async function fill(wanted: number): Promise<boolean> {
    if (buffer.length >= wanted) return true;
    const parts = [buffer];
    let length = buffer.length;
    while (length < wanted) {
      const next = await chunks.next();
      if (next.done) break;
      parts.push(next.value);
      length += next.value.length;
    }
    buffer = concatBytes(parts);
    return length >= wanted;
  }

  return {
    async read() {
      if (!(await fill(4))) {
        if (buffer.length === 0) return null;
        throw new GitError("protocol", "pkt-line is cut off");
      }
      const length = decodePktLength(buffer, 0);
      const control = findControlPkt(length);
      if (control) {
        buffer = buffer.subarray(4);
        return control;
      }
      if (!(await fill(length)))
        throw new GitError("protocol", "pkt-line is cut off", { max: MAX_PKT_BYTES });
      const payload = buffer.subarray(4, length);
      buffer = buffer.subarray(length);
      return { kind: "data", payload };
    },
    async *rest() {
      if (buffer.length > 0) yield buffer;
      for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
    },
  };
}
