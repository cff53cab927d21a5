import * as z from "zod";
import { defineEndpoints } from "./endpoint.ts";
import { cursorSchema, deletedSchema, identitySchema, limitSchema, refNameSchema } from "./names.ts";

export const tagSchema = z.object({
  name: z.string(),
  /** What refs/tags/name holds: the tag object of an annotated tag, else the target itself. */
  sha: z.string(),
  type: z.enum(["lightweight", "annotated"]),
  /** The object behind the tag. */
  target_sha: z.string(),
  message: z.string().optional(),
  tagger: z.object({ name: z.string(), email: z.string(), timestamp: z.string() }).optional(),
});

export const tagCreateSchema = z.strictObject({
  name: refNameSchema,
  /** Branch, tag or sha; the default branch's head when absent. */
  target: refNameSchema.optional(),
  /** Makes an annotated tag. */
  message: z.string().min(1).optional(),
  tagger: identitySchema.optional(),
});

export const tagListQuerySchema = z.strictObject({ limit: limitSchema(100, 500), cursor: cursorSchema });

export const tagListSchema = z.object({
  tags: z.array(tagSchema),
  total: z.number(),
  next_cursor: z.string().nullable(),
});

export const tagEndpoints = defineEndpoints({
  "POST /repos/:repo/tags": {
    summary: "Create a lightweight tag, or an annotated one when `message` is given",
    access: "write",
    body: tagCreateSchema,
    status: 201,
    reply: tagSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "CONFLICT", "UNPROCESSABLE"],
  },
  "GET /repos/:repo/tags": {
    summary: "List tags, in byte order",
    access: "read",
    query: tagListQuerySchema,
    status: 200,
    reply: tagListSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND"],
  },
  "GET /repos/:repo/tags/*name": {
    summary: "One tag",
    access: "read",
    status: 200,
    reply: tagSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND"],
  },
  "DELETE /repos/:repo/tags/*name": {
    summary: "Delete a tag",
    access: "write",
    status: 200,
    reply: deletedSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND"],
  },
});

export type Tag = z.infer<typeof tagSchema>;
export type TagCreate = z.input<typeof tagCreateSchema>;
export type TagListQuery = z.input<typeof tagListQuerySchema>;
export type TagList = z.infer<typeof tagListSchema>;
