import type { NewToken, TokenPage, TokenRecord } from "../ports/access.ts";
import type { DeliveryMessage, DeliveryQueue } from "../ports/events.ts";
import type {
  AuthorizeQuery,
  AuthorizeResult,
  Idempotency,
  NewRepo,
  NewSession,
  OrgStore,
  RepoCreation,
  RepoPage,
  RepoPageQuery,
  RepoPatch,
  RepoRecord,
} from "../ports/org.ts";
import type { RepoLifecycle } from "../ports/repo.ts";
import type { SessionStore } from "../ports/session.ts";
import { decideAccess } from "../services/access/decide-access.ts";
import {
  describeRepo,
  describeRepoPatch,
  describeWrite,
  OPERATOR,
  type Subject,
} from "../services/events/describe-write.ts";
import { createKeyId, orgIdOf } from "../services/org-keys.ts";
import { createRetrySchedule } from "../services/webhooks/retry-schedule.ts";
import { createDeliveryQueue } from "../stores/delivery-queue.ts";
import { createDurableRepoLifecycle } from "../stores/durable-repo-lifecycle.ts";
import type { LfsRpc } from "../stores/lfs-rpc.ts";
import type { RepoRpc } from "../stores/repo-rpc.ts";
import { OrgAccount } from "./org-account.ts";
import { createOrgAlarm, type OrgAlarm } from "./org-alarm.ts";
import { OrgConnectionMethods } from "./org-connection-methods.ts";
import {
  findRepoById,
  findRepoByName,
  hasRepoRow,
  insertRepo,
  listRepoPage,
  type OrgFacts,
  patchRepo,
  removeRepo,
} from "./org-directory.ts";
import { OrgEvents } from "./org-events.ts";
import { createKeyIndex, insertKey, isLiveKey, type KeyIndex, revokeKeyRow } from "./org-keys.ts";
import { findReceipt, keepReceipt } from "./org-receipts.ts";
import { migrateOrgSchema, readSchemaVersion } from "./org-schema.ts";
import { doomSessions, insertSession, listDoomedSessions, removeSession } from "./org-sessions.ts";
import { OrgSigned } from "./org-signed.ts";
import { findToken, findTokenById, insertToken, listTokenRows, revokeTokenRow } from "./org-tokens.ts";
import { createOrgWatchers, type OrgWatchers } from "./org-watchers.ts";

/** What an OrgDO needs of its environment. */
export interface OrgEnv {
  readonly REPO: { getByName(name: string): RepoRpc };
  readonly LFS: { getByName(name: string): LfsRpc };
  /** By the hash of the session's id. */
  readonly SESSION: { getByName(name: string): Pick<SessionStore, "revoke"> };
  /** "off" switches rate limits off. */
  readonly RATE_LIMITS?: string;
  /** Wakes whoever sends webhooks. */
  readonly EVENTS?: Pick<Queue<DeliveryMessage>, "sendBatch">;
  /** "memory": the queue's messages end with the process, as in the local server. */
  readonly QUEUE_STORAGE?: string;
  /** Seconds between the attempts of a delivery, separated by commas. */
  readonly WEBHOOK_RETRY_SECONDS?: string;
}

/** Stand-ins for tests. */
export interface OrgParts {
  readonly now?: () => number;
  readonly repos?: Pick<RepoLifecycle, "destroy">;
  readonly queue?: DeliveryQueue;
}

/** How long the Worker has to destroy a deleted repository before the alarm does. */
const SWEEP_DELAY_MS = 60_000;
const SWEEP_BATCH = 50;
const SESSION_RETRY_MS = 1_000;
/** At about half a kilobyte each. */
const MAX_KNOWN_REPOS = 2_000;

/**
 * One org: keys, directory of repositories, rate counters. Each method is one turn without awaits before its writes,
 * so two of them never interleave.
 */
export class OrgDO extends OrgConnectionMethods<OrgEnv> implements OrgStore {
  readonly #sql: SqlStorage;
  readonly #repos: Pick<RepoLifecycle, "destroy">;
  readonly #keys: KeyIndex;
  readonly #watchers: OrgWatchers;
  protected readonly clock: () => number;
  protected readonly hasOrg = () => this.#org !== null;
  protected readonly account: OrgAccount;
  protected readonly signed: OrgSigned;
  readonly #alarm: OrgAlarm;
  protected readonly events: OrgEvents;
  /**
   * Repositories that were asked for, by name: reading one from SQLite costs 40 µs of the 160 that a round here takes.
   * This object alone writes the tables, and forgets all of them whenever it does.
   */
  readonly #known = new Map<string, RepoRecord>();
  #org: OrgFacts | null;

