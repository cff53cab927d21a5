import { GitError } from "../git/errors.ts";
import type { FileStore, GitObject } from "../git/ports.ts";
import type { PackFamilies } from "../ports/fork.ts";
import { chooseOwnPacks, compactPacks } from "../stores/compact-packs.ts";
import { flushHot } from "../stores/flush-hot.ts";
import { createMutex } from "../stores/mutex.ts";
import { formatPackKey, type IdSource, listPackFiles } from "../stores/pack-id.ts";
import { RECEIPT_MAX_AGE_MS } from "../stores/repo-tables.ts";
import { OUTBOX_PATIENCE_MS, type RepoOutbox } from "./repo-outbox.ts";
import { migrateSchema } from "./repo-schema.ts";
import type { SqlRepoTables } from "./repo-tables.ts";

/** Hot objects become a pack this long after the first of them. */
const FLUSH_DELAY_MS = 30_000;
/** From here on they become one at once, in the background. */
const FLUSH_OBJECTS = 2_000;
const FLUSH_BYTES = 16 * 1024 * 1024;
/** Beyond this a write waits for the flush. */
const HOT_OBJECTS_MAX = 20_000;
const HOT_BYTES_MAX = 64 * 1024 * 1024;
/** More than this is packed before it is handed to a fork: so that the next fork need not copy it too. */
const SHARED_OBJECTS_MAX = 200;
const SHARED_BYTES_MAX = 256 * 1024;
/** Packs are merged so long after there are too many, so that writes in a row need not wait for it. */
const COMPACTION_DELAY_MS = 2_000;
/** A reserved key that is not in the catalog by then is given up. */
const RESERVATION_MAX_AGE_MS = 60 * 60 * 1000;
/** The org is told so long after a write how much is stored; of a commit, when it is packed. */
const REPORT_DELAY_MS = 5_000;
/** Files of a destroyed repository go so long after the answer. */
const DESTRUCTION_DELAY_MS = 1_000;
const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 60 * 1000;

export interface HousekeeperDeps {
  readonly storage: DurableObjectStorage;
  readonly tables: SqlRepoTables;
  readonly files: FileStore;
  readonly ids: IdSource;
  readonly families: PackFamilies;
  /** Tells the org how much the repository stores. */
  readonly reportStorage: (
    orgId: string,
    report: { readonly repoId: string; readonly bytes: number },
  ) => Promise<void>;
  readonly outbox: RepoOutbox;
}

/** What happens to a repository beside requests: flush, compaction, sweep, expiry of receipts, destruction. One alarm drives all. */
export interface RepoHousekeeper {
  /** Sets the alarm again when work is left and none is set: the isolate may have died in between. */
  wake(): Promise<void>;
  afterWrite(): void;
  makeRoom(objects: readonly GitObject[]): Promise<void>;
  /** Packs hot objects when there are more than a fork should copy. */
  beforeShare(): Promise<void>;
  /** Merges packs until few are left; the number of merges. */
  compact(): Promise<number>;
  /** Empties the hot tier of what it holds now; the number of packs made. */
  flushAll(): Promise<number>;
  runAlarm(): Promise<void>;
  destroy(): Promise<void>;
}

export function createRepoHousekeeper(deps: HousekeeperDeps): RepoHousekeeper {
  return new Housekeeper(deps);
}

class Housekeeper implements RepoHousekeeper {
  readonly #deps: HousekeeperDeps;
  readonly #flushes = createMutex();
  readonly #compactions = createMutex();
  #background: Promise<void> | null = null;
  #alarmAtMs: number | null = null;
  #failures = 0;
  /** After a failure the org is not told before this time. */
  #reportAtMs = 0;
  /** After a failure nothing is tried before this time. */
  #retryAtMs = 0;
  /** After a sweep that failed none is a reason to wake up before this time. */
  #sweepAtMs = 0;

  constructor(deps: HousekeeperDeps) {
    this.#deps = deps;
  }

