import * as z from "zod";
import { pathConflictSchema } from "./commits.ts";
import { defineEndpoints } from "./endpoint.ts";
import {
  identitySchema,
  refNameSchema,
  repoNameSchema,
  repoPathSchema,
  shaSchema,
  wholeNumberSchema,
} from "./names.ts";

const flag = z.boolean().optional();

export const mergeStrategySchema = z.enum(["fast-forward", "merge-commit", "squash", "rebase"]);

const mergeShape = {
  /** Branch, tag, revision or sha whose commits are taken in. */
  source: refNameSchema,
  /** Repository of the org that `source` is in, when it is another one: a fork, or what this is a fork of. */
  source_repo: repoNameSchema.optional(),
  message: z.string().min(1).optional(),
  author: identitySchema.optional(),
  /** Commit that the target must be at; without it the merge is made on whatever is there. */
  expected_sha: shaSchema.optional(),
  /** Says what would happen and writes nothing. */
  dry_run: flag,
};

export const mergeSchema = z.strictObject({
  ...mergeShape,
  strategy: mergeStrategySchema.default("fast-forward"),
});

export const landSchema = z.strictObject({
  ...mergeShape,
  /** Branch that it lands on. */
  target: refNameSchema,
  strategy: mergeStrategySchema.default("rebase"),
});

export const mergedSchema = z.object({
  merged: z.literal(true),
  /** Where the target is now, or with dry_run would be. */
  sha: z.string(),
  strategy: z.enum([...mergeStrategySchema.options, "already_up_to_date"]),
  /** The merge commit, of strategy merge-commit. */
  merge_sha: z.string().optional(),
  previous_sha: z.string().optional(),
  commits_created: z.number(),
  dry_run: z.literal(true).optional(),
});

export const cherryPickSchema = z.strictObject({
  /** Commits after this one … */
  base: refNameSchema,
  /** … up to this one are picked, at most 100. */
  head: refNameSchema,
  onto: refNameSchema,
  /** Repository of the org that `base` and `head` are in, when it is another one. */
  source_repo: repoNameSchema.optional(),
  /** Branch that is moved to the result; without it only the commits are made. */
  branch: refNameSchema.optional(),
  expected_sha: shaSchema.optional(),
  committer: identitySchema.optional(),
});

export const cherryPickedSchema = z.object({
  success: z.boolean(),
  head_sha: z.string().optional(),
  onto_sha: z.string().optional(),
  commits_created: z.number(),
  /** Merge commits of the range: they are left out, as by git rebase. */
  merges_skipped: z.number(),
  branch: z.string().optional(),
  branch_updated: z.boolean().optional(),
  /** The commit that does not apply, and where the picking had come. */
  failed_sha: z.string().optional(),
  last_clean_sha: z.string().optional(),
  conflicts: z.array(z.string()).optional(),
  details: z.array(pathConflictSchema).optional(),
});

export const revertSchema = z.strictObject({
  commit: refNameSchema,
  branch: refNameSchema,
  /** Parent of a merge commit that counts as what it changed, from 1. */
  mainline: z.number().int().min(1).max(100).optional(),
  message: z.string().min(1).optional(),
  author: identitySchema.optional(),
  expected_sha: shaSchema.optional(),
});

export const revertedSchema = z.object({
  sha: z.string(),
  branch: z.string(),
  reverted_sha: z.string(),
  previous_sha: z.string().nullable(),
});

export const resetSchema = z.strictObject({
  branch: refNameSchema,
  /** Commit, branch or tag that the branch is put at. */
  sha: refNameSchema,
  expected_sha: shaSchema.optional(),
});

export const resetDoneSchema = z.object({
  branch: z.string(),
  sha: z.string(),
  previous_sha: z.string().nullable(),
});

export const changedFileSchema = z.object({
  path: z.string(),
  /** Of a rename: the former path. */
  old_path: z.string().optional(),
  status: z.enum(["added", "modified", "removed", "renamed"]),
  old_sha: z.string().nullable(),
  new_sha: z.string().nullable(),
  old_mode: z.string().nullable(),
  new_mode: z.string().nullable(),
  /** Of a rename: how much is the same, in percent. */
  similarity: z.number().optional(),
  additions: z.number(),
  deletions: z.number(),
  binary: z.boolean(),
  /** For `git apply`. Absent unless asked for. */
  patch: z.string().optional(),
  /** The patch was left out: it, or what came before it, is too large. */
  patch_omitted: z.literal(true).optional(),
});

