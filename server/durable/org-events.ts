import { LIMITS } from "../../sdk/contract/limits.ts";
import type {
  AttemptOutcome,
  DeliveryQueue,
  DeliveryRequest,
  LogDraft,
  LogQuery,
  MoveBatch,
  MovesTaken,
  NewWebhook,
  OpenedDelivery,
  WebhookCreation,
  WebhookPatch,
  WebhookRecord,
} from "../ports/events.ts";
import type { RepoName, RepoRecord } from "../ports/org.ts";
import { describeMove, isBeginning } from "../services/events/describe-move.ts";
import type { RetrySchedule } from "../services/webhooks/retry-schedule.ts";
import type { OrgAlarm } from "./org-alarm.ts";
import {
  createDeliveryTable,
  formatDeliveryId,
  parseDeliveryId,
  type StoredDelivery,
  toDelivery,
  toDeliveryDetails,
} from "./org-deliveries.ts";
import type { OrgFacts } from "./org-directory.ts";
import { WebhookDispatcher } from "./org-dispatcher.ts";
import { createEventLog } from "./org-log.ts";
import { createWebhookTable, type StoredWebhook, toWebhookRecord } from "./org-webhooks.ts";

/** Old rows are looked for so often. */
const PRUNE_EVERY_MS = 60 * 60 * 1000;
const PRUNE_AGAIN_MS = 1_000;

export interface OrgEventsDeps {
  readonly storage: DurableObjectStorage;
  readonly alarm: OrgAlarm;
  readonly queue: DeliveryQueue;
  readonly retry: RetrySchedule;
  readonly now: () => number;
  /** null: the org was never created. */
  readonly findOrg: () => OrgFacts | null;
  readonly findRepo: (repoId: string) => RepoRecord | null;
}

/** The org's log, and what leaves the server because of it. */
export class OrgEvents {
  readonly #deps: OrgEventsDeps;
  readonly #sql: SqlStorage;
  readonly #log: ReturnType<typeof createEventLog>;
  readonly #webhooks: ReturnType<typeof createWebhookTable>;
  readonly #deliveries: ReturnType<typeof createDeliveryTable>;
  readonly #dispatcher: WebhookDispatcher;
  /** null: not since this instance began. */
  #prunedAtMs: number | null = null;

