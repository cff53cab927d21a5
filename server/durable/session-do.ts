import { DurableObject } from "cloudflare:workers";
import { LIMITS } from "../../sdk/contract/limits.ts";
import { GitError } from "../git/errors.ts";
import type { Oid } from "../git/hash/oid.ts";
import type { GitObject, ReflogQuery, RefQuery, RefTransaction } from "../git/ports.ts";
import type { CommitRequest } from "../ports/commit.ts";
import type { AuthorizeQuery, AuthorizeResult, OrgStore } from "../ports/org.ts";
import type {
  FlushOutcome,
  KeptRef,
  SessionAccess,
  SessionEnd,
  SessionFacts,
  SessionInit,
} from "../ports/session.ts";
import { planGuardedCommit } from "../services/access/guarded-plan.ts";
import { mergeTips } from "../services/sessions/merge-tips.ts";
import { shortSessionName } from "../services/sessions/session-id.ts";
import { createDurableOrgStore } from "../stores/durable-org-store.ts";
import { createDurableRepoStore } from "../stores/durable-repo-store.ts";
import type { FlushMode } from "../stores/flush-session.ts";
import { createObjectCache } from "../stores/object-cache.ts";
import { platformIds } from "../stores/pack-id.ts";
import { createR2Files } from "../stores/r2-files.ts";
import { type HotPage, type RepoRpc, toReply } from "../stores/repo-rpc.ts";
import { createSessionRepoStore, type SessionRepoStore } from "../stores/session-repo-store.ts";
import type { SessionRows } from "../stores/session-rows.ts";
import type { SessionRpc } from "../stores/session-rpc.ts";
import { createSqlSessionRows } from "./session-rows.ts";
import { createSessionTable, type SessionRow, type SessionTable } from "./session-table.ts";

/** What a SessionDO needs of its environment. */
export interface SessionEnv {
  readonly PACKS: R2Bucket;
  readonly REPO: { getByName(name: string): RepoRpc };
  readonly ORG: { getByName(name: string): OrgStore };
}

/** Contents of one reply of `readHotPage`; a message ends at 32 MiB. */
const HOT_PAGE_BYTES = 16 * 1024 * 1024;
/** Requests that are authorised and counted in one round to the org, and how long that holds. */
const LEASE_UNITS = 20;
const LEASE_MS = 30_000;
/** Activity is written down this often; so an end that is put off may come late by as much, never early. */
const ACTIVITY_GRAIN_MS = 30_000;
const RETRY_MS = 5_000;
/** What became of a session can be asked for so long after its end. */
const MEMORY_MS = 24 * 60 * 60 * 1_000;

/** Trees and commits, for all sessions whose objects live in this isolate together. Keyed by the session's view. */
const cache = createObjectCache({ objectBytes: 16 * 1024 * 1024, partBytes: 16 * 1024 * 1024, blobs: false });

interface Part {
  readonly rows: SessionRows;
  readonly store: SessionRepoStore;
}

interface Lease {
  readonly result: AuthorizeResult;
  left: number;
  readonly untilMs: number;
}

/** One session: objects and refs that its requests have written and that nobody else sees yet, in SQLite. */
export class SessionDO extends DurableObject<SessionEnv> implements SessionRpc {
  readonly #table: SessionTable;
  readonly #parts = new Map<string, Part>();
  readonly #leases = new Map<string, Lease>();
  #activeAtMs = 0;
  #closing = false;

  constructor(ctx: DurableObjectState, env: SessionEnv) {
    super(ctx, env);
    this.#table = createSessionTable(ctx.storage);
  }

