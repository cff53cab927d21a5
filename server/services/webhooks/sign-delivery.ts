import { createHmac } from "node:crypto";
import { WEBHOOK_HEADERS } from "../../../sdk/contract/webhook-headers.ts";

/** What a delivery is sent with. */
export interface DeliveryHead {
  readonly deliveryId: string;
  readonly webhookId: string;
  readonly event: string;
  readonly nowMs: number;
}

/**
 * The headers of one attempt. The first signature is over the body alone; the second also binds the delivery and the
 * time of the attempt, so that a recorded request is of no use later. `secret` null: no signatures.
 */
export function signDelivery(
  head: DeliveryHead,
  body: string,
  secret: string | null,
): Record<string, string> {
  const timestamp = String(Math.floor(head.nowMs / 1_000));
  const headers = {
    [WEBHOOK_HEADERS.event]: head.event,
    [WEBHOOK_HEADERS.webhookId]: head.webhookId,
    [WEBHOOK_HEADERS.delivery]: head.deliveryId,
    [WEBHOOK_HEADERS.timestamp]: timestamp,
  };
  if (secret === null) return headers;
  const sign = (text: string) => `sha256=${createHmac("sha256", secret).update(text, "utf8").digest("hex")}`;
  return {
    ...headers,
    [WEBHOOK_HEADERS.signature]: sign(body),
    [WEBHOOK_HEADERS.signatureV2]: sign(`${head.deliveryId}.${timestamp}.${body}`),
  };
}
