/** Random texts with the shapes that make merges hard: repeats, blank lines, CRLF, odd bytes, a missing last line end. */

export type Random = () => number;

/** Deterministic numbers from 0 up to 1 (mulberry32). */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export interface TextShape {
  readonly lines: number;
  /** Different lines to choose from: few make many repeats. */
  readonly words: number;
  readonly crlf: boolean;
}

export function makeLines(random: Random, shape: TextShape): string[] {
  return Array.from({ length: shape.lines }, () => makeLine(random, shape));
}

function makeLine(random: Random, { words, crlf }: TextShape): string {
  const pick = Math.floor(random() * words);
  const indent = " ".repeat(2 * Math.floor(random() * 3));
  const text =
    pick % 5 === 0
      ? ""
      : pick % 7 === 0
        ? "}"
        : pick % 11 === 0
          ? `\xe9\xff ${pick}`
          : `${indent}line ${pick}`;
  return text + (crlf ? "\r\n" : "\n");
}

/** A few edits at random places: lines added, removed, replaced or moved. */
export function editLines(random: Random, lines: readonly string[], shape: TextShape): string[] {
  const edited = [...lines];
  for (let edits = Math.floor(random() * 5); edits >= 0; edits--) {
    const at = Math.floor(random() * (edited.length + 1));
    const size = 1 + Math.floor(random() * 3);
    const kind = random();
    if (kind < 0.3) edited.splice(at, 0, ...makeLines(random, { ...shape, lines: size }));
    else if (kind < 0.55) edited.splice(at, size);
    else if (kind < 0.9) edited.splice(at, size, ...makeLines(random, { ...shape, lines: size }));
    else edited.splice(Math.floor(random() * (edited.length + 1)), 0, ...edited.splice(at, size));
  }
  return edited;
}

/** The text as bytes; each char one byte. */
export function joinLines(random: Random, lines: readonly string[]): Uint8Array {
  const text = lines.join("");
  return Buffer.from(random() < 0.15 ? text.replace(/\r?\n$/, "") : text, "latin1");
}
