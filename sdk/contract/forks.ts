import * as z from "zod";
import { defineEndpoints } from "./endpoint.ts";
import { LIMITS } from "./limits.ts";
import { mergedSchema, mergeStrategySchema } from "./merges.ts";
import { identitySchema, refNameSchema, shaSchema, slugSchema, textSchema } from "./names.ts";
import { forkFactsShape, repoSchema } from "./repos.ts";

export const forkCreateSchema = z.strictObject({
  slug: slugSchema,
  namespace: slugSchema.nullish(),
  /** The source's when absent. */
  description: textSchema(LIMITS.descriptionChars).nullish(),
  /** A branch of the source; its default branch when absent. */
  default_branch: refNameSchema.optional(),
  /** "deep" copies every byte; "instant" shares what is there, and is whole without its parent all the same. */
  mode: z.enum(["instant", "deep"]).default("instant"),
});

export const forkSchema = repoSchema.extend({
  ...forkFactsShape,
  /** Always "sync": a fork is ready when the call returns. */
  blob_materialization: z.literal("sync"),
  /** Different blobs that the fork shares with its parent. */
  shared_blobs: z.number(),
  /** Blobs of its own: none, or all of a deep fork's. */
  owned_blobs: z.number(),
});

export const syncUpstreamSchema = z.strictObject({
  /** Branch of the fork that is brought up to date, and made when it is not there; its default branch when absent. */
  branch: refNameSchema.optional(),
  /** Branch of the parent; of the same name when absent. */
  upstream_branch: refNameSchema.optional(),
  /** What to do when the fork has commits of its own: the default refuses. */
  strategy: mergeStrategySchema.default("fast-forward"),
  message: z.string().min(1).optional(),
  author: identitySchema.optional(),
  /** Commit that the fork's branch must be at. */
  expected_sha: shaSchema.optional(),
  /** Says what would happen and writes nothing. */
  dry_run: z.boolean().optional(),
});

export const syncedSchema = mergedSchema.extend({
  branch: z.string(),
  upstream: z.object({
    repo_id: z.string(),
    slug: z.string(),
    namespace: z.string().nullable(),
    branch: z.string(),
  }),
});

export const forkEndpoints = defineEndpoints({
  "POST /repos/:repo/fork": {
    summary: "Fork a repository into the same org: ready when the call returns, whatever its size",
    access: "read",
    body: forkCreateSchema,
    status: 201,
    reply: forkSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "CONFLICT", "UNPROCESSABLE"],
  },
  "POST /repos/:repo/sync-upstream": {
    summary: "Bring a fork's branch up to date with what it was forked from",
    access: "write",
    body: syncUpstreamSchema,
    outsideSessions: true,
    status: 200,
    reply: syncedSchema,
    errors: ["VALIDATION_ERROR", "FORBIDDEN", "NOT_FOUND", "CONFLICT", "UNPROCESSABLE"],
  },
  "POST /orgs/:org/repos/:repo/fork": {
    summary: "Fork another org's public template into the caller's org",
    access: "guest",
    body: forkCreateSchema,
    status: 201,
    reply: forkSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "FORBIDDEN", "CONFLICT", "UNPROCESSABLE"],
  },
});

export type ForkCreate = z.input<typeof forkCreateSchema>;
export type SyncUpstream = z.input<typeof syncUpstreamSchema>;
export type Synced = z.infer<typeof syncedSchema>;
export type Fork = z.infer<typeof forkSchema>;
