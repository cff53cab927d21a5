import { LIMITS } from "../../sdk/contract/limits.ts";
import type { Oid } from "../git/hash/oid.ts";
import type { KeptRef, SessionInit } from "../ports/session.ts";
import { createSessionTables, hasSessionTables } from "./session-schema.ts";

export interface SessionRow {
  readonly orgId: string;
  readonly keyId: string;
  /** For reflogs. */
  readonly actor: string;
  readonly hash: string;
  readonly ttlMs: number;
  readonly idleExtend: boolean;
  /** Of the credential that opened it; null: never. */
  readonly endsAtMs: number | null;
  readonly createdAtMs: number;
  readonly activeAtMs: number;
  readonly state: "open" | "closed" | "expired" | "revoked";
  /** The end is done with: work is flushed or kept, and the org knows. */
  readonly told: boolean;
}

/** What a session is, beside the work that it holds. */
export interface SessionTable {
  /** null: it was never opened, or is forgotten. */
  find(): SessionRow | null;
  create(init: SessionInit, nowMs: number): SessionRow;
  setState(state: SessionRow["state"]): void;
  setTold(): void;
  setActive(atMs: number): void;
  /** Adds to the repositories that requests were authorised for; false when there are as many as may be. */
  addRepo(id: string, name: string): boolean;
  findRepo(id: string): number | null;
  listRepos(): readonly { readonly n: number; readonly id: string; readonly name: string }[];
  /** Forgets what is remembered: the rows are gone. */
  forget(): void;
  addKept(refs: readonly KeptRef[]): void;
  listKept(): readonly KeptRef[];
}

export function createSessionTable(storage: DurableObjectStorage): SessionTable {
  const { sql } = storage;
  let row: SessionRow | null | undefined;
  const repos = new Map<string, number>();
  const find = () => {
    row ??= hasSessionTables(sql) ? readRow(sql) : null;
    return row;
  };
  const change = (statement: string, value: string | number) => {
    sql.exec(statement, value);
    row = undefined;
  };
  const listRepos = () =>
    sql.exec<{ n: number; id: string; name: string }>("SELECT n, id, name FROM repos ORDER BY n").toArray();
  const findRepo = (id: string): number | null => {
    if (repos.size === 0 && find()) for (const known of listRepos()) repos.set(known.id, known.n);
    return repos.get(id) ?? null;
  };
  return {
    find,
    create({ orgId, keyId, actor, hash, ttlMs, idleExtend, endsAtMs }, nowMs) {
      storage.transactionSync(() => {
        createSessionTables(sql);
        sql.exec(
          `INSERT INTO session (org_id, key_id, hash, ttl_ms, idle_extend, created_at_ms, active_at_ms, state,
             ends_at_ms, actor)
           VALUES (?, ?, ?, ?, ?, ?, ?, 'open', ?, ?)`,
          orgId,
          keyId,
          hash,
          ttlMs,
          Number(idleExtend),
          nowMs,
          nowMs,
          endsAtMs,
          actor,
        );
      });
      row = readRow(sql);
      return row;
    },
    setState: (state) => change("UPDATE session SET state = ?", state),
    setTold: () => change("UPDATE session SET told = ?", 1),
    setActive: (atMs) => change("UPDATE session SET active_at_ms = ?", atMs),
    addRepo(id, name) {
      if (findRepo(id) !== null) return true;
      if (repos.size >= LIMITS.sessionRepos) return false;
      sql.exec("INSERT INTO repos (id, name) VALUES (?, ?)", id, name);
      repos.clear();
      return true;
    },
    findRepo,
    forget() {
      row = undefined;
      repos.clear();
    },
    listRepos: () => (find() ? listRepos() : []),
    addKept(refs) {
      for (const { repo, ref, oid } of refs) sql.exec("INSERT INTO kept VALUES (?, ?, ?)", repo, ref, oid);
    },
    listKept: () =>
      sql
        .exec<{ repo: string; ref: string; oid: string }>("SELECT * FROM kept")
        .toArray()
        .map(({ repo, ref, oid }) => ({ repo, ref, oid: oid as Oid })), // checked when it came in
  };
}

type StoredRow = {
  readonly org_id: string;
  readonly key_id: string;
  readonly hash: string;
  readonly ttl_ms: number;
  readonly idle_extend: number;
  readonly created_at_ms: number;
  readonly active_at_ms: number;
  readonly state: string;
  readonly told: number;
  readonly ends_at_ms: number | null;
  /** Not there in a session that was opened before there were actors. */
  readonly actor?: string | null;
};

function readRow(sql: SqlStorage): SessionRow {
  const row = sql.exec<StoredRow>("SELECT * FROM session").one();
  return {
    orgId: row.org_id,
    keyId: row.key_id,
    actor: row.actor ?? row.key_id,
    hash: row.hash,
    ttlMs: row.ttl_ms,
    idleExtend: row.idle_extend === 1,
    createdAtMs: row.created_at_ms,
    activeAtMs: row.active_at_ms,
    state: row.state as SessionRow["state"], // written by `setState` alone
    told: row.told === 1,
    endsAtMs: row.ends_at_ms,
  };
}
