import { openTextCutter } from "../bytes/text.ts";

/** Content cut into lines. A line keeps its line feed; the last one may have none, and is then another line. */
export interface Lines {
  readonly bytes: Uint8Array;
  readonly count: number;
  /** Offset at which each line starts, and one more: the end of the content. */
  readonly starts: Uint32Array;
}

const LINE_FEED = 0x0a;

export function splitLines(bytes: Uint8Array): Lines {
  let count = 0;
  for (let i = 0; i < bytes.length; i++) if (bytes[i] === LINE_FEED) count++;
  if (bytes.length > 0 && bytes[bytes.length - 1] !== LINE_FEED) count++;
  const starts = new Uint32Array(count + 1);
  let line = 0;
  for (let i = 0; i < bytes.length; i++) if (bytes[i] === LINE_FEED) starts[++line] = i + 1;
  starts[count] = bytes.length;
  return { bytes, count, starts };
}

/** Where line `index` starts; past the last line, the end of the content. */
export function lineStart(lines: Lines, index: number): number {
  return lines.starts[index] ?? lines.bytes.length;
}

/** Lines [from, to) as bytes; a view, not a copy. */
export function sliceLines(lines: Lines, from: number, to: number): Uint8Array {
  return lines.bytes.subarray(lineStart(lines, from), lineStart(lines, to));
}

/**
 * A number for each line of each text: equal lines, and only they, have the same one. Numbers count from 0 in the order
 * of first appearance. Lines are looked up in a Map, whose hashing a hostile file cannot foresee.
 */
export function numberLines(texts: readonly Lines[]): readonly Int32Array[] {
  const known = new Map<string, number>();
  return texts.map((lines) => {
    const cutter = openTextCutter(lines.bytes);
    const numbers = new Int32Array(lines.count);
    for (let i = 0; i < lines.count; i++) {
      const text = cutter.latin1Slice(lineStart(lines, i), lineStart(lines, i + 1));
      const number = known.get(text) ?? known.size;
      if (number === known.size) known.set(text, number);
      numbers[i] = number;
    }
    return numbers;
  });
}
