/** One replacement of `edit_file`. */
export interface LineEdit {
  readonly oldText: string;
  readonly newText: string;
}

/** A text before and after its edits with `\n` between lines, and as it is to be written. */
export interface EditedText {
  readonly before: string;
  readonly after: string;
  /** With the line ends that the file had. */
  readonly written: string;
}

function unify(text: string): string {
  return text.replace(/\r\n/g, "\n");
}

function indentOf(line: string | undefined): string {
  return /^\s*/.exec(line ?? "")?.[0] ?? "";
}

/** Where the lines of `old` are in `lines` when indentation and spaces at line ends do not count; -1 when nowhere. */
function findLoosely(lines: readonly string[], old: readonly string[]): number {
  const trimmed = lines.map((line) => line.trim());
  const wanted = old.map((line) => line.trim());
  for (let at = 0; at + wanted.length <= trimmed.length; at += 1) {
    if (wanted.every((line, index) => line === trimmed[at + index])) return at;
  }
  return -1;
}

/** The new lines in the indentation of the place they go to; steps between the lines are kept. */
function reindent(added: readonly string[], old: readonly string[], indent: string): string[] {
  return added.map((line, index) => {
    if (index === 0) return indent + line.trimStart();
    const before = indentOf(old[index]);
    const now = indentOf(line);
    if (before === "" || now === "") return line;
    return indent + " ".repeat(Math.max(0, now.length - before.length)) + line.trimStart();
  });
}

function applyOne(text: string, { oldText, newText }: LineEdit): string {
  const old = unify(oldText);
  const added = unify(newText);
  if (text.includes(old)) return text.replace(old, () => added);
  const lines = text.split("\n");
  const oldLines = old.split("\n");
  const at = findLoosely(lines, oldLines);
  if (at === -1) throw new Error(`Could not find exact match for edit:\n${oldText}`);
  lines.splice(at, oldLines.length, ...reindent(added.split("\n"), oldLines, indentOf(lines[at])));
  return lines.join("\n");
}

/**
 * Applies edits one after the other: each replaces the first place that is exactly its old text, else the first whose
 * lines differ in spaces at their ends only. All or nothing.
 */
export function applyLineEdits(text: string, edits: readonly LineEdit[]): EditedText {
  const before = unify(text);
  const after = edits.reduce(applyOne, before);
  const windows = text.includes("\r\n") && !/(^|[^\r])\n/.test(text);
  return { before, after, written: windows ? after.replace(/\n/g, "\r\n") : after };
}

/** The change as a unified diff in a fence that nothing in it ends early. */
export async function formatEditDiff(path: string, before: string, after: string): Promise<string> {
  const { createTwoFilesPatch } = await import("diff");
  const diff = createTwoFilesPatch(path, path, before, after, "original", "modified");
  let fence = "```";
  while (diff.includes(fence)) fence += "`";
  return `${fence}diff\n${diff}${fence}\n\n`;
}
