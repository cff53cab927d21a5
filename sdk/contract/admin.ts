import * as z from "zod";
import { defineEndpoints } from "./endpoint.ts";
import { deletedSchema, slugSchema, textSchema } from "./names.ts";
import { policyShape } from "./usage.ts";

export const orgCreateSchema = z.strictObject({
  slug: slugSchema,
  name: textSchema(200).min(1).optional(),
});

export const orgCreatedSchema = z.object({ id: z.string(), slug: z.string(), api_key: z.string() });

export const keyCreatedSchema = z.object({ id: z.string(), api_key: z.string() });

const LIMIT_MAX = 1e15;
const quotaSchema = z.union([z.number().int().min(0).max(LIMIT_MAX), z.literal("default")]).nullable();
const rateSchema = z.union([z.number().int().min(1).max(1e9), z.literal("default")]);
const ratesSchema = z.strictObject({ per_minute: rateSchema.optional(), per_hour: rateSchema.optional() });

export const orgUpdateSchema = z.strictObject({
  /** null: no end; "default": as for every org. */
  quotas: z
    .strictObject({ repos: quotaSchema, storage_bytes: quotaSchema, repo_bytes: quotaSchema })
    .partial()
    .optional(),
  rate_limits: z.strictObject({ key: ratesSchema.optional(), org: ratesSchema.optional() }).optional(),
});

export const orgSchema = z.object({
  id: z.string(),
  slug: z.string(),
  storage: z.object({ repos: z.number(), bytes: z.number() }),
  ...policyShape,
});

/** The operator's routes; without the ADMIN_KEY secret they do not exist. */
export const adminEndpoints = defineEndpoints({
  "POST /admin/orgs": {
    summary: "Create an org and its first master key",
    access: "operator",
    body: orgCreateSchema,
    status: 201,
    reply: orgCreatedSchema,
    errors: ["VALIDATION_ERROR", "CONFLICT"],
  },
  "GET /admin/orgs/:org": {
    summary: "What an org stores, and what it may use",
    access: "operator",
    status: 200,
    reply: orgSchema,
    errors: ["NOT_FOUND"],
  },
  "PATCH /admin/orgs/:org": {
    summary: "Change an org's quotas and rate limits; they hold from the next request on",
    access: "operator",
    body: orgUpdateSchema,
    status: 200,
    reply: orgSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND"],
  },
  "POST /admin/orgs/:org/keys": {
    summary: "Make another master key for an org",
    access: "operator",
    status: 201,
    reply: keyCreatedSchema,
    errors: ["NOT_FOUND"],
  },
  "DELETE /admin/keys/:id": {
    summary: "Revoke a master key at once",
    access: "operator",
    status: 200,
    reply: deletedSchema,
    errors: ["NOT_FOUND"],
  },
});

export type OrgCreate = z.input<typeof orgCreateSchema>;
export type OrgUpdate = z.input<typeof orgUpdateSchema>;
export type Org = z.infer<typeof orgSchema>;
export type OrgCreated = z.infer<typeof orgCreatedSchema>;
export type KeyCreated = z.infer<typeof keyCreatedSchema>;
