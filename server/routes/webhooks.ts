import { createHash } from "node:crypto";
import { HEADERS } from "../../sdk/contract/limits.ts";
import type { Delivery, DeliveryDetails, Webhook, webhookEndpoints } from "../../sdk/contract/webhooks.ts";
import {
  conflict,
  invalidField,
  notFound,
  RequestError,
  unprocessable,
} from "../middleware/request-error.ts";
import type {
  DeliveryDetails as DeliveryDetailsRecord,
  DeliveryRecord,
  DeliveryRequest,
  EventStore,
  WebhookRecord,
} from "../ports/events.ts";
import { randomText } from "../services/org-keys.ts";
import type { AddressRules } from "../services/public-address.ts";
import type { SecretSealer } from "../services/seal-secret.ts";
import { findUrlFault } from "../services/webhooks/check-url.ts";
import { createWebhookSecret, describeSecret } from "../services/webhooks/webhook-secret.ts";
import { formatListCursor, parseListCursor } from "./list-cursor.ts";
import { json } from "./reply.ts";
import type { HandlersFor, RequestContext } from "./router.ts";

export interface WebhookHandlerDeps {
  /** An org's log and webhooks. */
  readonly openEvents: (orgId: string) => EventStore;
  /** null: the deployment has no key for secrets. */
  readonly sealer: SecretSealer | null;
  readonly addressRules: AddressRules;
}

const ID_CHARS = 22;

/** Webhooks of the caller's org. A secret is in the reply that sets it and nowhere else afterwards. */
export function createWebhookHandlers(deps: WebhookHandlerDeps): HandlersFor<typeof webhookEndpoints> {
  const { openEvents } = deps;
  return {
    "POST /webhooks": (context) => postWebhook(deps, context),
    "GET /webhooks": async ({ org }) => ({
      webhooks: (await openEvents(org.id).listWebhooks()).map(formatWebhook),
    }),
    async "GET /webhooks/:id"({ org, params }) {
      const webhook = await openEvents(org.id).findWebhook(params.id);
      if (!webhook) throw notFound("Webhook");
      return formatWebhook(webhook);
    },
    "PATCH /webhooks/:id": (context) => patchWebhook(deps, context),
    async "DELETE /webhooks/:id"({ org, params, principal }) {
      if (!(await openEvents(org.id).deleteWebhook(params.id, principal?.actor ?? "")))
        throw notFound("Webhook");
      return { deleted: true };
    },
    async "POST /webhooks/:id/ping"({ org, params, idempotencyKey }) {
      const receipt = idempotencyKey === null ? null : `ping:${idempotencyKey}`;
      return formatQueued("Webhook", await openEvents(org.id).ping(params.id, receipt));
    },
    async "GET /webhooks/:id/deliveries"({ org, params, query }) {
      const before =
        query.cursor === undefined ? {} : { before: parseListCursor("deliveries", query.cursor) };
      const page = await openEvents(org.id).listDeliveries(params.id, { limit: query.limit, ...before });
      if (!page) throw notFound("Webhook");
      return {
        deliveries: page.deliveries.map(formatDelivery),
        next_cursor: page.next === null ? null : formatListCursor("deliveries", page.next),
      };
    },
    async "GET /webhooks/:id/deliveries/:delivery"({ org, params }) {
      const delivery = await openEvents(org.id).findDelivery(params.id, params.delivery);
      if (!delivery) throw notFound("Delivery");
      return formatDeliveryDetails(delivery);
    },
    async "POST /webhooks/:id/deliveries/:delivery/redeliver"({ org, params, idempotencyKey }) {
      const receipt = idempotencyKey === null ? null : `redeliver:${idempotencyKey}`;
      return formatQueued(
        "Delivery",
        await openEvents(org.id).redeliver(params.id, params.delivery, receipt),
      );
    },
  };
}

