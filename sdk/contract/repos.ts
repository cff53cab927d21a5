import * as z from "zod";
import { defineEndpoints } from "./endpoint.ts";
import { LIMITS } from "./limits.ts";
import {
  cursorSchema,
  deletedSchema,
  flagSchema,
  limitSchema,
  refNameSchema,
  slugSchema,
  textSchema,
  wholeNumberSchema,
} from "./names.ts";

const visibilitySchema = z.enum(["public", "private"]);
const descriptionSchema = textSchema(LIMITS.descriptionChars);

export const repoCreateSchema = z.strictObject({
  slug: slugSchema,
  namespace: slugSchema.nullish(),
  description: descriptionSchema.nullish(),
  visibility: visibilitySchema.default("private"),
  default_branch: refNameSchema.default("main"),
  init: z.boolean().default(true),
  is_template: z.boolean().default(false),
  auto_index: z.boolean().default(false),
});

export const repoUpdateSchema = z
  .strictObject({
    description: descriptionSchema.nullable(),
    visibility: visibilitySchema,
    default_branch: refNameSchema,
    is_template: z.boolean(),
    auto_index: z.boolean(),
  })
  .partial();

export const repoSchema = z.object({
  id: z.string(),
  namespace: z.string().nullable(),
  slug: z.string(),
  description: z.string().nullable(),
  visibility: visibilitySchema,
  default_branch: z.string(),
  is_template: z.boolean(),
  auto_index: z.boolean(),
  git_url: z.string(),
  api_url: z.string(),
  created_at: z.string(),
});

/** Where a repository was forked from; all null and 0 for one that is no fork. */
export const forkFactsShape = {
  forked_from: z
    .object({
      repo_id: z.string(),
      org_id: z.string(),
      slug: z.string(),
      namespace: z.string().nullable(),
    })
    .nullable(),
  fork_mode: z.enum(["instant", "deep"]).nullable(),
  fork_depth: z.number(),
  fork_root: z.string().nullable(),
};

export const repoDetailsSchema = repoSchema.extend({ is_empty: z.boolean(), ...forkFactsShape });

export const repoListQuerySchema = z.strictObject({
  limit: limitSchema(50, 100),
  cursor: cursorSchema,
  offset: wholeNumberSchema(0, Number.MAX_SAFE_INTEGER, 0),
  namespace: slugSchema.optional(),
  is_template: flagSchema.optional(),
});

export const repoListSchema = z.object({
  repos: z.array(repoSchema),
  limit: z.number(),
  offset: z.number(),
  next_cursor: z.string().nullable(),
});

export const repoEndpoints = defineEndpoints({
  "POST /repos": {
    summary: "Create a repository; `init` makes one empty commit",
    access: "master",
    body: repoCreateSchema,
    status: 201,
    reply: repoSchema,
    errors: ["VALIDATION_ERROR", "CONFLICT", "FORBIDDEN"],
  },
  "GET /repos": {
    summary: "List the org's repositories, oldest first",
    access: "read",
    query: repoListQuerySchema,
    status: 200,
    reply: repoListSchema,
    errors: ["VALIDATION_ERROR"],
  },
  "GET /repos/:repo": {
    summary: "One repository",
    access: "read",
    status: 200,
    reply: repoDetailsSchema,
    errors: ["NOT_FOUND"],
  },
  "PATCH /repos/:repo": {
    summary: "Change description, visibility, default branch, template or index flags",
    access: "master",
    body: repoUpdateSchema,
    status: 200,
    reply: repoSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "FORBIDDEN"],
  },
  "DELETE /repos/:repo": {
    summary: "Delete a repository",
    access: "master",
    status: 200,
    reply: deletedSchema,
    errors: ["NOT_FOUND", "FORBIDDEN"],
  },
});

export type RepoCreate = z.input<typeof repoCreateSchema>;
export type RepoUpdate = z.input<typeof repoUpdateSchema>;
export type Repo = z.infer<typeof repoSchema>;
export type RepoDetails = z.infer<typeof repoDetailsSchema>;
export type RepoListQuery = z.input<typeof repoListQuerySchema>;
export type RepoList = z.infer<typeof repoListSchema>;
