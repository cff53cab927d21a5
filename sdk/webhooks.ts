import { WEBHOOK_HEADERS } from "./contract/webhook-headers.ts";
import type { WebhookPayload } from "./contract/webhook-payloads.ts";

export type {
  PingPayload,
  PushPayload,
  RefPayload,
  RepoPayload,
  WebhookActor,
  WebhookCommit,
  WebhookPayload,
  WebhookRepository,
} from "./contract/webhook-payloads.ts";

/** A request that a webhook received. */
export interface ReceivedWebhook {
  /** The body as it came, byte for byte: not parsed and written again. */
  readonly body: string | Uint8Array;
  /** `Headers`, or an object of names in any case as node's `request.headers`. */
  readonly headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly secret: string;
}

export interface VerifyOptions {
  /** How far the time of the attempt may lie from now, either way. Default 300. */
  readonly toleranceSec?: number;
  /** Milliseconds since 1970; for tests. */
  readonly now?: number;
}

export type WebhookVerdict =
  | {
      readonly kind: "verified";
      /** The same in every attempt: remember it, and leave out what you have seen. */
      readonly deliveryId: string;
      readonly webhookId: string;
      readonly payload: WebhookPayload;
    }
  | { readonly kind: "refused"; readonly reason: "unsigned" | "too-old" | "wrong-signature" | "not-json" };

const SIGNATURE = /^sha256=([0-9a-f]{64})$/;
const TIMESTAMP = /^\d{1,12}$/;

/**
 * Says whether a request comes from a webhook with this secret, now and not recorded earlier. The comparison takes the
 * same time whatever the signature. Runs wherever WebCrypto is.
 *
 * @example
 * const verdict = await verifyWebhook({ body: await request.text(), headers: request.headers, secret });
 * if (verdict.kind === "refused") return new Response(verdict.reason, { status: 401 });
 */
export async function verifyWebhook(
  { body, headers, secret }: ReceivedWebhook,
  options: VerifyOptions = {},
): Promise<WebhookVerdict> {
  const signature = SIGNATURE.exec(readHeader(headers, WEBHOOK_HEADERS.signatureV2) ?? "")?.[1];
  const timestamp = readHeader(headers, WEBHOOK_HEADERS.timestamp) ?? "";
  const deliveryId = readHeader(headers, WEBHOOK_HEADERS.delivery);
  if (!signature || !deliveryId || !TIMESTAMP.test(timestamp)) return { kind: "refused", reason: "unsigned" };
  const encoder = new TextEncoder();
  const bytes = typeof body === "string" ? encoder.encode(body) : body;
  const signed = joinBytes(encoder.encode(`${deliveryId}.${timestamp}.`), bytes);
  const key = await crypto.subtle.importKey(
    "raw",
    encoder.encode(secret),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["verify"],
  );
  if (!(await crypto.subtle.verify("HMAC", key, decodeHex(signature), signed))) {
    return { kind: "refused", reason: "wrong-signature" };
  }
  const ageSec = Math.abs((options.now ?? Date.now()) / 1_000 - Number(timestamp));
  if (ageSec > (options.toleranceSec ?? 300)) return { kind: "refused", reason: "too-old" };
  const payload = parsePayload(new TextDecoder().decode(bytes));
  if (payload === null) return { kind: "refused", reason: "not-json" };
  return {
    kind: "verified",
    deliveryId,
    webhookId: readHeader(headers, WEBHOOK_HEADERS.webhookId) ?? "",
    payload,
  };
}

function readHeader(headers: ReceivedWebhook["headers"], name: string): string | null {
  if (headers instanceof Headers) return headers.get(name);
  for (const [key, value] of Object.entries(headers)) {
    if (key.toLowerCase() === name) return typeof value === "string" ? value : (value?.[0] ?? null);
  }
  return null;
}

function joinBytes(head: Uint8Array, tail: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(head.length + tail.length);
  joined.set(head);
  joined.set(tail, head.length);
  return joined;
}

function decodeHex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: text.length / 2 }, (_, i) =>
    Number.parseInt(text.slice(2 * i, 2 * i + 2), 16),
  );
}

function parsePayload(text: string): WebhookPayload | null {
  try {
    // Its shape is the server's word, which the signature vouches for.
    return JSON.parse(text) as WebhookPayload;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
