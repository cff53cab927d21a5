import * as z from "zod";
import { defineEndpoints } from "./endpoint.ts";
import { cursorSchema, deletedSchema, limitSchema, refNameSchema, shaSchema } from "./names.ts";

export const branchSchema = z.object({ name: z.string(), sha: z.string() });

export const branchCreateSchema = z.strictObject({
  name: refNameSchema,
  /** Branch, tag or sha to start from; the default branch when neither is given. */
  from: refNameSchema.optional(),
  from_sha: shaSchema.optional(),
});

export const branchListQuerySchema = z.strictObject({ limit: limitSchema(100, 500), cursor: cursorSchema });

export const branchListSchema = z.object({
  branches: z.array(branchSchema),
  default_branch: z.string(),
  total: z.number(),
  next_cursor: z.string().nullable(),
});

export const branchRenameSchema = z.strictObject({ new_name: refNameSchema });

export const branchEndpoints = defineEndpoints({
  "POST /repos/:repo/branches": {
    summary: "Create a branch",
    access: "write",
    body: branchCreateSchema,
    status: 201,
    reply: branchSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "CONFLICT", "UNPROCESSABLE"],
  },
  "GET /repos/:repo/branches": {
    summary: "List branches, in byte order",
    access: "read",
    query: branchListQuerySchema,
    status: 200,
    reply: branchListSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND"],
  },
  "GET /repos/:repo/branches/*name": {
    summary: "One branch; its name may contain slashes",
    access: "read",
    status: 200,
    reply: branchSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND"],
  },
  "PATCH /repos/:repo/branches/*name": {
    summary: "Rename a branch; HEAD follows when it is the default",
    access: "write",
    body: branchRenameSchema,
    status: 200,
    reply: branchSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "CONFLICT"],
  },
  "DELETE /repos/:repo/branches/*name": {
    summary: "Delete a branch that is not the default",
    access: "write",
    status: 200,
    reply: deletedSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "CONFLICT"],
  },
});

export type Branch = z.infer<typeof branchSchema>;
export type BranchCreate = z.input<typeof branchCreateSchema>;
export type BranchListQuery = z.input<typeof branchListQuerySchema>;
export type BranchList = z.infer<typeof branchListSchema>;
export type BranchRename = z.input<typeof branchRenameSchema>;
