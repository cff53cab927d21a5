import type { MountedFS } from "../../mount/mounted-fs.ts";
import { findText } from "../text/read-text.ts";

/** What to look for. */
export interface TextQuery {
  readonly pattern: string;
  /** `pattern` is a regular expression of RE2's kind: linear in time, without back-references and look-around. */
  readonly regex?: boolean | undefined;
  /** True unless said otherwise. */
  readonly caseSensitive?: boolean | undefined;
  /** Files to search; all of the mount when absent. */
  readonly globs?: readonly string[] | undefined;
  /** Lines given before and after each match. */
  readonly context?: number | undefined;
  readonly maxMatches?: number | undefined;
}

/** One line that matches. */
export interface TextMatch {
  readonly path: string;
  /** 1-based. */
  readonly line: number;
  readonly content: string;
  readonly before?: readonly string[];
  readonly after?: readonly string[];
}

/** A mount that searches by itself: one request for what is committed, however many files. */
interface SearchingMount {
  grep(
    pattern: string,
    options: {
      readonly regex?: boolean | undefined;
      readonly ignoreCase?: boolean | undefined;
      readonly globs?: readonly string[] | undefined;
      readonly context?: number | undefined;
      readonly maxMatches?: number | undefined;
    },
  ): Promise<readonly TextMatch[]>;
}

function findSearch(mount: object): SearchingMount | null {
  // Just checked to be a function.
  return "grep" in mount && typeof mount.grep === "function" ? (mount as SearchingMount) : null;
}

export const DEFAULT_MAX_MATCHES = 100;
/** Files read and searched at a time: what is in memory at once when a mount does not search by itself. */
const FILES_AT_ONCE = 100;

/** Matches by path and line, at most `maxMatches`. */
export async function searchText(mount: MountedFS, query: TextQuery): Promise<readonly TextMatch[]> {
  const { maxMatches = DEFAULT_MAX_MATCHES } = query;
  const searching = findSearch(mount);
  if (searching !== null) {
    const { pattern, regex, caseSensitive, globs, context } = query;
    return await searching.grep(pattern, {
      regex,
      ignoreCase: caseSensitive === false,
      globs,
      context,
      maxMatches,
    });
  }
  const isMatch = await compile(query);
  const paths = await mount.glob(query.globs ?? ["**"]);
  const matches: TextMatch[] = [];
  for (let at = 0; at < paths.length && matches.length < maxMatches; at += FILES_AT_ONCE) {
    const batch = paths.slice(at, at + FILES_AT_ONCE);
    const files = await Promise.all(batch.map(async (path) => await readSearchable(mount, path)));
    for (const [index, path] of batch.entries()) {
      const lines = files[index];
      if (lines !== null && lines !== undefined) matches.push(...matchLines(path, lines, isMatch, query));
    }
  }
  return matches.slice(0, maxMatches);
}

async function compile(query: TextQuery): Promise<(line: string) => boolean> {
  const { pattern, regex = false, caseSensitive = true } = query;
  if (!regex) {
    const sought = caseSensitive ? pattern : pattern.toLowerCase();
    return (line) => (caseSensitive ? line : line.toLowerCase()).includes(sought);
  }
  // The platform's own expressions can be made to run for hours by a pattern that a model writes.
  const { RE2JS } = await import("re2js");
  const compiled = RE2JS.compile(pattern, caseSensitive ? 0 : RE2JS.CASE_INSENSITIVE);
  return (line) => compiled.matcher(line).find();
}

/** Lines of a text file; null for links and for what is not text, which no search looks into. */
async function readSearchable(mount: MountedFS, path: string): Promise<readonly string[] | null> {
  if ((await mount.lstat(path)).type !== "file") return null;
  const bytes = await mount.readFile(path, "binary");
  const text = bytes.includes(0) ? null : findText(bytes);
  if (text === null) return null;
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

function matchLines(
  path: string,
  lines: readonly string[],
  isMatch: (line: string) => boolean,
  { context = 0, maxMatches = DEFAULT_MAX_MATCHES }: TextQuery,
): TextMatch[] {
  const matches: TextMatch[] = [];
  for (const [index, content] of lines.entries()) {
    if (!isMatch(content)) continue;
    const around =
      context > 0
        ? {
            before: lines.slice(Math.max(0, index - context), index),
            after: lines.slice(index + 1, index + 1 + context),
          }
        : {};
    matches.push({ path, line: index + 1, content, ...around });
    if (matches.length === maxMatches) break;
  }
  return matches;
}

/** Longest line shown of a match. */
const MAX_LINE_CHARS = 500;

function clip(line: string): string {
  return line.length <= MAX_LINE_CHARS
    ? line
    : `${line.slice(0, MAX_LINE_CHARS)} [line cut: ${line.length} characters]`;
}

/** Matches as grep prints them: `path:line:text`, lines around them with dashes, groups parted by `--`. */
export function formatMatches(matches: readonly TextMatch[], maxMatches: number): string {
  if (matches.length === 0) return "No matches.";
  const grouped = matches.some(({ before, after }) => before?.length || after?.length);
  const blocks = matches.map(({ path, line, content, before = [], after = [] }) =>
    [
      ...before.map((text, index) => `${path}-${line - before.length + index}-${clip(text)}`),
      `${path}:${line}:${clip(content)}`,
      ...after.map((text, index) => `${path}-${line + 1 + index}-${clip(text)}`),
    ].join("\n"),
  );
  const note =
    matches.length < maxMatches
      ? ""
      : `\n[only the first ${maxMatches} matches: narrow the pattern or the globs, or raise maxMatches]`;
  return blocks.join(grouped ? "\n--\n" : "\n") + note;
}
