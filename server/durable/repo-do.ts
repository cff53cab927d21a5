import { DurableObject } from "cloudflare:workers";
import { GitError } from "../git/errors.ts";
import type { Oid } from "../git/hash/oid.ts";
import type { FileStore, Head, ReflogQuery, RefQuery, RefReason, RefTransaction } from "../git/ports.ts";
import type { CommitRequest } from "../ports/commit.ts";
import type { MoveTaker } from "../ports/events.ts";
import type { PackFamilies } from "../ports/fork.ts";
import type { OrgStore } from "../ports/org.ts";
import type { SyncStore } from "../ports/sync.ts";
import type { FeedQuery } from "../ports/watch.ts";
import { planGuardedCommit } from "../services/access/guarded-plan.ts";
import type { PlanCommit } from "../stores/commit-on-head.ts";
import { createDurableMoveTaker } from "../stores/durable-event-store.ts";
import { createDurableOrgStore } from "../stores/durable-org-store.ts";
import { createDurablePackFamilies } from "../stores/durable-pack-families.ts";
import { expireRefs } from "../stores/expire-refs.ts";
import { plantFork } from "../stores/fork-seed.ts";
import { createLocalRepoStore, type LocalRepoStore } from "../stores/local-repo-store.ts";
import { createObjectCache } from "../stores/object-cache.ts";
import { type IdSource, platformIds } from "../stores/pack-id.ts";
import { createR2Files } from "../stores/r2-files.ts";
import { moveRefs } from "../stores/ref-rules.ts";
import { type HotPage, type RepoInit, type RepoRpc, type RepoStats, toReply } from "../stores/repo-rpc.ts";
import { createRepoHousekeeper, type RepoHousekeeper } from "./repo-housekeeper.ts";
import { createMoveTeller, type MoveTeller } from "./repo-moves.ts";
import { createRepoOutbox, type RepoOutbox } from "./repo-outbox.ts";
import { createSqlTables, type SqlRepoTables } from "./repo-tables.ts";
import { createRepoWatchers, type RepoWatchers } from "./repo-watchers.ts";

/** What a RepoDO needs of its environment. */
export interface RepoEnv {
  readonly PACKS: R2Bucket;
  readonly FAMILY: { getByName(name: string): PackFamilies };
  readonly ORG: { getByName(name: string): OrgStore & MoveTaker };
  /** By the repository's id. */
  readonly SYNC: { getByName(name: string): Pick<SyncStore, "notePush" | "destroy"> };
}

/** Stand-ins for tests. */
export interface RepoParts {
  readonly files?: FileStore;
  readonly ids?: IdSource;
  readonly planCommit?: PlanCommit;
  readonly connectOrg?: (orgId: string) => MoveTaker;
}

/** Contents of one reply of `readHotPage`; a message ends at 32 MiB. */
const HOT_PAGE_BYTES = 16 * 1024 * 1024;

/**
 * Trees and commits that planning reads again and again, and indexes of packs: for all repositories whose objects live
 * in this isolate together, because they share its memory. Entries are keyed by repository.
 */
const cache = createObjectCache({
  objectBytes: 16 * 1024 * 1024,
  partBytes: 16 * 1024 * 1024,
  blobs: false,
});

/** One repository: its refs, reflog, catalog and hot objects, in SQLite. Its methods are {@link RepoRpc}. */
export class RepoDO extends DurableObject<RepoEnv> implements RepoRpc {
  readonly #tables: SqlRepoTables;
  readonly #files: FileStore;
  readonly #ids: IdSource;
  readonly #planCommit: PlanCommit;
  readonly #housekeeper: RepoHousekeeper;
  readonly #watchers: RepoWatchers;
  readonly #outbox: RepoOutbox;
  readonly #moves: MoveTeller;
  #store: LocalRepoStore | null = null;

