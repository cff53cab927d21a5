import * as z from "zod";
import { defineEndpoints } from "./endpoint.ts";
import { LIMITS } from "./limits.ts";
import { refNameSchema } from "./names.ts";

const REPO_NAME = /^[a-z0-9]+(-[a-z0-9]+)*(\/[a-z0-9]+(-[a-z0-9]+)*)?$/;

export const sessionOpenSchema = z.strictObject({
  ttl_seconds: z
    .number()
    .int()
    .min(LIMITS.sessionTtlSecondsMin)
    .max(LIMITS.sessionTtlSecondsMax)
    .default(1_800),
  /** Every request puts the end off by the ttl. */
  idle_extend: z.boolean().default(true),
  /** Repository to make ready, `slug` or `namespace/slug`; it must exist. Others can be used as well. */
  repo: z.string().max(201).regex(REPO_NAME, "slug or namespace/slug").optional(),
  /** Taken for compatibility: a session works on every branch. */
  branch: refNameSchema.optional(),
});

export const sessionSchema = z.object({
  session_id: z.string(),
  expires_at: z.string(),
  ttl_seconds: z.number(),
  idle_extend: z.boolean(),
});

export const sessionOpenedSchema = sessionSchema.extend({ sessionId: z.string() });

export const sessionStatusSchema = z.object({
  /** Objects that are not flushed yet. */
  objectCount: z.number(),
  createdAt: z.string(),
  lastActivityAt: z.string(),
  closed: z.boolean(),
  /** Until it expires; 0 once it has ended. */
  ttlMs: z.number(),
  /** Refs that are not flushed yet. */
  refCount: z.number(),
  bytes: z.number(),
  state: z.enum(["open", "closed", "expired", "revoked"]),
  /** Refs that hold work which could not be flushed when the session ended. */
  keptRefs: z.array(z.object({ repo: z.string(), ref: z.string(), sha: z.string() })),
});

export const sessionFlushSchema = z.object({ flushedObjects: z.number(), flushedRefs: z.number() });

export const sessionClosedSchema = sessionFlushSchema.extend({ status: z.literal("closed") });

export const sessionEndpoints = defineEndpoints({
  "POST /session": {
    summary: "Open a session: writes that are seen inside at once, and by others when it is flushed",
    access: "read",
    body: sessionOpenSchema,
    status: 201,
    reply: sessionSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "RATE_LIMITED"],
  },
  "POST /session/open": {
    summary: "As `POST /session`",
    access: "read",
    body: sessionOpenSchema,
    status: 201,
    reply: sessionOpenedSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "RATE_LIMITED"],
  },
  "GET /session/:id/status": {
    summary: "What a session holds; for the credential that opened it",
    access: "read",
    status: 200,
    reply: sessionStatusSchema,
    errors: ["NOT_FOUND"],
  },
  "POST /session/:id/flush": {
    summary: "Make a session's work visible to others; it goes on",
    access: "read",
    status: 200,
    reply: sessionFlushSchema,
    errors: ["NOT_FOUND", "CONFLICT"],
  },
  "DELETE /session/:id": {
    summary: "Flush a session and end it",
    access: "read",
    status: 200,
    reply: sessionClosedSchema,
    errors: ["NOT_FOUND", "CONFLICT"],
  },
});

export type SessionOpen = z.input<typeof sessionOpenSchema>;
export type Session = z.infer<typeof sessionSchema>;
export type SessionStatus = z.infer<typeof sessionStatusSchema>;
export type SessionFlush = z.infer<typeof sessionFlushSchema>;
export type SessionClosed = z.infer<typeof sessionClosedSchema>;
