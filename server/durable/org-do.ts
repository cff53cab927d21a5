import { DurableObject } from "cloudflare:workers";
import { LIMITS } from "../../sdk/contract/limits.ts";
import type { NewToken, TokenPage, TokenRecord } from "../ports/access.ts";
import type { ConnectionPatch, NewConnection } from "../ports/connection.ts";
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
import { createKeyId, orgIdOf } from "../services/org-keys.ts";
import { createRateLimiter, type RateLimiter } from "../services/rate-limit.ts";
import { createDurableRepoLifecycle } from "../stores/durable-repo-lifecycle.ts";
import type { LfsRpc } from "../stores/lfs-rpc.ts";
import type { RepoRpc } from "../stores/repo-rpc.ts";
import {
  findConnectionRow,
  insertConnection,
  listConnectionRows,
  patchConnection,
  removeConnection,
} from "./org-connections.ts";
import {
  findRepoByName,
  hasRepoRow,
  insertRepo,
  listRepoPage,
  type OrgFacts,
  patchRepo,
  removeRepo,
} from "./org-directory.ts";
import { createKeyIndex, insertKey, isLiveKey, type KeyIndex, revokeKeyRow } from "./org-keys.ts";
import { findReceipt, keepReceipt } from "./org-receipts.ts";
import { migrateOrgSchema, readSchemaVersion } from "./org-schema.ts";
import { doomSessions, insertSession, listDoomedSessions, removeSession } from "./org-sessions.ts";
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
}

/** Stand-ins for tests. */
export interface OrgParts {
  readonly now?: () => number;
  readonly repos?: Pick<RepoLifecycle, "destroy">;
}

/** How long the Worker has to destroy a deleted repository before the alarm does. */
const SWEEP_DELAY_MS = 60_000;
const SWEEP_BATCH = 50;
const SESSION_RETRY_MS = 1_000;
/** At about half a kilobyte each. */
const MAX_KNOWN_REPOS = 2_000;

/**
 * One org: keys, directory of repositories, rate counters. Each method is one turn without awaits before its writes,
 * so two of them never interleave. The counters live in memory only.
 */
