import * as z from "zod";
import { defineEndpoints } from "./endpoint.ts";
import { LIMITS } from "./limits.ts";
import { deletedSchema, textSchema } from "./names.ts";

export const providerSchema = z.enum(["github", "gitlab", "git"]);

const labelSchema = textSchema(100).min(1);
const secretSchema = z
  .string()
  .min(1)
  .max(LIMITS.connectionSecretChars)
  .regex(/^[\x20-\x7e]+$/, "printable ASCII");
const usernameSchema = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[\x21-\x39\x3b-\x7e]+$/, "printable ASCII without a colon");

export const connectionCreateSchema = z.strictObject({
  provider: providerSchema,
  label: labelSchema,
  /** Token, or the password that belongs to `username`. */
  access_token: secretSchema,
  /** Of Basic authentication; the providers' tokens need none. */
  username: usernameSchema.optional(),
  /** Where the server is; required for `git`, and for a GitHub or GitLab of one's own. */
  base_url: z.string().min(1).max(2_048).optional(),
});

export const connectionUpdateSchema = z
  .strictObject({ label: labelSchema, access_token: secretSchema, username: usernameSchema.nullable() })
  .partial();

export const connectionSchema = z.object({
  id: z.string(),
  provider: providerSchema,
  label: z.string(),
  base_url: z.string(),
  username: z.string().nullable(),
  /** Whose token it is, once the provider was asked. */
  external_username: z.string().nullable(),
  last_synced_at: z.string().nullable(),
  created_at: z.string(),
  updated_at: z.string(),
});

export const connectionTestSchema = z.strictObject({
  /** Repository to ask for; without it the provider is asked whose token it is. */
  remote: z.string().min(1).max(2_048).optional(),
});

export const connectionEndpoints = defineEndpoints({
  "POST /connections": {
    summary: "Store a credential for another git server; it is sealed and never shown again",
    access: "master",
    body: connectionCreateSchema,
    status: 201,
    reply: connectionSchema,
    errors: ["VALIDATION_ERROR", "FORBIDDEN", "QUOTA_EXCEEDED", "UNPROCESSABLE"],
  },
  "GET /connections": {
    summary: "The org's connections, oldest first, without their credentials",
    access: "master",
    status: 200,
    reply: z.object({ connections: z.array(connectionSchema) }),
    errors: ["FORBIDDEN"],
  },
  "PATCH /connections/:id": {
    summary: "Change label or credential",
    access: "master",
    body: connectionUpdateSchema,
    status: 200,
    reply: z.object({ updated: z.literal(true) }),
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "FORBIDDEN", "UNPROCESSABLE"],
  },
  "POST /connections/:id/test": {
    summary: "Ask the other server whether it takes the credential; changes nothing there",
    access: "master",
    body: connectionTestSchema,
    status: 200,
    reply: z.object({
      valid: z.boolean(),
      username: z.string().nullable().optional(),
      error: z.string().optional(),
    }),
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "FORBIDDEN", "UNPROCESSABLE"],
  },
  "DELETE /connections/:id": {
    summary: "Delete a credential; what syncs with it stops at its next run",
    access: "master",
    status: 200,
    reply: deletedSchema,
    errors: ["NOT_FOUND", "FORBIDDEN"],
  },
});

export type Connection = z.infer<typeof connectionSchema>;
export type ConnectionCreate = z.input<typeof connectionCreateSchema>;
export type ConnectionUpdate = z.input<typeof connectionUpdateSchema>;
export type ConnectionTest = z.infer<(typeof connectionEndpoints)["POST /connections/:id/test"]["reply"]>;