async function postWebhook(
  { openEvents, sealer, addressRules }: WebhookHandlerDeps,
  { body, org, principal, idempotencyKey }: RequestContext<"POST /webhooks">,
): Promise<Response> {
  checkUrl(body.url, addressRules);
  const actor = principal?.actor ?? "";
  const id = `whk_${idempotencyKey === null ? randomText(ID_CHARS) : deriveId([org.id, actor, idempotencyKey])}`;
  const secret = body.secret === undefined ? createWebhookSecret() : body.secret;
  const outcome = await openEvents(org.id).createWebhook(
    {
      id,
      url: body.url,
      events: [...new Set(body.events)],
      description: body.description ?? null,
      active: body.active,
      sealedSecret: await sealSecret(sealer, secret, describeSecret(org.id, id)),
      fingerprint: idempotencyKey === null ? null : hash(JSON.stringify(body)),
    },
    actor,
  );
  if (outcome.kind === "full") {
    throw new RequestError("QUOTA_EXCEEDED", `The org has ${outcome.limit} webhooks already`, {
      limit: outcome.limit,
    });
  }
  if (outcome.kind === "idempotency-mismatch") {
    throw unprocessable("This Idempotency-Key was used for another request");
  }
  const replayed = outcome.replayed && idempotencyKey !== null;
  // The secret of the first request, which this one repeats.
  const kept = replayed
    ? await reopenSecret(sealer, outcome.sealedSecret, describeSecret(org.id, id))
    : secret;
  return json(
    { ...formatWebhook(outcome.webhook), secret: kept },
    { status: 201, ...(replayed && { headers: { [HEADERS.idempotentReplay]: "true" } }) },
  );
}

async function patchWebhook(
  { openEvents, sealer, addressRules }: WebhookHandlerDeps,
  { body, org, params, principal }: RequestContext<"PATCH /webhooks/:id">,
) {
  const { url, events, description, active, rotate_secret } = body;
  if (url !== undefined) checkUrl(url, addressRules);
  if (rotate_secret && body.secret !== undefined) {
    throw invalidField("rotate_secret", "cannot be combined with secret");
  }
  const secret = rotate_secret ? createWebhookSecret() : body.secret;
  const webhook = await openEvents(org.id).updateWebhook(
    params.id,
    {
      ...(url !== undefined && { url }),
      ...(events !== undefined && { events: [...new Set(events)] }),
      ...(description !== undefined && { description }),
      ...(active !== undefined && { active }),
      ...(secret !== undefined && {
        sealedSecret: await sealSecret(sealer, secret, describeSecret(org.id, params.id)),
      }),
    },
    principal?.actor ?? "",
  );
  if (!webhook) throw notFound("Webhook");
  return { ...formatWebhook(webhook), ...(secret !== undefined && { secret }) };
}

function checkUrl(url: string, rules: AddressRules): void {
  const fault = findUrlFault(url, rules);
  if (fault !== null) throw invalidField("url", fault);
}

async function sealSecret(
  sealer: SecretSealer | null,
  secret: string | null,
  context: string,
): Promise<string | null> {
  if (secret === null) return null;
  if (sealer) return sealer.seal(secret, context);
  const message =
    "This deployment has no SECRETS_KEY to keep a signing secret with; a webhook without signatures takes secret: null";
  throw unprocessable(message, { reason: "no-secrets-key" });
}

async function reopenSecret(
  sealer: SecretSealer | null,
  sealed: string | null,
  context: string,
): Promise<string | null> {
  if (sealed === null) return null;
  const secret = await sealer?.open(sealed, context);
  if (secret?.kind === "opened") return secret.plain;
  throw unprocessable("The webhook exists, but its secret cannot be read any more; set a new one", {
    reason: "no-secrets-key",
  });
}

function deriveId(parts: readonly string[]): string {
  return hash(JSON.stringify(parts)).slice(0, ID_CHARS);
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function formatWebhook(webhook: WebhookRecord): Webhook {
  return {
    id: webhook.id,
    url: webhook.url,
    events: [...webhook.events],
    description: webhook.description,
    active: webhook.active,
    disabled_reason: webhook.disabledReason,
    signed: webhook.signed,
    failures: webhook.failures,
    failing_since: formatTime(webhook.failingSinceMs),
    created_at: new Date(webhook.createdAtMs).toISOString(),
    updated_at: new Date(webhook.updatedAtMs).toISOString(),
  };
}

function formatDelivery(delivery: DeliveryRecord): Delivery {
  return {
    id: delivery.id,
    webhook_id: delivery.webhookId,
    event: delivery.event,
    state: delivery.state,
    attempts: delivery.attempts,
    created_at: new Date(delivery.createdAtMs).toISOString(),
    next_attempt_at: formatTime(delivery.nextAtMs),
    last_attempt_at: formatTime(delivery.lastAtMs),
    response_status: delivery.status,
    error: delivery.error,
    duration_ms: delivery.durationMs,
  };
}

function formatDeliveryDetails(delivery: DeliveryDetailsRecord): DeliveryDetails {
  const { requestBody, responseBody } = delivery;
  return { ...formatDelivery(delivery), request_body: requestBody, response_body: responseBody };
}

function formatQueued(noun: string, request: DeliveryRequest): Delivery {
  if (request === null) throw notFound(noun);
  if (request.kind === "inactive")
    throw conflict("The webhook is switched off", { reason: "webhook-inactive" });
  return formatDelivery(request.delivery);
}

function formatTime(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
