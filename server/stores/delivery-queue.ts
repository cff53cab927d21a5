import type { DeliveryMessage, DeliveryQueue } from "../ports/events.ts";

/** A queue takes so many messages in one call. Source: Cloudflare Queues, limits. */
const BATCH = 100;

/** The platform's queue as it is bound; without one nothing is sent, and deliveries wait until there is one. */
export function createDeliveryQueue(
  queue: { sendBatch(messages: Iterable<{ body: DeliveryMessage }>): Promise<unknown> } | undefined,
): DeliveryQueue {
  return {
    async send(messages) {
      if (!queue) throw new Error("the binding EVENTS is missing: no webhook is delivered");
      for (let from = 0; from < messages.length; from += BATCH) {
        await queue.sendBatch(messages.slice(from, from + BATCH).map((body) => ({ body })));
      }
    },
  };
}
