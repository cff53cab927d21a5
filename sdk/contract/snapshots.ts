import * as z from "zod";
import { defineEndpoints } from "./endpoint.ts";
import {
  cursorSchema,
  deletedSchema,
  limitSchema,
  metadataSchema,
  refNameSchema,
  shaSchema,
} from "./names.ts";

export const snapshotCreateSchema = z.strictObject({
  name: refNameSchema,
  branch: refNameSchema,
  metadata: metadataSchema.optional(),
});

export const snapshotSchema = z.object({
  name: z.string(),
  branch: z.string(),
  /** The commit that the branch was at. */
  sha: shaSchema,
  metadata: z.record(z.string(), z.unknown()),
  created_at: z.string(),
});

export const snapshotEndpoints = defineEndpoints({
  "POST /repos/:repo/snapshots": {
    summary: "Keep where a branch is under a name, with metadata",
    access: "write",
    body: snapshotCreateSchema,
    status: 201,
    reply: snapshotSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "CONFLICT", "UNPROCESSABLE"],
  },
  "GET /repos/:repo/snapshots": {
    summary: "List snapshots, in byte order of their names",
    access: "read",
    query: z.strictObject({ limit: limitSchema(100, 500), cursor: cursorSchema }),
    status: 200,
    reply: z.object({
      snapshots: z.array(snapshotSchema),
      total: z.number(),
      next_cursor: z.string().nullable(),
    }),
    errors: ["VALIDATION_ERROR", "NOT_FOUND"],
  },
  "GET /repos/:repo/snapshots/:name": {
    summary: "One snapshot",
    access: "read",
    status: 200,
    reply: snapshotSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND"],
  },
  "DELETE /repos/:repo/snapshots/:name": {
    summary: "Delete a snapshot; no branch moves",
    access: "write",
    status: 200,
    reply: deletedSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND"],
  },
  "POST /repos/:repo/snapshots/:name/restore": {
    summary: "Move a branch to a snapshot, creating it if need be; the reflog keeps where it was",
    access: "write",
    body: z.strictObject({ target_branch: refNameSchema, expected_sha: shaSchema.nullable().optional() }),
    status: 200,
    reply: z.object({ sha: shaSchema, branch: z.string(), previous_sha: shaSchema.nullable() }),
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "CONFLICT", "UNPROCESSABLE"],
  },
});

export type Snapshot = z.infer<typeof snapshotSchema>;
export type SnapshotCreate = z.input<typeof snapshotCreateSchema>;
