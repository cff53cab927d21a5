/**
 * Git's delta format: varint base size, varint result size, then instructions. High bit set: copy from the base
 * (bits 0-3 say which offset bytes follow, bits 4-6 which size bytes; size 0 means 65,536). Otherwise: insert that
 * many literal bytes; 0 is reserved. Source: gitformat-pack(5), "Deltified representation".
 */
import { GitError } from "../errors.ts";

export interface DeltaSizes {
  readonly baseSize: number;
  readonly resultSize: number;
  /** Where the instructions start. */
  readonly start: number;
}

/** Two varints of at most eight bytes each. */
export const MAX_DELTA_HEADER_BYTES = 16;

/** Reads the two sizes at the start of a delta. @throws GitError corrupt-pack */
export function decodeDeltaSizes(delta: Uint8Array): DeltaSizes {
  const base = decodeSize(delta, 0);
  const result = decodeSize(delta, base.next);
  return { baseSize: base.value, resultSize: result.value, start: result.next };
}

/**
 * The object that `delta` makes of `base`. Reads and writes stay within the two sizes that the delta announces.
 * @param maxBytes ceiling for the result, checked before memory is taken
 * @throws GitError corrupt-pack for a delta that does not fit its base or its sizes; limit-exceeded over `maxBytes`
 */
export function applyDelta(base: Uint8Array, delta: Uint8Array, maxBytes: number): Uint8Array {
  const { baseSize, resultSize, start } = decodeDeltaSizes(delta);
  if (baseSize !== base.length) {
    throw corrupt(`delta is for a base of ${baseSize} bytes, this one has ${base.length}`);
  }
  if (resultSize > maxBytes) {
    throw new GitError("limit-exceeded", `object of ${resultSize} bytes is over the limit of ${maxBytes}`, {
      limit: "maxObjectBytes",
      size: resultSize,
      max: maxBytes,
    });
  }
  const result = new Uint8Array(resultSize);
  const written = runInstructions(base, delta, start, result);
  if (written !== resultSize) throw corrupt(`delta made ${written} bytes, announced ${resultSize}`);
  return result;
}

/** Runs the instructions from `at` on; returns how many bytes were written. */
function runInstructions(base: Uint8Array, delta: Uint8Array, at: number, result: Uint8Array): number {
  const end = delta.length;
  let to = 0;
  while (at < end) {
    const op = delta[at++] as number;
    if (op >= 0x80) {
      let offset = 0;
      let size = 0;
      // An instruction that is cut off reads undefined here, which `|` takes for 0; `at > end` finds it below.
      if (op & 0x01) offset = delta[at++] as number;
      if (op & 0x02) offset |= (delta[at++] as number) << 8;
      if (op & 0x04) offset |= (delta[at++] as number) << 16;
      if (op & 0x08) offset = (offset | ((delta[at++] as number) << 24)) >>> 0;
      if (op & 0x10) size = delta[at++] as number;
      if (op & 0x20) size |= (delta[at++] as number) << 8;
      if (op & 0x40) size |= (delta[at++] as number) << 16;
      if (size === 0) size = 0x10000;
      if (at > end || offset + size > base.length || to + size > result.length) {
        throw corrupt("delta copies beyond its base, its result or its own end");
      }
      copyBytes(base, offset, result, to, size);
      to += size;
    } else {
      if (op === 0) throw corrupt("delta holds the reserved instruction 0");
      if (at + op > end || to + op > result.length)
        throw corrupt("delta inserts beyond its end or its result");
      copyBytes(delta, at, result, to, op);
      at += op;
      to += op;
    }
  }
  return to;
}

/** A loop beats `subarray` + `set` below about 64 bytes, where most instructions are. */
function copyBytes(from: Uint8Array, start: number, into: Uint8Array, at: number, length: number): void {
  if (length > 64) {
    into.set(from.subarray(start, start + length), at);
    return;
  }
  for (let i = 0; i < length; i++) into[at + i] = from[start + i] as number;
}

function decodeSize(bytes: Uint8Array, start: number): { value: number; next: number } {
  let value = 0;
  let scale = 1;
  for (let at = start; at < bytes.length && at < start + MAX_DELTA_HEADER_BYTES / 2; at++) {
    const byte = bytes[at] as number;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      if (value > Number.MAX_SAFE_INTEGER) break;
      return { value, next: at + 1 };
    }
    scale *= 128;
  }
  throw corrupt("delta header is cut off or too large");
}

function corrupt(message: string): GitError {
  return new GitError("corrupt-pack", message);
}
