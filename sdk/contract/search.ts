import * as z from "zod";
import { defineEndpoints } from "./endpoint.ts";
import { isErrorCode } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import { cursorSchema, pathSchema, refNameSchema, repoNameSchema, textSchema } from "./names.ts";

const globSchema = z.string().min(1).max(LIMITS.prefetchGlobChars);
const globsSchema = z.array(globSchema).min(1).max(LIMITS.prefetchGlobs);
/** Text, or with `regex` an expression of RE2's syntax. It is matched with single lines. */
const patternSchema = textSchema(LIMITS.searchPatternChars).min(1);

export const grepRequestSchema = z.strictObject({
  pattern: patternSchema,
  ref: refNameSchema.optional(),
  regex: z.boolean().default(false),
  case_sensitive: z.boolean().default(true),
  /** Only matches that are whole words, as `git grep -w` has it. */
  word: z.boolean().default(false),
  /** A file is searched when it matches one of the globs or is at or below one of the paths; without both, all are. */
  globs: globsSchema.optional(),
  paths: z.array(pathSchema).min(1).max(LIMITS.grepPaths).optional(),
  /** Globs of files that are left out. */
  exclude: globsSchema.optional(),
  context_lines: z.number().int().min(0).max(LIMITS.searchContextLines).default(0),
  max_matches: z.number().int().min(1).max(LIMITS.grepMatchesMax).default(LIMITS.grepMatches),
  /** Ceiling for the match lines, in bytes as sent. */
  max_bytes: z.number().int().min(1).max(LIMITS.grepBytesMax).default(LIMITS.grepBytes),
  /** `next_cursor` of a truncated reply to the same request: goes on behind its last match, at the same commit. */
  cursor: cursorSchema,
});

/** One matching line. */
export const grepMatchLineSchema = z.object({
  path: z.string(),
  /** Id of the blob. */
  sha: z.string(),
  /** 1 for the first. */
  line: z.number(),
  /** Without its line break; bytes that are not UTF-8 read as U+FFFD. */
  content: z.string(),
  /** Bytes of the whole line, when `content` is only its beginning: lines above 64 KiB. */
  line_bytes: z.number().optional(),
  before: z.array(z.string()),
  after: z.array(z.string()),
});

export const searchLimitSchema = z.enum(["max_matches", "max_bytes", "scan_bytes", "time", "repos"]);

/** Exactly one, at the end, also after an error. */
export const grepDoneLineSchema = z.object({
  done: z.literal(true),
  ref: z.string(),
  commit_sha: z.string().nullable(),
  files_searched: z.number(),
  matches: z.number(),
  /** Not everything was searched or told; `reason` is the limit that was met, `next_cursor` goes on there. */
  truncated: z.boolean(),
  reason: searchLimitSchema.optional(),
  next_cursor: z.string().nullable(),
  /** Files with a NUL in their first 8,000 bytes, which git calls binary. */
  skipped_binary: z.number(),
  /** Files above 32 MiB, which are not searched. */
  skipped_large: z.number(),
  error: z.string().optional(),
  code: z.custom<import("./errors.ts").ErrorCode>(isErrorCode).optional(),
});

export const grepLineSchema = z.union([grepDoneLineSchema, grepMatchLineSchema]);

export const searchRequestSchema = z.strictObject({
  q: patternSchema,
  /** The org's first 50 when absent. */
  repos: z.array(repoNameSchema).min(1).max(LIMITS.searchRepos).optional(),
  regex: z.boolean().default(false),
  case_sensitive: z.boolean().default(false),
  context_lines: z.number().int().min(0).max(LIMITS.searchContextLines).default(2),
  max_results: z.number().int().min(1).max(LIMITS.searchResultsMax).default(LIMITS.searchResults),
  ref: refNameSchema.optional(),
  /** Glob of the files to search. */
  path_pattern: globSchema.optional(),
});

export const searchMatchSchema = z.object({
  repo_slug: z.string(),
  repo_namespace: z.string().nullable(),
  path: z.string(),
  sha: z.string(),
  line: z.number(),
  content: z.string(),
  line_bytes: z.number().optional(),
  context_before: z.array(z.string()),
  context_after: z.array(z.string()),
});

export const searchReplySchema = z.object({
  matches: z.array(searchMatchSchema),
  /** Matches in this reply. */
  total: z.number(),
  repos_searched: z.number(),
  files_searched: z.number(),
  truncated: z.boolean(),
  reason: searchLimitSchema.optional(),
  skipped_binary: z.number(),
  skipped_large: z.number(),
  /** Repositories without the ref. */
  skipped_repos: z.array(z.string()),
});

export const searchEndpoints = defineEndpoints({
  "POST /repos/:repo/grep": {
    summary: "Matching lines of a whole tree, one NDJSON line each, then one `done` line",
    access: "read",
    body: grepRequestSchema,
    status: 200,
    reply: grepLineSchema,
    format: "ndjson",
    errors: ["VALIDATION_ERROR", "NOT_FOUND"],
  },
  "POST /search": {
    summary: "Matching lines in up to 50 repositories",
    access: "read",
    opensRepos: true,
    body: searchRequestSchema,
    status: 200,
    reply: searchReplySchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND"],
  },
});

export type GrepRequest = z.input<typeof grepRequestSchema>;
export type GrepMatchLine = z.infer<typeof grepMatchLineSchema>;
export type GrepDoneLine = z.infer<typeof grepDoneLineSchema>;
export type GrepLine = z.infer<typeof grepLineSchema>;
export type SearchLimit = z.infer<typeof searchLimitSchema>;
export type SearchRequest = z.input<typeof searchRequestSchema>;
export type SearchMatch = z.infer<typeof searchMatchSchema>;
export type SearchReply = z.infer<typeof searchReplySchema>;
