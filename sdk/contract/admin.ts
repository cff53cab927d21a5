import * as z from "zod";
import { defineEndpoints } from "./endpoint.ts";
import { deletedSchema, slugSchema, textSchema } from "./names.ts";

export const orgCreateSchema = z.strictObject({
  slug: slugSchema,
  name: textSchema(200).min(1).optional(),
});

export const orgCreatedSchema = z.object({ id: z.string(), slug: z.string(), api_key: z.string() });

export const keyCreatedSchema = z.object({ id: z.string(), api_key: z.string() });

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
export type OrgCreated = z.infer<typeof orgCreatedSchema>;
export type KeyCreated = z.infer<typeof keyCreatedSchema>;
