import type { DeliverySource, EventStore, MoveTaker } from "../ports/events.ts";
import { createDurableCalls } from "./durable-call.ts";

/** Log and webhooks of an org behind OrgDO stubs. */
export function createDurableEventStore(connect: () => EventStore): EventStore {
  const { repeat, once } = createDurableCalls(connect);
  return {
    listLog: (query) => repeat((stub) => stub.listLog(query)),
    createWebhook: (webhook, actor) => repeat((stub) => stub.createWebhook(webhook, actor)),
    listWebhooks: () => repeat((stub) => stub.listWebhooks()),
    findWebhook: (id) => repeat((stub) => stub.findWebhook(id)),
    updateWebhook: (id, patch, actor) => repeat((stub) => stub.updateWebhook(id, patch, actor)),
    // A repetition would find nothing, and say so.
    deleteWebhook: (id, actor) => once((stub) => stub.deleteWebhook(id, actor)),
    listDeliveries: (webhookId, query) => repeat((stub) => stub.listDeliveries(webhookId, query)),
    findDelivery: (webhookId, deliveryId) => repeat((stub) => stub.findDelivery(webhookId, deliveryId)),
    redeliver: (webhookId, deliveryId, receipt) =>
      (receipt === null ? once : repeat)((stub) => stub.redeliver(webhookId, deliveryId, receipt)),
    ping: (webhookId, receipt) => (receipt === null ? once : repeat)((stub) => stub.ping(webhookId, receipt)),
  };
}

/** Where a repository hands over its moves. */
export function createDurableMoveTaker(
  orgs: { getByName(name: string): MoveTaker },
  orgId: string,
): MoveTaker {
  const { repeat } = createDurableCalls(() => orgs.getByName(orgId));
  return { takeMoves: (batch) => repeat((stub) => stub.takeMoves(batch)) };
}

/** An org's deliveries, for whoever sends them. */
export function createDurableDeliverySource(connect: () => DeliverySource): DeliverySource {
  const { repeat, once } = createDurableCalls(connect);
  return {
    // A second opening finds it taken, until the lease of the first runs out.
    openDelivery: (delivery) => once((stub) => stub.openDelivery(delivery)),
    // A second outcome finds it settled, or counts one attempt too many.
    settleDelivery: (delivery, outcome) => repeat((stub) => stub.settleDelivery(delivery, outcome)),
  };
}
