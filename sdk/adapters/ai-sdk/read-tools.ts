import * as z from "zod";
import { DEFAULT_MAX_MATCHES, formatMatches, searchText } from "../search/search-text.ts";
import { boundText, windowOf } from "../text/bound-text.ts";
import { findText, NotTextError } from "../text/read-text.ts";
import { withSuggestions } from "./missing-path.ts";
import { defineTool, type MountTool, type MountToolResult, type ToolContext } from "./tool.ts";

const path = z.string().min(1).describe("Path in the mount, such as /src/index.ts");
const MAX_FILES = 100;
const MAX_CONTEXT = 10;
const MAX_MATCHES = 500;
/** Paths of a listing; more are counted. */
const MAX_PATHS = 1_000;

const READ_INPUT = z.object({
  path,
  startLine: z.number().int().min(1).optional().describe("First line, from 1"),
  endLine: z.number().int().min(1).optional().describe("Last line, included"),
});

async function readFile(
  { mount, maxChars }: ToolContext,
  input: z.output<typeof READ_INPUT>,
): Promise<MountToolResult> {
  const bytes = await withSuggestions(mount, input.path, () => mount.readFile(input.path, "binary"));
  // A NUL is how git, too, knows what is not for reading.
  const text = bytes.includes(0) ? null : findText(bytes);
  if (text === null) throw new NotTextError(input.path, bytes.length);
  const { sha } = await mount.stat(input.path);
  const { startLine: from = 1, endLine: to = Number.POSITIVE_INFINITY } = input;
  const { content, first, last, total, note } = windowOf(text, { from, to }, maxChars);
  if (from > Math.max(total, 1))
    throw new Error(`${input.path} has ${total} lines: there is no line ${from}`);
  const lines = total === 0 ? "empty" : `lines ${first}-${last} of ${total}`;
  return {
    text: `${input.path} (${lines}, blob ${sha})\n${content}${note === null ? "" : `\n[${note}]`}`,
    path: input.path,
    content,
    sha,
    startLine: first,
    endLine: last,
    totalLines: total,
  };
}

async function readFiles(context: ToolContext, paths: readonly string[]): Promise<MountToolResult> {
  const share = { ...context, maxChars: Math.max(1, Math.floor(context.maxChars / paths.length)) };
  // Reads of one tick share one request.
  const parts = await Promise.all(
    paths.map(async (file) => {
      try {
        return (await readFile(share, { path: file })).text;
      } catch (error) {
        return `${file}: ${error instanceof Error ? error.message : String(error)}`;
      }
    }),
  );
  return { text: parts.join("\n\n"), paths };
}

async function listDirectory(
  { mount, maxChars }: ToolContext,
  input: { readonly path: string; readonly recursive: boolean },
): Promise<MountToolResult> {
  const items = await withSuggestions(mount, input.path, () =>
    mount.readdir(input.path, { recursive: input.recursive }),
  );
  const lines = items.map(({ path: full, name, type, size }) => {
    const shown = input.recursive ? full : name;
    return type === "folder" ? `${shown}/` : `${shown} (${size} bytes)`;
  });
  return {
    text: lines.length === 0 ? `${input.path} is empty.` : listText(lines, maxChars, "list one directory"),
    entries: items.length,
  };
}

/** Lines of a listing, as many as may be. */
function listText(lines: readonly string[], maxChars: number, advice: string): string {
  const left = lines.length - MAX_PATHS;
  const shown = lines.slice(0, MAX_PATHS).join("\n");
  return boundText(left > 0 ? `${shown}\n[${left} more are left out: ${advice}]` : shown, maxChars, advice);
}

const GREP_INPUT = z.object({
  pattern: z.string().min(1).describe("Text to find; with regex an RE2 expression"),
  regex: z.boolean().default(false),
  caseSensitive: z.boolean().default(true),
  globs: z.array(z.string()).min(1).optional().describe("Only files that match, such as **/*.ts"),
  context: z.number().int().min(0).max(MAX_CONTEXT).default(0).describe("Lines shown around each match"),
  maxMatches: z.number().int().min(1).max(MAX_MATCHES).default(DEFAULT_MAX_MATCHES),
});

/** readFile, readFiles, listDirectory, glob, grep. */
export function createReadTools(context: ToolContext): Record<string, MountTool> {
  const { mount, maxChars } = context;
  return {
    readFile: defineTool(
      "Read a text file, or lines startLine to endLine of it. A long file is cut; the answer says from which line to read on.",
      READ_INPUT,
      (input) => readFile(context, input),
    ),
    readFiles: defineTool(
      `Read up to ${MAX_FILES} text files at once, in one round trip. The longer the list, the less of each is shown.`,
      z.object({ paths: z.array(path).min(1).max(MAX_FILES) }),
      ({ paths }) => readFiles(context, paths),
    ),
    listDirectory: defineTool(
      "List a directory: names with sizes, directories with a slash at the end. With recursive everything below it.",
      z.object({ path: path.default("/"), recursive: z.boolean().default(false) }),
      (input) => listDirectory(context, input),
    ),
    glob: defineTool(
      "Find files by their paths. Patterns may use *, ?, ** and {a,b}: **/*.test.ts",
      z.object({ patterns: z.array(z.string().min(1)).min(1) }),
      async ({ patterns }) => {
        const paths = await mount.glob(patterns);
        const text =
          paths.length === 0 ? "No files match." : listText(paths, maxChars, "use a narrower pattern");
        return { text, paths };
      },
    ),
    grep: defineTool(
      "Search the contents of files, unsaved changes included. Gives path:line:text.",
      GREP_INPUT,
      async (query) => {
        const matches = await searchText(mount, query);
        const text = boundText(
          formatMatches(matches, query.maxMatches),
          maxChars,
          "use globs or a narrower pattern",
        );
        return { text, matches };
      },
    ),
  };
}
