import type { NewPublicKey, NewRevocation } from "../ports/access.ts";
import type { PolicyPatch } from "../ports/account.ts";
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
import { describeWrite, OPERATOR, type Subject } from "../services/events/describe-write.ts";
import { OrgAccountMethods } from "./org-account-methods.ts";
import type { OrgEvents } from "./org-events.ts";

/** Those calls of an org's object that are about its log and its webhooks. */
export abstract class OrgEventMethods<E>
  extends OrgAccountMethods<E>
  implements EventStore, MoveTaker, DeliverySource
{
  /** A field of the instance, not a getter: callers of the object reach what is on the prototype only. */
  protected abstract readonly events: OrgEvents;

  override async createPublicKey(key: NewPublicKey, actor = OPERATOR) {
    const known = this.#knows(key.kid);
    return this.events.writeLogged(() => {
      const created = this.signed.createKey(key);
      if (created.kind === "created" && !known) this.#log(actor, "public_key.create", key.kid);
      return created;
    });
  }

  override async deletePublicKey(kid: string, actor = OPERATOR) {
    // Nothing waits between this entry and the deletion: both are stored, or neither.
    if (this.#knows(kid)) this.events.writeLogged(() => this.#log(actor, "public_key.delete", kid));
    return this.signed.deleteKey(kid);
  }

  override async revokeSigned(revocation: NewRevocation, actor = OPERATOR) {
    const outcome = await this.signed.revoke(revocation);
    if (outcome.kind === "revoked") {
      this.events.writeLogged(() => this.#log(actor, "signed_token.revoke", outcome.revocation.jti));
    }
    return outcome;
  }

  override async changePolicy(patch: PolicyPatch) {
    if (this.account.read() === null) return null;
    return this.events.writeLogged(() => {
      const account = this.account.changePolicy(patch);
      if (account) this.#log(OPERATOR, "org.update", null, { ...patch });
      return account;
    });
  }

  #knows(kid: string): boolean {
    return this.signed.listKeys().some((key) => key.kid === kid);
  }

  #log(actor: string, action: string, id: string | null, details: Subject["details"] = {}): void {
    this.events.record(describeWrite(actor, action, { id, name: null, details }));
  }

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
