import type { Oid } from "../git/hash/oid.ts";
import type { RepoRecord } from "../ports/org.ts";
import type { RunPage, SyncLink, SyncRun, SyncTrigger } from "../ports/sync.ts";
import { migrateSyncSchema, readSyncVersion } from "./sync-schema.ts";

export interface Receipt {
  readonly key: string;
  readonly fingerprint: string;
}

/** A link that is to run by itself. */
export interface DueLink {
  readonly id: string;
  readonly trigger: SyncTrigger;
  readonly dueMs: number;
}

/** Links, runs and what both sides agree on, in SQLite. */
export interface SyncTable {
  /** Whether there is anything at all. */
  exists(): boolean;
  findRepo(): RepoRecord | null;
  putRepo(record: RepoRecord): void;
  insertLink(link: SyncLink, receipt: Receipt | undefined): void;
  findLink(id: string): SyncLink | null;
  listLinks(): readonly SyncLink[];
  putLink(link: SyncLink): void;
  deleteLink(id: string): boolean;
  /** The link that this key made, and the fingerprint it came with. */
  findLinkReceipt(key: string): { readonly link: SyncLink; readonly fingerprint: string } | null;
  /** Puts a run by itself off to `dueMs`; null: none. */
  setDue(id: string, due: Omit<DueLink, "id"> | null): void;
  listDue(): readonly DueLink[];
  insertRun(run: Omit<SyncRun, "seq">, receipt: Receipt | undefined): SyncRun;
  findRun(id: string): SyncRun | null;
  findRunReceipt(key: string): { readonly run: SyncRun; readonly fingerprint: string } | null;
  /** Oldest first. */
  listOpenRuns(status: "queued" | "running"): readonly SyncRun[];
  listRuns(query: { readonly limit: number; readonly before?: number; readonly linkId?: string }): RunPage;
  putRun(run: SyncRun): void;
  /** Forgets ended runs beyond the newest `keep`. */
  trimRuns(keep: number): void;
  readSettled(linkId: string): ReadonlyMap<string, Oid>;
  writeSettled(linkId: string, changes: ReadonlyMap<string, Oid | null>): void;
}

type LinkRow = { readonly link: string; readonly due_ms: number | null };
type RunRow = { readonly seq: number; readonly run: string };

export function createSyncTable(storage: DurableObjectStorage): SyncTable {
  const { sql } = storage;
  let made = readSyncVersion(sql) > 0;
  if (made) migrateSyncSchema(storage);
  const make = () => {
    if (!made) migrateSyncSchema(storage);
    made = true;
  };
  /** Rows of a table that may not be there yet. */
  const read = <T extends Record<string, SqlStorageValue>>(
    query: string,
    ...values: SqlStorageValue[]
  ): T[] => (made ? sql.exec<T>(query, ...values).toArray() : []);
  const write = (query: string, ...values: SqlStorageValue[]) => {
    make();
    return sql.exec(query, ...values);
  };
  return {
    exists: () => made,
    findRepo() {
      const row = read<{ record: string }>("SELECT record FROM repo")[0];
      return row ? (JSON.parse(row.record) as RepoRecord) : null; // written by `putRepo`
    },
    putRepo(record) {
      write("DELETE FROM repo");
      write("INSERT INTO repo VALUES (?)", JSON.stringify(record));
    },
    ...createLinkRows(read, write),
    ...createRunRows(read, write),
    readSettled: (linkId) =>
      new Map(
        read<{ ref: string; oid: string }>("SELECT ref, oid FROM settled WHERE link_id = ?", linkId).map(
          ({ ref, oid }) => [ref, oid as Oid] as const, // checked when it came in
        ),
      ),
    writeSettled(linkId, changes) {
      for (const [ref, oid] of changes) {
        if (oid === null) write("DELETE FROM settled WHERE link_id = ? AND ref = ?", linkId, ref);
        else write("INSERT OR REPLACE INTO settled VALUES (?, ?, ?)", linkId, ref, oid);
      }
    },
  };
}

type Read = <T extends Record<string, SqlStorageValue>>(query: string, ...values: SqlStorageValue[]) => T[];
type Write = (query: string, ...values: SqlStorageValue[]) => unknown;

