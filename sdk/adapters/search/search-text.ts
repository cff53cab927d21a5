import type { GrepMatch } from "../../mount/calls/grep-calls.ts";
import type { MountedFS } from "../../mount/mounted-fs.ts";

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

export const DEFAULT_MAX_MATCHES = 100;

/** Matches by path and line, at most `maxMatches`. */
export async function searchText(mount: MountedFS, query: TextQuery): Promise<readonly GrepMatch[]> {
  const { pattern, caseSensitive = true, maxMatches = DEFAULT_MAX_MATCHES, ...options } = query;
  return await mount.grep(pattern, { ...options, ignoreCase: !caseSensitive, maxMatches });
}

/** Longest line shown of a match. */
const MAX_LINE_CHARS = 500;

function clip(line: string): string {
  return line.length <= MAX_LINE_CHARS
    ? line
    : `${line.slice(0, MAX_LINE_CHARS)} [line cut: ${line.length} characters]`;
}

/** Matches as grep prints them: `path:line:text`, lines around them with dashes, groups parted by `--`. */
export function formatMatches(matches: readonly GrepMatch[], maxMatches: number): string {
  if (matches.length === 0) return "No matches.";
  const grouped = matches.some(({ before, after }) => before.length + after.length > 0);
  const blocks = matches.map(({ path, line, content, before, after }) =>
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
