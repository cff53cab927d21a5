import { RE2JS } from "re2js";
import { decodeUtf8Lossy, encodeUtf8 } from "../../git/bytes/text.ts";
import { findRequiredLiteral } from "./required-literal.ts";

/** What to look for. */
export interface Pattern {
  readonly text: string;
  /** The text is an expression of RE2's syntax. */
  readonly isRegex: boolean;
  readonly ignoreCase: boolean;
  readonly word: boolean;
}

/** A matching line: bytes `start` to `end` (exclusive), without its line break. */
export interface MatchedLine {
  /** 1 for the first. */
  readonly line: number;
  readonly start: number;
  readonly end: number;
}

/** Finds the lines of a file that a pattern matches. */
export interface LineMatcher {
  /** Without a literal text to look for first, every line costs a run of the expression. */
  readonly hasLiteral: boolean;
  /** Matching lines in order. */
  find(content: Uint8Array): Generator<MatchedLine>;
}

export type CompiledPattern =
  | { readonly kind: "compiled"; readonly matcher: LineMatcher }
  | { readonly kind: "refused"; readonly reason: string };

/** Instructions of a compiled expression: each may cost a step per character when the fast engines give up. */
const MAX_PROGRAM = 2_000;
const NEWLINE = 10;

/**
 * Compiles a pattern. Matching takes time linear in the content whatever the pattern is.
 *
 * A word match is git's (`grep.c`, `headerless_match_one_pattern`): a match whose neighbours are no ASCII letter, digit
 * or `_`; when the first match of a line is none, the search goes on where the next word begins.
 */
export function compilePattern(pattern: Pattern): CompiledPattern {
  if (/[\n\0]/.test(pattern.text)) {
    return { kind: "refused", reason: "a pattern is matched with single lines: no line break or NUL in it" };
  }
  if (!pattern.isRegex && !pattern.ignoreCase) return compiled(matchBytes(pattern));
  if (!pattern.isRegex) return compiled(matchFolded(pattern));
  const expression = compileExpression(pattern);
  return "reason" in expression ? { kind: "refused", ...expression } : compiled(expression);
}

function compiled(matcher: LineMatcher): CompiledPattern {
  return { kind: "compiled", matcher };
}

/** A Buffer over the same bytes: its searches run in native code. */
function bufferOf(content: Uint8Array): Buffer {
  return Buffer.from(content.buffer, content.byteOffset, content.byteLength);
}

/** Exact text: bytes are looked for, and only lines that have them are looked at. */
function matchBytes({ text, word }: Pattern): LineMatcher {
  const needle = Buffer.from(encodeUtf8(text));
  return {
    hasLiteral: true,
    *find(content) {
      const bytes = bufferOf(content);
      const counter = countLines(bytes);
      for (let hit = bytes.indexOf(needle); hit !== -1; ) {
        const line = counter.lineAt(hit);
        const isMatch = !word || isWordHit(bytes, needle, hit, line);
        if (isMatch) yield line;
        hit = bytes.indexOf(needle, line.end + 1);
      }
    },
  };
}

/** Whether a line has the needle as a word; `first` is where it has it at all. */
function isWordHit(bytes: Buffer, needle: Buffer, first: number, line: MatchedLine): boolean {
  const isWordAt = (at: number) => at >= line.start && at < line.end && isWordByte(bytes[at] ?? 0);
  for (let hit = first; hit !== -1 && hit + needle.length <= line.end; ) {
    if (!isWordAt(hit - 1) && !isWordAt(hit + needle.length)) return true;
    let next = hit + 1;
    while (next < line.end && isWordAt(next - 1)) next += 1;
    hit = next < line.end ? bytes.indexOf(needle, next) : -1;
  }
  return false;
}