const totals = {
  files: z.array(changedFileSchema),
  total_files_changed: z.number(),
  total_additions: z.number(),
  total_deletions: z.number(),
};

const patchFlag = z
  .enum(["true", "false", "1", "0"])
  .transform((text) => text === "true" || text === "1")
  .optional();

export const diffQuerySchema = z.strictObject({
  base: refNameSchema,
  head: refNameSchema,
  /** `slug` or `namespace/slug` of the repository that `head` is in, when it is another one of the org. */
  head_repo: repoPathSchema.optional(),
  patch: patchFlag,
  context: wholeNumberSchema(0, 20, 3),
});

export const diffSchema = z.object({ base: z.string(), head: z.string(), ...totals });

export const compareQuerySchema = z.strictObject({
  base: refNameSchema,
  head: refNameSchema,
  /** As for a diff. */
  head_repo: repoPathSchema.optional(),
});

export const compareSchema = z.object({
  base: z.string(),
  head: z.string(),
  merge_base: z.string(),
  ahead_by: z.number(),
  behind_by: z.number(),
  /** Of head and not of base, oldest first; the newest 250 when there are more. */
  commits: z.array(
    z.object({
      sha: z.string(),
      message: z.string(),
      author_name: z.string(),
      author_email: z.string(),
      timestamp: z.string(),
      parents: z.array(z.string()),
    }),
  ),
  ...totals,
  /** Whether head merges into base without a conflict; null when it is more than 50 commits ahead. */
  mergeable: z.boolean().nullable(),
  conflicts: z.array(z.string()),
});

export const mergeEndpoints = defineEndpoints({
  "POST /repos/:repo/branches/*target/merge": {
    summary: "Merge a branch into another; a 409 has `merged: false` and names the conflicts",
    access: "write",
    body: mergeSchema,
    status: 200,
    reply: mergedSchema,
    errors: ["VALIDATION_ERROR", "FORBIDDEN", "NOT_FOUND", "CONFLICT", "UNPROCESSABLE"],
  },
  "POST /repos/:repo/land": {
    summary: "Put a branch's commits on top of wherever the target is by then",
    access: "write",
    body: landSchema,
    status: 200,
    reply: mergedSchema,
    errors: ["VALIDATION_ERROR", "FORBIDDEN", "NOT_FOUND", "CONFLICT", "UNPROCESSABLE"],
  },
  "POST /repos/:repo/cherry-pick": {
    summary: "Apply a range of commits elsewhere; conflicts are a reply with `success: false`",
    access: "write",
    body: cherryPickSchema,
    status: 200,
    reply: cherryPickedSchema,
    errors: ["VALIDATION_ERROR", "FORBIDDEN", "NOT_FOUND", "CONFLICT", "UNPROCESSABLE"],
  },
  "POST /repos/:repo/revert": {
    summary: "Undo one commit by another",
    access: "write",
    body: revertSchema,
    status: 200,
    reply: revertedSchema,
    errors: ["VALIDATION_ERROR", "FORBIDDEN", "NOT_FOUND", "CONFLICT", "UNPROCESSABLE"],
  },
  "POST /repos/:repo/reset": {
    summary: "Put a branch at another commit",
    access: "write",
    body: resetSchema,
    status: 200,
    reply: resetDoneSchema,
    errors: ["VALIDATION_ERROR", "FORBIDDEN", "NOT_FOUND", "CONFLICT", "UNPROCESSABLE"],
  },
  "GET /repos/:repo/diff": {
    summary: "What differs between two commits, with patches for git apply",
    access: "read",
    query: diffQuerySchema,
    status: 200,
    reply: diffSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "PAYLOAD_TOO_LARGE"],
  },
  "GET /repos/:repo/compare": {
    summary: "What head has since it left base, and whether it merges",
    access: "read",
    query: compareQuerySchema,
    status: 200,
    reply: compareSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "UNPROCESSABLE"],
  },
});

export type MergeRequest = z.input<typeof mergeSchema>;
export type LandRequest = z.input<typeof landSchema>;
export type Merged = z.infer<typeof mergedSchema>;
export type CherryPick = z.input<typeof cherryPickSchema>;
export type CherryPicked = z.infer<typeof cherryPickedSchema>;
export type Revert = z.input<typeof revertSchema>;
export type Reverted = z.infer<typeof revertedSchema>;
export type Reset = z.input<typeof resetSchema>;
export type ResetDone = z.infer<typeof resetDoneSchema>;
export type ChangedFile = z.infer<typeof changedFileSchema>;
export type Diff = z.infer<typeof diffSchema>;
export type Compare = z.infer<typeof compareSchema>;
