import { DurableObject } from "cloudflare:workers";
import type {
  AttemptOutcome,
  DeliverySource,
  EventStore,
  LogQuery,
  MoveBatch,
  MoveTaker,
  NewWebhook,
  WebhookPatch,
} from "../ports/events.ts";
import type { OrgEvents } from "./org-events.ts";

/** Those calls of an org's object that are about its log and its webhooks. */
export abstract class OrgEventMethods<E>
  extends DurableObject<E>
  implements EventStore, MoveTaker, DeliverySource
{
  /** A field of the instance, not a getter: callers of the object reach what is on the prototype only. */
  protected abstract readonly events: OrgEvents;

  async takeMoves(batch: MoveBatch) {
    return this.events.takeMoves(batch);
  }

  async listLog(query: LogQuery) {
    return this.events.listLog(query);
  }

  async createWebhook(webhook: NewWebhook, actor: string) {
    return this.events.createWebhook(webhook, actor);
  }

  async listWebhooks() {
    return this.events.listWebhooks();
  }

  async findWebhook(id: string) {
    return this.events.findWebhook(id);
  }

  async updateWebhook(id: string, patch: WebhookPatch, actor: string) {
    return this.events.updateWebhook(id, patch, actor);
  }

  async deleteWebhook(id: string, actor: string) {
    return this.events.deleteWebhook(id, actor);
  }

  async listDeliveries(webhookId: string, query: { readonly limit: number; readonly before?: number }) {
    return this.events.listDeliveries(webhookId, query);
  }

  async findDelivery(webhookId: string, deliveryId: string) {
    return this.events.findDelivery(webhookId, deliveryId);
  }

  async redeliver(webhookId: string, deliveryId: string, receipt: string | null) {
    return this.events.redeliver(webhookId, deliveryId, receipt);
  }

  async ping(webhookId: string, receipt: string | null) {
    return this.events.ping(webhookId, receipt);
  }

  async openDelivery(delivery: number) {
    return this.events.openDelivery(delivery);
  }

  async settleDelivery(delivery: number, outcome: AttemptOutcome) {
    this.events.settleDelivery(delivery, outcome);
  }
}
