import { LIMITS } from "../../sdk/contract/limits.ts";
import type { AttemptOutcome, DeliveryQueue, LogEntry } from "../ports/events.ts";
import { listWebhookEvents } from "../services/events/webhook-events.ts";
import type { RetrySchedule } from "../services/webhooks/retry-schedule.ts";
import type { OrgAlarm } from "./org-alarm.ts";
import type { DeliveryTable, StoredDelivery } from "./org-deliveries.ts";
import type { EventLog } from "./org-log.ts";
import type { StoredWebhook, WebhookTable } from "./org-webhooks.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** Log entries that one call makes deliveries from, for each webhook. */
const ENTRIES_PER_CALL = 500;
/** An entry is at most so many events. */
const EVENTS_PER_ENTRY = 2;
/** With less room than this the log is not looked at: there is enough to send, and each look reads many entries. */
const ROOM_TO_REFILL = 200;
/** A message that led to nothing by then was lost, or whoever had it died. */
const LEASE_MS = 30_000;
/** Deliveries of one webhook under way at a time; one that keeps failing gets a single one, and so cannot fill the queue. */
const CONCURRENT = 8;
const CONCURRENT_WHEN_FAILING = 1;
const FAILURES_TO_SLOW_DOWN = 3;

export interface DispatcherDeps {
  readonly orgId: () => string;
  readonly log: EventLog;
  readonly webhooks: WebhookTable;
  readonly deliveries: DeliveryTable;
  readonly alarm: OrgAlarm;
  readonly queue: DeliveryQueue;
  readonly retry: RetrySchedule;
  readonly now: () => number;
  readonly atomically: (change: () => void) => void;
  /** Writes to the log that the webhook was switched off. */
  readonly onDisable: (webhook: StoredWebhook, reason: string) => void;
}

/** A delivery that a message was sent for. */
interface Flight {
  readonly leaseEndMs: number;
  /** Somebody is sending it. */
  readonly opened: boolean;
}

/**
 * Makes deliveries from the log and sees to it that each is tried until it has ended. Rows are the truth; the queue only
 * wakes whoever sends, and the alarm wakes the queue: what is lost on the way is due again when its lease ends.
 */
export class WebhookDispatcher {
  readonly #deps: DispatcherDeps;
  /** By webhook, by delivery. Lost with the isolate; leases in the rows then keep what is under way from being sent twice. */
  readonly #flights = new Map<number, Map<number, Flight>>();

  constructor(deps: DispatcherDeps) {
    this.#deps = deps;
  }

  /** To be called when the log has grown, and when something may be due. */
  run(): void {
    const { webhooks, log } = this.#deps;
    const active = webhooks.list().filter((webhook) => webhook.active);
    if (active.length === 0) return;
    const read = createSharedRead(log);
    for (const webhook of active) this.#makeDeliveries(webhook, read);
    for (const webhook of active) this.#pump(webhook);
  }

  /** A delivery that a message came for, if it is to be sent. */
  open(seq: number): { readonly delivery: StoredDelivery; readonly webhook: StoredWebhook } | null {
    const { deliveries, webhooks, now } = this.#deps;
    const delivery = deliveries.find(seq);
    if (!delivery || delivery.due_ms === null) return null;
    const webhook = webhooks.findBySeq(delivery.webhook);
    if (!webhook?.active) return null;
    const flights = this.#flightsOf(webhook.seq);
    if (flights.get(seq)?.opened) return null;
    this.#lease(webhook.seq, seq, true);
    this.#deps.alarm.ensure(now() + LEASE_MS);
    return { delivery, webhook };
  }

  /** What one attempt came to. */
  settle(seq: number, outcome: AttemptOutcome): void {
    const { deliveries, webhooks, retry, now, atomically } = this.#deps;
    const delivery = deliveries.find(seq);
    if (!delivery) return;
    this.#flights.get(delivery.webhook)?.delete(seq);
    const webhook = webhooks.findBySeq(delivery.webhook);
    if (delivery.due_ms === null || !webhook) return;
    const delayMs = outcome.error === null ? null : retry(delivery.attempts + 1);
    atomically(() => {
      deliveries.settle(seq, outcome, delayMs === null ? null : now() + delayMs, now());
      this.#count(webhook, outcome.error);
    });
    const after = webhooks.findBySeq(webhook.seq);
    if (!after?.active) return;
    this.#makeDeliveries(after, createSharedRead(this.#deps.log));
    this.#pump(after);
  }

