import type { DeliveryRecord, EventStore, NewWebhook, WebhookRecord } from "../ports/events.ts";

interface Stored {
  webhook: WebhookRecord;
  readonly sealedSecret: string | null;
  readonly deliveries: DeliveryRecord[];
}

/**
 * Webhooks as far as rights go: they are kept and looked at, and nothing is ever sent. The log is empty. The real ones are
 * in the org's Durable Object.
 */
export function createMemoryEvents(): (orgId: string) => EventStore {
  const orgs = new Map<string, EventStore>();
  return (orgId) => {
    const known = orgs.get(orgId) ?? createOrgEvents();
    orgs.set(orgId, known);
    return known;
  };
}

function createOrgEvents(): EventStore {
  const webhooks = new Map<string, Stored>();
  const findDelivery = (webhookId: string, id: string) =>
    webhooks.get(webhookId)?.deliveries.find((delivery) => delivery.id === id) ?? null;
  return {
    listLog: async () => ({ entries: [], next: null }),
    async createWebhook(webhook) {
      const stored = { webhook: toRecord(webhook), sealedSecret: webhook.sealedSecret, deliveries: [] };
      webhooks.set(webhook.id, stored);
      return { kind: "created", webhook: stored.webhook, sealedSecret: stored.sealedSecret, replayed: false };
    },
    listWebhooks: async () => [...webhooks.values()].map(({ webhook }) => webhook),
    findWebhook: async (id) => webhooks.get(id)?.webhook ?? null,
    async updateWebhook(id, { sealedSecret: _sealed, ...patch }) {
      const stored = webhooks.get(id);
      if (stored) stored.webhook = { ...stored.webhook, ...patch };
      return stored?.webhook ?? null;
    },
    deleteWebhook: async (id) => webhooks.delete(id),
    async listDeliveries(webhookId) {
      const stored = webhooks.get(webhookId);
      return stored ? { deliveries: stored.deliveries, next: null } : null;
    },
    async findDelivery(webhookId, deliveryId) {
      const delivery = findDelivery(webhookId, deliveryId);
      return delivery && { ...delivery, requestBody: null, responseBody: null };
    },
    async redeliver(webhookId, deliveryId) {
      const delivery = findDelivery(webhookId, deliveryId);
      return delivery && { kind: "queued", delivery };
    },
    async ping(webhookId) {
      const stored = webhooks.get(webhookId);
      if (!stored) return null;
      const delivery = newPing(webhookId, stored.deliveries.length);
      stored.deliveries.push(delivery);
      return { kind: "queued", delivery };
    },
  };
}

function toRecord({ sealedSecret, fingerprint: _fingerprint, ...webhook }: NewWebhook): WebhookRecord {
  const states = { disabledReason: null, failures: 0, failingSinceMs: null, createdAtMs: 0, updatedAtMs: 0 };
  return { ...webhook, ...states, signed: sealedSecret !== null };
}

function newPing(webhookId: string, seq: number): DeliveryRecord {
  return {
    id: `dlv_${webhookId}_${seq}`,
    webhookId,
    event: "ping",
    state: "pending",
    attempts: 0,
    createdAtMs: 0,
    nextAtMs: 0,
    lastAtMs: null,
    status: null,
    error: null,
    durationMs: null,
  };
}
