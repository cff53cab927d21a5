import { type ByteString, formatByteString, toByteString } from "../../git/bytes/text.ts";

/** As the wire has it, texts already checked to be well-formed Unicode. */
export type EditRule =
  | { readonly kind: "replace"; readonly old: string; readonly next: string; readonly expect: Expectation }
  /** 1-based, inclusive. */
  | { readonly kind: "lines"; readonly from: number; readonly to: number; readonly content: string };

/** How often the old text must be there; all matches are replaced. */
export type Expectation = { readonly kind: "count"; readonly count: number } | { readonly kind: "all" };

export interface NumberedLine {
  readonly line: number;
  readonly text: string;
}

export interface EditFailure {
  readonly kind: "failed";
  /** Index in the list of rules. */
  readonly index: number;
  readonly message: string;
  /** How often the old text is there; null when a range is at fault. */
  readonly matches: number | null;
  /** Lines around the place that was most likely meant, or around the first matches. */
  readonly lines: readonly NumberedLine[];
}

export type EditResult =
  | { readonly kind: "edited"; readonly content: ByteString }
  | EditFailure
  /** The result would pass the ceiling; it was not built. */
  | { readonly kind: "too-large"; readonly bytes: number };

const CONTEXT_LINES = 3;
const SHOWN_LINES_MAX = 24;
const SHOWN_CHARS_MAX = 300;

/**
 * Applies edits to a file's bytes: replacements in their order, then line ranges from the bottom up, counted in the file
 * as the replacements left it. Works on bytes, so a BOM, CRLF and text that is not UTF-8 stay as they are. The old text
 * must be there exactly once unless a count or all is asked for. A range takes the lines with their ends; when the new
 * content does not end with a line break, the last replaced line keeps its own.
 */
export function applyEdits(content: ByteString, rules: readonly EditRule[], maxBytes: number): EditResult {
  let edited = content;
  for (const [index, rule] of rules.entries()) {
    if (rule.kind !== "replace") continue;
    const result = replaceText(edited, rule, index, maxBytes);
    if (result.kind !== "edited") return result;
    edited = result.content;
  }
  const result = replaceLines(edited, rules);
  if (result.kind !== "edited" || result.content.length <= maxBytes) return result;
  return { kind: "too-large", bytes: result.content.length };
}

type Replace = Extract<EditRule, { kind: "replace" }>;
type Lines = Extract<EditRule, { kind: "lines" }>;

function replaceText(content: ByteString, rule: Replace, index: number, maxBytes: number): EditResult {
  const old = toByteString(rule.old);
  const places = findPlaces(content, old, rule.expect);
  const fits = rule.expect.kind === "all" ? places.count > 0 : places.count === rule.expect.count;
  if (!fits) return describeMismatch(content, rule, index, places);
  const next = toByteString(rule.next);
  const bytes = content.length + places.count * (next.length - old.length);
  if (bytes > maxBytes) return { kind: "too-large", bytes };
  // In a replacement, $ would be a pattern.
  const edited = content.replaceAll(old, next.replaceAll("$", "$$$$"));
  return { kind: "edited", content: edited as ByteString };
}

interface Places {
  readonly count: number;
  /** Offsets of the first ones, enough to show. */
  readonly first: readonly number[];
}

/** A single place must be single: there, matches that overlap count as two. */
function findPlaces(content: ByteString, old: ByteString, expect: Expectation): Places {
  const stride = expect.kind === "count" && expect.count === 1 ? 1 : old.length;
  const first: number[] = [];
  let count = 0;
  for (let at = content.indexOf(old); at >= 0; at = content.indexOf(old, at + stride)) {
    if (++count <= SHOWN_LINES_MAX) first.push(at);
  }
  return { count, first };
}

function describeMismatch(content: ByteString, rule: Replace, index: number, places: Places): EditFailure {
  const { count: matches, first } = places;
  if (matches === 0) {
    const message = `old_string is not in the file${explainAbsence(content, rule.old)}`;
    return {
      kind: "failed",
      index,
      message,
      matches,
      lines: showAround(content, findLikelyLine(content, rule.old)),
    };
  }
  const wanted = rule.expect.kind === "count" ? rule.expect.count : 1;
  const message =
    wanted > 1
      ? `old_string is in ${matches} places, not ${wanted}`
      : `old_string is in ${matches} places: add text around it, or set count or all`;
  const lines = showLines(
    splitLines(content),
    first.map((at) => countLines(content, at)),
  );
  return { kind: "failed", index, message, matches, lines };
}

