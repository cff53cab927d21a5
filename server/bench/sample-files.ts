/** Size of every file in the bench: about that of a source file. */
export const FILE_BYTES = 2_048;

/** Text of exactly {@link FILE_BYTES}, another for each `seed`; deflates to about half. */
export function makeText(seed: number): string {
  let state = (seed + 1) >>> 0;
  let text = "";
  while (text.length < FILE_BYTES) {
    // Mulberry32: small, seeded, good enough to keep deflate from finding repeats.
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    text += `${((mixed ^ (mixed >>> 14)) >>> 0).toString(36)}${state % 7 === 0 ? "\n" : " "}`;
  }
  return text.slice(0, FILE_BYTES);
}

/** Twenty files to a directory, ten directories to the next: the shape of a source tree. */
export function makePath(index: number): string {
  const folder = Math.floor(index / 20);
  return `src/${Math.floor(folder / 10)}/part-${folder % 10}/file-${index}.txt`;
}

export interface SampleChange {
  readonly path: string;
  readonly content: string;
}

/** `count` changes; `round` gives other contents to the same paths. */
export function makeChanges(count: number, round: number): readonly SampleChange[] {
  return Array.from({ length: count }, (_, i) => ({
    path: makePath(i),
    content: makeText(round * 1_000_003 + i),
  }));
}
