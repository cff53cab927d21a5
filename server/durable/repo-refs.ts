import { concatBytes } from "../git/bytes/bytes.ts";
import { encodeUtf8 } from "../git/bytes/text.ts";
import type { Oid } from "../git/hash/oid.ts";
import type { Head, RefQuery, RefRecord } from "../git/ports.ts";
import { limitRefPage, REF_PAGE_MAX } from "../stores/ref-page.ts";
import type { ReflogLine, RefTable } from "../stores/repo-tables.ts";
import type { Facts } from "./repo-facts.ts";

type RefRow = { name: string; oid: string; peeled: string | null };
type ReflogRow = {
  id: number;
  ref: string;
  old_oid: string | null;
  new_oid: string | null;
  actor: string;
  message: string;
  at_ms: number;
};

/** Refs, HEAD and reflog in SQLite. Names are TEXT, which SQLite compares as UTF-8 bytes: git's order. */
export function createRefTable(sql: SqlStorage, facts: Facts): RefTable {
  return {
    readHead: () => parseHead(facts.find("head")),
    writeHead: (head) => facts.put("head", formatHead(head)),
    find(name) {
      const row = sql.exec<RefRow>("SELECT name, oid, peeled FROM refs WHERE name = ?", name).toArray()[0];
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
    delete: (name) => void sql.exec("DELETE FROM refs WHERE name = ?", name),
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
    listReflog: (ref, limit) =>
      sql
        .exec<ReflogRow>("SELECT * FROM reflog WHERE ref = ? ORDER BY id DESC LIMIT ?", ref, limit)
        .toArray()
        .map(toReflogLine),
    listMoves: ({ after, refs, limit }) =>
      sql
        .exec<ReflogRow>(
          `SELECT * FROM reflog WHERE id > ? ${refs ? `AND ref IN (${refs.map(() => "?").join(", ")})` : ""} ORDER BY id LIMIT ?`,
          after,
          ...(refs ?? []),
          limit,
        )
        .toArray()
        .map((row) => ({ id: row.id, ...toReflogLine(row) })),
    lastMove: () => sql.exec<{ id: number | null }>("SELECT max(id) AS id FROM reflog").one().id ?? 0,
  };
}

function* readRefs(sql: SqlStorage, query: RefQuery): Iterable<RefRecord> {
  const prefix = query.prefix ?? "";
  const rows = sql.exec<RefRow>(
    `SELECT name, oid, peeled FROM refs
     WHERE name >= ?1 AND name < CAST(?2 AS TEXT) AND name > ?3 ORDER BY name LIMIT ?4`,
    prefix,
    endOfPrefix(prefix),
    query.after ?? "",
    Math.min(query.limit ?? REF_PAGE_MAX, REF_PAGE_MAX) + 1,
  );
  for (const row of rows) yield toRecord(row);
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
  };
}

function toReflogLine(row: ReflogRow): ReflogLine {
  return {
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
