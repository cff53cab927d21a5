import { encodeByteText, splitLines } from "./byte-text.ts";
import { findNearestLines, listMatchLines, type NearestLines } from "./nearest-lines.ts";

/** One edit: text that is replaced, or lines that are. */
export type FileEdit =
  | {
      /** Must be in the file exactly once, unless `count` or `all` says otherwise. */
      readonly old: string;
      readonly new: string;
      /** How often `old` must be there; all of them are replaced. */
      readonly count?: number;
      /** Replaces every one; at least one must be there. */
      readonly all?: boolean;
    }
  /** 1-based, both included, as the edits of texts have left the file. */
  | { readonly range: readonly [from: number, to: number]; readonly content: string };

/** Why an edit was not made, in the error's `data`. */
export interface EditFailure {
  /** Index in the list of edits. */
  readonly edit: number;
  /** How often the text is there; null for a range. */
  readonly matches: number | null;
  /** Lines that the matches begin in, the first 20. */
  readonly lines: readonly number[];
  readonly nearest: NearestLines | null;
}

/** Thrown by `applyEdits`; the caller knows the path. */
export class EditFailed extends Error {
  readonly failure: EditFailure;

  constructor(reason: string, failure: EditFailure) {
    super(`edit ${failure.edit}: ${reason}`);
    this.failure = failure;
  }
}

const SHOWN_LINES = 20;

/**
 * Applies edits to a file's bytes (one character each): texts in their order, then line ranges together. All or nothing.
 *
 * @throws EditFailed
 */
export function applyEdits(
  content: string,
  edits: readonly FileEdit[],
): { readonly content: string; readonly replacements: number } {
  let edited = content;
  let replacements = 0;
  for (const [index, edit] of edits.entries()) {
    if (!("old" in edit)) continue;
    const matches = replaceText(edited, edit, index);
    replacements += matches.count;
    edited = matches.content;
  }
  const ranges = edits.flatMap((edit, index) => ("range" in edit ? [{ ...edit, index }] : []));
  return { content: replaceRanges(edited, ranges), replacements: replacements + ranges.length };
}

type TextEdit = Extract<FileEdit, { old: string }>;

function fail(edit: number, reason: string, more: Partial<EditFailure> = {}): EditFailed {
  return new EditFailed(reason, { edit, matches: null, lines: [], nearest: null, ...more });
}

function replaceText(content: string, edit: TextEdit, index: number): { content: string; count: number } {
  checkTextEdit(edit, index);
  const old = encodeByteText(edit.old);
  const wanted = edit.all ? null : (edit.count ?? 1);
  const count = countMatches(content, old, wanted === 1);
  if (wanted === null ? count === 0 : count !== wanted)
    throw describeMismatch(content, edit, { index, count });
  return { content: content.split(old).join(encodeByteText(edit.new)), count };
}

function checkTextEdit({ old, new: next, count, all }: TextEdit, index: number): void {
  if (typeof old !== "string" || typeof next !== "string") throw fail(index, "old and new are texts");
  if (old === "") throw fail(index, "old is empty");
  if (old === next) throw fail(index, "old and new are the same");
  if (count === undefined) return;
  if (!Number.isSafeInteger(count) || count < 1) throw fail(index, "count is a whole number from 1");
  if (all) throw fail(index, "count and all exclude each other");
}

/** @param apart count matches that overlap as two, so that one match is the only one. */
function countMatches(content: string, old: string, apart: boolean): number {
  let count = 0;
  const step = apart ? 1 : old.length;
  for (let at = content.indexOf(old); at !== -1; at = content.indexOf(old, at + step)) count += 1;
  return count;
}

function describeMismatch(
  content: string,
  edit: TextEdit,
  { index, count: matches }: { readonly index: number; readonly count: number },
): EditFailed {
  if (matches === 0) {
    const nearest = findNearestLines(content, encodeByteText(edit.old));
    return fail(index, `the text is not in the file${describeNearest(nearest)}`, { matches, nearest });
  }
  const lines = listMatchLines(content, edit.old, SHOWN_LINES);
  const where = `in ${matches} places (lines ${lines.join(", ")}${lines.length < matches ? ", …" : ""})`;
  const reason =
    edit.count === undefined
      ? `the text is ${where}: add text around it, or set count or all`
      : `the text is ${where}, not in ${edit.count}`;
  return fail(index, reason, { matches, lines });
}

function describeNearest(nearest: NearestLines | null): string {
  if (nearest === null) return "";
  const { from, to, difference } = nearest;
  const where = from === to ? `line ${from}` : `lines ${from} to ${to}`;
  if (difference === "line ends") return `: at ${where} the line ends differ (CRLF)`;
  return difference === null ? `; most like it: ${where}` : `: at ${where} only ${difference} differs`;
}

interface RangeEdit {
  readonly index: number;
  readonly range: readonly [from: number, to: number];
  readonly content: string;
}

function replaceRanges(content: string, edits: readonly RangeEdit[]): string {
  if (edits.length === 0) return content;
  const lines = splitLines(content);
  const sorted = [...edits].sort((a, b) => a.range[0] - b.range[0]);
  const parts: string[] = [];
  let kept = 0;
  for (const { index, range, content: text } of sorted) {
    const [from, to] = range;
    if (typeof text !== "string") throw fail(index, "content is a text");
    if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from < 1 || to < from) {
      throw fail(index, `${from} to ${to} is no range of lines`);
    }
    if (to > lines.length) throw fail(index, `lines ${from} to ${to} of a file that has ${lines.length}`);
    if (from <= kept) throw fail(index, `line ${from} is in another range too`);
    parts.push(...lines.slice(kept, from - 1), endLikeLine(encodeByteText(text), lines[to - 1] ?? ""));
    kept = to;
  }
  return [...parts, ...lines.slice(kept)].join("");
}

/** New lines end as the last replaced one did, unless they end in a line break of their own. */
function endLikeLine(text: string, replaced: string): string {
  if (text === "" || text.endsWith("\n")) return text;
  return text + (/\r?\n$/.exec(replaced)?.[0] ?? "");
}
