import { decodeText, encodeText } from "../kernel/text.ts";

/** What to look for: text, or an expression of RE2's syntax. */
export interface LinePattern {
  readonly pattern: string;
  readonly regex: boolean;
  readonly ignoreCase: boolean;
  readonly word: boolean;
}

/** A matching line of one file. */
export interface LineFound {
  /** 1 for the first. */
  readonly line: number;
  readonly content: string;
  /** Bytes of the whole line when `content` is only its beginning; else null. */
  readonly lineBytes: number | null;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

export type LineMatcher = (line: string) => boolean;

/** Git calls a file binary that has a NUL among so many first bytes. */
const BINARY_PROBE_BYTES = 8_000;
/** Characters that looking at a line's word matches one by one may pass over. */
const MAX_WORD_WORK = 1_000_000;

/**
 * The server's matching, for what only this mount has. The engine for expressions, the same as the server's, is loaded
 * when the first one is asked for.
 *
 * @throws SyntaxError for an expression that the engine does not take
 */
export async function compileMatcher(query: LinePattern): Promise<LineMatcher> {
  const { pattern, regex, ignoreCase, word } = query;
  if (/[\n\0]/.test(pattern)) throw new SyntaxError("a pattern is matched with single lines");
  if (regex) return await compileExpression(query);
  if (!ignoreCase) {
    if (!word) return (line) => line.includes(pattern);
    return (line) =>
      hasWord(line, (from) => {
        const start = line.indexOf(pattern, from);
        return start === -1 ? null : { start, end: start + pattern.length };
      });
  }
  // The platform's own expression is safe here: all that it has is one fixed text.
  const literal = new RegExp(pattern.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"), "giu");
  return (line) => {
    const find = (from: number) => {
      literal.lastIndex = from;
      const found = literal.exec(line);
      return found === null ? null : { start: found.index, end: found.index + found[0].length };
    };
    return word ? hasWord(line, find) : find(0) !== null;
  };
}

async function compileExpression({ pattern, ignoreCase, word }: LinePattern): Promise<LineMatcher> {
  const { RE2JS } = await import("re2js");
  const compile = (text: string, flags: number) => {
    try {
      return RE2JS.compile(text, flags);
    } catch (cause) {
      throw new SyntaxError(cause instanceof Error ? cause.message : String(cause), { cause });
    }
  };
  const flags = ignoreCase ? RE2JS.CASE_INSENSITIVE : 0;
  if (!word) {
    const expression = compile(pattern, flags);
    return (line) => expression.test(line);
  }
  const expression = compile(pattern, flags | RE2JS.LONGEST_MATCH);
  const atLast = compile(`(?:^|[^0-9A-Za-z_])(?:${pattern})(?:[^0-9A-Za-z_]|$)`, flags);
  return (line) => {
    let tries = Math.ceil(MAX_WORD_WORK / (line.length + 1)) - 1;
    const isWord = hasWord(line, (from) => {
      tries -= 1;
      const matcher = expression.matcher(line);
      return tries >= 0 && matcher.find(from) ? { start: matcher.start(), end: matcher.end() } : null;
    });
    return isWord || (tries < 0 && atLast.test(line));
  };
}

/** Git's rule: a match between characters that belong to no word; if it is none, on from where the next word begins. */
function hasWord(line: string, find: (from: number) => { start: number; end: number } | null): boolean {
  for (let hit = find(0); hit !== null; ) {
    if (hit.end > hit.start && !isWordAt(line, hit.start - 1) && !isWordAt(line, hit.end)) return true;
    let from = hit.start + 1;
    while (from < line.length && isWordAt(line, from - 1)) from += 1;
    hit = from < line.length ? find(from) : null;
  }
  return false;
}

function isWordAt(line: string, at: number): boolean {
  return /^[0-9A-Za-z_]$/.test(line[at] ?? "");
}

/** Matching lines of a file, none of a binary one. */
export function* searchBytes(
  bytes: Uint8Array,
  matches: LineMatcher,
  limits: { readonly contextLines: number; readonly lineBytes: number },
): Generator<LineFound> {
  if (bytes.subarray(0, BINARY_PROBE_BYTES).includes(0)) return;
  const lines = decodeText(bytes).split("\n");
  if (lines.at(-1) === "") lines.pop();
  const cut = (text: string) => cutLine(text, limits.lineBytes).content;
  for (const [index, text] of lines.entries()) {
    if (!matches(text)) continue;
    yield {
      line: index + 1,
      ...cutLine(text, limits.lineBytes),
      before: lines.slice(Math.max(0, index - limits.contextLines), index).map(cut),
      after: lines.slice(index + 1, index + 1 + limits.contextLines).map(cut),
    };
  }
}

/** A line above the limit is told by whole characters of its beginning. */
function cutLine(
  text: string,
  maxBytes: number,
): { readonly content: string; readonly lineBytes: number | null } {
  if (text.length * 3 <= maxBytes) return { content: text, lineBytes: null };
  const bytes = encodeText(text);
  if (bytes.length <= maxBytes) return { content: text, lineBytes: null };
  let end = maxBytes;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return { content: decodeText(bytes.subarray(0, end)), lineBytes: bytes.length };
}
