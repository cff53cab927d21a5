/** What git-lfs sends. Source: the API documentation of git-lfs, docs/api/{batch,locking}.md. */
import * as z from "zod";
import { LIMITS } from "./limits.ts";

const refSchema = z.object({ name: z.string().max(1_024) }).nullish();

/** A bad object is refused alone, in the reply; so its fields are looked at later. */
const objectSchema = z.object({ oid: z.string().max(200), size: z.number() });

export const lfsBatchSchema = z.object({
  operation: z.enum(["upload", "download"]),
  /** Absent: basic. */
  transfers: z.array(z.string().max(100)).max(20).optional(),
  ref: refSchema,
  objects: z.array(objectSchema).max(LIMITS.lfsBatch),
  hash_algo: z.string().max(20).optional(),
});

export const lfsVerifySchema = objectSchema;

export const lfsLockSchema = z.object({
  path: z.string().min(1).max(LIMITS.pathBytes),
  ref: refSchema,
});

const lockLimitSchema = z.coerce.number().int().min(1).max(100).default(100);
const lockCursorSchema = z.string().regex(/^\d{1,15}$/, "a cursor of this server");

/** Query of `GET locks`. */
export const lfsLocksQuerySchema = z.object({
  path: z.string().max(LIMITS.pathBytes).optional(),
  id: z.string().max(100).optional(),
  cursor: lockCursorSchema.optional(),
  limit: lockLimitSchema,
  refspec: z.string().max(1_024).optional(),
});

export const lfsLocksVerifySchema = z.object({
  ref: refSchema,
  // git-lfs sends "" and 0 for none.
  cursor: z.union([z.literal(""), lockCursorSchema]).optional(),
  limit: z.union([z.literal(0), lockLimitSchema]).optional(),
});

export const lfsUnlockSchema = z.object({ force: z.boolean().optional(), ref: refSchema });

export type LfsBatch = z.output<typeof lfsBatchSchema>;