  constructor(ctx: DurableObjectState, env: OrgEnv, parts: OrgParts = {}) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    this.#keys = createKeyIndex(this.#sql);
    this.#watchers = createOrgWatchers(ctx, (keyId) => this.#isLive(keyId));
    this.clock = parts.now ?? Date.now;
    this.account = new OrgAccount({
      sql: this.#sql,
      now: this.clock,
      hasOrg: () => this.#org !== null,
      limited: env.RATE_LIMITS !== "off",
    });
    this.signed = new OrgSigned({
      sql: this.#sql,
      now: this.clock,
      findOrg: () => this.#org,
      endOf: (tag) => this.#endWatchesAndSessions(tag),
    });
    this.#repos = parts.repos ?? createDurableRepoLifecycle(env);
    this.#org = this.#wake();
    this.#alarm = createOrgAlarm(ctx.storage);
    this.events = new OrgEvents({
      storage: ctx.storage,
      alarm: this.#alarm,
      queue: parts.queue ?? createDeliveryQueue(env.EVENTS),
      retry: createRetrySchedule(env.WEBHOOK_RETRY_SECONDS),
      now: this.clock,
      findOrg: () => this.#org,
      findRepo: (repoId) => this.#org && findRepoById(this.#sql, this.#org, repoId),
    });
    if (this.#org) void ctx.blockConcurrencyWhile(() => this.#load(env.QUEUE_STORAGE === "memory"));
  }

