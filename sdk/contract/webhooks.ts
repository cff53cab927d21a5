import * as z from "zod";
import { defineEndpoints } from "./endpoint.ts";
import { LIMITS } from "./limits.ts";
import { cursorSchema, deletedSchema, limitSchema, textSchema } from "./names.ts";

/** What a webhook can be told of; `*` is all of them, and those to come. */
export const WEBHOOK_EVENTS = [
  "push",
  "repo.created",
  "repo.updated",
  "repo.deleted",
  "branch.created",
  "branch.deleted",
  "tag.created",
  "tag.deleted",
] as const;

const eventsSchema = z
  .array(z.enum([...WEBHOOK_EVENTS, "*"]))
  .min(1)
  .max(WEBHOOK_EVENTS.length + 1);

const urlSchema = z.string().min(1).max(LIMITS.webhookUrlChars);
const secretSchema = textSchema(LIMITS.webhookSecretChars).min(16);

export const webhookCreateSchema = z.strictObject({
  /** https; where deliveries are sent. */
  url: urlSchema,
  events: eventsSchema.default(["*"]),
  /** Signs deliveries. Made when absent; null: deliveries are not signed. */
  secret: secretSchema.nullable().optional(),
  description: textSchema(LIMITS.descriptionChars).nullable().optional(),
  active: z.boolean().default(true),
});

export const webhookUpdateSchema = z.strictObject({
  url: urlSchema.optional(),
  events: eventsSchema.optional(),
  /** Takes the place of the old one at once; null: deliveries are no longer signed. */
  secret: secretSchema.nullable().optional(),
  /** Makes a new secret, which is in the reply. */
  rotate_secret: z.literal(true).optional(),
  description: textSchema(LIMITS.descriptionChars).nullable().optional(),
  /** true also ends a disablement; what happened meanwhile is not delivered. */
  active: z.boolean().optional(),
});

export const webhookSchema = z.object({
  id: z.string(),
  url: z.string(),
  events: z.array(z.string()),
  description: z.string().nullable(),
  active: z.boolean(),
  /** Why the server switched it off; null: it did not. */
  disabled_reason: z.string().nullable(),
  /** Whether deliveries are signed. */
  signed: z.boolean(),
  /** Attempts that failed since the last that succeeded. */
  failures: z.number(),
  failing_since: z.string().nullable(),
  created_at: z.string(),
  updated_at: z.string(),
});

const webhookWithSecretSchema = webhookSchema.extend({
  /** Shown when it is set and never again; null: deliveries are not signed. */
  secret: z.string().nullable(),
});

const webhookUpdatedSchema = webhookSchema.extend({
  /** Present when it was changed. */
  secret: z.string().nullable().optional(),
});

export const deliverySchema = z.object({
  /** The same in every attempt: `X-CoreGit-Delivery`. */
  id: z.string(),
  webhook_id: z.string(),
  event: z.string(),
  state: z.enum(["pending", "delivered", "failed"]),
  attempts: z.number(),
  created_at: z.string(),
  /** When it is tried next; null once it has ended. */
  next_attempt_at: z.string().nullable(),
  last_attempt_at: z.string().nullable(),
  /** Of the last attempt that was answered. */
  response_status: z.number().nullable(),
  /** Why the last attempt came to nothing. */
  error: z.string().nullable(),
  duration_ms: z.number().nullable(),
});

export const deliveryDetailsSchema = deliverySchema.extend({
  /** The body as it was sent; null before the first attempt. */
  request_body: z.string().nullable(),
  /** The beginning of the last answer. */
  response_body: z.string().nullable(),
});

/** Webhooks of an org and what became of their deliveries. */
export const webhookEndpoints = defineEndpoints({
  "POST /webhooks": {
    summary: "Make a webhook; its secret is in this reply and nowhere else afterwards",
    access: "master",
    body: webhookCreateSchema,
    status: 201,
    reply: webhookWithSecretSchema,
    errors: ["VALIDATION_ERROR", "FORBIDDEN", "QUOTA_EXCEEDED", "UNPROCESSABLE"],
  },
  "GET /webhooks": {
    summary: "Webhooks, oldest first",
    access: "master",
    status: 200,
    reply: z.object({ webhooks: z.array(webhookSchema) }),
    errors: ["FORBIDDEN"],
  },
  "GET /webhooks/:id": {
    summary: "One webhook",
    access: "master",
    status: 200,
    reply: webhookSchema,
    errors: ["NOT_FOUND", "FORBIDDEN"],
  },
  "PATCH /webhooks/:id": {
    summary: "Change a webhook, or switch it on again",
    access: "master",
    body: webhookUpdateSchema,
    status: 200,
    reply: webhookUpdatedSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "FORBIDDEN", "UNPROCESSABLE"],
  },
  "DELETE /webhooks/:id": {
    summary: "Delete a webhook with its deliveries; what is under way may still arrive",
    access: "master",
    status: 200,
    reply: deletedSchema,
    errors: ["NOT_FOUND", "FORBIDDEN"],
  },
  "POST /webhooks/:id/ping": {
    summary: "Send the event `ping` to a webhook, whatever it listens to",
    access: "master",
    status: 201,
    reply: deliverySchema,
    errors: ["NOT_FOUND", "FORBIDDEN", "CONFLICT"],
  },
  "GET /webhooks/:id/deliveries": {
    summary: "Deliveries of a webhook, newest first",
    access: "master",
    query: z.strictObject({ limit: limitSchema(50, 100), cursor: cursorSchema }),
    status: 200,
    reply: z.object({ deliveries: z.array(deliverySchema), next_cursor: z.string().nullable() }),
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "FORBIDDEN"],
  },
  "GET /webhooks/:id/deliveries/:delivery": {
    summary: "One delivery, with what was sent and answered",
    access: "master",
    status: 200,
    reply: deliveryDetailsSchema,
    errors: ["NOT_FOUND", "FORBIDDEN"],
  },
  "POST /webhooks/:id/deliveries/:delivery/redeliver": {
    summary: "Send a delivery once more, under its id",
    access: "master",
    status: 200,
    reply: deliverySchema,
    errors: ["NOT_FOUND", "FORBIDDEN", "CONFLICT"],
  },
});

export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];
export type WebhookCreate = z.input<typeof webhookCreateSchema>;
export type WebhookUpdate = z.input<typeof webhookUpdateSchema>;
export type Webhook = z.infer<typeof webhookSchema>;
export type WebhookWithSecret = z.infer<typeof webhookWithSecretSchema>;
export type WebhookUpdated = z.infer<typeof webhookUpdatedSchema>;
export type Delivery = z.infer<typeof deliverySchema>;
export type DeliveryDetails = z.infer<typeof deliveryDetailsSchema>;
