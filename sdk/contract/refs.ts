import * as z from "zod";
import { defineEndpoints } from "./endpoint.ts";
import { cursorSchema, deletedSchema, limitSchema, shaSchema } from "./names.ts";

export const refListQuerySchema = z.strictObject({ limit: limitSchema(100, 500), cursor: cursorSchema });

export const refListSchema = z.object({
  refs: z.array(z.object({ ref: z.string(), sha: z.string() })),
  branches: z.array(z.object({ name: z.string(), sha: z.string(), type: z.literal("branch") })),
  tags: z.array(z.object({ name: z.string(), sha: z.string(), type: z.literal("tag") })),
  default_branch: z.string(),
  total: z.number(),
  next_cursor: z.string().nullable(),
});

export const refSchema = z.object({ ref: z.string(), sha: z.string() });

export const refPutSchema = z.strictObject({
  sha: shaSchema,
  /** What the ref must be now; null = it must not exist. */
  expected_sha: shaSchema.nullable().optional(),
});

export const refMovedSchema = z.object({
  ref: z.string(),
  sha: z.string(),
  previous_sha: z.string().nullable(),
});

export const refEndpoints = defineEndpoints({
  "GET /repos/:repo/refs": {
    summary: "All branches and tags, in byte order of their full names",
    access: "read",
    query: refListQuerySchema,
    status: 200,
    reply: refListSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND"],
  },
  "GET /repos/:repo/refs/*ref": {
    summary: "One ref, such as refs/heads/main (written heads/main)",
    access: "read",
    status: 200,
    reply: refSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND"],
  },
  "PUT /repos/:repo/refs/*ref": {
    summary: "Create or move a ref to an object that the repository has",
    access: "write",
    body: refPutSchema,
    status: 200,
    reply: refMovedSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "CONFLICT", "UNPROCESSABLE"],
  },
  "DELETE /repos/:repo/refs/*ref": {
    summary: "Delete a ref",
    access: "write",
    status: 200,
    reply: deletedSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "CONFLICT"],
  },
});

export type RefListQuery = z.input<typeof refListQuerySchema>;
export type RefList = z.infer<typeof refListSchema>;
export type Ref = z.infer<typeof refSchema>;
export type RefPut = z.input<typeof refPutSchema>;
export type RefMoved = z.infer<typeof refMovedSchema>;
