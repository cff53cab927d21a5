import * as z from "zod";
import { compileGlob } from "../../mount/kernel/glob.ts";
import {
  type FileContext,
  type FoundItem,
  formatSize,
  isBelowAny,
  listBelow,
  listEntries,
} from "./file-context.ts";
import { type McpTool, READS, textTool } from "./tool.ts";

const PATTERNS = z.array(z.string()).optional().default([]);

type Matcher = (inside: string) => boolean;

async function compileAll(patterns: readonly string[]): Promise<Matcher> {
  const globs = await Promise.all(patterns.map((pattern) => compileGlob(pattern)));
  return (inside) => globs.some((glob) => glob.match(inside));
}

async function list(files: FileContext, path: string): Promise<string> {
  const entries = await listEntries(files, await files.paths.resolve(path));
  return entries.map((entry) => `${entry.isDirectory() ? "[DIR]" : "[FILE]"} ${entry.name}`).join("\n");
}

/** Width of the columns of names and sizes. */
const NAME_WIDTH = 30;
const SIZE_WIDTH = 10;

async function listWithSizes(files: FileContext, path: string, sortBy: "name" | "size"): Promise<string> {
  const place = await files.paths.resolve(path);
  const entries = await Promise.all(
    (await listEntries(files, place)).map(async (entry) => ({
      name: entry.name,
      folder: entry.isDirectory(),
      size: await sizeOf(files, `${place === "/" ? "" : place}/${entry.name}`),
    })),
  );
  const sorted = entries.sort((a, b) => (sortBy === "size" ? b.size - a.size : a.name.localeCompare(b.name)));
  const files_ = sorted.filter(({ folder }) => !folder);
  const total = files_.reduce((sum, { size }) => sum + size, 0);
  return [
    ...sorted.map(({ name, folder, size }) => {
      const shown = folder ? "" : formatSize(size).padStart(SIZE_WIDTH);
      return `${folder ? "[DIR]" : "[FILE]"} ${name.padEnd(NAME_WIDTH)} ${shown}`;
    }),
    "",
    `Total: ${files_.length} files, ${sorted.length - files_.length} directories`,
    `Combined size: ${formatSize(total)}`,
  ].join("\n");
}

/** Bytes of what a path leads to; 0 when a link leads nowhere. */
async function sizeOf({ mount }: FileContext, path: string): Promise<number> {
  return (await mount.exists(path)) ? (await mount.promises.stat(path)).size : 0;
}

interface TreeEntry {
  readonly name: string;
  readonly type: "file" | "directory";
  readonly children?: TreeEntry[];
}

/** A pattern without `*` also stands for the same name at any depth, and for all below it. */
function widen(pattern: string): string[] {
  return pattern.includes("*") ? [pattern] : [pattern, `**/${pattern}`, `**/${pattern}/**`];
}

async function listTree(files: FileContext, path: string, excluded: readonly string[]): Promise<string> {
  const items = await listBelow(files, await files.paths.resolve(path));
  const isExcluded = await compileAll(excluded.flatMap(widen));
  const top: TreeEntry[] = [];
  const childrenOf = new Map<string, TreeEntry[]>([["", top]]);
  for (const { inside, name, folder } of items) {
    // Below an excluded directory there is no list to add to.
    const siblings = childrenOf.get(inside.slice(0, Math.max(0, inside.length - name.length - 1)));
    if (siblings === undefined || isExcluded(inside)) continue;
    if (!folder) {
      siblings.push({ name, type: "file" });
      continue;
    }
    const children: TreeEntry[] = [];
    siblings.push({ name, type: "directory", children });
    childrenOf.set(inside, children);
  }
  return JSON.stringify(top, null, 2);
}

async function search(
  files: FileContext,
  path: string,
  { pattern, excludePatterns }: { readonly pattern: string; readonly excludePatterns: readonly string[] },
): Promise<string> {
  const place = await files.paths.resolve(path);
  const prefix = place === "/" ? "" : place;
  const isWanted = await compileAll([pattern]);
  const isExcluded = await compileAll(excludePatterns);
  const skipped = new Set<string>();
  const found: string[] = [];
  for (const item of await listBelow(files, place)) {
    if (isBelowAny(item.inside, skipped)) continue;
    const full = `${prefix}/${item.inside}`;
    if (isExcluded(item.inside) || !(await isReachable(files, full, item))) {
      if (item.folder) skipped.add(item.inside);
      continue;
    }
    if (isWanted(item.inside)) found.push(full);
  }
  return found.length > 0 ? found.join("\n") : "No matches found";
}

/** A link that leads nowhere, or out of the allowed directories, is not shown. */
async function isReachable({ paths }: FileContext, path: string, { link }: FoundItem): Promise<boolean> {
  if (!link) return true;
  try {
    await paths.resolve(path);
    return true;
  } catch {
    return false;
  }
}

async function describeFile({ mount, paths }: FileContext, path: string): Promise<string> {
  const stats = await mount.promises.stat(await paths.resolve(path));
  return [
    `size: ${stats.size}`,
    `created: ${stats.birthtime}`,
    `modified: ${stats.mtime}`,
    `accessed: ${stats.atime}`,
    `isDirectory: ${stats.isDirectory()}`,
    `isFile: ${stats.isFile()}`,
    `permissions: ${stats.mode.toString(8).slice(-3)}`,
  ].join("\n");
}

/** list_directory, list_directory_with_sizes, directory_tree, search_files, get_file_info, list_allowed_directories. */
export function createListTools(files: FileContext): McpTool[] {
  return [
    textTool(
      "list_directory",
      {
        title: "List a directory",
        description: "Gives what a directory holds, one name a line after [DIR] or [FILE].",
        input: { path: z.string() },
        annotations: READS,
      },
      ({ path }) => list(files, path),
    ),
    textTool(
      "list_directory_with_sizes",
      {
        title: "List a directory with sizes",
        description: "Like list_directory with the size of each file, and the totals at the end.",
        input: {
          path: z.string(),
          sortBy: z
            .enum(["name", "size"])
            .optional()
            .default("name")
            .describe("By name, or the largest first"),
        },
        annotations: READS,
      },
      ({ path, sortBy }) => listWithSizes(files, path, sortBy),
    ),
    textTool(
      "directory_tree",
      {
        title: "Show a directory as a tree",
        description:
          "Gives everything below a directory as JSON: name, type, and children where it is a directory. Use excludePatterns for what is of no interest.",
        input: { path: z.string(), excludePatterns: PATTERNS },
        annotations: READS,
      },
      ({ path, excludePatterns }) => listTree(files, path, excludePatterns),
    ),
    textTool(
      "search_files",
      {
        title: "Find files by name",
        description:
          "Gives the paths below a directory that match a glob (`*.ts` there, `**/*.ts` at any depth), directories too. To search contents use grep.",
        input: { path: z.string(), pattern: z.string(), excludePatterns: PATTERNS },
        annotations: READS,
      },
      ({ path, pattern, excludePatterns }) => search(files, path, { pattern, excludePatterns }),
    ),
    textTool(
      "get_file_info",
      {
        title: "Describe a file",
        description: "Gives size, times, kind and permissions of a file or directory without reading it.",
        input: { path: z.string() },
        annotations: READS,
      },
      ({ path }) => describeFile(files, path),
    ),
    textTool(
      "list_allowed_directories",
      {
        title: "List the allowed directories",
        description:
          "Gives the directories that this server may read and write; all below them is allowed too.",
        input: {},
        annotations: READS,
      },
      async () => `Allowed directories:\n${files.paths.directories.join("\n")}`,
    ),
  ];
}
