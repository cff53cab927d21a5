import * as z from "zod";
import { defineEndpoints } from "./endpoint.ts";
import { limitSchema } from "./names.ts";

const countsShape = {
  /** Those that were let through, refused ones not. */
  requests: z.number(),
  /** Made by the API, or brought by a push. */
  commits: z.number(),
  bytes_in: z.number(),
  bytes_out: z.number(),
};

const daySchema = z.iso.date();

const periodQuery = {
  /** First day, UTC. Default: the first of this month. */
  since: daySchema.optional(),
  /** Last day. Default: today. */
  until: daySchema.optional(),
};

const periodSchema = z.object({ since: z.string(), until: z.string() });

const ratesSchema = z.object({ per_minute: z.number(), per_hour: z.number() });

/** What an org may use; null: no end. */
export const policyShape = {
  quotas: z.object({
    repos: z.number().nullable(),
    storage_bytes: z.number().nullable(),
    /** Of each repository. */
    repo_bytes: z.number().nullable(),
  }),
  rate_limits: z.object({ key: ratesSchema, org: ratesSchema }),
};

export const usageSchema = z.object({
  period: periodSchema,
  totals: z.object(countsShape),
  storage: z.object({ repos: z.number(), bytes: z.number() }),
  ...policyShape,
});

export const usageDetailsSchema = z.object({
  period: periodSchema,
  totals: z.object(countsShape),
  /** Days on which nothing was done are left out. */
  days: z.array(z.object({ date: z.string(), ...countsShape })),
  /** Most requests first. */
  repos: z.array(
    z.object({
      id: z.string(),
      /** null, as slug is: it is deleted, or has no namespace. */
      namespace: z.string().nullable(),
      slug: z.string().nullable(),
      storage_bytes: z.number(),
      ...countsShape,
    }),
  ),
  /** Keys, tokens, and subjects of signed tokens (`sub@kid`); most requests first. */
  callers: z.array(z.object({ id: z.string(), ...countsShape })),
});

export const usageEndpoints = defineEndpoints({
  "GET /usage": {
    summary: "What the org has used in a period, what it stores, and what it may use",
    access: "master",
    query: z.strictObject(periodQuery),
    status: 200,
    reply: usageSchema,
    errors: ["VALIDATION_ERROR", "FORBIDDEN"],
  },
  "GET /usage/details": {
    summary: "The same by day, by repository and by caller",
    access: "master",
    query: z.strictObject({ ...periodQuery, limit: limitSchema(100, 1_000) }),
    status: 200,
    reply: usageDetailsSchema,
    errors: ["VALIDATION_ERROR", "FORBIDDEN"],
  },
});

export type Usage = z.infer<typeof usageSchema>;
export type UsageDetails = z.infer<typeof usageDetailsSchema>;
