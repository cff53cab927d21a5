import type {
  Account,
  Policy,
  PolicyOverrides,
  PolicyPatch,
  QuotaExcess,
  Reservation,
  ReservationOutcome,
  TokenUse,
  UsageQuery,
  UsageReport,
  UsageRow,
} from "../ports/account.ts";
import { applyOverrides, patchOverrides } from "../services/account/policy.ts";
import { findStorageExcess } from "../services/account/storage-excess.ts";
import { decideReservation, giveBack } from "../services/account/token-use.ts";
import { createRateLimiter, type RateLimiter, type SavedRates } from "../services/rate-limit.ts";
import { hasRepoRow } from "./org-directory.ts";
import { addUsage, readUsageRows } from "./org-usage.ts";

const NOTHING_USED: TokenUse = { commits: 0, bytes: 0 };
export interface OrgAccountDeps {
  readonly sql: SqlStorage;
  readonly now: () => number;
  readonly hasOrg: () => boolean;
  /** false: requests are not limited. */
  readonly limited: boolean;
}

/** What an org may use and has used: rate limits, quotas, counters. Sums are remembered, so that asking costs no query. */
export class OrgAccount {
  readonly #deps: OrgAccountDeps;
  readonly #sql: SqlStorage;
  #overrides: PolicyOverrides | null = null;
  #policy: Policy | null = null;
  #limiter: RateLimiter | null = null;
  #repos: number | null = null;
  #storageBytes: number | null = null;

  constructor(deps: OrgAccountDeps) {
    this.#deps = deps;
    this.#sql = deps.sql;
  }

  /** null: limits are off, or there is no such org. */
  get limiter(): RateLimiter | null {
    if (!this.#deps.limited || !this.#deps.hasOrg()) return null;
    this.#limiter ??= createRateLimiter(this.#readPolicy().rates, this.#readSaved());
    return this.#limiter;
  }

  read(): Account | null {
    if (!this.#deps.hasOrg()) return null;
    return { policy: this.#readPolicy(), repos: this.#countRepos(), storageBytes: this.#sumStorage() };
  }

  changePolicy(patch: PolicyPatch): Account | null {
    if (!this.#deps.hasOrg()) return null;
    this.#readPolicy();
    const overrides = patchOverrides(this.#overrides ?? {}, patch);
    this.#sql.exec("INSERT OR REPLACE INTO policy VALUES (1, ?)", JSON.stringify(overrides));
    this.#policy = null;
    this.#limiter?.configure(this.#readPolicy().rates);
    return this.read();
  }

  /** Why the org may not have another repository; null when it may. */
  findRepoExcess(): QuotaExcess | null {
    const limit = this.#readPolicy().quotas.repos;
    const used = limit === null ? 0 : this.#countRepos();
    return limit !== null && used >= limit ? { quota: "repos", limit, used } : null;
  }

  /** To be called when a repository comes or goes. */
  forgetRepos(): void {
    this.#repos = null;
  }

  findStorageExcess(repoId: string): QuotaExcess | null {
    return findStorageExcess(this.#readPolicy().quotas, {
      org: this.#sumStorage(),
      repo: () => this.#findStorage(repoId),
    });
  }

  /** Of a repository that has a name: one that is being made or was deleted is passed over. */
  setStorage({ repoId, bytes }: { readonly repoId: string; readonly bytes: number }): void {
    if (!this.#deps.hasOrg() || !hasRepoRow(this.#sql, repoId)) return;
    // Kept up rather than added up anew: there may be a hundred thousand repositories, and each tells of every flush.
    this.#storageBytes = this.#sumStorage() + bytes - this.#findStorage(repoId);
    this.#sql.exec("INSERT OR REPLACE INTO repo_storage (repo_id, bytes) VALUES (?, ?)", repoId, bytes);
  }

  addUsage(rows: readonly UsageRow[]): void {
    if (!this.#deps.hasOrg()) return;
    addUsage(this.#sql, rows, this.#deps.now());
    this.#saveRates(this.#deps.now());
  }

  readUsage(query: UsageQuery): UsageReport {
    return readUsageRows(this.#sql, query);
  }

  removeStorage(repoId: string): void {
    this.#storageBytes = null;
    this.#sql.exec("DELETE FROM repo_storage WHERE repo_id = ?", repoId);
  }

  findUse(keyId: string): TokenUse {
    return (
      this.#sql
        .exec<{ commits: number; bytes: number }>(
          "SELECT commits, bytes FROM token_use WHERE key_id = ?",
          keyId,
        )
        .toArray()[0] ?? NOTHING_USED
    );
  }

  reserve(reservation: Reservation): ReservationOutcome {
    const used = this.findUse(reservation.keyId);
    const outcome = decideReservation(used, reservation);
    if (outcome.kind === "exceeded") return outcome;
    if (used === NOTHING_USED) this.#sql.exec("DELETE FROM token_use WHERE until_ms <= ?", this.#deps.now());
    this.#sql.exec(
      `INSERT INTO token_use (key_id, commits, bytes, until_ms) VALUES (?, ?, ?, ?)
       ON CONFLICT (key_id) DO UPDATE SET commits = excluded.commits, bytes = excluded.bytes`,
      reservation.keyId,
      outcome.use.commits,
      outcome.use.bytes,
      reservation.untilMs,
    );
    return outcome;
  }

  release({ keyId, commits, bytes }: Pick<Reservation, "keyId" | "commits" | "bytes">): void {
    const left = giveBack(this.findUse(keyId), { commits, bytes });
    this.#sql.exec(
      "UPDATE token_use SET commits = ?, bytes = ? WHERE key_id = ?",
      left.commits,
      left.bytes,
      keyId,
    );
  }

  /** Writes down what the rate limits have counted: this object is evicted when nobody asks. */
  #saveRates(nowMs: number): void {
    if (!this.#limiter) return;
    this.#sql.exec("INSERT OR REPLACE INTO rates VALUES (1, ?)", JSON.stringify(this.#limiter.save(nowMs)));
  }

  #readSaved(): SavedRates | undefined {
    const row = this.#sql.exec<{ saved: string }>("SELECT saved FROM rates").toArray()[0];
    // Written by saveRates.
    return row && (JSON.parse(row.saved) as SavedRates);
  }

  #readPolicy(): Policy {
    if (this.#policy) return this.#policy;
    const row = this.#sql.exec<{ overrides: string }>("SELECT overrides FROM policy").toArray()[0];
    // Written by changePolicy.
    this.#overrides = row ? (JSON.parse(row.overrides) as PolicyOverrides) : {};
    this.#policy = applyOverrides(this.#overrides);
    return this.#policy;
  }

  #countRepos(): number {
    this.#repos ??= this.#sql.exec<{ n: number }>("SELECT count(*) AS n FROM repos").one().n;
    return this.#repos;
  }

  #sumStorage(): number {
    this.#storageBytes ??= this.#sql
      .exec<{ bytes: number }>("SELECT coalesce(sum(bytes), 0) AS bytes FROM repo_storage")
      .one().bytes;
    return this.#storageBytes;
  }

  #findStorage(repoId: string): number {
    const row = this.#sql
      .exec<{ bytes: number }>("SELECT bytes FROM repo_storage WHERE repo_id = ?", repoId)
      .toArray()[0];
    return row?.bytes ?? 0;
  }
}