  #count(webhook: StoredWebhook, error: string | null): void {
    const { webhooks, deliveries, now } = this.#deps;
    if (error === null) {
      if (webhook.failures > 0) webhooks.setFailures(webhook.seq, 0, null);
      return;
    }
    const sinceMs = webhook.failingSinceMs ?? now();
    webhooks.setFailures(webhook.seq, webhook.failures + 1, sinceMs);
    if (now() - sinceMs < LIMITS.webhookFailingDays * DAY_MS) return;
    const reason = `no delivery has succeeded for ${LIMITS.webhookFailingDays} days; the last failed with: ${error}`;
    webhooks.disable(webhook.seq, reason, now());
    deliveries.giveUp(webhook.seq, "the webhook was switched off, because it kept failing");
    this.#deps.onDisable(webhook, reason);
  }

  #makeDeliveries(webhook: StoredWebhook, read: (after: number) => readonly LogEntry[]): void {
    const { log, deliveries, webhooks, alarm, now, atomically } = this.#deps;
    if (webhook.position >= log.last()) return;
    let room = LIMITS.webhookPending - deliveries.countPending(webhook.seq);
    if (room < ROOM_TO_REFILL) return;
    let position = webhook.position;
    atomically(() => {
      for (const entry of read(webhook.position)) {
        if (room < EVENTS_PER_ENTRY) break;
        for (const event of listWebhookEvents(entry)) {
          if (!webhook.events.includes("*") && !webhook.events.includes(event)) continue;
          deliveries.insert(webhook.seq, { logId: entry.id, event }, now());
          room--;
        }
        position = entry.id;
      }
      if (position > webhook.position) webhooks.setPosition(webhook.seq, position);
    });
    // What has no room waits for a delivery to end; what was too much for one call does not.
    if (room >= EVENTS_PER_ENTRY && position < log.last()) alarm.ensure(now());
  }

  /** Sends messages for what is due, as far as the webhook may have more under way. */
  #pump(webhook: StoredWebhook): void {
    const { deliveries, alarm, queue, now, orgId } = this.#deps;
    const flights = this.#flightsOf(webhook.seq);
    const most = webhook.failures >= FAILURES_TO_SLOW_DOWN ? CONCURRENT_WHEN_FAILING : CONCURRENT;
    const due = flights.size < most ? deliveries.listDue(webhook.seq, now(), most - flights.size) : [];
    for (const seq of due) this.#lease(webhook.seq, seq, false);
    if (due.length > 0) {
      const messages = due.map((delivery) => ({ kind: "webhook", orgId: orgId(), delivery }) as const);
      queue.send(messages).catch((error: unknown) => {
        // The lease runs out, and then they are sent again.
        console.error("messages for webhooks could not be queued", error);
      });
    }
    const next =
      flights.size >= most ? Math.min(...[...flights.values()].map(({ leaseEndMs }) => leaseEndMs)) : null;
    const wakeMs = next ?? deliveries.nextDueMs(webhook.seq);
    if (wakeMs !== null) alarm.ensure(wakeMs);
  }

  #lease(webhook: number, seq: number, opened: boolean): void {
    const leaseEndMs = this.#deps.now() + LEASE_MS;
    this.#deps.deliveries.lease(seq, leaseEndMs);
    this.#flightsOf(webhook).set(seq, { leaseEndMs, opened });
  }

  /** Those whose lease has not run out. */
  #flightsOf(webhook: number): Map<number, Flight> {
    let flights = this.#flights.get(webhook);
    if (!flights) {
      flights = new Map();
      this.#flights.set(webhook, flights);
    }
    for (const [seq, { leaseEndMs }] of flights) if (leaseEndMs <= this.#deps.now()) flights.delete(seq);
    return flights;
  }
}

/** Webhooks that are at the same place of the log read it once. */
function createSharedRead(log: EventLog): (after: number) => readonly LogEntry[] {
  const known = new Map<number, readonly LogEntry[]>();
  return (after) => {
    const entries = known.get(after) ?? log.listAfter(after, ENTRIES_PER_CALL);
    known.set(after, entries);
    return entries;
  };
}