/** Text in any case. The platform's own expression is safe here: all that it has is one fixed text. */
function matchFolded({ text, word }: Pattern): LineMatcher {
  const literal = new RegExp(text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"), "giu");
  const findIn: FindInText = (line, from) => {
    literal.lastIndex = from;
    const found = literal.exec(line);
    return found === null ? null : { start: found.index, end: found.index + found[0].length };
  };
  return {
    hasLiteral: true,
    *find(content) {
      const text = decodeUtf8Lossy(content);
      if (findIn(text, 0) === null) return;
      yield* findLines(content, text, (line) =>
        word ? isWordMatch(line, findIn) : findIn(line, 0) !== null,
      );
    },
  };
}

function compileExpression({ text, ignoreCase, word }: Pattern): LineMatcher | { readonly reason: string } {
  let expression: RE2JS;
  try {
    const flags = (ignoreCase ? RE2JS.CASE_INSENSITIVE : 0) | (word ? RE2JS.LONGEST_MATCH : 0);
    expression = RE2JS.compile(text, flags);
  } catch (error) {
    return { reason: describeRefusal(text, error) };
  }
  if (expression.programSize() > MAX_PROGRAM) {
    return { reason: `the expression is too large: ${expression.programSize()} of ${MAX_PROGRAM} steps` };
  }
  const literal = ignoreCase ? "" : findRequiredLiteral(text);
  const matches = word ? matchWords(text, expression) : (line: string) => expression.test(line);
  return {
    hasLiteral: literal !== "",
    find:
      literal === ""
        ? (content) => findLines(content, decodeUtf8Lossy(content), matches)
        : findCandidates(literal, matches),
  };
}

/** Names the construct that a linear-time engine cannot have; else what the compiler says. */
function describeRefusal(pattern: string, error: unknown): string {
  const rest = pattern.replace(/\\[^1-9k]/g, "");
  if (/\(\?<?[=!]/.test(rest))
    return "lookahead and lookbehind are not supported: matching takes linear time";
  if (/\\[1-9]|\\k[<{']/.test(rest)) return "backreferences are not supported: matching takes linear time";
  if (/\(\?>/.test(rest) || /[*+?}]\+/.test(rest))
    return "atomic groups and possessive repeats are not supported";
  return error instanceof Error ? error.message : String(error);
}

/** Lines that have the literal, put to the test. */
function findCandidates(literal: string, matches: (line: string) => boolean): LineMatcher["find"] {
  const needle = Buffer.from(encodeUtf8(literal));
  return function* (content) {
    const bytes = bufferOf(content);
    const counter = countLines(bytes);
    for (let hit = bytes.indexOf(needle); hit !== -1; ) {
      const line = counter.lineAt(hit);
      if (matches(decodeUtf8Lossy(bytes.subarray(line.start, line.end)))) yield line;
      hit = bytes.indexOf(needle, line.end + 1);
    }
  };
}

/** Every line, put to the test. The text is decoded as a whole: a line at a time costs four times as much. */
function* findLines(
  content: Uint8Array,
  text: string,
  matches: (line: string) => boolean,
): Generator<MatchedLine> {
  const counter = countLines(bufferOf(content));
  for (let start = 0, line = 1; start < text.length; line += 1) {
    const newline = text.indexOf("\n", start);
    const end = newline === -1 ? text.length : newline;
    if (matches(text.slice(start, end))) yield counter.lineNumber(line);
    start = end + 1;
  }
}

/** Lines of a file, by number or by a place in them, as long as one only ever goes forward. */
function countLines(bytes: Buffer) {
  let current: MatchedLine = { line: 0, start: 0, end: -1 };
  const goOn = (): MatchedLine => {
    const start = current.end + 1;
    const newline = bytes.indexOf(NEWLINE, start);
    current = { line: current.line + 1, start, end: newline === -1 ? bytes.length : newline };
    return current;
  };
  return {
    lineAt(place: number): MatchedLine {
      while (place > current.end) goOn();
      return current;
    },
    lineNumber(line: number): MatchedLine {
      while (current.line < line) goOn();
      return current;
    },
  };
}

interface TextSpan {
  readonly start: number;
  readonly end: number;
}

/** First match at or after a place. */
type FindInText = (line: string, from: number) => TextSpan | null;

function findWithin(expression: RE2JS, line: string, from: number): TextSpan | null {
  const matcher = expression.matcher(line);
  return matcher.find(from) ? { start: matcher.start(), end: matcher.end() } : null;
}

/** Characters that looking at a line's matches one by one may pass over; git's way is quadratic in a long line. */
const MAX_WORD_WORK = 1_000_000;

function matchWords(text: string, expression: RE2JS): (line: string) => boolean {
  const atLast = RE2JS.compile(
    `(?:^|[^0-9A-Za-z_])(?:${text})(?:[^0-9A-Za-z_]|$)`,
    expression.flags() & RE2JS.CASE_INSENSITIVE,
  );
  return (line) => {
    let tries = Math.ceil(MAX_WORD_WORK / (line.length + 1)) - 1;
    const find: FindInText = (whole, from) => {
      tries -= 1;
      return tries < 0 ? null : findWithin(expression, whole, from);
    };
    return isWordMatch(line, find) || (tries < 0 && atLast.test(line));
  };
}

function isWordMatch(line: string, find: FindInText): boolean {
  for (let from = 0; ; ) {
    const hit = find(line, from);
    if (hit === null) return false;
    const isWord = !isWordAt(line, hit.start - 1) && !isWordAt(line, hit.end);
    if (isWord && hit.end > hit.start) return true;
    from = hit.start + 1;
    while (from < line.length && isWordAt(line, from - 1)) from += 1;
    if (from >= line.length) return false;
  }
}

function isWordAt(line: string, at: number): boolean {
  return at >= 0 && at < line.length && isWordByte(line.charCodeAt(at));
}

function isWordByte(byte: number): boolean {
  return (
    (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90) || byte === 95 || (byte >= 97 && byte <= 122)
  );
}
