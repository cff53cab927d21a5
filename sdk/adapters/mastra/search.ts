import {
  type FilesystemGrepOptions,
  type FilesystemGrepResult,
  UnsupportedGrepPatternError,
} from "@mastra/core/workspace";
import type { MountedFS } from "../../mount/mounted-fs.ts";
import { escapeGlob } from "../files/glob-escape.ts";
import { type FileToRead, readInBatches, warmFiles } from "../files/read-in-batches.ts";
import { walkFiles } from "../files/walk-files.ts";
import { parsePath } from "./errors.ts";

/** Larger files are not searched, bytes: no mount takes them. */
const MAX_FILE_BYTES = 10 * 1024 * 1024;

interface Expression {
  /** Column of the first match in UTF-16 units; -1 for none. */
  find(line: string): number;
}

/**
 * Lines that match, file by file, from the mount's memory: what is not cached comes in one request, not one per file.
 *
 * @param isText which files to look into, by name
 * @throws UnsupportedGrepPatternError for what RE2 does not have (look-around, back-references): its caller then searches itself
 */
export async function grepMount(
  mount: MountedFS,
  options: FilesystemGrepOptions,
  isText: (name: string) => boolean,
): Promise<FilesystemGrepResult[]> {
  const expression = await compile(options);
  const root = parsePath(options.path);
  const files = await findFiles(
    mount,
    root,
    (inside) => isText(inside) && (options.includeHidden || !isHidden(inside)),
  );
  await warmFiles(mount, root === "/" ? "**" : `${escapeGlob(root.slice(1))}/**`, files);
  const results: FilesystemGrepResult[] = [];
  let left = options.maxTotalMatches ?? Number.POSITIVE_INFINITY;
  for await (const { file, text } of readInBatches(mount, files)) {
    const limit = Math.min(left, options.maxCountPerFile ?? Number.POSITIVE_INFINITY);
    const matches = findMatches(text, expression, { limit, context: options.contextLines ?? 0 });
    if (matches.length > 0) results.push({ path: file.inside, matches });
    left -= matches.length;
    if (left <= 0) break;
  }
  return results;
}

async function compile({ pattern, caseSensitive }: FilesystemGrepOptions): Promise<Expression> {
  // The platform's own expressions can be made to run for hours by a pattern that a model writes.
  const { RE2JS } = await import("re2js");
  try {
    const compiled = RE2JS.compile(pattern, caseSensitive ? 0 : RE2JS.CASE_INSENSITIVE);
    return {
      find(line) {
        const matcher = compiled.matcher(line);
        return matcher.find() ? matcher.start() : -1;
      },
    };
  } catch (error) {
    throw new UnsupportedGrepPatternError(pattern, error instanceof Error ? error.message : undefined);
  }
}

function isHidden(inside: string): boolean {
  return inside.split("/").some((segment) => segment.startsWith("."));
}

async function findFiles(mount: MountedFS, root: string, isWanted: (inside: string) => boolean) {
  const files = (await walkFiles(mount, root)).filter(({ inside, isLink }) => !isLink && isWanted(inside));
  const sized = await Promise.all(
    files.map(async (file) => ({ ...file, size: (await mount.promises.stat(file.path)).size })),
  );
  const small = sized.filter(({ size }) => size <= MAX_FILE_BYTES);
  return small.sort((a, b) => (a.inside < b.inside ? -1 : 1)) satisfies readonly FileToRead[];
}

function findMatches(
  text: string,
  expression: Expression,
  { limit, context }: { readonly limit: number; readonly context: number },
): FilesystemGrepResult["matches"] {
  const lines = text.split("\n");
  const matches: FilesystemGrepResult["matches"] = [];
  for (const [index, line] of lines.entries()) {
    if (matches.length >= limit) break;
    const column = expression.find(line);
    if (column === -1) continue;
    const around =
      context === 0
        ? {}
        : {
            before: lines.slice(Math.max(0, index - context), index),
            after: lines.slice(index + 1, index + 1 + context),
          };
    matches.push({ line: index + 1, column, text: line, ...around });
  }
  return matches;
}
