import * as z from "zod";
import { defineEndpoints } from "./endpoint.ts";
import { LIMITS } from "./limits.ts";
import { deletedSchema, limitSchema, textSchema } from "./names.ts";
import { opsSchema, SCOPE_NAME, scopesSchema, tokenLimitsSchema } from "./tokens.ts";

/** What an org signs tokens with; its public half as JWK (RFC 7517) or as PEM of its SubjectPublicKeyInfo. */
const keyMaterialSchema = z.union([
  z.string().min(1).max(4_096),
  z.looseObject({ kty: z.string(), crv: z.string(), x: z.string(), y: z.string().optional() }),
]);

export const kidSchema = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, "1 to 64 letters, digits, - and _");

export const publicKeyCreateSchema = z.strictObject({
  key: keyMaterialSchema,
  /** Names the key in the header of its tokens. Default: its thumbprint (RFC 7638). */
  kid: kidSchema.optional(),
  name: textSchema(100).min(1).optional(),
  /** The most that a token of this key may be given; one with more is refused whole. Default: everything. */
  scopes: z
    .record(z.string().regex(SCOPE_NAME, "repos:*, repos:slug or repos:namespace/slug"), opsSchema)
    .refine((scopes) => Object.keys(scopes).length > 0, "at least one scope")
    .refine(
      (scopes) => Object.keys(scopes).length <= LIMITS.tokenScopes,
      `at most ${LIMITS.tokenScopes} scopes`,
    )
    .optional(),
  /** Seconds from `iat` to `exp` that a token of this key may have at most. */
  max_expires_in: z.number().int().min(60).max(LIMITS.signedTokenSecondsMax).optional(),
});

export const publicKeySchema = z.object({
  kid: z.string(),
  name: z.string().nullable(),
  alg: z.enum(["EdDSA", "ES256"]),
  /** The public key as JWK. */
  key: z.object({ kty: z.string(), crv: z.string(), x: z.string(), y: z.string().optional() }),
  scopes: z.record(z.string(), opsSchema).nullable(),
  max_expires_in: z.number(),
  created_at: z.string(),
});

/** Claims of a signed token; those that are not named here mean nothing. Source: RFC 7519, 4.1 */
export const signedClaimsSchema = z.object({
  /** Slug of the org. */
  iss: z.string(),
  /** Who writes: stands in reflogs and counts for itself in rate limits. No control characters. */
  sub: z
    .string()
    .min(1)
    .max(LIMITS.subjectChars)
    .regex(/^[^\p{Cc}\p{Surrogate}]+$/u, "no control characters"),
  scopes: scopesSchema,
  exp: z.number().int().min(0).max(1e11),
  iat: z.number().int().min(0).max(1e11),
  nbf: z.number().int().min(0).max(1e11).optional(),
  jti: z.string().min(1).max(200).optional(),
  /** When given, `coregit` must be among them. */
  aud: z.union([z.string(), z.array(z.string()).max(20)]).optional(),
  limits: tokenLimitsSchema.optional(),
});

const revocationSchema = z.union([
  z.strictObject({
    jti: z.string().min(1).max(200),
    /** When the token ends by itself. Default: as late as any could. */
    expires_at: z.iso.datetime({ offset: true }).optional(),
  }),
  /** The token itself, for one without `jti`. */
  z.strictObject({ token: z.string().min(1).max(LIMITS.signedTokenChars) }),
]);

export const revokedTokenSchema = z.object({
  /** null: it had none. */
  jti: z.string().nullable(),
  revoked_at: z.string(),
  expires_at: z.string(),
});

export const publicKeyEndpoints = defineEndpoints({
  "POST /public-keys": {
    summary: "Register a public key (Ed25519 or P-256): who has the private one makes tokens without asking",
    access: "master",
    body: publicKeyCreateSchema,
    status: 201,
    reply: publicKeySchema,
    errors: ["VALIDATION_ERROR", "FORBIDDEN", "CONFLICT", "QUOTA_EXCEEDED"],
  },
  "GET /public-keys": {
    summary: "Public keys, oldest first",
    access: "master",
    status: 200,
    reply: z.object({ public_keys: z.array(publicKeySchema) }),
    errors: ["FORBIDDEN"],
  },
  "DELETE /public-keys/:kid": {
    summary: "Delete a public key: all its tokens, their sessions and watches end at once",
    access: "master",
    status: 200,
    reply: deletedSchema,
    errors: ["NOT_FOUND", "FORBIDDEN"],
  },
  "POST /revoked-tokens": {
    summary: "Revoke one signed token at once",
    access: "master",
    body: revocationSchema,
    status: 201,
    reply: revokedTokenSchema,
    errors: ["VALIDATION_ERROR", "FORBIDDEN", "QUOTA_EXCEEDED"],
  },
  "GET /revoked-tokens": {
    summary: "Revoked signed tokens that have not run out, the latest first",
    access: "master",
    query: z.strictObject({ limit: limitSchema(100, 1_000) }),
    status: 200,
    reply: z.object({ revoked_tokens: z.array(revokedTokenSchema), total: z.number() }),
    errors: ["VALIDATION_ERROR", "FORBIDDEN"],
  },
});

export type PublicKeyCreate = z.input<typeof publicKeyCreateSchema>;
export type PublicKey = z.infer<typeof publicKeySchema>;
export type SignedClaims = z.input<typeof signedClaimsSchema>;
export type TokenRevocation = z.input<typeof revocationSchema>;
export type RevokedToken = z.infer<typeof revokedTokenSchema>;