  async open(init: SessionInit) {
    const nowMs = Date.now();
    const row = this.#table.find() ?? this.#table.create(init, nowMs);
    await this.ctx.storage.setAlarm(this.#expiresAt(row) + ACTIVITY_GRAIN_MS);
    return { expiresAtMs: this.#expiresAt(row) };
  }

  async authorize(query: Pick<AuthorizeQuery, "need" | "repo" | "stores">): Promise<SessionAccess> {
    const row = this.#table.find();
    const ended = this.#findEnd(row);
    if (!row || ended) return { kind: "ended", reason: ended ?? "unknown" };
    this.#touch(row);
    const key = JSON.stringify([query.need, query.stores ?? false, query.repo]);
    const lease = this.#leases.get(key);
    if (lease && lease.left > 0 && lease.untilMs > Date.now()) {
      lease.left--;
      return lease.result;
    }
    const result = await this.#askOrg(row, query, key);
    if (result.kind === "unauthorized") {
      await this.revoke();
      return { kind: "ended", reason: "revoked" };
    }
    if (result.kind === "allowed" && result.repo) {
      const { id, namespace, slug } = result.repo;
      const added = this.#table.addRepo(id, namespace === null ? slug : `${namespace}/${slug}`);
      if (!added) return { kind: "full", limit: LIMITS.sessionRepos };
    }
    return result;
  }

  async status(keyId: string): Promise<SessionFacts | null> {
    const row = this.#table.find();
    if (row?.keyId !== keyId) return null;
    const parts = this.#openParts();
    const count = (of: (part: Part) => number) => parts.reduce((sum, part) => sum + of(part), 0);
    const state = this.#findEnd(row) ?? "open";
    return {
      objects: count(({ rows }) => rows.hot.count()),
      bytes: count(({ rows }) => rows.hot.bytes()),
      refs: count(({ rows }) => rows.refs.list().filter(({ base, oid }) => base !== oid).length),
      createdAtMs: row.createdAtMs,
      lastActivityMs: Math.max(row.activeAtMs, this.#activeAtMs),
      state: state === "unknown" ? "closed" : state,
      expiresAtMs: this.#expiresAt(row),
      kept: this.#table.listKept(),
    };
  }

  async flush(keyId: string): Promise<FlushOutcome | null> {
    const row = this.#table.find();
    if (row?.keyId !== keyId || this.#findEnd(row)) return null;
    this.#touch(row);
    return this.#flushAll(row, "refuse");
  }

  async close(keyId: string): Promise<FlushOutcome | null> {
    const row = this.#table.find();
    if (row?.keyId !== keyId) return null;
    // Closing twice is closing once.
    if (row.state === "closed") return { objects: 0, refs: 0, conflicts: [] };
    if (this.#findEnd(row)) return null;
    // Nothing is written from here on, so that nothing is left behind the flush.
    this.#closing = true;
    try {
      const outcome = await this.#flushAll(row, "refuse");
      if (outcome.conflicts.length > 0) return outcome;
      this.#table.setState("closed");
      await this.#finish(row);
      return outcome;
    } finally {
      this.#closing = false;
    }
  }

  async revoke(): Promise<void> {
    const row = this.#table.find();
    if (row?.state !== "open") return;
    this.#table.setState("revoked");
    await this.ctx.storage.setAlarm(Date.now());
  }

  snapshot(
    repoId: string,
    query: { readonly refs?: readonly string[]; readonly knownCatalogVersion?: number },
  ) {
    return toReply(() => this.#openPart(repoId).store.snapshot(query));
  }

  listRefs(repoId: string, query: RefQuery) {
    return toReply(() => this.#openPart(repoId).store.listRefs(query));
  }

  countRefs(repoId: string, prefix: string) {
    return toReply(() => this.#openPart(repoId).store.countRefs(prefix));
  }

  readHotPage(repoId: string, oids: readonly Oid[]) {
    return toReply(async (): Promise<HotPage> => {
      const { store } = this.#openPart(repoId);
      const headers = await store.readHotHeaders(oids);
      let bytes = 0;
      let answered = 0;
      for (; answered < oids.length; answered++) {
        const size = headers.get(oids[answered] as Oid)?.size ?? 0;
        if (answered > 0 && bytes + size > HOT_PAGE_BYTES) break;
        bytes += size;
      }
      return { objects: await store.readHot(oids.slice(0, answered)), answered };
    });
  }

  readHotHeaders(repoId: string, oids: readonly Oid[]) {
    return toReply(() => this.#openPart(repoId).store.readHotHeaders(oids));
  }

  transact(repoId: string, transaction: RefTransaction) {
    return toReply(() => this.#openPart(repoId).store.transact(transaction));
  }

  /** Of the repository: what a session did is told when it is flushed. */
  listReflog(repoId: string, query: ReflogQuery) {
    return toReply(() => this.#openPart(repoId).store.listReflog(query));
  }

  takeTurn(repoId: string, name: string) {
    return toReply(() => this.#openPart(repoId).store.takeTurn(name));
  }

  beginPack(repoId: string) {
    return toReply(() => this.#openPart(repoId).store.beginPack());
  }

  commit(repoId: string, request: CommitRequest) {
    return toReply(() => this.#openPart(repoId).store.commit(request));
  }

  /** Ends the session when its time is over, finishes an end that was interrupted, and at last forgets it. */
  override async alarm(): Promise<void> {
    const row = this.#table.find();
    if (!row) return;
    const dueMs = this.#expiresAt(row) + ACTIVITY_GRAIN_MS;
    if (row.state === "open" && dueMs > Date.now()) {
      await this.ctx.storage.setAlarm(dueMs);
      return;
    }
    if (row.told) {
      await this.ctx.storage.deleteAll();
      this.#table.forget();
      this.#parts.clear();
      return;
    }
    if (row.state === "open") this.#table.setState("expired");
    try {
      await this.#flushAll(row, row.state === "revoked" ? "keep-all" : "keep");
      await this.#finish(row);
    } catch (error) {
      console.error("a session could not be flushed at its end; it is tried again", error);
      await this.ctx.storage.setAlarm(Date.now() + RETRY_MS);
    }
  }

  async #finish(row: SessionRow): Promise<void> {
    await createDurableOrgStore(() => this.env.ORG.getByName(row.orgId)).endSession(row.hash);
    this.#table.setTold();
    await this.ctx.storage.setAlarm(Date.now() + MEMORY_MS);
  }

  async #flushAll(row: SessionRow, onConflict: FlushMode["onConflict"]): Promise<FlushOutcome> {
    const total = { objects: 0, refs: 0, conflicts: [] as FlushOutcome["conflicts"][number][] };
    const keptPrefix = `refs/sessions/${shortSessionName(row.hash)}/`;
    for (const { id, name } of this.#table.listRepos()) {
      const part = this.#openPart(id);
      try {
        const flushed = await part.store.flush({ actor: row.actor, onConflict, keptPrefix });
        total.objects += flushed.objects;
        total.refs += flushed.refs;
        total.conflicts.push(...flushed.conflicts.map((conflict) => ({ repo: name, ...conflict })));
        this.#table.addKept(flushed.kept.map(({ ref, oid }): KeptRef => ({ repo: name, ref, oid })));
      } catch (error) {
        // The repository was deleted, and all that belongs to it with it.
        if (!(error instanceof GitError) || error.code !== "missing-object" || error.data.oid) throw error;
        console.warn(`session work on ${name} is dropped: the repository is gone`);
        part.rows.refs.clear();
        part.rows.hot.deleteUpTo(Number.MAX_SAFE_INTEGER);
      }
    }
    return total;
  }

  async #askOrg(row: SessionRow, query: Pick<AuthorizeQuery, "need" | "repo" | "stores">, key: string) {
    const org = createDurableOrgStore(() => this.env.ORG.getByName(row.orgId));
    const credential = { kind: "session", keyId: row.keyId, hash: row.hash } as const;
    const result = await org.authorize({ ...query, credential, units: LEASE_UNITS });
    // Near the limit requests are counted one by one.
    if (result.kind === "rate-limited") return org.authorize({ ...query, credential });
    if (result.kind === "allowed") {
      this.#leases.set(key, { result, left: LEASE_UNITS - 1, untilMs: Date.now() + LEASE_MS });
    }
    return result;
  }

  #findEnd(row: SessionRow | null): SessionEnd | null {
    if (!row) return "unknown";
    if (row.state !== "open") return row.state;
    return this.#expiresAt(row) <= Date.now() ? "expired" : null;
  }

  #expiresAt(row: SessionRow): number {
    const from = row.idleExtend ? Math.max(row.activeAtMs, this.#activeAtMs) : row.createdAtMs;
    return Math.min(from + row.ttlMs, row.endsAtMs ?? Number.POSITIVE_INFINITY);
  }

  #touch(row: SessionRow): void {
    this.#activeAtMs = Date.now();
    if (this.#activeAtMs - row.activeAtMs > ACTIVITY_GRAIN_MS) this.#table.setActive(this.#activeAtMs);
  }

  #openParts(): readonly Part[] {
    return this.#table.listRepos().map(({ id }) => this.#openPart(id));
  }

  #openPart(repoId: string): Part {
    let part = this.#parts.get(repoId);
    if (!part) {
      part = this.#createPart(repoId);
      this.#parts.set(repoId, part);
    }
    return part;
  }

  /** @throws GitError missing-object for a repository that no request of this session was authorised for */
  #createPart(repoId: string): Part {
    const row = this.#table.find();
    const n = this.#table.findRepo(repoId);
    if (!row || n === null) throw new GitError("missing-object", "the session has ended");
    const rows = createSqlSessionRows(this.ctx.storage, n);
    const store = createSessionRepoStore({
      viewId: `${repoId}~${shortSessionName(row.hash)}`,
      rows,
      behind: createDurableRepoStore(() => this.env.REPO.getByName(repoId)),
      files: createR2Files(this.env.PACKS),
      cache,
      planCommit: planGuardedCommit,
      mergeTips,
      ids: platformIds,
      checkRoom: (objects) => this.#checkRoom(objects),
      checkOpen: () => {
        if (this.#findEnd(this.#table.find())) throw new GitError("missing-object", "the session has ended");
        if (this.#closing) throw new GitError("overloaded", "the session is being closed");
      },
    });
    return { rows, store };
  }

  #checkRoom(objects: readonly GitObject[]): void {
    const parts = this.#openParts();
    const bytes = objects.reduce((sum, { data }) => sum + data.length, 0);
    const held = {
      bytes: parts.reduce((sum, { rows }) => sum + rows.hot.bytes(), bytes),
      objects: parts.reduce((sum, { rows }) => sum + rows.hot.count(), objects.length),
      refs: parts.reduce((sum, { rows }) => sum + rows.refs.list().length, 1),
    };
    checkLimit("session-bytes", held.bytes, LIMITS.sessionBytes);
    checkLimit("session-objects", held.objects, LIMITS.sessionObjects);
    checkLimit("session-refs", held.refs, LIMITS.sessionRefs);
  }
}

function checkLimit(reason: string, held: number, limit: number): void {
  if (held <= limit) return;
  const what = reason.replace("-", " ");
  throw new GitError(
    "limit-exceeded",
    `${what}: ${held} with this write, at most ${limit}; flush the session`,
    {
      reason,
      limit,
    },
  );
}
