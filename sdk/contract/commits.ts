import * as z from "zod";
import { defineEndpoints } from "./endpoint.ts";
import { LIMITS } from "./limits.ts";
import {
  cursorSchema,
  identitySchema,
  limitSchema,
  metadataReplySchema,
  metadataSchema,
  modeSchema,
  pathSchema,
  refNameSchema,
  shaSchema,
} from "./names.ts";

const lineNumber = z.number().int().min(1);

/** Replace text that matches exactly once (or `count` times, or `all`), or a 1-based inclusive line range. */
export const editSchema = z.union([
  z.strictObject({
    old_string: z.string().min(1),
    new_string: z.string().default(""),
    /** Number of matches expected; every one is replaced. */
    count: z.number().int().min(1).optional(),
    all: z.boolean().optional(),
  }),
  z.strictObject({ range: z.tuple([lineNumber, lineNumber]), content: z.string() }),
]);

export const changeSchema = z.strictObject({
  path: pathSchema,
  action: z.enum(["create", "edit", "append", "delete", "rename", "copy", "chmod"]).default("create"),
  content: z.string().optional(),
  encoding: z.enum(["utf-8", "base64"]).optional(),
  /** `create` from an object that the repository already has, instead of `content`; the commit of a gitlink. */
  sha: shaSchema.optional(),
  edits: z.array(editSchema).min(1).max(LIMITS.editsPerChange).optional(),
  new_path: pathSchema.optional(),
  mode: modeSchema.optional(),
  /** Blob sha that the path must have now; null = the path must not exist. */
  if_match: shaSchema.nullable().optional(),
});

export const commitCreateSchema = z.strictObject({
  branch: refNameSchema,
  message: z.string().min(1),
  author: identitySchema.optional(),
  /** Head that the branch must have; without it the changes are applied to whatever the head is. */
  parent_sha: shaSchema.nullable().optional(),
  /**
   * Merge three-way with whatever the head is: `parent_sha` is then the commit that the changes were made on, and without
   * it `if_match` the blob that each was made on. Only true conflicts fail.
   */
  rebase: z.boolean().optional(),
  changes: z.array(changeSchema).min(1).max(LIMITS.changesPerCommit),
  /** Agent, session, model, prompt id …: a git note under refs/notes/agent, written in the same step. */
  metadata: metadataSchema.optional(),
});

/** The same commit with room for more changes: what a mount sends after a large piece of work. */
export const commitBulkSchema = commitCreateSchema.extend({
  changes: z.array(changeSchema).min(1).max(LIMITS.changesPerBulkCommit),
});

export const blobUploadSchema = z.strictObject({
  blobs: z
    .array(z.strictObject({ content: z.string(), encoding: z.enum(["utf-8", "base64"]).optional() }))
    .min(1)
    .max(LIMITS.blobsPerUpload),
});

export const blobsStoredSchema = z.object({
  /** In the order sent. */
  blobs: z.array(z.object({ sha: z.string(), size: z.number() })),
});

export const commitCreatedSchema = z.object({
  sha: z.string(),
  tree_sha: z.string(),
  parent_sha: z.string().nullable(),
  /** The same as `parent_sha`, under the name that older clients read. */
  parent: z.string().nullable(),
  branch: z.string(),
  files_changed: z.number(),
  /** Of a rebase: paths that came out other than they were sent, with the blob that they have; null: gone. */
  merged: z.array(z.object({ path: z.string(), sha: z.string().nullable() })).optional(),
});

/** One path of a 409 from a merge. `ours` is the side of the caller, or of the target branch; null: nothing there. */
export const pathConflictSchema = z.object({
  path: z.string(),
  type: z.enum([
    "content",
    "binary",
    "too-large",
    "modify-delete",
    "add-add",
    "file-directory",
    "mode",
    "symlink",
    "submodule",
    "type",
    "rename-rename",
    "rename-delete",
  ]),
  base_sha: z.string().nullable(),
  ours_sha: z.string().nullable(),
  theirs_sha: z.string().nullable(),
  /** The text with conflict markers, up to 1 MiB. */
  markers: z.string().optional(),
  markers_encoding: z.enum(["utf-8", "base64"]).optional(),
});

export const commitSchema = z.object({
  sha: z.string(),
  message: z.string(),
  author_name: z.string(),
  author_email: z.string(),
  /** ISO 8601, the author's date. */
  timestamp: z.string(),
  parents: z.array(z.string()),
  metadata: metadataReplySchema,
});

export const commitDetailsSchema = commitSchema.extend({
  tree: z.string(),
  committer_name: z.string(),
  committer_email: z.string(),
  committed_at: z.string(),
});

export const commitListQuerySchema = z.strictObject({
  ref: refNameSchema.optional(),
  limit: limitSchema(20, 100),
  cursor: cursorSchema,
  path: pathSchema.optional(),
});

export const commitListSchema = z.object({
  commits: z.array(commitSchema),
  ref: z.string(),
  has_more: z.boolean(),
  next_cursor: z.string().nullable(),
});

export const commitEndpoints = defineEndpoints({
  "POST /repos/:repo/commits": {
    summary: "Commit up to 1,000 file changes at once",
    access: "write",
    body: commitCreateSchema,
    status: 201,
    reply: commitCreatedSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "CONFLICT", "UNPROCESSABLE", "PAYLOAD_TOO_LARGE"],
  },
  "POST /repos/:repo/commits/bulk": {
    summary: "The same for up to 20,000 changes, still as one commit",
    access: "write",
    body: commitBulkSchema,
    status: 201,
    reply: commitCreatedSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "CONFLICT", "UNPROCESSABLE", "PAYLOAD_TOO_LARGE"],
  },
  "POST /repos/:repo/blobs": {
    summary: "Store contents that a commit then names by sha; sending them again changes nothing",
    access: "write",
    body: blobUploadSchema,
    status: 201,
    reply: blobsStoredSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "PAYLOAD_TOO_LARGE"],
  },
  "GET /repos/:repo/commits": {
    summary: "History of a ref, newest first, optionally of one path",
    access: "read",
    query: commitListQuerySchema,
    status: 200,
    reply: commitListSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND"],
  },
  "GET /repos/:repo/commits/:sha": {
    summary: "One commit",
    access: "read",
    status: 200,
    reply: commitDetailsSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND"],
  },
});

export type Edit = z.input<typeof editSchema>;
export type Change = z.input<typeof changeSchema>;
export type CommitCreate = z.input<typeof commitCreateSchema>;
export type PathConflict = z.infer<typeof pathConflictSchema>;
export type BlobUpload = z.input<typeof blobUploadSchema>;
export type BlobsStored = z.infer<typeof blobsStoredSchema>;
export type CommitCreated = z.infer<typeof commitCreatedSchema>;
export type Commit = z.infer<typeof commitSchema>;
export type CommitDetails = z.infer<typeof commitDetailsSchema>;
export type CommitListQuery = z.input<typeof commitListQuerySchema>;
export type CommitList = z.infer<typeof commitListSchema>;
