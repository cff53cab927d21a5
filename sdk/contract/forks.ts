import * as z from "zod";
import { defineEndpoints } from "./endpoint.ts";
import { LIMITS } from "./limits.ts";
import { refNameSchema, slugSchema, textSchema } from "./names.ts";
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

export const forkEndpoints = defineEndpoints({
  "POST /repos/:repo/fork": {
    summary: "Fork a repository into the same org: ready when the call returns, whatever its size",
    access: "read",
    body: forkCreateSchema,
    status: 201,
    reply: forkSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "CONFLICT", "UNPROCESSABLE"],
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
export type Fork = z.infer<typeof forkSchema>;
