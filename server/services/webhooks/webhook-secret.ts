import { randomText } from "../org-keys.ts";

const SECRET_CHARS = 40;

/** A new signing secret: 238 random bits. */
export function createWebhookSecret(): string {
  return `whsec_${randomText(SECRET_CHARS)}`;
}

/** What a sealed secret is bound to: the row that it stands in. */
export function describeSecret(orgId: string, webhookId: string): string {
  return `webhook:${orgId}:${webhookId}`;
}