export class OrgDO extends DurableObject<OrgEnv> implements OrgStore {
  readonly #sql: SqlStorage;
  readonly #now: () => number;
  readonly #repos: Pick<RepoLifecycle, "destroy">;
  readonly #limiter: RateLimiter | null;
  readonly #keys: KeyIndex;
  readonly #watchers: OrgWatchers;
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
    this.#now = parts.now ?? Date.now;
    this.#repos = parts.repos ?? createDurableRepoLifecycle(env);
    this.#limiter = env.RATE_LIMITS === "off" ? null : createRateLimiter();
    this.#org = this.#wake();
  }

  async createOrg(org: { readonly slug: string; readonly name: string | null; readonly keyHash: string }) {
    if (this.#org) return null;
    const facts: OrgFacts = { id: orgIdOf(org.slug), slug: org.slug };
    const keyId = createKeyId(facts.id);
    const nowMs = this.#now();
    migrateOrgSchema(this.ctx.storage);
    this.ctx.storage.transactionSync(() => {
      this.#sql.exec("INSERT INTO org VALUES (?, ?, ?, ?)", facts.id, facts.slug, org.name, nowMs);
      insertKey(this.#sql, keyId, org.keyHash, nowMs);
    });
    this.#org = facts;
    return { id: facts.id, keyId };
  }

  async createKey(keyHash: string) {
    if (!this.#org) return null;
    // Two hashes could share what they are looked up by.
    this.#keys.forget();
    const keyId = createKeyId(this.#org.id);
    insertKey(this.#sql, keyId, keyHash, this.#now());
    return { keyId };
  }

  async revokeKey(keyId: string): Promise<boolean> {
    this.#keys.forget();
    const revoked = this.#org !== null && revokeKeyRow(this.#sql, keyId, this.#now());
    if (revoked) await this.#endAllOf(keyId);
    return revoked;
  }

  async openSession(session: NewSession) {
    if (!this.#isLive(session.keyId)) return { kind: "revoked" } as const;
    return insertSession(this.#sql, session, this.#now())
      ? ({ kind: "opened" } as const)
      : ({ kind: "full", limit: LIMITS.sessionsPerKey } as const);
  }

  async endSession(hash: string): Promise<void> {
    if (this.#org) removeSession(this.#sql, hash);
  }

  /** Ends what a key or token that is revoked has going. */
  async #endAllOf(keyId: string): Promise<void> {
    doomSessions(this.#sql, keyId);
    this.#watchers.endOf(keyId);
    await this.#endDoomedSessions();
  }

  /** Whether an id is that of a live key or token. */
  #isLive(keyId: string): boolean {
    if (!this.#org) return false;
    return isLiveKey(this.#sql, keyId) || findTokenById(this.#sql, keyId, this.#now()) !== null;
  }

  /** Sessions learn of the end of their key or token from here; one that cannot be reached is told by the alarm. */
  async #endDoomedSessions(): Promise<void> {
    if (!this.#org) return;
    const doomed = listDoomedSessions(this.#sql);
    if (doomed.length === 0) return;
    // First, so that a crash in between cannot leave one untold.
    await this.ctx.storage.setAlarm(this.#now() + SESSION_RETRY_MS);
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

  async createToken(token: NewToken): Promise<TokenRecord | null> {
    this.#readOrg();
    return this.ctx.storage.transactionSync(() => insertToken(this.#sql, token, this.#now()));
  }

  async listTokens(query: { readonly limit: number; readonly after?: number }): Promise<TokenPage> {
    this.#readOrg();
    return listTokenRows(this.#sql, query, this.#now());
  }

  async revokeToken(tokenId: string): Promise<boolean> {
    const revoked = this.#org !== null && revokeTokenRow(this.#sql, tokenId, this.#now());
    if (revoked) await this.#endAllOf(tokenId);
    return revoked;
  }

  async authorize(query: AuthorizeQuery): Promise<AuthorizeResult> {
    return decideAccess(query, {
      org: this.#org,
      findKey: (hash) => this.#keys.find(hash),
      findToken: (hash) => findToken(this.#sql, hash, this.#now()),
      isLiveKey: (keyId) => isLiveKey(this.#sql, keyId),
      findTokenById: (tokenId) => findTokenById(this.#sql, tokenId, this.#now()),
      findRepo: (namespace, slug) => this.#findRepo(namespace, slug),
      limiter: this.#limiter,
      nowMs: this.#now(),
    });
  }

  async createRepo(repo: NewRepo, idempotency?: Idempotency): Promise<RepoCreation> {
    const org = this.#readOrg();
    const nowMs = this.#now();
    return this.ctx.storage.transactionSync((): RepoCreation => {
      const earlier = idempotency ? findReceipt(this.#sql, idempotency, nowMs) : null;
      if (earlier) return earlier;
      const record = insertRepo(this.#sql, org, repo, nowMs);
      if (!record) return { kind: "taken" };
      if (idempotency) keepReceipt(this.#sql, idempotency, record, nowMs);
      return { kind: "created", repo: record, replayed: false };
    });
  }

  async updateRepo(repoId: string, patch: RepoPatch): Promise<RepoRecord | null> {
    const record = patchRepo(this.#sql, this.#readOrg(), repoId, patch);
    this.#known.clear();
    return record;
  }

  /** The name is free at once; the contents are destroyed by the caller, or by the alarm if the caller died. */
  async deleteRepo(repoId: string): Promise<boolean> {
    this.#readOrg();
    const removed = this.ctx.storage.transactionSync(() => {
      if (!removeRepo(this.#sql, repoId)) return false;
      this.#sql.exec("INSERT INTO doomed_repos VALUES (?, ?)", repoId, this.#now());
      return true;
    });
    this.#known.clear();
    if (removed) await this.ctx.storage.setAlarm(this.#now() + SWEEP_DELAY_MS);
    return removed;
  }

  async hasRepo(repoId: string): Promise<boolean> {
    return this.#org !== null && hasRepoRow(this.#sql, repoId);
  }

  async listRepos(query: RepoPageQuery): Promise<RepoPage> {
    return listRepoPage(this.#sql, this.#readOrg(), query);
  }

  async createConnection(connection: NewConnection, idempotency?: Idempotency) {
    this.#readOrg();
    return this.ctx.storage.transactionSync(() =>
      insertConnection(this.#sql, connection, { idempotency, nowMs: this.#now() }),
    );
  }

  async listConnections() {
    return this.#org ? listConnectionRows(this.#sql) : [];
  }

  async findConnection(id: string) {
    return this.#org ? findConnectionRow(this.#sql, id) : null;
  }

  async updateConnection(id: string, patch: ConnectionPatch): Promise<boolean> {
    return this.#org !== null && patchConnection(this.#sql, id, { patch, nowMs: this.#now() });
  }

  async deleteConnection(id: string): Promise<boolean> {
    return this.#org !== null && removeConnection(this.#sql, id);
  }

  override webSocketClose(): void {
    // A watch left. The platform wants to tell somebody, but nothing is kept of it here that would have to go.
  }

  override webSocketError(): void {
    // As above.
  }

  /**
   * Destroys what deleted names left behind. What fails goes to the end of the queue for the next alarm: the platform
   * would try a failing one six times and then never again.
   */
  override async alarm(): Promise<void> {
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
        this.#sql.exec("UPDATE doomed_repos SET at_ms = ? WHERE id = ?", this.#now(), id);
        console.error(`could not destroy repository ${id}`, error);
      }
    }
    if (failed > 0) await this.ctx.storage.setAlarm(this.#now() + SWEEP_DELAY_MS);
    else if (doomed.length === SWEEP_BATCH) await this.ctx.storage.setAlarm(this.#now());
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