function createLinkRows(read: Read, write: Write) {
  return {
    insertLink(link: SyncLink, receipt: Receipt | undefined): void {
      write(
        "INSERT INTO links (id, link, idem_key, idem_fingerprint) VALUES (?, ?, ?, ?)",
        link.id,
        JSON.stringify(link),
        receipt?.key ?? null,
        receipt?.fingerprint ?? null,
      );
    },
    findLink: (id: string) =>
      read<LinkRow>("SELECT link, due_ms FROM links WHERE id = ?", id).map(toLink)[0] ?? null,
    listLinks: () => read<LinkRow>("SELECT link, due_ms FROM links ORDER BY seq").map(toLink),
    putLink: (link: SyncLink) =>
      void write("UPDATE links SET link = ? WHERE id = ?", JSON.stringify(link), link.id),
    deleteLink(id: string): boolean {
      const found = read("SELECT 1 FROM links WHERE id = ?", id).length > 0;
      if (found) {
        write("DELETE FROM links WHERE id = ?", id);
        write("DELETE FROM settled WHERE link_id = ?", id);
      }
      return found;
    },
    findLinkReceipt(key: string) {
      const row = read<LinkRow & { idem_fingerprint: string }>(
        "SELECT link, due_ms, idem_fingerprint FROM links WHERE idem_key = ?",
        key,
      )[0];
      return row ? { link: toLink(row), fingerprint: row.idem_fingerprint } : null;
    },
    setDue: (id: string, due: Omit<DueLink, "id"> | null) =>
      void write(
        "UPDATE links SET due_ms = ?, due_trigger = ? WHERE id = ?",
        due?.dueMs ?? null,
        due?.trigger ?? null,
        id,
      ),
    listDue: (): DueLink[] =>
      read<{ id: string; due_ms: number; due_trigger: string }>(
        "SELECT id, due_ms, due_trigger FROM links WHERE due_ms IS NOT NULL ORDER BY due_ms",
      ).map((row) => ({ id: row.id, dueMs: row.due_ms, trigger: row.due_trigger as SyncTrigger })), // written by `setDue`
  };
}

function createRunRows(read: Read, write: Write) {
  const find = (id: string) =>
    read<RunRow>("SELECT seq, run FROM runs WHERE id = ?", id).map(toRun)[0] ?? null;
  return {
    insertRun(run: Omit<SyncRun, "seq">, receipt: Receipt | undefined): SyncRun {
      write(
        "INSERT INTO runs (id, link_id, status, run, idem_key, idem_fingerprint) VALUES (?, ?, ?, ?, ?, ?)",
        run.id,
        run.linkId,
        run.status,
        JSON.stringify(run),
        receipt?.key ?? null,
        receipt?.fingerprint ?? null,
      );
      return find(run.id) as SyncRun; // inserted above
    },
    findRun: find,
    findRunReceipt(key: string) {
      const row = read<RunRow & { idem_fingerprint: string }>(
        "SELECT seq, run, idem_fingerprint FROM runs WHERE idem_key = ?",
        key,
      )[0];
      return row ? { run: toRun(row), fingerprint: row.idem_fingerprint } : null;
    },
    listOpenRuns: (status: "queued" | "running") =>
      read<RunRow>("SELECT seq, run FROM runs WHERE status = ? ORDER BY seq", status).map(toRun),
    listRuns({ limit, before, linkId }: { limit: number; before?: number; linkId?: string }): RunPage {
      const rows = read<RunRow>(
        `SELECT seq, run FROM runs WHERE seq < ? AND (? IS NULL OR link_id = ?) ORDER BY seq DESC LIMIT ?`,
        before ?? Number.MAX_SAFE_INTEGER,
        linkId ?? null,
        linkId ?? null,
        limit + 1,
      );
      const runs = rows.slice(0, limit).map(toRun);
      return { runs, next: rows.length > limit ? (runs.at(-1)?.seq ?? null) : null };
    },
    putRun: (run: SyncRun) =>
      void write("UPDATE runs SET status = ?, run = ? WHERE id = ?", run.status, JSON.stringify(run), run.id),
    trimRuns: (keep: number) =>
      void write(
        `DELETE FROM runs WHERE status NOT IN ('queued', 'running')
           AND seq <= (SELECT max(seq) FROM runs) - ?`,
        keep,
      ),
  };
}

function toLink(row: LinkRow): SyncLink {
  return { ...(JSON.parse(row.link) as SyncLink), nextRunAtMs: row.due_ms }; // written by `insertLink`, `putLink`
}

function toRun(row: RunRow): SyncRun {
  return { ...(JSON.parse(row.run) as SyncRun), seq: row.seq }; // written by `insertRun`, `putRun`
}
