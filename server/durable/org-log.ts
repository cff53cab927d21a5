import { LIMITS } from "../../sdk/contract/limits.ts";
import type { LogDraft, LogEntry, LogPage, LogQuery } from "../ports/events.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** Entries that one call deletes. */
const PRUNE_ROWS = 2_000;

type LogRow = {
  readonly id: number;
  readonly at_ms: number;
  readonly actor: string;
  readonly action: string;
  readonly resource_type: string;
  readonly resource_id: string | null;
  readonly resource_name: string | null;
  readonly details: string;
};

/** The org's log of what was done: what the audit shows, and what webhooks are told from. */
export interface EventLog {
  /** Call it in the transaction of what it tells of. Gives the id. */
  append(draft: LogDraft, nowMs: number): number;
  list(query: LogQuery): LogPage;
  /** Entries after `after`, oldest first. */
  listAfter(after: number, limit: number): readonly LogEntry[];
  find(id: number): LogEntry | null;
  /** Id of the newest entry that ever was; 0 before the first. */
  last(): number;
  /** Deletes some of what is too old; whether more is left. */
  prune(nowMs: number): boolean;
  /** When the oldest entry will be too old; null when there is none. */
  nextPruneMs(): number | null;
  /** Forgets what is remembered: after a rollback. */
  forget(): void;
}

export function createEventLog(sql: SqlStorage): EventLog {
  let newest: { id: number; atMs: number } | null = null;
  const readNewest = () => {
    newest ??= findNewest(sql);
    return newest;
  };
  return {
    append(draft, nowMs) {
      const before = readNewest();
      const atMs = Math.max(nowMs, before.atMs);
      const { id } = sql
        .exec<{ id: number }>(
          `INSERT INTO log (at_ms, actor, action, resource_type, resource_id, resource_name, details)
           VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id`,
          atMs,
          draft.actor,
          draft.action,
          draft.resourceType,
          draft.resourceId,
          draft.resourceName,
          JSON.stringify(draft.details),
        )
        .one();
      newest = { id, atMs };
      return id;
    },
    list: (query) => listPage(sql, query),
    listAfter: (after, limit) =>
      sql
        .exec<LogRow>("SELECT * FROM log WHERE id > ? ORDER BY id LIMIT ?", after, limit)
        .toArray()
        .map(toEntry),
    find(id) {
      const [row] = sql.exec<LogRow>("SELECT * FROM log WHERE id = ?", id).toArray();
      return row ? toEntry(row) : null;
    },
    last: () => readNewest().id,
    prune(nowMs) {
      const doomed = lastDoomed(sql, readNewest().id, nowMs);
      const deleted = sql.exec(
        "DELETE FROM log WHERE id IN (SELECT id FROM log WHERE id <= ? ORDER BY id LIMIT ?) RETURNING id",
        doomed,
        PRUNE_ROWS,
      );
      return deleted.toArray().length === PRUNE_ROWS;
    },
    nextPruneMs() {
      const [oldest] = sql.exec<{ at_ms: number }>("SELECT at_ms FROM log ORDER BY id LIMIT 1").toArray();
      return oldest ? oldest.at_ms + LIMITS.auditDays * DAY_MS : null;
    },
    forget() {
      newest = null;
    },
  };
}

/** Ids are never used again, so the newest is known even when all entries are gone. */
function findNewest(sql: SqlStorage): { id: number; atMs: number } {
  const [row] = sql
    .exec<{ id: number; at_ms: number }>("SELECT id, at_ms FROM log ORDER BY id DESC LIMIT 1")
    .toArray();
  if (row) return { id: row.id, atMs: row.at_ms };
  const [used] = sql.exec<{ seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'log'").toArray();
  return { id: used?.seq ?? 0, atMs: 0 };
}

/** The last id that is too old, or beyond the number of entries that are kept. */
function lastDoomed(sql: SqlStorage, newestId: number, nowMs: number): number {
  return Math.max(firstIdSince(sql, nowMs - LIMITS.auditDays * DAY_MS) - 1, newestId - LIMITS.auditEntries);
}

/**
 * One page. Times only grow with ids, so a time is found by halving; of the filters `action` has an index, and
 * `resource_type` one of everything but moves of refs, which are most of the log.
 */
function listPage(sql: SqlStorage, query: LogQuery): LogPage {
  const where = ["id < ?"];
  const bindings: (string | number)[] = [query.before ?? Number.MAX_SAFE_INTEGER];
  if (query.untilMs !== undefined) {
    where.push("id < ?");
    bindings.push(firstIdSince(sql, query.untilMs));
  }
  if (query.sinceMs !== undefined) {
    where.push("id >= ?");
    bindings.push(firstIdSince(sql, query.sinceMs));
  }
  if (query.action !== undefined) {
    where.push("action = ?");
    bindings.push(query.action);
  }
  if (query.resourceType !== undefined) {
    where.push("resource_type = ?");
    if (query.resourceType !== "ref") where.push("resource_type <> 'ref'");
    bindings.push(query.resourceType);
  }
  const rows = sql
    .exec<LogRow>(
      `SELECT * FROM log WHERE ${where.join(" AND ")} ORDER BY id DESC LIMIT ?`,
      ...bindings,
      query.limit + 1,
    )
    .toArray();
  const page = rows.slice(0, query.limit);
  return {
    entries: page.map(toEntry),
    next: rows.length > page.length ? (page.at(-1)?.id ?? null) : null,
  };
}

/** Id of the first entry that is not older than `atMs`; one more than the newest when all are. */
function firstIdSince(sql: SqlStorage, atMs: number): number {
  const bounds = sql
    .exec<{ low: number | null; high: number | null }>(
      "SELECT (SELECT min(id) FROM log) AS low, (SELECT max(id) FROM log) AS high",
    )
    .one();
  let low = bounds.low ?? 1;
  let high = (bounds.high ?? 0) + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [row] = sql
      .exec<{ id: number; at_ms: number }>(
        "SELECT id, at_ms FROM log WHERE id >= ? ORDER BY id LIMIT 1",
        middle,
      )
      .toArray();
    if (row && row.at_ms < atMs) low = row.id + 1;
    else high = middle;
  }
  return low;
}

function toEntry(row: LogRow): LogEntry {
  return {
    id: row.id,
    atMs: row.at_ms,
    actor: row.actor,
    action: row.action,
    resourceType: row.resource_type,
    resourceId: row.resource_id,
    resourceName: row.resource_name,
    // Written by `append`.
    details: JSON.parse(row.details) as LogEntry["details"],
  };
}
