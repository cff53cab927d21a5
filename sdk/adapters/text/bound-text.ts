/** Cuts a text that is too long for a model, and says so in the text itself: `advice` tells how to see the rest. */
export function boundText(text: string, maxChars: number, advice: string): string {
  if (text.length <= maxChars) return text;
  const kept = cutAtLine(text.slice(0, maxChars));
  return `${kept}\n[cut: ${kept.length} of ${text.length} characters shown; ${advice}]`;
}

/** Without the last, incomplete line, unless that is all there is. */
function cutAtLine(text: string): string {
  const end = text.lastIndexOf("\n");
  return end > 0 ? text.slice(0, end) : text;
}

/** Like `boundText`, but the end is kept as well: a command says at the end how it went. */
export function boundMiddle(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  const head = Math.floor(maxChars / 3);
  const left = text.length - maxChars;
  return `${text.slice(0, head)}\n[${left} characters left out of ${text.length}]\n${text.slice(head + left)}`;
}

/** Lines `from` to `to` of a text, as many as fit. */
export interface LineWindow {
  readonly content: string;
  /** 1-based, both included; `last` is `first - 1` when there is no line. */
  readonly first: number;
  readonly last: number;
  readonly total: number;
  /** What is missing and how to get it; null when everything asked for is there. */
  readonly note: string | null;
}

/** Picks lines (1-based, both included) of a text; at most `maxChars` characters, but at least one line, cut if need be. */
export function windowOf(
  text: string,
  range: { readonly from: number; readonly to: number },
  maxChars: number,
): LineWindow {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  const total = lines.length;
  const end = Math.min(range.to, total);
  const shown: string[] = [];
  let chars = 0;
  for (let number = range.from; number <= end; number += 1) {
    const line = lines[number - 1] ?? "";
    if (chars + line.length > maxChars && shown.length > 0) break;
    shown.push(line);
    chars += line.length + 1;
  }
  const last = range.from + shown.length - 1;
  const [only = ""] = shown;
  if (shown.length === 1 && only.length > maxChars) {
    const note = `line ${range.from} is cut: ${maxChars} of its ${only.length} characters are shown`;
    return { content: only.slice(0, maxChars), first: range.from, last, total, note };
  }
  const note = last < end ? `lines ${last + 1} to ${end} are left out: read on from line ${last + 1}` : null;
  return { content: shown.join("\n"), first: range.from, last, total, note };
}
