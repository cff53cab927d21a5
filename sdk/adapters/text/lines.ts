/** Column that numbers of lines are right-aligned in, as `cat -n` has it. */
const NUMBER_WIDTH = 6;

/** Lines with their numbers before them: `     7<tab>text`. */
export function numberLines(lines: readonly string[], first: number): string {
  return lines.map((line, index) => `${String(index + first).padStart(NUMBER_WIDTH)}\t${line}`).join("\n");
}

/** Offsets at which `part` begins in `text`, without overlaps. An empty part is nowhere. */
export function findOffsets(text: string, part: string): number[] {
  const offsets: number[] = [];
  if (part === "") return offsets;
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + part.length)) offsets.push(at);
  return offsets;
}

/** 1-based numbers of the lines that ascending offsets lie in. One pass over the text, however many offsets. */
export function lineNumbersAt(text: string, offsets: readonly number[]): number[] {
  let line = 1;
  let from = 0;
  return offsets.map((offset) => {
    for (let at = text.indexOf("\n", from); at !== -1 && at < offset; at = text.indexOf("\n", at + 1)) {
      line += 1;
      from = at + 1;
    }
    return line;
  });
}

/** `text` with the `length` characters at `offset` replaced. */
export function spliceText(text: string, offset: number, length: number, replacement: string): string {
  return text.slice(0, offset) + replacement + text.slice(offset + length);
}