  constructor(deps: OrgEventsDeps) {
    const { sql } = deps.storage;
    this.#deps = deps;
    this.#sql = sql;
    this.#log = createEventLog(sql);
    this.#webhooks = createWebhookTable(sql);
    this.#deliveries = createDeliveryTable(sql);
    this.#dispatcher = new WebhookDispatcher({
      log: this.#log,
      webhooks: this.#webhooks,
      deliveries: this.#deliveries,
      alarm: deps.alarm,
      queue: deps.queue,
      retry: deps.retry,
      now: deps.now,
      orgId: () => deps.findOrg()?.id ?? "",
      atomically: (change) => this.#atomically(change),
      onDisable: ({ id, url }, reason) =>
        this.record({
          actor: "system",
          action: "webhook.disable",
          resourceType: "webhook",
          resourceId: id,
          resourceName: url,
          details: { reason },
        }),
    });
  }

  /** Writes what is done to the log. Call it in the transaction that does it, and `afterWrite` after it. */
  record(draft: LogDraft): void {
    this.#log.append(draft, this.#deps.now());
  }

  /** Tells webhooks of what the log has got. */
  afterWrite(): void {
    this.#dispatcher.run();
    this.#deps.alarm.ensure(this.#nextPruneMs());
  }

  /** `change`, and what it recorded, as one; then webhooks are told. */
  writeLogged<T>(change: () => T): T {
    const result = this.#atomically(change);
    this.afterWrite();
    return result;
  }

  takeMoves({ repoId, moves, final }: MoveBatch): MovesTaken {
    if (!this.#deps.findOrg()) return { kind: "unknown-repo" };
    const [source] = this.#sql
      .exec<{ last: number; name: string | null }>(
        "SELECT last, name FROM log_sources WHERE repo_id = ?",
        repoId,
      )
      .toArray();
    const repo = this.#deps.findRepo(repoId);
    const name = repo ? formatName(repo) : (source?.name ?? null);
    if (name === null) return { kind: "unknown-repo" };
    const last = source?.last ?? 0;
    const upTo = Math.max(last, moves.at(-1)?.id ?? 0);
    this.writeLogged(() => {
      for (const move of moves) {
        if (move.id > last && !isBeginning(move)) this.record(describeMove(repoId, name, move));
      }
      if (final) this.#sql.exec("DELETE FROM log_sources WHERE repo_id = ?", repoId);
      else this.#keepSource(repoId, upTo);
    });
    return { kind: "taken", upTo };
  }

  /** What the repository still hands over is told under this name. Call it in the transaction that deletes its name. */
  rememberName(repo: RepoRecord): void {
    this.#sql.exec(
      "INSERT INTO log_sources VALUES (?, 0, ?) ON CONFLICT (repo_id) DO UPDATE SET name = excluded.name",
      repo.id,
      formatName(repo),
    );
  }

  listLog(query: LogQuery) {
    return this.#log.list(query);
  }

  createWebhook(webhook: NewWebhook, actor: string): WebhookCreation {
    const earlier = this.#webhooks.find(webhook.id);
    if (earlier) {
      if (earlier.fingerprint !== webhook.fingerprint) return { kind: "idempotency-mismatch" };
      return describeCreation(earlier, true);
    }
    if (this.#webhooks.list().length >= LIMITS.webhooksPerOrg) {
      return { kind: "full", limit: LIMITS.webhooksPerOrg };
    }
    const stored = this.writeLogged(() => {
      const { id, url, events } = webhook;
      this.record(describeWebhookWrite({ actor, action: "webhook.create" }, webhook, { url, events }));
      return this.#webhooks.insert({ ...webhook, id }, this.#log.last(), this.#deps.now());
    });
    return describeCreation(stored, false);
  }

  listWebhooks(): readonly WebhookRecord[] {
    return this.#webhooks.list().map(toWebhookRecord);
  }

  findWebhook(id: string): WebhookRecord | null {
    const webhook = this.#webhooks.find(id);
    return webhook && toWebhookRecord(webhook);
  }

  updateWebhook(id: string, patch: WebhookPatch, actor: string): WebhookRecord | null {
    const webhook = this.#webhooks.find(id);
    if (!webhook) return null;
    const { sealedSecret, ...shown } = patch;
    const details = { ...shown, ...(sealedSecret !== undefined && { secret: "changed" }) };
    return this.writeLogged(() => {
      this.record(describeWebhookWrite({ actor, action: "webhook.update" }, webhook, details));
      this.#webhooks.patch(webhook.seq, patch, this.#deps.now());
      if (patch.active === true && !webhook.active) this.#webhooks.setPosition(webhook.seq, this.#log.last());
      if (patch.active === false) this.#deliveries.giveUp(webhook.seq, "the webhook was switched off");
      return this.findWebhook(id);
    });
  }

  deleteWebhook(id: string, actor: string): boolean {
    const webhook = this.#webhooks.find(id);
    if (!webhook) return false;
    this.writeLogged(() => {
      this.record(describeWebhookWrite({ actor, action: "webhook.delete" }, webhook, {}));
      this.#deliveries.deleteOf(webhook.seq);
      this.#webhooks.delete(webhook.seq);
    });
    return true;
  }

  listDeliveries(webhookId: string, query: { readonly limit: number; readonly before?: number }) {
    const webhook = this.#webhooks.find(webhookId);
    return webhook && this.#deliveries.list(webhook, query);
  }

  findDelivery(webhookId: string, deliveryId: string) {
    const found = this.#find(webhookId, deliveryId);
    return found && toDeliveryDetails(found.delivery, found.webhook);
  }

  redeliver(webhookId: string, deliveryId: string, receipt: string | null): DeliveryRequest {
    const found = this.#find(webhookId, deliveryId);
    if (!found) return null;
    const { webhook, delivery } = found;
    if (!webhook.active) return { kind: "inactive" };
    const repeated =
      receipt !== null && this.#deliveries.findByReceipt(webhook.seq, receipt)?.seq === delivery.seq;
    if (!repeated && delivery.due_ms === null) {
      this.#deliveries.reopen(delivery.seq, receipt, this.#deps.now());
      this.#dispatcher.run();
    }
    return this.#describeQueued(webhook, delivery.seq);
  }

  ping(webhookId: string, receipt: string | null): DeliveryRequest {
    const webhook = this.#webhooks.find(webhookId);
    if (!webhook) return null;
    if (!webhook.active) return { kind: "inactive" };
    const earlier = receipt === null ? null : this.#deliveries.findByReceipt(webhook.seq, receipt);
    const seq =
      earlier?.seq ??
      this.#deliveries.insert(webhook.seq, { logId: null, event: "ping", receipt }, this.#deps.now());
    this.#dispatcher.run();
    return this.#describeQueued(webhook, seq);
  }

  openDelivery(seq: number): OpenedDelivery | null {
    const org = this.#deps.findOrg();
    const opened = org && this.#dispatcher.open(seq);
    if (!opened) return null;
    const { delivery, webhook } = opened;
    const entry = delivery.log_id === null ? null : this.#log.find(delivery.log_id);
    const repoId = entry?.resourceId ?? null;
    return {
      id: formatDeliveryId(webhook.id, seq),
      webhookId: webhook.id,
      url: webhook.url,
      events: webhook.events,
      sealedSecret: webhook.sealedSecret,
      event: delivery.event,
      attempt: delivery.attempts + 1,
      body: delivery.body,
      entry,
      org,
      repo: repoId === null ? null : this.#deps.findRepo(repoId),
    };
  }

  settleDelivery(seq: number, outcome: AttemptOutcome): void {
    this.#dispatcher.settle(seq, outcome);
  }

  /** The queue was in memory, and is empty now that this instance begins. Call it before anything else. */
  forgetMessages(): void {
    const nowMs = this.#deps.now();
    if (this.#deliveries.releaseAll(nowMs)) this.#deps.alarm.ensure(nowMs);
  }

  /** Tries what is due, and deletes what is old. Asks for the next alarm. */
  runAlarm(): void {
    if (!this.#deps.findOrg()) return;
    const nowMs = this.#deps.now();
    if (this.#prunedAtMs === null || nowMs - this.#prunedAtMs >= PRUNE_EVERY_MS) {
      const more = [
        this.#log.prune(nowMs),
        ...this.#webhooks.list().map(({ seq }) => this.#deliveries.prune(seq, nowMs)),
      ].includes(true);
      this.#prunedAtMs = more ? nowMs - PRUNE_EVERY_MS + PRUNE_AGAIN_MS : nowMs;
    }
    this.afterWrite();
  }

  /** Deliveries may be too many long before they are too old; entries of the log hardly ever. */
  #nextPruneMs(): number {
    const nowMs = this.#deps.now();
    const soonestMs = (this.#prunedAtMs ?? nowMs) + PRUNE_EVERY_MS;
    if (this.#deliveries.hasAny()) return soonestMs;
    return Math.max(soonestMs, this.#log.nextPruneMs() ?? soonestMs);
  }

  #keepSource(repoId: string, last: number): void {
    this.#sql.exec(
      "INSERT INTO log_sources VALUES (?, ?, NULL) ON CONFLICT (repo_id) DO UPDATE SET last = excluded.last",
      repoId,
      last,
    );
  }

  #find(webhookId: string, deliveryId: string): { webhook: StoredWebhook; delivery: StoredDelivery } | null {
    const webhook = this.#webhooks.find(webhookId);
    const seq = webhook && parseDeliveryId(webhook.id, deliveryId);
    const delivery = seq === null ? null : this.#deliveries.find(seq);
    return webhook && delivery?.webhook === webhook.seq ? { webhook, delivery } : null;
  }

  #describeQueued(webhook: StoredWebhook, seq: number): DeliveryRequest {
    const delivery = this.#deliveries.find(seq);
    return delivery && { kind: "queued", delivery: toDelivery(delivery, webhook) };
  }

  #atomically<T>(change: () => T): T {
    try {
      return this.#deps.storage.transactionSync(change);
    } catch (error) {
      // SQLite rolled its rows back; so must go what was remembered of them.
      this.#webhooks.forget();
      this.#log.forget();
      throw error;
    }
  }
}

function formatName({ namespace, slug }: RepoName): string {
  return namespace === null ? slug : `${namespace}/${slug}`;
}

function describeCreation(webhook: StoredWebhook, replayed: boolean): WebhookCreation {
  return { kind: "created", webhook: toWebhookRecord(webhook), sealedSecret: webhook.sealedSecret, replayed };
}

function describeWebhookWrite(
  { actor, action }: Pick<LogDraft, "actor" | "action">,
  { id, url }: Pick<WebhookRecord, "id" | "url">,
  details: LogDraft["details"],
): LogDraft {
  return { actor, action, resourceType: "webhook", resourceId: id, resourceName: url, details };
}
