import * as z from "zod";
import { defineEndpoints } from "./endpoint.ts";
import { isErrorCode } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import { refNameSchema } from "./names.ts";

export const prefetchRequestSchema = z.strictObject({
  ref: refNameSchema.optional(),
  globs: z.array(z.string().min(1).max(LIMITS.prefetchGlobChars)).min(1).max(LIMITS.prefetchGlobs),
  max_bytes: z.number().int().min(1).max(LIMITS.prefetchBytesMax).default(LIMITS.prefetchBytes),
  max_blob_bytes: z.number().int().min(1).max(LIMITS.prefetchBlobBytesMax).default(LIMITS.prefetchBlobBytes),
});

export const prefetchBlobLineSchema = z.object({
  path: z.string(),
  sha: z.string(),
  size: z.number(),
  encoding: z.enum(["text", "binary"]),
  content_b64: z.string(),
});

/** Exactly one, at the end, also after an error. */
export const prefetchDoneLineSchema = z.object({
  done: z.literal(true),
  entries: z.number(),
  /** Bytes of the blob lines as sent, line breaks included; what `max_bytes` caps. */
  bytes: z.number(),
  capped: z.boolean(),
  ref: z.string(),
  commit_sha: z.string().nullable(),
  error: z.string().optional(),
  code: z.custom<import("./errors.ts").ErrorCode>(isErrorCode).optional(),
});

export const prefetchLineSchema = z.union([prefetchDoneLineSchema, prefetchBlobLineSchema]);

export const prefetchEndpoints = defineEndpoints({
  "POST /repos/:repo/prefetch": {
    summary: "Every file that matches the globs, one NDJSON line each, then one `done` line",
    access: "read",
    body: prefetchRequestSchema,
    status: 200,
    reply: prefetchLineSchema,
    format: "ndjson",
    errors: ["VALIDATION_ERROR", "NOT_FOUND"],
  },
});

export type PrefetchRequest = z.input<typeof prefetchRequestSchema>;
export type PrefetchBlobLine = z.infer<typeof prefetchBlobLineSchema>;
export type PrefetchDoneLine = z.infer<typeof prefetchDoneLineSchema>;
export type PrefetchLine = z.infer<typeof prefetchLineSchema>;
