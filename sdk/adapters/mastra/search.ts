import {
  type FilesystemGrepOptions,
  type FilesystemGrepResult,
  UnsupportedGrepPatternError,
} from "@mastra/core/workspace";
import type { MountedFS } from "../../mount/mounted-fs.ts";
import { type LineBelow, searchBelow, showLine } from "../search/search-below.ts";
import { codeOf, parsePath } from "./errors.ts";

/** Column of the first match in UTF-16 units. */
type FindColumn = (line: string) => number;

/**
 * Lines that match, file by file: what is not cached is searched by the server, in one request.
 *
 * @param isText which files to look into, by name
 * @throws UnsupportedGrepPatternError for what a mount's search does not take: expressions that RE2 does not have
 * (look-around, back-references), more than 10 lines of context, more than 100,000 matches. Its caller then searches itself
 */
export async function grepMount(
  mount: MountedFS,
  options: FilesystemGrepOptions,
  isText: (name: string) => boolean,
): Promise<FilesystemGrepResult[]> {
  const findColumn = await compile(options);
  const root = parsePath(options.path);
  // Refuses what is no directory.
  await mount.promises.readdir(root);
  const found = await search(mount, root, options);
  const wanted = found.filter(({ inside }) => isText(inside) && (options.includeHidden || !isHidden(inside)));
  return groupByFile(wanted, options, findColumn);
}

async function search(
  mount: MountedFS,
  root: string,
  { pattern, caseSensitive, contextLines = 0 }: FilesystemGrepOptions,
): Promise<LineBelow[]> {
  const query = { pattern, regex: true, ignoreCase: !caseSensitive, context: contextLines };
  try {
    return await searchBelow(mount, { path: root }, query);
  } catch (error) {
    const code = codeOf(error);
    if (code !== "EINVAL" && code !== "E2BIG") throw error;
    throw new UnsupportedGrepPatternError(pattern, error instanceof Error ? error.message : undefined);
  }
}

async function compile({ pattern, caseSensitive }: FilesystemGrepOptions): Promise<FindColumn> {
  const { RE2JS } = await import("re2js");
  try {
    const compiled = RE2JS.compile(pattern, caseSensitive ? 0 : RE2JS.CASE_INSENSITIVE);
    return (line) => {
      const matcher = compiled.matcher(line);
      // A line that is told only in part may match behind that.
      return matcher.find() ? matcher.start() : line.length;
    };
  } catch (error) {
    throw new UnsupportedGrepPatternError(pattern, error instanceof Error ? error.message : undefined);
  }
}

function isHidden(inside: string): boolean {
  return inside.split("/").some((segment) => segment.startsWith("."));
}

function groupByFile(
  lines: readonly LineBelow[],
  options: FilesystemGrepOptions,
  findColumn: FindColumn,
): FilesystemGrepResult[] {
  const {
    maxTotalMatches = Number.POSITIVE_INFINITY,
    maxCountPerFile = Number.POSITIVE_INFINITY,
    contextLines = 0,
  } = options;
  const byPath = new Map<string, FilesystemGrepResult>();
  let total = 0;
  for (const { inside, line, before, after, ...text } of lines) {
    if (total >= maxTotalMatches) break;
    const result = byPath.get(inside) ?? { path: inside, matches: [] };
    if (result.matches.length >= maxCountPerFile) continue;
    const around = contextLines === 0 ? {} : { before: [...before], after: [...after] };
    result.matches.push({ line, column: findColumn(text.content), text: showLine(text), ...around });
    byPath.set(inside, result);
    total += 1;
  }
  return [...byPath.values()];
}
