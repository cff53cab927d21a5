import * as z from "zod";
import { defineEndpoints } from "./endpoint.ts";
import { LIMITS } from "./limits.ts";

/**
 * `branch=a&branch=b` and `branch=a,b` are the same; a comma inside a name is written `\,` (no ref name holds a
 * backslash), and `*` is every branch. Absent: the default branch.
 */
export const watchQuerySchema = z.strictObject({ branch: z.string().min(1).max(4_096).optional() });

/** The state when the stream begins: one event for each branch; `branch` is `*`, and `sha` null, for all of them. */
export const watchConnectedSchema = z.object({
  event: z.literal("connected"),
  branch: z.string(),
  sha: z.string().nullable(),
});

/** A branch moved, or came into being (`previous` null). The event's id is what Last-Event-ID resumes from. */
export const watchCommitSchema = z.object({
  event: z.literal("commit"),
  branch: z.string(),
  sha: z.string(),
  previous: z.string().nullable(),
  /** Milliseconds since 1970. */
  ts: z.number(),
  actor: z.string(),
  message: z.string(),
  /** Files that differ between `previous` and `sha`, sorted. */
  paths: z.array(z.string()),
  /** More files differ than are named, or they could not be read: take everything as changed. */
  paths_truncated: z.boolean(),
});

export const watchDeletedSchema = z.object({
  event: z.literal("deleted"),
  branch: z.string(),
  previous: z.string().nullable(),
  ts: z.number(),
  actor: z.string(),
  message: z.string(),
});

/** What lies between Last-Event-ID and now cannot be told; `connected` events with the present state follow. */
export const watchResetSchema = z.object({
  event: z.literal("reset"),
  reason: z.enum(["too-old", "unknown-id"]),
  message: z.string(),
});

/** The stream ends here in good order: connect again with the last id. `sha` is null when several branches are watched. */
export const watchRotateSchema = z.object({
  event: z.literal("rotate"),
  sha: z.string().nullable(),
  ts: z.number(),
});

/** The last event of a stream that is cut off. */
export const watchEndSchema = z.object({
  event: z.literal("end"),
  reason: z.enum(["revoked", "repository-deleted", "too-slow"]),
  message: z.string(),
});

export const watchEventSchema = z.union([
  watchConnectedSchema,
  watchCommitSchema,
  watchDeletedSchema,
  watchResetSchema,
  watchRotateSchema,
  watchEndSchema,
]);

export const watchEndpoints = defineEndpoints({
  "GET /repos/:repo/watch": {
    summary: `Every move of one or several branches (≤ ${LIMITS.watchBranches}) or of all (\`*\`), as it happens; resumes after Last-Event-ID`,
    access: "read",
    query: watchQuerySchema,
    repeatable: ["branch"],
    outsideSessions: true,
    status: 200,
    reply: watchEventSchema,
    format: "events",
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "RATE_LIMITED"],
  },
});

export type WatchConnected = z.infer<typeof watchConnectedSchema>;
export type WatchCommit = z.infer<typeof watchCommitSchema>;
export type WatchDeleted = z.infer<typeof watchDeletedSchema>;
export type WatchReset = z.infer<typeof watchResetSchema>;
export type WatchRotate = z.infer<typeof watchRotateSchema>;
export type WatchEnd = z.infer<typeof watchEndSchema>;
/** One event of a watch stream, by its name. */
export type WatchEvent = z.infer<typeof watchEventSchema>;