  async wake(): Promise<void> {
    this.#alarmAtMs = await this.#deps.storage.getAlarm();
    if (this.#deps.outbox.hasMore()) this.#deps.outbox.schedule();
    this.#schedule();
  }

  afterWrite(): void {
    // The alarm stands at the next try; a write must not bring it forward, or a storage that is down gets one try per write.
    if (this.#mustWait()) {
      this.#schedule();
      return;
    }
    const { hot, refs } = this.#deps.tables;
    const nowMs = this.#deps.ids.now();
    const expiryMs = refs.nextExpiry();
    if (expiryMs !== null) this.#ensureAlarm(expiryMs);
    if (this.#choosePacks() !== null) this.#ensureAlarm(nowMs + COMPACTION_DELAY_MS);
    // Both the flush and what a run of the outbox may leave behind. The alarm of a flush is there for the outbox, too.
    this.#ensureAlarm(
      hot.count() > 0 ? (hot.oldestMs() ?? nowMs) + FLUSH_DELAY_MS : nowMs + OUTBOX_PATIENCE_MS,
    );
    if (hot.count() === 0 && this.#hasNews()) this.#ensureAlarm(nowMs + REPORT_DELAY_MS);
    if (hot.count() > FLUSH_OBJECTS || hot.bytes() > FLUSH_BYTES) void this.#flushTogether();
  }

  /** @throws GitError limit-exceeded; overloaded while the flush that would make room keeps failing */
  async makeRoom(objects: readonly GitObject[]): Promise<void> {
    const bytes = objects.reduce((sum, object) => sum + object.data.length, 0);
    if (objects.length > HOT_OBJECTS_MAX || bytes > HOT_BYTES_MAX) {
      throw new GitError("limit-exceeded", "too many new objects in one write; send them as a pack", {
        objects: objects.length,
        bytes,
      });
    }
    const { hot } = this.#deps.tables;
    while (hot.count() + objects.length > HOT_OBJECTS_MAX || hot.bytes() + bytes > HOT_BYTES_MAX) {
      if (!this.#mustWait()) await this.#flushTogether();
      if (this.#mustWait()) throw noRoom(this.#retryAtMs - this.#deps.ids.now());
    }
  }

  flushAll(): Promise<number> {
    return this.#flushes.run(async () => {
      const repoId = this.#deps.tables.facts.find("repo_id");
      if (repoId === null) return 0;
      const { hot } = this.#deps.tables;
      const end = hot.lastRow();
      let packs = 0;
      // What comes while this runs is left for the next flush: it would never end under steady writes.
      while ((hot.firstRow() ?? Infinity) <= end) {
        if (!(await flushHot({ ...this.#deps, repoId }))) break;
        packs++;
      }
      return packs;
    });
  }

  compact(): Promise<number> {
    return this.#compactions.run(async () => {
      const { tables } = this.#deps;
      const repoId = tables.facts.find("repo_id");
      let merges = 0;
      while (repoId !== null && tables.facts.find("state") === "live") {
        const packs = this.#choosePacks();
        if (packs === null) break;
        await compactPacks({ ...this.#deps, repoId }, packs);
        merges++;
      }
      return merges;
    });
  }

  async beforeShare(): Promise<void> {
    const { hot } = this.#deps.tables;
    if (hot.count() > SHARED_OBJECTS_MAX || hot.bytes() > SHARED_BYTES_MAX) await this.flushAll();
  }

  async runAlarm(): Promise<void> {
    this.#alarmAtMs = null;
    try {
      if (this.#deps.tables.facts.find("state") === "live") await this.#keepHouse();
      else await this.#finishDestruction();
      this.#recordSuccess();
    } catch (error) {
      this.#recordFailure("alarm", error);
    }
    this.#schedule();
  }

  async destroy(): Promise<void> {
    const { tables, storage } = this.#deps;
    if (tables.facts.find("repo_id") === null) return;
    tables.atomically(() => {
      tables.facts.put("state", "destroyed");
      tables.packs.doomAll();
      storage.sql.exec("DELETE FROM refs");
      storage.sql.exec("DELETE FROM ref_expiries");
      storage.sql.exec("DELETE FROM receipts");
      tables.hot.deleteUpTo(tables.hot.lastRow());
    });
    this.#ensureAlarm(this.#deps.ids.now() + DESTRUCTION_DELAY_MS);
  }

  async #keepHouse(): Promise<void> {
    const { tables, ids } = this.#deps;
    tables.receipts.deleteBefore(ids.now() - RECEIPT_MAX_AGE_MS);
    const oldestMs = tables.hot.oldestMs();
    if (oldestMs !== null && oldestMs + FLUSH_DELAY_MS <= ids.now()) await this.flushAll();
    await this.compact();
    await this.#sweepApart(ids.now() - RESERVATION_MAX_AGE_MS);
    // Last: an org that is slow to answer must not hold up the flush. What fails has its own way to be tried again.
    if (this.#deps.outbox.hasMore()) await this.#deps.outbox.run();
    await this.#reportStorage();
  }

  /** Whether the org knows another size than the repository has. Repositories from before there was an org to tell have none. */
  #hasNews(): boolean {
    const { facts } = this.#deps.tables;
    return (
      facts.find("org_id") !== null && (facts.find("reported_bytes") ?? "0") !== String(this.#countBytes())
    );
  }

  /** What is stored for this repository: its fresh objects, and packs that it has made. A fork's inherited ones are the parent's. */
  #countBytes(): number {
    const { facts, packs, hot } = this.#deps.tables;
    const own = formatPackKey(facts.find("repo_id") ?? "", "");
    return packs
      .readCatalog()
      .packs.filter(({ key }) => key.startsWith(own))
      .reduce((sum, pack) => sum + pack.packBytes + pack.idxBytes + pack.refsBytes, hot.bytes());
  }

  async #reportStorage(): Promise<void> {
    const { facts } = this.#deps.tables;
    const [orgId, repoId] = [facts.find("org_id"), facts.find("repo_id")];
    if (orgId === null || repoId === null || !this.#hasNews() || this.#reportAtMs > this.#deps.ids.now())
      return;
    const bytes = this.#countBytes();
    try {
      await this.#deps.reportStorage(orgId, { repoId, bytes });
      facts.put("reported_bytes", String(bytes));
    } catch (error) {
      // No reason to hold up a repository: it is told again.
      this.#reportAtMs = this.#deps.ids.now() + RETRY_MAX_MS;
      console.error("could not tell the org what a repository stores", error);
    }
  }

  /** A family that cannot be reached, or files that cannot be deleted, stay a little longer; nothing waits for them. */
  async #sweepApart(beforeMs: number): Promise<void> {
    try {
      await this.#sweep(beforeMs);
    } catch (error) {
      this.#sweepAtMs = this.#deps.ids.now() + RETRY_MAX_MS;
      console.error("repository sweep failed", error);
    }
  }

  /** Deletes files of keys that were given up. The key is given up first: then nobody can still catalogue it. */
  async #sweep(beforeMs: number): Promise<number> {
    const { tables, files, families } = this.#deps;
    const doomed = tables.packs.doomReservations(beforeMs);
    if (doomed.length === 0) return 0;
    const owned = doomed.filter((pack) => !pack.shared).map((pack) => pack.key);
    const shared = doomed.filter((pack) => pack.shared).map((pack) => pack.key);
    if (owned.length > 0) await files.deleteFiles(owned.flatMap(listPackFiles));
    const familyId = tables.packs.findFamily();
    const repoId = tables.facts.find("repo_id");
    if (shared.length > 0 && familyId !== null && repoId !== null) {
      await families.release({ familyId, repoId, keys: shared });
    }
    tables.atomically(() => tables.packs.forgetDoomed([...owned, ...shared]));
    return doomed.length;
  }

  async #finishDestruction(): Promise<void> {
    const { storage, tables, ids } = this.#deps;
    // A flush or merge that was under way may still write files; it fails at its transaction, and its key is doomed already.
    await this.#flushes.run(async () => undefined);
    await this.#compactions.run(async () => undefined);
    while ((await this.#sweep(ids.now() + 1)) > 0);
    // The reflog has what the org was not told yet.
    if (!(await this.#deps.outbox.run(true))) throw new Error("the last moves are not handed over");
    await storage.deleteAlarm();
    await storage.deleteAll();
    // This instance may be called again before it is evicted.
    migrateSchema(storage);
    tables.facts.forget();
    tables.packs.forget();
    tables.refs.forget();
  }

  /** One flush for everybody who wants one now: when it fails that is one failure. Never rejects. */
  #flushTogether(): Promise<void> {
    this.#background ??= this.flushAll()
      .then(
        () => this.#recordSuccess(),
        (error: unknown) => this.#recordFailure("flush", error),
      )
      .finally(() => {
        this.#background = null;
        this.#schedule();
      });
    return this.#background;
  }

  #choosePacks() {
    const { facts, packs } = this.#deps.tables;
    return chooseOwnPacks(facts.find("repo_id") ?? "", packs.readCatalog().packs);
  }

  #mustWait(): boolean {
    return this.#retryAtMs > this.#deps.ids.now();
  }

  #recordSuccess(): void {
    this.#failures = 0;
    this.#retryAtMs = 0;
  }

  #recordFailure(task: string, error: unknown): void {
    this.#failures++;
    this.#retryAtMs =
      this.#deps.ids.now() + Math.min(RETRY_FIRST_MS * 2 ** (this.#failures - 1), RETRY_MAX_MS);
    // The only place where anybody learns of it: objects are safe in their rows and the alarm tries again.
    console.error(`repository ${task} failed ${this.#failures} times`, error);
  }

  /** Sets the alarm for the next thing to do, exactly. */
  #schedule(): void {
    const { tables, ids } = this.#deps;
    if (tables.facts.find("repo_id") === null) return;
    const due: number[] = [];
    const add = (fromMs: number | null, delayMs: number) => {
      if (fromMs !== null) due.push(fromMs + delayMs);
    };
    if (tables.facts.find("state") !== "live") due.push(ids.now() + DESTRUCTION_DELAY_MS);
    add(tables.refs.nextExpiry(), 0);
    add(tables.hot.oldestMs(), FLUSH_DELAY_MS);
    const reservedMs = tables.packs.oldestReservationMs();
    if (reservedMs !== null) due.push(Math.max(reservedMs + RESERVATION_MAX_AGE_MS, this.#sweepAtMs));
    add(tables.receipts.oldestMs(), RECEIPT_MAX_AGE_MS);
    if (this.#deps.outbox.hasMore()) due.push(ids.now() + OUTBOX_PATIENCE_MS);
    if (this.#choosePacks() !== null) due.push(ids.now() + COMPACTION_DELAY_MS);
    if (this.#hasNews() && tables.hot.count() === 0) {
      due.push(Math.max(ids.now() + REPORT_DELAY_MS, this.#reportAtMs));
    }
    if (due.length === 0) return;
    this.#ensureAlarm(Math.max(Math.min(...due), this.#retryAtMs));
  }

  #ensureAlarm(atMs: number): void {
    if (this.#alarmAtMs !== null && this.#alarmAtMs <= atMs) return;
    this.#alarmAtMs = atMs;
    // A write like any other: stored with this turn's rows, and a failure resets the object.
    void this.#deps.storage.setAlarm(atMs);
  }
}

function noRoom(waitMs: number): GitError {
  const data = { retryAfterSec: Math.max(1, Math.ceil(waitMs / 1_000)) };
  const message =
    "the repository has taken in as much as it can hold until its objects are packed; try again";
  return new GitError("overloaded", message, data);
}
