import { DurableObject } from "cloudflare:workers";
import { LIMITS } from "../../sdk/contract/limits.ts";
import type {
  LfsFiles,
  LfsLock,
  LfsLocking,
  LfsLockPage,
  LfsLockQuery,
  LfsObject,
  LfsUnlocking,
  StoredLfsObject,
} from "../ports/lfs.ts";
import { createDurableCalls } from "../stores/durable-call.ts";
import type { LentPage, LfsRpc } from "../stores/lfs-rpc.ts";
import { createR2LfsFiles } from "../stores/r2-lfs-files.ts";

/** What an LfsDO needs of its environment. */
export interface LfsEnv {
  readonly PACKS: R2Bucket;
  readonly LFS: { getByName(name: string): LfsRpc };
}

/** An upload that was not confirmed by then is given up; addresses to upload to are good for an hour. */
const EXPECTATION_MS = 24 * 60 * 60 * 1000;
const RETRY_MS = 60 * 1000;
/** Files of a destroyed repository go so long after the answer. */
const DESTRUCTION_DELAY_MS = 1_000;
const BATCH = 500;
const PAGE = 5_000;
/** SQLite takes 100 bound parameters. */
const IN_MAX = 90;

const TABLES = [
  "CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
  // home: the repository under whose name the file lies, and which deletes it.
  `CREATE TABLE IF NOT EXISTS objects (seq INTEGER PRIMARY KEY, oid TEXT NOT NULL UNIQUE, size INTEGER NOT NULL,
     key TEXT NOT NULL, home TEXT NOT NULL)`,
  "CREATE TABLE IF NOT EXISTS expected (key TEXT PRIMARY KEY, oid TEXT NOT NULL, size INTEGER NOT NULL, at_ms INTEGER NOT NULL)",
  "CREATE INDEX IF NOT EXISTS expected_by_oid ON expected (oid)",
  `CREATE TABLE IF NOT EXISTS locks (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
     path TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, at_ms INTEGER NOT NULL)`,
  // Forks that have adopted what was here then.
  "CREATE TABLE IF NOT EXISTS borrowers (repo_id TEXT PRIMARY KEY)",
];

type ObjectRow = { seq: number; oid: string; size: number; key: string; home: string };
type LockRow = { seq: number; id: string; path: string; owner: string; at_ms: number };

/**
 * The large files of one repository: which it has, which are on their way, who has locked what. A file belongs to the
 * repository that it was uploaded to, its home; forks hold it too, and the home deletes it when nobody does any more.
 */
export class LfsDO extends DurableObject<LfsEnv> implements LfsRpc {
  readonly #sql: SqlStorage;
  readonly #files: LfsFiles;
  /** Milliseconds since 1970; tests put it forward. */
  now: () => number = Date.now;