  constructor(ctx: DurableObjectState, env: RepoEnv, parts: RepoParts = {}) {
    super(ctx, env);
    this.#tables = createSqlTables(ctx.storage);
    this.#files = parts.files ?? createR2Files(env.PACKS);
    this.#ids = parts.ids ?? platformIds;
    this.#planCommit = parts.planCommit ?? planGuardedCommit;
    this.#outbox = createRepoOutbox({
      tables: this.#tables,
      connect: parts.connectOrg ?? ((orgId) => createDurableMoveTaker(env.ORG, orgId)),
      now: () => this.#ids.now(),
    });
    this.#housekeeper = createRepoHousekeeper({
      storage: ctx.storage,
      tables: this.#tables,
      files: this.#files,
      ids: this.#ids,
      families: createDurablePackFamilies(env.FAMILY),
      reportStorage: (orgId, report) =>
        createDurableOrgStore(() => env.ORG.getByName(orgId)).reportStorage(report),
      outbox: this.#outbox,
    });
    this.#watchers = createRepoWatchers(ctx, this.#tables.refs);
    this.#moves = createMoveTeller({
      facts: this.#tables.facts,
      refs: this.#tables.refs,
      connect: (repoId) => env.SYNC.getByName(repoId),
      waitUntil: (work) => ctx.waitUntil(work),
    });
    void ctx.blockConcurrencyWhile(async () => {
      await this.#housekeeper.wake();
      this.#moves.publish();
    });
  }

  create(init: RepoInit) {
    return toReply(() => {
      const { facts, packs, refs } = this.#tables;
      if (facts.find("repo_id") !== null) return false;
      this.#tables.atomically(() => {
        facts.put("repo_id", init.repoId);
        if (init.orgId !== undefined) facts.put("org_id", init.orgId);
        facts.put("head", `ref: refs/heads/${init.defaultBranch}`);
        facts.put("catalog_version", String(packs.readCatalog().version));
        facts.put("state", "live");
        if (init.first) writeFirst(this.#tables, init.first, this.#ids.now());
        if (init.fork) plantFork(this.#tables, init.fork, this.#ids.now());
        // What it begins with is told by its creation.
        facts.put("events_sent", String(refs.lastMove()));
      });
      this.#housekeeper.afterWrite();
      return true;
    });
  }

  destroy() {
    return toReply(async () => {
      this.#store = null;
      this.#watchers.end();
      await this.#moves.end();
      return this.#housekeeper.destroy();
    });
  }

  stats() {
    return toReply((): RepoStats => {
      this.#open();
      const { refs, packs, hot } = this.#tables;
      const catalog = packs.readCatalog().packs;
      return {
        refs: refs.count(""),
        packs: catalog.length,
        packBytes: catalog.reduce((sum, pack) => sum + pack.packBytes, 0),
        packedObjects: catalog.reduce((sum, pack) => sum + pack.objects, 0),
        hotObjects: hot.count(),
        hotBytes: hot.bytes(),
        databaseBytes: this.ctx.storage.sql.databaseSize,
      };
    });
  }

  flush() {
    return toReply(() => {
      this.#open();
      return this.#housekeeper.flushAll();
    });
  }

  listReflog(query: ReflogQuery) {
    return toReply(() => this.#open().listReflog(query));
  }

  snapshot(query: { readonly refs?: readonly string[]; readonly knownCatalogVersion?: number }) {
    return toReply(() => this.#open().snapshot(query));
  }

  listRefs(query: RefQuery) {
    return toReply(() => this.#open().listRefs(query));
  }

  countRefs(prefix: string) {
    return toReply(() => this.#open().countRefs(prefix));
  }

  readHotPage(oids: readonly Oid[]) {
    return toReply(async (): Promise<HotPage> => {
      const store = this.#open();
      const { hot } = this.#tables;
      let bytes = 0;
      let answered = 0;
      for (; answered < oids.length; answered++) {
        const size = hot.findSize(oids[answered] as Oid) ?? 0;
        if (answered > 0 && bytes + size > HOT_PAGE_BYTES) break;
        bytes += size;
      }
      return { objects: await store.readHot(oids.slice(0, answered)), answered };
    });
  }

  readHotHeaders(oids: readonly Oid[]) {
    return toReply(() => this.#open().readHotHeaders(oids));
  }

  transact(transaction: RefTransaction) {
    return toReply(() => this.#open().transact(transaction));
  }

  takeTurn(name: string) {
    return toReply(() => this.#open().takeTurn(name));
  }

  setHead(head: Head, reason: RefReason) {
    return toReply(() => this.#open().setHead(head, reason));
  }

  beginPack() {
    return toReply(() => this.#open().beginPack());
  }

  commit(request: CommitRequest) {
    return toReply(() => this.#open().commit(request));
  }

  share() {
    return toReply(() => this.#open().share());
  }

  followMoves(follow: boolean) {
    return toReply(() => {
      this.#open();
      this.#moves.follow(follow);
    });
  }

  /** Opens a watch: a socket that is told every move of some branches. Only the Worker can ask. */
  override async fetch(request: Request): Promise<Response> {
    const asked = new URL(request.url).searchParams.get("query");
    if (asked === null) return new Response(null, { status: 400 });
    if (this.#tables.facts.find("state") !== "live") return new Response(null, { status: 404 });
    this.#expire();
    // Written by this same code on the Worker's side.
    return this.#watchers.accept(JSON.parse(asked) as FeedQuery);
  }

  override webSocketClose(): void {
    // A watch left. The platform wants to tell somebody, but nothing is kept of it here that would have to go.
  }

  override webSocketError(): void {
    // As above.
  }

  override async alarm(): Promise<void> {
    if (this.#tables.facts.find("state") === "live") this.#expire();
    await this.#housekeeper.runAlarm();
  }

  /** Lets refs go whose time has come, and tells the watches. */
  #expire(): void {
    if (expireRefs(this.#tables, this.#ids.now())) this.#watchers.publish();
  }

  /** @throws GitError missing-object when the repository was never created, or is destroyed */
  #open(): LocalRepoStore {
    if (this.#store) return this.#store;
    checkLive(this.#tables);
    const repoId = this.#tables.facts.find("repo_id") ?? "";
    this.#store = createLocalRepoStore({
      repoId,
      tables: guardLife(this.#tables),
      files: this.#files,
      cache,
      planCommit: this.#planCommit,
      ids: this.#ids,
      makeRoom: (objects) => this.#housekeeper.makeRoom(objects),
      beforeShare: () => this.#housekeeper.beforeShare(),
      afterWrite: () => {
        this.#housekeeper.afterWrite();
        this.#watchers.publish();
        this.#outbox.schedule();
        this.#moves.publish();
      },
    });
    return this.#store;
  }
}

/** Nothing is written to a repository that was destroyed while the write was being prepared. */
function guardLife(tables: SqlRepoTables): SqlRepoTables {
  return {
    ...tables,
    atomically: (change) =>
      tables.atomically(() => {
        checkLive(tables);
        return change();
      }),
  };
}

function checkLive(tables: SqlRepoTables): void {
  if (tables.facts.find("state") !== "live") {
    throw new GitError("missing-object", "the repository does not exist");
  }
}

/** Refs of a new repository: their tips must come along. @throws GitError missing-object */
function writeFirst(tables: SqlRepoTables, first: RefTransaction, atMs: number): void {
  const brought = new Set(first.objects?.map((object) => object.oid));
  const results = moveRefs(tables, {
    updates: first.updates,
    atomic: true,
    reason: first.reason,
    atMs,
    missing: new Set(first.updates.flatMap(({ next }) => (next === null || brought.has(next) ? [] : [next]))),
    alongside: () => tables.hot.put(first.objects ?? [], atMs),
  });
  if (results.some((result) => result.kind === "rejected")) {
    throw new GitError("missing-object", "the first refs of a repository must bring their objects");
  }
}
