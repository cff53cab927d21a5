import * as z from "zod";
import { defineEndpoints } from "./endpoint.ts";
import { LIMITS } from "./limits.ts";
import { cursorSchema, deletedSchema, limitSchema, refNameSchema, shaSchema } from "./names.ts";

export const branchSchema = z.object({
  name: z.string(),
  sha: z.string(),
  /** When the branch goes by itself, ISO 8601; absent: it stays. */
  expires_at: z.string().optional(),
});

const ttlSchema = z.number().int().min(LIMITS.branchTtlSecondsMin).max(LIMITS.branchTtlSecondsMax);

export const branchCreateSchema = z.strictObject({
  name: refNameSchema,
  /** Branch, tag or sha to start from; the default branch when neither is given. */
  from: refNameSchema.optional(),
  from_sha: shaSchema.optional(),
  /** The branch goes by itself so long from now, whatever is committed to it. */
  ttl_seconds: ttlSchema.optional(),
});

export const branchListQuerySchema = z.strictObject({ limit: limitSchema(100, 500), cursor: cursorSchema });

export const branchListSchema = z.object({
  branches: z.array(branchSchema),
  default_branch: z.string(),
  total: z.number(),
  next_cursor: z.string().nullable(),
});

export const branchUpdateSchema = z
  .strictObject({
    new_name: refNameSchema.optional(),
    /** The branch goes by itself so long from now. */
    ttl_seconds: ttlSchema.optional(),
  })
  .refine((body) => body.new_name !== undefined || body.ttl_seconds !== undefined, {
    message: "new_name or ttl_seconds, or both",
    path: ["new_name"],
  });

export const branchPromoteSchema = z.strictObject({
  /** Its name from now on; the one it has when absent. */
  as: refNameSchema.optional(),
});

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
    summary: "Rename a branch (HEAD follows when it is the default), or say anew when it goes by itself",
    access: "write",
    body: branchUpdateSchema,
    status: 200,
    reply: branchSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "CONFLICT"],
  },
  "POST /repos/:repo/branches/*branch/promote": {
    summary: "Let an ephemeral branch stay, under its name or another; done once is done",
    access: "write",
    body: branchPromoteSchema,
    status: 200,
    reply: branchSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "CONFLICT", "UNPROCESSABLE"],
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
export type BranchUpdate = z.input<typeof branchUpdateSchema>;
export type BranchPromote = z.input<typeof branchPromoteSchema>;
