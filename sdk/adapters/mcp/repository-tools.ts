import * as z from "zod";
import { commitWithReport, formatStatus } from "../saving/describe-changes.ts";
import { DEFAULT_MAX_MATCHES, formatMatches, searchText } from "../search/search-text.ts";
import type { FileContext } from "./file-context.ts";
import { changes, type McpTool, READS, textTool } from "./tool.ts";

const MAX_CONTEXT = 10;
const MAX_MATCHES = 500;

const GREP_INPUT = {
  pattern: z.string().min(1).describe("Text to find, or with regex an RE2 expression"),
  regex: z.boolean().default(false),
  caseSensitive: z.boolean().default(true),
  globs: z.array(z.string()).min(1).optional().describe("Only files that match, such as **/*.ts"),
  context: z.number().int().min(0).max(MAX_CONTEXT).default(0).describe("Lines shown around each match"),
  maxMatches: z.number().int().min(1).max(MAX_MATCHES).default(DEFAULT_MAX_MATCHES),
};

/** grep, status and diff: what only looks. */
export function createLookTools({ mount, paths }: FileContext): McpTool[] {
  return [
    textTool(
      "grep",
      {
        title: "Search in files",
        description:
          "Finds lines by their text, unsaved changes included, and gives them as path:line:text. One call searches all files.",
        input: GREP_INPUT,
        annotations: READS,
      },
      async (query) => {
        const isInside = await paths.createCheck();
        const matches = await searchText(mount, query);
        // The whole mount is searched; what lies outside the allowed directories is not shown.
        const shown = matches.filter(({ path }) => isInside(path));
        return formatMatches(shown, query.maxMatches);
      },
    ),
    textTool(
      "status",
      {
        title: "List unsaved changes",
        description:
          "Gives what is written and not committed yet: A added, M modified, D deleted, R renamed.",
        input: {},
        annotations: READS,
      },
      async () => {
        const isInside = await paths.createCheck();
        return formatStatus((await mount.status()).filter(({ path }) => isInside(path)));
      },
    ),
    textTool(
      "diff",
      {
        title: "Show unsaved changes",
        description: "Gives what is written and not committed yet as a unified diff.",
        input: {},
        annotations: READS,
      },
      async () => {
        const isInside = await paths.createCheck();
        const changes = (await mount.status()).filter(({ path }) => isInside(path));
        if (changes.length === 0) return "Nothing is unsaved.";
        return await mount.diff({ paths: changes.map(({ path }) => path) });
      },
    ),
  ];
}

/** commit, discard, refresh. */
export function createSaveTools({ mount, paths }: FileContext): McpTool[] {
  return [
    textTool(
      "commit",
      {
        title: "Commit",
        description:
          "Commits everything unsaved, one commit per repository. Changes of others to other files stay; when somebody changed the same file nothing is written, and the answer says what to do.",
        input: { message: z.string().min(1) },
        annotations: changes({ idempotent: false, destructive: false }),
      },
      async ({ message }) => (await commitWithReport(mount, message)).text,
    ),
    textTool(
      "discard",
      {
        title: "Discard unsaved changes",
        description: "Drops unsaved changes at these paths and below them; without paths all of them.",
        input: { paths: z.array(z.string()).min(1).optional() },
        annotations: changes({ idempotent: true, destructive: true }),
      },
      async ({ paths: wanted }) => {
        const places = wanted === undefined ? paths.directories : wanted;
        for (const path of places) {
          const place = paths.directories.includes(path) ? path : await paths.resolveLink(path);
          await mount.discard([place]);
        }
        return "Discarded.";
      },
    ),
    textTool(
      "refresh",
      {
        title: "Get the newest commit",
        description: "Moves to the newest commit of the branch; unsaved changes stay on top of it.",
        input: {},
        annotations: changes({ idempotent: true, destructive: false }),
      },
      async () => {
        await mount.refresh();
        return "Moved to the newest commit.";
      },
    ),
  ];
}
