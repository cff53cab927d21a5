import type { NewWebhook, WebhookPatch, WebhookRecord } from "../ports/events.ts";

type WebhookRow = {
  readonly seq: number;
  readonly id: string;
  readonly url: string;
  readonly events: string;
  readonly sealed: string | null;
  readonly description: string | null;
  readonly active: number;
  readonly disabled_reason: string | null;
  readonly fingerprint: string | null;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
  readonly position: number;
  readonly failures: number;
  readonly failing_since_ms: number | null;
};

/** A webhook as its org's store knows it. */
export interface StoredWebhook extends WebhookRecord {
  readonly seq: number;
  readonly sealedSecret: string | null;
  readonly fingerprint: string | null;
  /** Id of the last log entry that deliveries were made from. */
  readonly position: number;
}

/** The org's webhooks; there are few, so all of them are remembered once read. */
export interface WebhookTable {
  list(): readonly StoredWebhook[];
  find(id: string): StoredWebhook | null;
  findBySeq(seq: number): StoredWebhook | null;
  insert(webhook: NewWebhook, position: number, nowMs: number): StoredWebhook;
  patch(seq: number, patch: WebhookPatch, nowMs: number): void;
  delete(seq: number): void;
  setPosition(seq: number, position: number): void;
  /** null: it succeeded last. */
  setFailures(seq: number, failures: number, sinceMs: number | null): void;
  disable(seq: number, reason: string, nowMs: number): void;
  /** Forgets what is remembered: after a rollback. */
  forget(): void;
}

export function createWebhookTable(sql: SqlStorage): WebhookTable {
  let known: readonly StoredWebhook[] | null = null;
  const list = () => {
    known ??= sql.exec<WebhookRow>("SELECT * FROM webhooks ORDER BY seq").toArray().map(toStored);
    return known;
  };
  const change = (statement: string, ...bindings: (string | number | null)[]) => {
    sql.exec(statement, ...bindings);
    known = null;
  };
  const findBySeq = (seq: number) => list().find((webhook) => webhook.seq === seq) ?? null;
  return {
    list,
    find: (id) => list().find((webhook) => webhook.id === id) ?? null,
    findBySeq,
    insert(webhook, position, nowMs) {
      const row = sql
        .exec<WebhookRow>(
          `INSERT INTO webhooks (id, url, events, sealed, description, active, fingerprint, created_at_ms,
             updated_at_ms, position) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *`,
          webhook.id,
          webhook.url,
          JSON.stringify(webhook.events),
          webhook.sealedSecret,
          webhook.description,
          Number(webhook.active),
          webhook.fingerprint,
          nowMs,
          nowMs,
          position,
        )
        .one();
      known = null;
      return toStored(row);
    },
    patch(seq, patch, nowMs) {
      const before = findBySeq(seq);
      if (!before) return;
      const { url, events, description, active, sealedSecret } = { ...before, ...patch };
      change(
        `UPDATE webhooks SET url = ?, events = ?, description = ?, active = ?, sealed = ?, updated_at_ms = ? WHERE seq = ?`,
        url,
        JSON.stringify(events),
        description,
        Number(active),
        sealedSecret,
        nowMs,
        seq,
      );
      if (patch.active === undefined) return;
      change(
        "UPDATE webhooks SET disabled_reason = NULL, failures = 0, failing_since_ms = NULL WHERE seq = ?",
        seq,
      );
    },
    delete: (seq) => change("DELETE FROM webhooks WHERE seq = ?", seq),
    setPosition: (seq, position) => change("UPDATE webhooks SET position = ? WHERE seq = ?", position, seq),
    setFailures: (seq, failures, sinceMs) =>
      change("UPDATE webhooks SET failures = ?, failing_since_ms = ? WHERE seq = ?", failures, sinceMs, seq),
    disable: (seq, reason, nowMs) =>
      change(
        "UPDATE webhooks SET active = 0, disabled_reason = ?, updated_at_ms = ? WHERE seq = ?",
        reason,
        nowMs,
        seq,
      ),
    forget() {
      known = null;
    },
  };
}

function toStored(row: WebhookRow): StoredWebhook {
  return {
    seq: row.seq,
    id: row.id,
    url: row.url,
    // Written by `insert` and `patch`.
    events: JSON.parse(row.events) as readonly string[],
    description: row.description,
    active: row.active === 1,
    disabledReason: row.disabled_reason,
    signed: row.sealed !== null,
    sealedSecret: row.sealed,
    fingerprint: row.fingerprint,
    failures: row.failures,
    failingSinceMs: row.failing_since_ms,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
    position: row.position,
  };
}

/** A webhook as others may see it: without its secret. */
export function toWebhookRecord(webhook: StoredWebhook): WebhookRecord {
  const {
    seq: _seq,
    sealedSecret: _secret,
    fingerprint: _fingerprint,
    position: _position,
    ...record
  } = webhook;
  return record;
}
