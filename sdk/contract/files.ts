import * as z from "zod";
import { defineEndpoints } from "./endpoint.ts";
import { LIMITS } from "./limits.ts";
import { cursorSchema, flagSchema, limitSchema, pathSchema, refNameSchema } from "./names.ts";

export const treeQuerySchema = z.strictObject({
  recursive: flagSchema.default(false),
  limit: limitSchema(LIMITS.treeEntries, LIMITS.treeEntries),
  cursor: cursorSchema,
});

export const treeItemSchema = z.object({
  name: z.string(),
  /** Full path from the repository's root. Bytes that are not UTF-8 read as U+FFFD. */
  path: z.string(),
  type: z.enum(["folder", "file"]),
  sha: z.string(),
  /** Six digits: 040000, 100644, 100755, 120000, 160000. */
  mode: z.string(),
  /** Bytes; files and symlinks only. */
  size: z.number().optional(),
});

export const treeSchema = z.object({
  items: z.array(treeItemSchema),
  path: z.string(),
  ref: z.string(),
  /** Id of the listed tree. */
  sha: z.string(),
  /** Short name of the branch that `ref` stands for (HEAD is the default branch); null for a tag or an id. */
  branch: z.string().nullable(),
  /** null when `ref` is a tree, or a branch without commits. */
  commit_sha: z.string().nullable(),
  /** Committer's date of `commit_sha`, ISO 8601. */
  committed_at: z.string().nullable(),
  truncated: z.boolean(),
  next_cursor: z.string().nullable(),
});

export const blobSchema = z.object({
  content: z.string(),
  encoding: z.enum(["utf-8", "base64"]),
  path: z.string(),
  sha: z.string(),
  size: z.number(),
  range: z.object({ start: z.number(), end: z.number(), length: z.number() }).optional(),
});

export const batchRequestSchema = z.strictObject({
  ref: refNameSchema.optional(),
  paths: z.array(pathSchema).min(1).max(LIMITS.batchPaths),
  encoding: z.enum(["auto", "binary", "text"]).default("auto"),
  max_size: z.number().int().min(0).max(LIMITS.blobBytes).default(LIMITS.blobBytes),
});

export const batchBlobSchema = z.object({
  path: z.string(),
  sha: z.string(),
  size: z.number(),
  encoding: z.enum(["utf-8", "base64"]),
  content: z.string().optional(),
  truncated: z.boolean().optional(),
});

export const batchReplySchema = z.object({ blobs: z.array(batchBlobSchema), missing: z.array(z.string()) });

export const fileEndpoints = defineEndpoints({
  "GET /repos/:repo/tree/:ref/*path": {
    summary: "List a directory, or everything below it",
    access: "read",
    query: treeQuerySchema,
    status: 200,
    reply: treeSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND"],
  },
  "GET /repos/:repo/blob/:ref/*path": {
    summary: "A file as JSON; honours Range",
    access: "read",
    status: 200,
    reply: blobSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "PAYLOAD_TOO_LARGE", "RANGE_NOT_SATISFIABLE"],
  },
  "GET /repos/:repo/raw/:ref/*path": {
    summary: "A file's bytes; honours Range",
    access: "read",
    status: 200,
    reply: z.unknown(),
    format: "bytes",
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "RANGE_NOT_SATISFIABLE"],
  },
  "POST /repos/:repo/blobs/batch": {
    summary: "Up to 100 files in one reply, in the order asked",
    access: "read",
    body: batchRequestSchema,
    status: 200,
    reply: batchReplySchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND"],
  },
});

export type TreeQuery = z.input<typeof treeQuerySchema>;
export type TreeItem = z.infer<typeof treeItemSchema>;
export type Tree = z.infer<typeof treeSchema>;
export type Blob = z.infer<typeof blobSchema>;
export type BatchRequest = z.input<typeof batchRequestSchema>;
export type BatchBlob = z.infer<typeof batchBlobSchema>;
export type BatchReply = z.infer<typeof batchReplySchema>;