  constructor(ctx: DurableObjectState, env: LfsEnv) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    this.#files = createR2LfsFiles(env.PACKS);
  }

  async find(oids: readonly string[]): Promise<readonly StoredLfsObject[]> {
    if (!this.#exists()) return [];
    const found: StoredLfsObject[] = [];
    for (let from = 0; from < oids.length; from += IN_MAX) {
      const some = oids.slice(from, from + IN_MAX);
      const marks = some.map(() => "?").join(", ");
      found.push(
        ...this.#sql
          .exec<ObjectRow>(`SELECT * FROM objects WHERE oid IN (${marks})`, ...some)
          .toArray()
          .map(toObject),
      );
    }
    return found;
  }

  async expect(objects: readonly LfsObject[]): Promise<readonly StoredLfsObject[]> {
    this.#create();
    const places = objects.map(({ oid, size }) => ({
      oid,
      size,
      key: `${this.#prefix()}${oid}-${crypto.randomUUID()}`,
    }));
    this.ctx.storage.transactionSync(() => {
      for (const { oid, size, key } of places) {
        this.#sql.exec(
          "INSERT INTO expected (key, oid, size, at_ms) VALUES (?, ?, ?, ?)",
          key,
          oid,
          size,
          this.now(),
        );
      }
    });
    await this.#schedule();
    return places;
  }

  async listExpected(oid: string): Promise<readonly StoredLfsObject[]> {
    if (!this.#exists()) return [];
    return this.#sql
      .exec<StoredLfsObject & Record<string, SqlStorageValue>>(
        "SELECT oid, size, key FROM expected WHERE oid = ? ORDER BY at_ms DESC, rowid DESC LIMIT 20",
        oid,
      )
      .toArray();
  }

  async confirm({ oid, size, key }: StoredLfsObject): Promise<void> {
    this.#create();
    this.ctx.storage.transactionSync(() => {
      const added = this.#sql.exec(
        "INSERT OR IGNORE INTO objects (oid, size, key, home) VALUES (?, ?, ?, ?)",
        oid,
        size,
        key,
        this.#id(),
      );
      // Of two uploads of one object the first stays; the other's file is swept like one that never arrived.
      if (added.rowsWritten > 0) this.#sql.exec("DELETE FROM expected WHERE key = ?", key);
    });
  }

  async lock(path: string, owner: string): Promise<LfsLocking> {
    this.#create();
    const held = this.#sql.exec<LockRow>("SELECT * FROM locks WHERE path = ?", path).toArray()[0];
    if (held) return { kind: "held", lock: toLock(held) };
    const { n } = this.#sql.exec<{ n: number }>("SELECT count(*) AS n FROM locks").one();
    if (n >= LIMITS.lfsLocksPerRepo) return { kind: "full", limit: LIMITS.lfsLocksPerRepo };
    const lock: LfsLock = { id: crypto.randomUUID(), path, owner, lockedAtMs: this.now() };
    this.#sql.exec(
      "INSERT INTO locks (id, path, owner, at_ms) VALUES (?, ?, ?, ?)",
      lock.id,
      path,
      owner,
      lock.lockedAtMs,
    );
    return { kind: "locked", lock };
  }

  async listLocks({ path, id, after, limit }: LfsLockQuery): Promise<LfsLockPage> {
    if (!this.#exists()) return { locks: [], next: null };
    const rows = this.#sql
      .exec<LockRow>(
        "SELECT * FROM locks WHERE seq > ?1 AND (?2 IS NULL OR path = ?2) AND (?3 IS NULL OR id = ?3) ORDER BY seq LIMIT ?4",
        after,
        path ?? null,
        id ?? null,
        limit + 1,
      )
      .toArray();
    const page = rows.slice(0, limit);
    return { locks: page.map(toLock), next: rows.length > limit ? (page.at(-1)?.seq ?? null) : null };
  }

  async unlock(id: string, owner: string, force: boolean): Promise<LfsUnlocking> {
    const row = this.#exists()
      ? this.#sql.exec<LockRow>("SELECT * FROM locks WHERE id = ?", id).toArray()[0]
      : null;
    if (!row) return { kind: "unknown" };
    if (row.owner !== owner && !force) return { kind: "not-owner", lock: toLock(row) };
    this.#sql.exec("DELETE FROM locks WHERE id = ?", id);
    return { kind: "unlocked", lock: toLock(row) };
  }

  /** The source notes the borrower before it tells what it has: what this object knows of will stay. */
  async adopt(sourceRepoId: string): Promise<void> {
    const homes = new Set<string>();
    for (let after: number | null = 0; after !== null; ) {
      const from: number = after;
      const page: LentPage = await this.#callsOf(sourceRepoId).repeat((stub) => stub.lend(this.#id(), from));
      if (page.objects.length > 0) this.#create();
      this.ctx.storage.transactionSync(() => {
        for (const { oid, size, key, home } of page.objects) {
          homes.add(home);
          this.#sql.exec(
            "INSERT OR IGNORE INTO objects (oid, size, key, home) VALUES (?, ?, ?, ?)",
            oid,
            size,
            key,
            home,
          );
        }
      });
      after = page.next;
    }
    homes.delete(sourceRepoId);
    // A fork gives back what it had from here: that is at home already.
    homes.delete(this.#id());
    for (const home of homes) {
      const { gone } = await this.#callsOf(home).repeat((stub) => stub.lend(this.#id(), null));
      if (gone) this.#sql.exec("DELETE FROM objects WHERE home = ?", home);
    }
  }

  /** A page of what this repository has, for a fork that begins with it, or a merge out of it. `after` null: only note who borrows. */
  async lend(borrower: string, after: number | null): Promise<LentPage> {
    if (!this.#exists() || this.#fact("state") === "deleting") return { objects: [], next: null, gone: true };
    this.#sql.exec("INSERT OR IGNORE INTO borrowers (repo_id) VALUES (?)", borrower);
    if (after === null) return { objects: [], next: null, gone: false };
    const rows = this.#sql
      .exec<ObjectRow>("SELECT * FROM objects WHERE seq > ? ORDER BY seq LIMIT ?", after, PAGE)
      .toArray();
    return {
      objects: rows.map((row) => ({ ...toObject(row), home: row.home })),
      next: rows.length === PAGE ? (rows.at(-1)?.seq ?? null) : null,
      gone: false,
    };
  }

  /** The borrower is gone. */
  async giveBack(borrower: string): Promise<void> {
    if (!this.#exists()) return;
    this.#sql.exec("DELETE FROM borrowers WHERE repo_id = ?", borrower);
    if (this.#fact("state") !== null) await this.ctx.storage.setAlarm(this.now() + DESTRUCTION_DELAY_MS);
  }

  async destroy(): Promise<void> {
    if (!this.#exists() || this.#fact("state") !== null) return;
    this.#put("state", "destroyed");
    this.#sql.exec("DELETE FROM locks");
    await this.ctx.storage.setAlarm(this.now() + DESTRUCTION_DELAY_MS);
  }

  override async alarm(): Promise<void> {
    if (!this.#exists()) return;
    try {
      const ends = this.#fact("state") !== null;
      await this.#sweep(ends ? this.now() : this.now() - EXPECTATION_MS);
      if (ends && (await this.#finishDestruction())) return;
      await this.#schedule();
    } catch (error) {
      // The platform would try six times and then never again.
      console.error("large files could not be tidied", error);
      await this.ctx.storage.setAlarm(this.now() + RETRY_MS);
    }
  }

  /** Deletes what was uploaded and never confirmed. Each upload has a key of its own: none is given up by mistake. */
  async #sweep(beforeMs: number): Promise<void> {
    for (;;) {
      const keys = this.#sql
        .exec<{ key: string }>("SELECT key FROM expected WHERE at_ms <= ? LIMIT ?", beforeMs, BATCH)
        .toArray()
        .map((row) => row.key);
      if (keys.length === 0) return;
      await this.#files.delete(keys);
      for (const key of keys) this.#sql.exec("DELETE FROM expected WHERE key = ?", key);
    }
  }

  /** false while forks still hold something of this repository's. */
  async #finishDestruction(): Promise<boolean> {
    const homes = this.#sql
      .exec<{ home: string }>("SELECT DISTINCT home FROM objects WHERE home <> ?", this.#id())
      .toArray();
    for (const { home } of homes) await this.#callsOf(home).repeat((stub) => stub.giveBack(this.#id()));
    this.#sql.exec("DELETE FROM objects WHERE home <> ?", this.#id());
    if (this.#sql.exec("SELECT 1 FROM borrowers LIMIT 1").toArray().length > 0) return false;
    this.#put("state", "deleting");
    for (;;) {
      const rows = this.#sql.exec<ObjectRow>("SELECT * FROM objects LIMIT ?", BATCH).toArray();
      if (rows.length === 0) break;
      await this.#files.delete(rows.map((row) => row.key));
      for (const { seq } of rows) this.#sql.exec("DELETE FROM objects WHERE seq = ?", seq);
    }
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
    return true;
  }

  async #schedule(): Promise<void> {
    const { at } = this.#sql.exec<{ at: number | null }>("SELECT min(at_ms) AS at FROM expected").one();
    if (at === null) return;
    const due = at + EXPECTATION_MS;
    const current = await this.ctx.storage.getAlarm();
    if (current === null || current > due) await this.ctx.storage.setAlarm(due);
  }

  #callsOf(repoId: string) {
    return createDurableCalls(() => this.env.LFS.getByName(repoId));
  }

  /** A repository without large files has no tables: a guessed name must leave nothing behind. */
  #exists(): boolean {
    return this.#sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'objects'").toArray().length > 0;
  }

  #create(): void {
    if (this.#exists()) return;
    this.ctx.storage.transactionSync(() => {
      for (const statement of TABLES) this.#sql.exec(statement);
    });
  }

  #id(): string {
    const { name } = this.ctx.id;
    if (name === undefined) throw new TypeError("an LfsDO is reached by its repository's id");
    return name;
  }

  #prefix(): string {
    return `lfs/${this.#id()}/`;
  }

  #fact(name: string): string | null {
    const row = this.#sql
      .exec<{ value: string }>("SELECT value FROM facts WHERE name = ?", name)
      .toArray()[0];
    return row?.value ?? null;
  }

  #put(name: string, value: string): void {
    this.#sql.exec("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", name, value);
  }
}

function toObject({ oid, size, key }: ObjectRow): StoredLfsObject {
  return { oid, size, key };
}

function toLock({ id, path, owner, at_ms }: LockRow): LfsLock {
  return { id, path, owner, lockedAtMs: at_ms };
}
