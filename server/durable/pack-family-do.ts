import { DurableObject } from "cloudflare:workers";
import type { FileStore } from "../git/ports.ts";
import type { PackFamilies, PackHold, PackHolder } from "../ports/fork.ts";
import type { OrgStore } from "../ports/org.ts";
import { createDurableOrgStore } from "../stores/durable-org-store.ts";
import { listPackFiles } from "../stores/pack-id.ts";
import { createR2Files } from "../stores/r2-files.ts";

/** What a PackFamilyDO needs of its environment. */
export interface FamilyEnv {
  readonly PACKS: R2Bucket;
  readonly ORG: { getByName(name: string): OrgStore };
}

/** Files of a pack that nobody holds stay so long. */
const GRACE_MS = 7 * 24 * 60 * 60 * 1000;
/** A fork that has no name by then never got one: its maker died. */
const NAMING_MS = 10 * 60 * 1000;
const RETRY_MS = 60 * 1000;
const BATCH = 200;

const TABLES = [
  // One row per pack and holder. 4 bytes of ids would do; keys are kept as text because a family has few packs.
  "CREATE TABLE IF NOT EXISTS holds (seq INTEGER PRIMARY KEY, key TEXT NOT NULL, repo_id TEXT NOT NULL)",
  "CREATE UNIQUE INDEX IF NOT EXISTS holds_by_key ON holds (key, repo_id)",
  "CREATE INDEX IF NOT EXISTS holds_by_repo ON holds (repo_id)",
  // Holders of which nobody has seen yet, since they last came by a pack, that they have a name.
  "CREATE TABLE IF NOT EXISTS unnamed (repo_id TEXT PRIMARY KEY, org_id TEXT NOT NULL, at_ms INTEGER NOT NULL)",
  // Packs that nobody holds.
  "CREATE TABLE IF NOT EXISTS idle (key TEXT PRIMARY KEY, since_ms INTEGER NOT NULL)",
];

/**
 * The packs of one family of forks and who holds them, named by the id of the family's first repository, which it
 * outlives. Only forking, deletion and compaction come here: reads and writes of repositories never do.
 */
export class PackFamilyDO extends DurableObject<FamilyEnv> implements PackFamilies {
  readonly #sql: SqlStorage;
  readonly #files: FileStore;
  /** Milliseconds since 1970; tests put it forward. */
  now: () => number = Date.now;

  constructor(ctx: DurableObjectState, env: FamilyEnv) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    this.#files = createR2Files(env.PACKS);
    for (const statement of TABLES) this.#sql.exec(statement);
  }

  async hold(source: PackHold & PackHolder, fork: PackHolder): Promise<void> {
    this.ctx.storage.transactionSync(() => {
      for (const key of source.keys) {
        this.#addHold(key, source.repoId);
        this.#addHold(key, fork.repoId);
        this.#sql.exec("DELETE FROM idle WHERE key = ?", key);
      }
      // The source too: it may have let go, and been deleted, before this call came to pass.
      for (const { repoId, orgId } of [source, fork]) {
        this.#sql.exec(
          "INSERT OR IGNORE INTO unnamed (repo_id, org_id, at_ms) VALUES (?, ?, ?)",
          repoId,
          orgId,
          this.now(),
        );
      }
    });
    await this.#schedule();
  }

  async release({ repoId, keys }: PackHold): Promise<void> {
    this.ctx.storage.transactionSync(() => {
      for (const key of keys) {
        this.#sql.exec("DELETE FROM holds WHERE key = ? AND repo_id = ?", key, repoId);
        this.#noteIdle(key);
      }
      // As long as it holds anything it must still turn out to exist.
      this.#sql.exec(
        "DELETE FROM unnamed WHERE repo_id = ? AND NOT EXISTS (SELECT 1 FROM holds WHERE repo_id = ?)",
        repoId,
        repoId,
      );
    });
    await this.#schedule();
  }

  override async alarm(): Promise<void> {
    try {
      await this.#settleUnnamed();
      await this.#deleteIdle();
      await this.#schedule();
    } catch (error) {
      // The platform would try six times and then never again.
      console.error("pack family could not be tidied", error);
      await this.ctx.storage.setAlarm(this.now() + RETRY_MS);
    }
  }

  #addHold(key: string, repoId: string): void {
    this.#sql.exec("INSERT OR IGNORE INTO holds (key, repo_id) VALUES (?, ?)", key, repoId);
  }

  /** A pack that lost its last holder begins its time of grace. */
  #noteIdle(key: string): void {
    this.#sql.exec(
      "INSERT OR IGNORE INTO idle (key, since_ms) SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM holds WHERE key = ?)",
      key,
      this.now(),
      key,
    );
  }

  async #settleUnnamed(): Promise<void> {
    const rows = this.#sql
      .exec<{ repo_id: string; org_id: string }>(
        "SELECT repo_id, org_id FROM unnamed WHERE at_ms <= ? ORDER BY at_ms LIMIT ?",
        this.now() - NAMING_MS,
        BATCH,
      )
      .toArray();
    for (const { repo_id, org_id } of rows) {
      const org = createDurableOrgStore(() => this.env.ORG.getByName(org_id));
      const named = await org.hasRepo(repo_id);
      this.ctx.storage.transactionSync(() => {
        this.#sql.exec("DELETE FROM unnamed WHERE repo_id = ?", repo_id);
        if (!named) this.#dropHolder(repo_id);
      });
    }
  }

  #dropHolder(repoId: string): void {
    const keys = this.#sql
      .exec<{ key: string }>("SELECT key FROM holds WHERE repo_id = ?", repoId)
      .toArray()
      .map((row) => row.key);
    this.#sql.exec("DELETE FROM holds WHERE repo_id = ?", repoId);
    for (const key of keys) this.#noteIdle(key);
  }

  async #deleteIdle(): Promise<void> {
    const keys = this.#sql
      .exec<{ key: string }>("SELECT key FROM idle WHERE since_ms <= ? LIMIT ?", this.now() - GRACE_MS, BATCH)
      .toArray()
      .map((row) => row.key);
    if (keys.length === 0) return;
    await this.#files.deleteFiles(keys.flatMap(listPackFiles));
    for (const key of keys) this.#sql.exec("DELETE FROM idle WHERE key = ?", key);
  }

  async #schedule(): Promise<void> {
    const [{ unnamed, idle } = { unnamed: null, idle: null }] = this.#sql
      .exec<{ unnamed: number | null; idle: number | null }>(
        "SELECT (SELECT min(at_ms) FROM unnamed) AS unnamed, (SELECT min(since_ms) FROM idle) AS idle",
      )
      .toArray();
    const due: number[] = [];
    if (unnamed !== null) due.push(unnamed + NAMING_MS);
    if (idle !== null) due.push(idle + GRACE_MS);
    if (due.length === 0) return;
    const atMs = Math.min(...due);
    const current = await this.ctx.storage.getAlarm();
    if (current === null || current > atMs) await this.ctx.storage.setAlarm(atMs);
  }
}
