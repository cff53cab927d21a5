import * as z from "zod";
import { defineEndpoints } from "./endpoint.ts";
import { LIMITS } from "./limits.ts";
import { cursorSchema, deletedSchema, limitSchema, textSchema } from "./names.ts";

export const SCOPE_NAME = /^repos:(\*|[a-z0-9]+(-[a-z0-9]+)*(\/[a-z0-9]+(-[a-z0-9]+)*)?)$/;

export const opsSchema = z
  .array(z.enum(["read", "write"]))
  .min(1)
  .max(2);
const globsSchema = z.array(z.string().min(1).max(LIMITS.prefetchGlobChars)).min(1).max(LIMITS.tokenGlobs);

const scopeRuleSchema = z.union([
  opsSchema,
  z.strictObject({
    ops: opsSchema,
    /** Globs of refs that may be moved: `agent/*`, `refs/tags/**`. All when absent. */
    refs: globsSchema.optional(),
    /** Globs of paths that may be changed. All when absent. */
    paths: globsSchema.optional(),
  }),
]);

export const scopesSchema = z
  .record(z.string().regex(SCOPE_NAME, "repos:*, repos:slug or repos:namespace/slug"), scopeRuleSchema)
  .refine((scopes) => Object.keys(scopes).length > 0, "at least one scope")
  .refine(
    (scopes) => Object.keys(scopes).length <= LIMITS.tokenScopes,
    `at most ${LIMITS.tokenScopes} scopes`,
  );

/** How much may be written with a token, from its first use to its end. */
export const tokenLimitsSchema = z.strictObject({
  /** Commits: those of the API, and those that a push brings. */
  commits: z.number().int().min(1).max(1e12).optional(),
  /** Contents of commits and uploads, and packs of pushes. */
  bytes: z.number().int().min(1).max(1e15).optional(),
});

export const tokenCreateSchema = z.strictObject({
  name: textSchema(100).min(1),
  scopes: scopesSchema,
  /** Seconds. */
  expires_in: z.number().int().min(LIMITS.tokenSecondsMin).max(LIMITS.tokenSecondsMax).default(86_400),
  limits: tokenLimitsSchema.optional(),
});

export const tokenSchema = z.object({
  id: z.string(),
  name: z.string(),
  /** The first characters of the token. */
  key_prefix: z.string(),
  scopes: z.record(z.string(), scopeRuleSchema),
  created_at: z.string(),
  expires_at: z.string(),
  limits: tokenLimitsSchema,
});

export const tokenCreatedSchema = tokenSchema.extend({
  /** Shown here and never again. */
  token: z.string(),
});

export const tokenEndpoints = defineEndpoints({
  "POST /tokens": {
    summary: "Make a token that may do less than the key, for a time",
    access: "master",
    body: tokenCreateSchema,
    status: 201,
    reply: tokenCreatedSchema,
    errors: ["VALIDATION_ERROR", "FORBIDDEN", "QUOTA_EXCEEDED"],
  },
  "GET /tokens": {
    summary: "Live tokens, oldest first",
    access: "master",
    query: z.strictObject({ limit: limitSchema(50, 100), cursor: cursorSchema }),
    status: 200,
    reply: z.object({ tokens: z.array(tokenSchema), next_cursor: z.string().nullable() }),
    errors: ["VALIDATION_ERROR", "FORBIDDEN"],
  },
  "DELETE /tokens/:id": {
    summary: "Revoke a token at once",
    access: "master",
    status: 200,
    reply: deletedSchema,
    errors: ["NOT_FOUND", "FORBIDDEN"],
  },
});

export type TokenCreate = z.input<typeof tokenCreateSchema>;
export type Token = z.infer<typeof tokenSchema>;
export type TokenCreated = z.infer<typeof tokenCreatedSchema>;
export type TokenLimits = z.infer<typeof tokenLimitsSchema>;
export type TokenScopes = z.output<typeof scopesSchema>;
