import { concatBytes } from "../git/bytes/bytes.ts";
import { encodeUtf8 } from "../git/bytes/text.ts";
import type { Oid } from "../git/hash/oid.ts";
import type { Head, ReflogEntry, ReflogQuery, RefQuery, RefRecord } from "../git/ports.ts";
import { limitRefPage, REF_PAGE_MAX } from "../stores/ref-page.ts";
import type { RefTable } from "../stores/repo-tables.ts";
import type { Facts } from "./repo-facts.ts";

type RefRow = { name: string; oid: string; peeled: string | null; expires_at_ms: number | null };
type ReflogRow = {
  id: number;
  ref: string;
  old_oid: string | null;
  new_oid: string | null;
  actor: string;
  message: string;
  at_ms: number;
};

/** A table that remembers what it has read. */
export interface SqlRefTable extends RefTable {
  /** Forgets what is remembered: after a rollback. */
  forget(): void;
}

/** Expired refs that one look finds. */
const EXPIRED_PER_LOOK = 1_000;

/** Refs, HEAD and reflog in SQLite. Names are TEXT, which SQLite compares as UTF-8 bytes: git's order. */
export function createRefTable(sql: SqlStorage, facts: Facts): SqlRefTable {
  let next: number | null | undefined;
  const readNext = () =>
    sql.exec<{ at_ms: number | null }>("SELECT min(expires_at_ms) AS at_ms FROM ref_expiries").one().at_ms;
  return {
    nextExpiry() {
      if (next === undefined) next = readNext();
      return next;
    },
    setExpiry(name, atMs) {
      next = undefined;
      if (atMs === null) sql.exec("DELETE FROM ref_expiries WHERE name = ?", name);
      else sql.exec("INSERT OR REPLACE INTO ref_expiries (name, expires_at_ms) VALUES (?, ?)", name, atMs);
    },
    listExpired: (nowMs) =>
      sql
        .exec<RefRow>(
          `SELECT r.name, oid, peeled, expires_at_ms FROM ref_expiries e JOIN refs r ON r.name = e.name
           WHERE expires_at_ms <= ? ORDER BY expires_at_ms LIMIT ?`,
          nowMs,
          EXPIRED_PER_LOOK,
        )
        .toArray()
        .map(toRecord),
    forget() {
      next = undefined;
    },
    readHead: () => parseHead(facts.find("head")),
    writeHead: (head) => facts.put("head", formatHead(head)),
    find(name) {
      const row = sql
        .exec<RefRow>(
          `SELECT r.name, oid, peeled, expires_at_ms FROM refs r LEFT JOIN ref_expiries e ON e.name = r.name
           WHERE r.name = ?`,
          name,
        )
        .toArray()[0];
      return row ? toRecord(row) : null;
    },
    hasUnder: (prefix) =>
      sql
        .exec(
          "SELECT 1 FROM refs WHERE name >= ? AND name < CAST(? AS TEXT) LIMIT 1",
          prefix,
          endOfPrefix(prefix),
        )
        .toArray().length > 0,
    put: ({ name, oid, peeled }) =>
      void sql.exec(
        "INSERT INTO refs (name, oid, peeled) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET oid = excluded.oid, peeled = excluded.peeled",
        name,
        oid,
        peeled ?? null,
      ),
    delete(name) {
      sql.exec("DELETE FROM refs WHERE name = ?", name);
      if (next === null) return;
      next = undefined;
      sql.exec("DELETE FROM ref_expiries WHERE name = ?", name);
    },
    list: (query) => limitRefPage(readRefs(sql, query), query.limit),
    count: (prefix) =>
      sql
        .exec<{ n: number }>(
          "SELECT count(*) AS n FROM refs WHERE name >= ? AND name < CAST(? AS TEXT)",
          prefix,
          endOfPrefix(prefix),
        )
        .one().n,
    appendReflog: (line) =>
      void sql.exec(
        "INSERT INTO reflog (ref, old_oid, new_oid, actor, message, at_ms) VALUES (?, ?, ?, ?, ?, ?)",
        line.ref,
        line.from,
        line.to,
        line.reason.actor,
        line.reason.message,
        line.atMs,
      ),
    listReflog: (query) => readReflog(sql, query),
    listMoves: ({ after, refs, limit }) =>
      sql
        .exec<ReflogRow>(
          `SELECT * FROM reflog WHERE id > ? ${refs ? `AND ref IN (${refs.map(() => "?").join(", ")})` : ""} ORDER BY id LIMIT ?`,
          after,
          ...(refs ?? []),
          limit,
        )
        .toArray()
        .map(toReflogEntry),
    lastMove: () => sql.exec<{ id: number | null }>("SELECT max(id) AS id FROM reflog").one().id ?? 0,
  };
}

