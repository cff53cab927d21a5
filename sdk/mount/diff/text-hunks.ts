import { structuredPatch } from "diff";

const CONTEXT_LINES = 3;
/** Beyond so many changed lines, or so long a search, the file is given as replaced whole. */
const MAX_EDIT_LENGTH = 5_000;
const MAX_SEARCH_MS = 2_000;

/** Hunks of a unified diff, without headers; "" for equal texts. */
export function formatHunks(before: string, after: string): string {
  const patch = structuredPatch("", "", before, after, "", "", {
    context: CONTEXT_LINES,
    maxEditLength: MAX_EDIT_LENGTH,
    timeout: MAX_SEARCH_MS,
  });
  if (patch === undefined) return replaceAll(before, after);
  return patch.hunks
    .map(({ oldStart, oldLines, newStart, newLines, lines }) => {
      const range = (start: number, count: number) => `${count === 0 ? start - 1 : start},${count}`;
      return `@@ -${range(oldStart, oldLines)} +${range(newStart, newLines)} @@\n${lines.join("\n")}\n`;
    })
    .join("");
}

function replaceAll(before: string, after: string): string {
  const side = (text: string, sign: string) => {
    const lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
    const last = lines.at(-1);
    const end = last === undefined || last.endsWith("\n") ? "" : "\n\\ No newline at end of file\n";
    return { count: lines.length, text: lines.map((line) => sign + line).join("") + end };
  };
  const [old, next] = [side(before, "-"), side(after, "+")];
  const range = (count: number) => `${count === 0 ? 0 : 1},${count}`;
  return `@@ -${range(old.count)} +${range(next.count)} @@\n${old.text}${next.text}`;
}
