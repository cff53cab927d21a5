import * as z from "zod";
import { defineEndpoints } from "./endpoint.ts";
import { LIMITS } from "./limits.ts";
import { cursorSchema, limitSchema, metadataReplySchema, refNameSchema, shaSchema } from "./names.ts";

export const reflogQuerySchema = z.strictObject({
  /** Full name, or a branch's short one; without it, moves of all refs, those that are gone too. */
  ref: refNameSchema.optional(),
  limit: limitSchema(50, 500),
  cursor: cursorSchema,
});

export const reflogEntrySchema = z.object({
  /** Grows with every move of the repository. */
  id: z.number(),
  ref: z.string(),
  /** null: the ref did not exist. */
  from: z.string().nullable(),
  /** null: the ref was deleted. */
  to: z.string().nullable(),
  /** Id of the key or token; "system" for what nobody asked for. */
  actor: z.string(),
  reason: z.string(),
  at: z.string(),
});

export const undoSchema = z.strictObject({
  /** Full name, or a branch's short one. It may be gone. */
  ref: refNameSchema,
  /** Moves to take back; 1 when neither is given. */
  steps: z.number().int().min(1).max(LIMITS.undoSteps).optional(),
  /** Back to where the ref was after the move with this id, or to an id of an object that it was at. */
  to: z
    .union([
      z.number().int().min(1),
      z.string().regex(/^([0-9]{1,15}|[0-9a-f]{40})$/, "an id of the reflog, or a sha"),
    ])
    .optional(),
  /** What the ref must be now; null = it must not exist. */
  expected_sha: shaSchema.nullable().optional(),
});

export const undoneSchema = z.object({
  ref: z.string(),
  /** Where the ref is now; null: it is gone, as it was then. */
  sha: z.string().nullable(),
  previous_sha: z.string().nullable(),
});

export const blameQuerySchema = z.strictObject({
  /** `a-b`: lines from 1, both included; `b` may lie behind the end. */
  range: z
    .string()
    .regex(/^[1-9][0-9]{0,8}-[1-9][0-9]{0,8}$/, "two line numbers from 1, such as 10-20")
    .optional(),
});

export const blameHunkSchema = z.object({
  sha: z.string(),
  author: z.object({ name: z.string(), email: z.string() }),
  /** ISO 8601, the author's date. */
  date: z.string(),
  /** First line of the message. */
  summary: z.string(),
  /** Name of the file in that commit, when it was another one. */
  orig_path: z.string().optional(),
  /** First line there, from 1. */
  orig_line: z.number(),
  /** First line here, from 1. */
  final_line: z.number(),
  count: z.number(),
  /** Where a limit ended the search: the lines are at least as old as this commit. */
  boundary: z.literal(true).optional(),
  metadata: metadataReplySchema,
});

export const blameSchema = z.object({
  ref: z.string(),
  path: z.string(),
  commit_sha: z.string(),
  /** Of the whole file. */
  lines: z.number(),
  hunks: z.array(blameHunkSchema),
  /** A limit ended the search; hunks with `boundary` are what is left open. */
  truncated: z.boolean(),
});

export const historyEndpoints = defineEndpoints({
  "GET /repos/:repo/reflog": {
    summary: "Every move of a ref, or of all refs, newest first: who, why, from where to where",
    access: "read",
    query: reflogQuerySchema,
    status: 200,
    reply: z.object({ entries: z.array(reflogEntrySchema), next_cursor: z.string().nullable() }),
    errors: ["VALIDATION_ERROR", "NOT_FOUND"],
  },
  "POST /repos/:repo/undo": {
    summary: "Take back moves of a ref, by another move; undo of an undo is a redo",
    access: "write",
    // What a session did is in no reflog before its flush: there is nothing inside that could be taken back.
    outsideSessions: true,
    body: undoSchema,
    status: 200,
    reply: undoneSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "CONFLICT", "UNPROCESSABLE"],
  },
  "GET /repos/:repo/blame/:ref/*path": {
    summary: "Which commit wrote each line of a file, as `git blame` finds it",
    access: "read",
    query: blameQuerySchema,
    status: 200,
    reply: blameSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "PAYLOAD_TOO_LARGE", "RANGE_NOT_SATISFIABLE"],
  },
});

export type ReflogEntry = z.infer<typeof reflogEntrySchema>;
export type Undo = z.input<typeof undoSchema>;
export type Undone = z.infer<typeof undoneSchema>;
export type BlameHunk = z.infer<typeof blameHunkSchema>;
export type Blame = z.infer<typeof blameSchema>;