function explainAbsence(content: ByteString, old: string): string {
  if (!old.includes("\n") || !content.includes("\r\n") || old.includes("\r")) return "";
  return content.includes(toByteString(old.replaceAll("\n", "\r\n")))
    ? ": its lines end with CRLF there"
    : "";
}

/** 0-based line of the file that a line of the old text is in, best the longest one; null when none is. */
function findLikelyLine(content: ByteString, old: string): number | null {
  const candidates = old
    .split("\n", SHOWN_LINES_MAX)
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .sort((a, b) => b.length - a.length);
  for (const candidate of candidates) {
    const at = content.indexOf(toByteString(candidate));
    if (at >= 0) return countLines(content, at);
  }
  return null;
}

/** Line breaks before an offset: the 0-based line that it is in. */
function countLines(content: ByteString, offset: number): number {
  let lines = 0;
  for (let at = content.indexOf("\n"); at >= 0 && at < offset; at = content.indexOf("\n", at + 1)) lines++;
  return lines;
}

function showAround(content: ByteString, line: number | null): readonly NumberedLine[] {
  return line === null ? [] : showLines(splitLines(content), [line]);
}

/** The given 0-based lines with some around them, each once. */
function showLines(lines: readonly string[], at: readonly number[]): readonly NumberedLine[] {
  const shown = new Set<number>();
  for (const line of at) {
    for (let near = line - CONTEXT_LINES; near <= line + CONTEXT_LINES; near++) {
      if (near >= 0 && near < lines.length && shown.size < SHOWN_LINES_MAX) shown.add(near);
    }
  }
  return [...shown]
    .sort((a, b) => a - b)
    .map((line) => ({ line: line + 1, text: showText(lines[line] ?? "") }));
}

function showText(line: string): string {
  return formatByteString(line.replace(/\r?\n$/, "") as ByteString).slice(0, SHOWN_CHARS_MAX);
}

/** Lines with their ends; text after the last line break is a line too. */
function splitLines(content: ByteString): string[] {
  const lines: string[] = [];
  let start = 0;
  while (start < content.length) {
    const newline = content.indexOf("\n", start);
    const end = newline < 0 ? content.length : newline + 1;
    lines.push(content.slice(start, end));
    start = end;
  }
  return lines;
}

function replaceLines(
  content: ByteString,
  rules: readonly EditRule[],
): Exclude<EditResult, { kind: "too-large" }> {
  const ranges = rules
    .map((rule, index) => ({ rule, index }))
    .filter((entry): entry is { rule: Lines; index: number } => entry.rule.kind === "lines")
    .sort((a, b) => a.rule.from - b.rule.from);
  if (ranges.length === 0) return { kind: "edited", content };
  const lines = splitLines(content);
  const parts: string[] = [];
  let kept = 0;
  for (const { rule, index } of ranges) {
    if (rule.to > lines.length) return describeShortFile(lines, rule, index);
    // From the top with the old numbers is the same as from the bottom up, without moving anything twice.
    for (; kept < rule.from - 1; kept++) parts.push(lines[kept] ?? "");
    parts.push(endLikeLine(toByteString(rule.content), lines[rule.to - 1] ?? ""));
    kept = rule.to;
  }
  for (; kept < lines.length; kept++) parts.push(lines[kept] ?? "");
  return { kind: "edited", content: parts.join("") as ByteString };
}

function endLikeLine(content: ByteString, replaced: string): string {
  if (content === "" || content.endsWith("\n")) return content;
  const end = replaced.endsWith("\r\n") ? "\r\n" : replaced.endsWith("\n") ? "\n" : "";
  return content + end;
}

function describeShortFile(lines: readonly string[], rule: Lines, index: number): EditFailure {
  return {
    kind: "failed",
    index,
    message: `lines ${rule.from} to ${rule.to} are asked for, but the file has ${lines.length}`,
    matches: null,
    lines: showLines(lines, [lines.length - 1]),
  };
}

/** Two ranges that share a line, as indexes of the rules; null when none do. */
export function findOverlap(rules: readonly EditRule[]): readonly [number, number] | null {
  const ranges = rules
    .map((rule, index) => ({ rule, index }))
    .filter((entry): entry is { rule: Lines; index: number } => entry.rule.kind === "lines")
    .sort((a, b) => a.rule.from - b.rule.from);
  for (let at = 1; at < ranges.length; at++) {
    const [before, after] = [ranges[at - 1], ranges[at]];
    if (before && after && after.rule.from <= before.rule.to) return [before.index, after.index];
  }
  return null;
}