function* readRefs(sql: SqlStorage, query: RefQuery): Iterable<RefRecord> {
  const prefix = query.prefix ?? "";
  const rows = sql.exec<RefRow>(
    `SELECT r.name, oid, peeled, expires_at_ms FROM refs r LEFT JOIN ref_expiries e ON e.name = r.name
     WHERE r.name >= ?1 AND r.name < CAST(?2 AS TEXT) AND r.name > ?3 ORDER BY r.name LIMIT ?4`,
    prefix,
    endOfPrefix(prefix),
    query.after ?? "",
    Math.min(query.limit ?? REF_PAGE_MAX, REF_PAGE_MAX) + 1,
  );
  for (const row of rows) yield toRecord(row);
}

function readReflog(sql: SqlStorage, { ref, before, id, oid, limit }: ReflogQuery): readonly ReflogEntry[] {
  const conditions: string[] = [];
  const values: (string | number)[] = [];
  const ask = (condition: string, ...asked: (string | number)[]) => {
    conditions.push(condition);
    values.push(...asked);
  };
  if (ref !== undefined) ask("ref = ?", ref);
  if (before !== undefined) ask("id < ?", before);
  if (id !== undefined) ask("id = ?", id);
  if (oid !== undefined) ask("(old_oid = ? OR new_oid = ?)", oid, oid);
  const where = conditions.length > 0 ? `WHERE ${conditions.join(" AND ")}` : "";
  return sql
    .exec<ReflogRow>(`SELECT * FROM reflog ${where} ORDER BY id DESC LIMIT ?`, ...values, limit)
    .toArray()
    .map(toReflogEntry);
}

/** First byte string after all that start with `prefix`; 0xff never occurs in UTF-8. */
function endOfPrefix(prefix: string): ArrayBuffer {
  return concatBytes([encodeUtf8(prefix), Uint8Array.of(0xff)]).buffer as ArrayBuffer; // made here, never shared
}

// Ids in these tables were checked when they came in.
function toRecord(row: RefRow): RefRecord {
  return {
    name: row.name,
    oid: row.oid as Oid,
    ...(row.peeled === null ? {} : { peeled: row.peeled as Oid }),
    ...(row.expires_at_ms === null ? {} : { expiresAtMs: row.expires_at_ms }),
  };
}

function toReflogEntry(row: ReflogRow): ReflogEntry {
  return {
    id: row.id,
    ref: row.ref,
    from: row.old_oid as Oid | null,
    to: row.new_oid as Oid | null,
    reason: { actor: row.actor, message: row.message },
    atMs: row.at_ms,
  };
}

/** As in the file HEAD: `ref: name` or an id. */
function formatHead(head: Head): string {
  return head.kind === "symbolic" ? `ref: ${head.target}` : head.oid;
}

function parseHead(text: string | null): Head {
  if (text === null) throw new Error("the repository has no HEAD");
  return text.startsWith("ref: ")
    ? { kind: "symbolic", target: text.slice(5) }
    : { kind: "detached", oid: text as Oid };
}
