import type { Oid } from "../git/hash/oid.ts";
import type { ReflogEntry } from "../git/ports.ts";
import type { RepoRecord } from "./org.ts";

/** What leaves the server: the org's log of what was done, and the deliveries of its webhooks. */

/** One thing that was done in an org. */
export interface LogDraft {
  /** Id of the key or token; else `operator`, `system` or `anonymous`. */
  readonly actor: string;
  /** Such as `repo.create`, `commit`, `push`. */
  readonly action: string;
  /** Such as `repo`, `ref`, `token`. */
  readonly resourceType: string;
  readonly resourceId: string | null;
  readonly resourceName: string | null;
  /** JSON; a move of a ref has {@link MoveDetails}. */
  readonly details: Readonly<Record<string, unknown>>;
}

export interface LogEntry extends LogDraft {
  /** Grows with every entry. */
  readonly id: number;
  /** Never less than that of the entry before. */
  readonly atMs: number;
}

/** Details of an entry whose resource is `ref`; the resource's id and name are those of the repository. */
export interface MoveDetails {
  readonly ref: string;
  readonly from: Oid | null;
  readonly to: Oid | null;
  readonly reason: string;
  /** When the ref moved: up to a second or so before the entry. */
  readonly moved_at_ms: number;
}

export interface LogQuery {
  readonly limit: number;
  /** Only entries with a smaller id. */
  readonly before?: number;
  readonly action?: string;
  readonly resourceType?: string;
  readonly sinceMs?: number;
  readonly untilMs?: number;
}

export interface LogPage {
  readonly entries: readonly LogEntry[];
  /** `before` of the next page; null at the end. */
  readonly next: number | null;
}

export interface MoveBatch {
  readonly repoId: string;
  /** In order, without gaps; those that were taken before are left out. */
  readonly moves: readonly ReflogEntry[];
  /** The repository is gone: nothing comes after these. */
  readonly final: boolean;
}

export type MovesTaken =
  | { readonly kind: "taken"; readonly upTo: number }
  /** No repository of the org has this id, or not yet. */
  | { readonly kind: "unknown-repo" };

/** Sends the messages that {@link DeliverySource} is then asked about. A message may be lost, or come twice. */
export interface DeliveryQueue {
  send(messages: readonly DeliveryMessage[]): Promise<void>;
}

/** Where repositories hand over what moved. */
export interface MoveTaker {
  takeMoves(batch: MoveBatch): Promise<MovesTaken>;
}

export interface WebhookRecord {
  readonly id: string;
  readonly url: string;
  readonly events: readonly string[];
  readonly description: string | null;
  readonly active: boolean;
  readonly disabledReason: string | null;
  readonly signed: boolean;
  readonly failures: number;
  readonly failingSinceMs: number | null;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface NewWebhook {
  /** The same for a repetition under one Idempotency-Key. */
  readonly id: string;
  readonly url: string;
  readonly events: readonly string[];
  readonly description: string | null;
  readonly active: boolean;
  /** null: deliveries are not signed. */
  readonly sealedSecret: string | null;
  /** Digest of the request; null when it cannot be repeated. */
  readonly fingerprint: string | null;
}

export type WebhookCreation =
  | {
      readonly kind: "created";
      readonly webhook: WebhookRecord;
      /** The one that is kept: of the first request, when this repeats it. */
      readonly sealedSecret: string | null;
      readonly replayed: boolean;
    }
  | { readonly kind: "full"; readonly limit: number }
  | { readonly kind: "idempotency-mismatch" };

export type WebhookPatch = Partial<
  Pick<NewWebhook, "url" | "events" | "description" | "active" | "sealedSecret">
>;

export interface DeliveryRecord {
  readonly id: string;
  readonly webhookId: string;
  readonly event: string;
  readonly state: "pending" | "delivered" | "failed";
  readonly attempts: number;
  readonly createdAtMs: number;
  readonly nextAtMs: number | null;
  readonly lastAtMs: number | null;
  readonly status: number | null;
  readonly error: string | null;
  readonly durationMs: number | null;
}

export interface DeliveryDetails extends DeliveryRecord {
  readonly requestBody: string | null;
  readonly responseBody: string | null;
}

export interface DeliveryPage {
  readonly deliveries: readonly DeliveryRecord[];
  readonly next: number | null;
}

/** What a request for one more delivery came to; null: there is no such webhook or delivery. */
export type DeliveryRequest =
  | { readonly kind: "queued"; readonly delivery: DeliveryRecord }
  /** The webhook is switched off. */
  | { readonly kind: "inactive" }
  | null;

/** An org's log and webhooks, as its keeper sees them. `actor` is who asks. */
export interface EventStore {
  listLog(query: LogQuery): Promise<LogPage>;
  createWebhook(webhook: NewWebhook, actor: string): Promise<WebhookCreation>;
  /** Oldest first. */
  listWebhooks(): Promise<readonly WebhookRecord[]>;
  findWebhook(id: string): Promise<WebhookRecord | null>;
  updateWebhook(id: string, patch: WebhookPatch, actor: string): Promise<WebhookRecord | null>;
  deleteWebhook(id: string, actor: string): Promise<boolean>;
  /** Newest first; null when there is no such webhook. */
  listDeliveries(
    webhookId: string,
    query: { readonly limit: number; readonly before?: number },
  ): Promise<DeliveryPage | null>;
  findDelivery(webhookId: string, deliveryId: string): Promise<DeliveryDetails | null>;
  /** `receipt`: the same for a repetition under one Idempotency-Key. */
  redeliver(webhookId: string, deliveryId: string, receipt: string | null): Promise<DeliveryRequest>;
  ping(webhookId: string, receipt: string | null): Promise<DeliveryRequest>;
}

/** A message of the queue: it wakes, and says nothing that the org's store does not know. */
export interface DeliveryMessage {
  readonly kind: "webhook";
  readonly orgId: string;
  readonly delivery: number;
}

/** Everything that one attempt needs. */
export interface OpenedDelivery {
  readonly id: string;
  readonly webhookId: string;
  readonly url: string;
  readonly events: readonly string[];
  readonly sealedSecret: string | null;
  readonly event: string;
  /** From 1. */
  readonly attempt: number;
  /** As an earlier attempt sent it. */
  readonly body: string | null;
  /** What happened; null for a ping. */
  readonly entry: LogEntry | null;
  readonly org: { readonly id: string; readonly slug: string };
  /** The repository that it is about, while it exists. */
  readonly repo: RepoRecord | null;
}

export interface AttemptOutcome {
  /** null: there was no answer. */
  readonly status: number | null;
  /** null: it arrived. */
  readonly error: string | null;
  readonly response: string | null;
  readonly durationMs: number;
  /** What was sent, or was to be; null: it did not come to that. */
  readonly body: string | null;
}

/** Deliveries, as whoever sends them sees them. */
export interface DeliverySource {
  /** null: there is nothing to do: another message was quicker, it has ended, or the webhook has gone. */
  openDelivery(delivery: number): Promise<OpenedDelivery | null>;
  settleDelivery(delivery: number, outcome: AttemptOutcome): Promise<void>;
}