  async #load(queueWasLost: boolean): Promise<void> {
    await this.#alarm.load();
    if (queueWasLost) this.events.forgetMessages();
  }

  async createOrg(org: { readonly slug: string; readonly name: string | null; readonly keyHash: string }) {
    if (this.#org) return null;
    const facts: OrgFacts = { id: orgIdOf(org.slug), slug: org.slug };
    const keyId = createKeyId(facts.id);
    const nowMs = this.clock();
    migrateOrgSchema(this.ctx.storage);
    this.events.writeLogged(() => {
      this.#sql.exec("INSERT INTO org VALUES (?, ?, ?, ?)", facts.id, facts.slug, org.name, nowMs);
      insertKey(this.#sql, keyId, org.keyHash, nowMs);
      this.#log(OPERATOR, "org.create", { id: facts.id, name: facts.slug, details: { key_id: keyId } });
    });
    this.#org = facts;
    return { id: facts.id, keyId };
  }

  async createKey(keyHash: string, actor = OPERATOR) {
    if (!this.#org) return null;
    // Two hashes could share what they are looked up by.
    this.#keys.forget();
    const keyId = createKeyId(this.#org.id);
    this.events.writeLogged(() => {
      insertKey(this.#sql, keyId, keyHash, this.clock());
      this.#log(actor, "key.create", { id: keyId, name: null });
    });
    return { keyId };
  }

  async revokeKey(keyId: string, actor = OPERATOR): Promise<boolean> {
    this.#keys.forget();
    if (!this.#org) return false;
    const revoked = this.events.writeLogged(() => {
      if (!revokeKeyRow(this.#sql, keyId, this.clock())) return false;
      this.#log(actor, "key.revoke", { id: keyId, name: null });
      return true;
    });
    if (revoked) await this.#endAllOf(keyId);
    return revoked;
  }

  async openSession(session: NewSession) {
    if (!this.#isLive(session.keyId)) return { kind: "revoked" } as const;
    const full = insertSession(this.#sql, session, this.clock());
    return full ? ({ kind: "full", limit: full.limit } as const) : ({ kind: "opened" } as const);
  }

  async endSession(hash: string): Promise<void> {
    if (this.#org) removeSession(this.#sql, hash);
  }

  /** Ends what a key or token that is revoked has going. */
  async #endAllOf(keyId: string): Promise<void> {
    doomSessions(this.#sql, keyId);
    await this.#endWatchesAndSessions(keyId);
  }

  async #endWatchesAndSessions(tag: string): Promise<void> {
    this.#watchers.endOf(tag);
    await this.#endDoomedSessions();
  }

  /** Whether an id is that of a live key or token; of a signed one, whose times are not known here, whether it is revoked. */
  #isLive(keyId: string): boolean {
    if (!this.#org) return false;
    const kept = this.signed.isKept(keyId);
    if (kept !== null) return kept;
    return isLiveKey(this.#sql, keyId) || findTokenById(this.#sql, keyId, this.clock()) !== null;
  }

  /** Sessions learn of the end of their key or token from here; one that cannot be reached is told by the alarm. */
  async #endDoomedSessions(): Promise<void> {
    if (!this.#org) return;
    const doomed = listDoomedSessions(this.#sql);
    if (doomed.length === 0) return;
    // First, so that a crash in between cannot leave one untold.
    this.#alarm.ensure(this.clock() + SESSION_RETRY_MS);
    await Promise.allSettled(
      doomed.map(async (hash) => {
        await this.env.SESSION.getByName(hash).revoke();
        removeSession(this.#sql, hash);
      }),
    );
  }

  /** A socket that closes when a key or token is revoked. Only the Worker can ask. */
  override async fetch(request: Request): Promise<Response> {
    const keyId = new URL(request.url).searchParams.get("key");
    return keyId === null ? new Response(null, { status: 400 }) : this.#watchers.accept(keyId);
  }

  async createToken(token: NewToken, actor = OPERATOR): Promise<TokenRecord | null> {
    this.#readOrg();
    return this.events.writeLogged(() => {
      const known = findTokenById(this.#sql, token.id, this.clock());
      const record = known ?? insertToken(this.#sql, token, this.clock());
      const { id, name, scopes, expiresAtMs } = token;
      const details = { scopes: Object.keys(scopes), expires_at: new Date(expiresAtMs).toISOString() };
      if (record && !known) this.#log(actor, "token.create", { id, name, details });
      return record;
    });
  }

  async listTokens(query: { readonly limit: number; readonly after?: number }): Promise<TokenPage> {
    this.#readOrg();
    return listTokenRows(this.#sql, query, this.clock());
  }

  async revokeToken(tokenId: string, actor = OPERATOR): Promise<boolean> {
    if (!this.#org) return false;
    const revoked = this.events.writeLogged(() => {
      const token = findTokenById(this.#sql, tokenId, this.clock());
      if (!token || !revokeTokenRow(this.#sql, tokenId, this.clock())) return false;
      this.#log(actor, "token.revoke", { id: tokenId, name: token.name });
      return true;
    });
    if (revoked) await this.#endAllOf(tokenId);
    return revoked;
  }

  async authorize(query: AuthorizeQuery): Promise<AuthorizeResult> {
    const { credential } = query;
    // The one thing here that takes a while; everything is looked up after it.
    const grant = credential.kind === "signed" ? await this.signed.find(credential.token) : null;
    return decideAccess(query, {
      findGrant: (asked) => (asked.kind === "signed" ? grant : this.signed.findOfSession(asked)),
      org: this.#org,
      findKey: (hash) => this.#keys.find(hash),
      findToken: (hash) => findToken(this.#sql, hash, this.clock()),
      isLiveKey: (keyId) => isLiveKey(this.#sql, keyId),
      findTokenById: (tokenId) => findTokenById(this.#sql, tokenId, this.clock()),
      findRepo: (namespace, slug) => this.#findRepo(namespace, slug),
      findExcess: (repo) => this.account.findStorageExcess(repo.id),
      findUse: (keyId) => this.account.findUse(keyId),
      limiter: this.account.limiter,
      nowMs: this.clock(),
    });
  }

  async createRepo(repo: NewRepo, idempotency?: Idempotency, actor = OPERATOR): Promise<RepoCreation> {
    const org = this.#readOrg();
    const nowMs = this.clock();
    return this.events.writeLogged((): RepoCreation => {
      const earlier = idempotency ? findReceipt(this.#sql, idempotency, nowMs) : null;
      if (earlier) return earlier;
      const excess = this.account.findRepoExcess();
      // A name that is taken is what the caller can do something about.
      if (excess && !findRepoByName(this.#sql, org, repo.namespace, repo.slug)) {
        return { kind: "quota-exceeded", excess };
      }
      const record = insertRepo(this.#sql, org, repo, nowMs);
      if (!record) return { kind: "taken" };
      this.account.forgetRepos();
      if (idempotency) keepReceipt(this.#sql, idempotency, record, nowMs);
      this.#log(actor, repo.fork === null ? "repo.create" : "repo.fork", describeRepo(record));
      return { kind: "created", repo: record, replayed: false };
    });
  }

  async updateRepo(repoId: string, patch: RepoPatch, actor = OPERATOR): Promise<RepoRecord | null> {
    const org = this.#readOrg();
    this.#known.clear();
    return this.events.writeLogged(() => {
      const record = patchRepo(this.#sql, org, repoId, patch);
      const details = describeRepoPatch(patch);
      if (record) this.#log(actor, "repo.update", { ...describeRepo(record), details });
      return record;
    });
  }

  /** The name is free at once; the contents are destroyed by the caller, or by the alarm if the caller died. */
  async deleteRepo(repoId: string, actor = OPERATOR): Promise<boolean> {
    const org = this.#readOrg();
    const removed = this.events.writeLogged(() => {
      const record = findRepoById(this.#sql, org, repoId);
      if (!record || !removeRepo(this.#sql, repoId)) return false;
      this.account.forgetRepos();
      this.account.removeStorage(repoId);
      this.#sql.exec("INSERT INTO doomed_repos VALUES (?, ?)", repoId, this.clock());
      this.events.rememberName(record);
      this.#log(actor, "repo.delete", describeRepo(record));
      return true;
    });
    this.#known.clear();
    if (removed) this.#alarm.ensure(this.clock() + SWEEP_DELAY_MS);
    return removed;
  }

  async hasRepo(repoId: string): Promise<boolean> {
    return this.#org !== null && hasRepoRow(this.#sql, repoId);
  }

  async listRepos(query: RepoPageQuery): Promise<RepoPage> {
    return listRepoPage(this.#sql, this.#readOrg(), query);
  }

  override webSocketClose(): void {
    // A watch left. The platform wants to tell somebody, but nothing is kept of it here that would have to go.
  }

  override webSocketError(): void {
    // As above.
  }

  /** Destroys what deleted names left behind. What fails waits for the next alarm: the platform's own tries would end. */
  override async alarm(): Promise<void> {
    this.#alarm.clear();
    this.events.runAlarm();
    await this.#endDoomedSessions();
    const doomed = this.#sql
      .exec<{ id: string }>("SELECT id FROM doomed_repos ORDER BY at_ms LIMIT ?", SWEEP_BATCH)
      .toArray();
    let failed = 0;
    for (const { id } of doomed) {
      try {
        await this.#repos.destroy(id);
        this.#sql.exec("DELETE FROM doomed_repos WHERE id = ?", id);
      } catch (error) {
        failed++;
        this.#sql.exec("UPDATE doomed_repos SET at_ms = ? WHERE id = ?", this.clock(), id);
        console.error(`could not destroy repository ${id}`, error);
      }
    }
    if (failed > 0) this.#alarm.ensure(this.clock() + SWEEP_DELAY_MS);
    else if (doomed.length === SWEEP_BATCH) this.#alarm.ensure(this.clock());
  }

  /** Inside `writeLogged`. */
  #log(actor: string, action: string, subject: Subject): void {
    this.events.record(describeWrite(actor, action, subject));
  }

  #findRepo(namespace: string | null, slug: string): RepoRecord | null {
    if (!this.#org) return null;
    // Neither part of a name can hold a slash.
    const name = `${namespace ?? ""}/${slug}`;
    const known = this.#known.get(name);
    if (known) return known;
    const record = findRepoByName(this.#sql, this.#org, namespace, slug);
    if (record) {
      if (this.#known.size >= MAX_KNOWN_REPOS) this.#known.clear();
      this.#known.set(name, record);
    }
    return record;
  }

  #wake(): OrgFacts | null {
    if (readSchemaVersion(this.#sql) === 0) return null;
    migrateOrgSchema(this.ctx.storage);
    return this.#sql.exec<{ id: string; slug: string }>("SELECT id, slug FROM org").toArray()[0] ?? null;
  }

  #readOrg(): OrgFacts {
    if (!this.#org) throw new Error("the org does not exist; authorize first");
    return this.#org;
  }
}
