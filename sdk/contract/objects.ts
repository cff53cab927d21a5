import * as z from "zod";
import { defineEndpoints } from "./endpoint.ts";
import { refNameSchema } from "./names.ts";

export const objectTypeSchema = z.enum(["commit", "tree", "blob", "tag"]);

export const revParseQuerySchema = z.strictObject({ ref: refNameSchema });

export const revisionSchema = z.object({ ref: z.string(), sha: z.string(), type: objectTypeSchema });

export const gitObjectSchema = z.object({
  sha: z.string(),
  type: objectTypeSchema,
  size: z.number(),
  encoding: z.enum(["utf-8", "base64"]),
  /** The object's content, without git's `type size` header. Trees are always base64. */
  content: z.string(),
});

export const objectEndpoints = defineEndpoints({
  "GET /repos/:repo/rev-parse": {
    summary: "Resolve a revision: names, shas, `~n`, `^n`, `^{type}`",
    access: "read",
    query: revParseQuerySchema,
    status: 200,
    reply: revisionSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND"],
  },
  "GET /repos/:repo/objects/:sha": {
    summary: "One git object of this repository",
    access: "read",
    status: 200,
    reply: gitObjectSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "PAYLOAD_TOO_LARGE"],
  },
});

export type Revision = z.infer<typeof revisionSchema>;
export type GitObjectReply = z.infer<typeof gitObjectSchema>;
