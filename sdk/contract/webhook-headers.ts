/** Headers of a delivery, lower case as the platform compares them. */
export const WEBHOOK_HEADERS = {
  event: "x-coregit-event",
  webhookId: "x-coregit-webhook-id",
  /** The same in every attempt, and of no other delivery. */
  delivery: "x-coregit-delivery",
  /** Unix seconds of the attempt. */
  timestamp: "x-coregit-timestamp",
  /** `sha256=` and HMAC-SHA256 of the body in hex. */
  signature: "x-coregit-signature",
  /** The same of `delivery.timestamp.body`. */
  signatureV2: "x-coregit-signature-v2",
} as const;
