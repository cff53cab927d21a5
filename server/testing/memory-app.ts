import type { Hono } from "hono";
import { LIMITS } from "../../sdk/contract/limits.ts";
import type { FileStore } from "../git/ports.ts";
import type { OrgStore } from "../ports/org.ts";
import type { CommittingRepoStore, RepoLifecycle } from "../ports/repo.ts";
import type { SyncStore } from "../ports/sync.ts";
import type { WatchSources } from "../ports/watch.ts";
import { createHttpApp } from "../routes/create-app.ts";
import type { DispatchDeps } from "../routes/dispatch.ts";
import { createHandlers, type HandlerDeps } from "../routes/handlers.ts";
import type { HandlerMap } from "../routes/router.ts";
import { planGuardedCommit } from "../services/access/guarded-plan.ts";
import { DEFAULT_POLICY } from "../services/account/policy.ts";
import { createListingCache } from "../services/files/listing-cache.ts";
import { createKeySecret, hashSecret, orgIdOf } from "../services/org-keys.ts";
import { createRateLimiter } from "../services/rate-limit.ts";
import { createSecretSealer } from "../services/seal-secret.ts";
import { createUsageTally } from "../services/usage/usage-tally.ts";
import { plantFork } from "../stores/fork-seed.ts";
import { createMemoryFiles } from "../stores/memory-files.ts";
import { createMemoryRepoStore } from "../stores/memory-repo-store.ts";
import { createMemoryTables } from "../stores/memory-tables.ts";
import { createMemoryFeeds, type MemoryFeeds } from "../stores/memory-watch.ts";
import { createObjectCache } from "../stores/object-cache.ts";
import { platformIds } from "../stores/pack-id.ts";
import { createRepoHandle } from "../stores/repo-handle.ts";
import { storeObjects } from "../stores/store-pack.ts";
import { createMemorySessions } from "./matrix/memory-sessions.ts";
import { createMemoryEvents } from "./memory-events.ts";
import { createMemoryFamilies } from "./memory-families.ts";
import { createMemoryOrgStore } from "./memory-org-store.ts";
import { createMemorySyncStore } from "./memory-sync.ts";

export const ADMIN_KEY = "test-admin-key";

export interface MemoryAppOptions {
  /** Handlers that take the place of the real ones. */
  readonly handlers?: Partial<HandlerMap>;
  readonly limits?: "on" | "off";
  readonly adminKey?: string | null;
  readonly now?: () => number;
  /** "through": sessions that have the rights of who opened them, and hold nothing back. Default: none is ever found. */
  readonly sessions?: "none" | "through";
}

export interface MemoryApp {
  readonly app: Hono;
  /** Sends to the app: a path or URL, as with `app.request`. */
  readonly request: (path: string, init?: RequestInit) => Promise<Response>;
  readonly openOrg: (orgId: string) => OrgStore;
  /** Lines logged so far: what became a 500. */
  readonly log: readonly Readonly<Record<string, unknown>>[];
  /** A new org with its first master key. */
  readonly createOrg: (slug: string) => Promise<{ id: string; slug: string; apiKey: string; keyId: string }>;
}

/** The whole server in this process, over memory: for tests of handlers and of the SDK. */
export function createMemoryApp(options: MemoryAppOptions = {}): MemoryApp {
  const now = options.now ?? Date.now;
  const log: Readonly<Record<string, unknown>>[] = [];
  const openOrg = openOrgs(options.limits === "on", now);
  const { repos, openRepo, watches } = createMemoryRepos(now);
  const sessions = options.sessions === "through" ? createMemorySessions(openOrg, openRepo) : noSessions;
  const adminKey = options.adminKey === undefined ? ADMIN_KEY : options.adminKey;
  const app = createHttpApp(
    {
      openOrg,
      openRepo,
      ...sessions,
      usage: createUsageTally({
        report: (orgId, rows) => openOrg(orgId).reportUsage(rows),
        defer: (work) => void work(),
        wait: async () => undefined,
        now,
        onLost: (error) => log.push({ message: String(error) }),
      }),
      adminKeyHash: adminKey === null ? null : hashSecret(adminKey),
      now,
      clockMs: () => performance.now(),
      log: (line) => log.push(line),
      lfs: null,
    },
    {
      ...createHandlers({
        repos,
        ...sessions,
        families: createMemoryFamilies(),
        openRepo,
        openOrg,
        storeObjects,
        listings: createListingCache(),
        log: (line) => log.push(line),
        watches,
        timers: { every: () => () => undefined },
        openEvents: createMemoryEvents(),
        addressRules: { allowedHosts: new Set() },
        ...createOutbound(),
      }),
      ...options.handlers,
    },
  );
  return {
    app,
    request: async (path, init) => app.request(path, init),
    openOrg,
    log,
    async createOrg(slug) {
      const id = orgIdOf(slug);
      const apiKey = createKeySecret(id);
      const created = await openOrg(id).createOrg({ slug, name: null, keyHash: hashSecret(apiKey) });
      if (!created) throw new Error(`org ${slug} exists already`);
      return { id, slug, apiKey, keyId: created.keyId };
    },
  };
}

/** Nothing of this app calls another server. */
const createOutbound = () =>
  ({
    sealer: createSecretSealer({ current: Buffer.alloc(32, 7).toString("base64url") }),
    hookSecrets: null,
    rules: { allowedHosts: new Set<string>() },
    findAddressFault: () => "is not called from memory",
    fetch: () => Promise.reject(new Error("there is no network in memory")),
    openRemote() {
      throw new Error("there is no network in memory");
    },
    openSync: openSyncs(),
  }) satisfies Partial<HandlerDeps>;

function openSyncs(): HandlerDeps["openSync"] {
  const stores = new Map<string, SyncStore>();
  return (repoId) => {
    const store = stores.get(repoId) ?? createMemorySyncStore();
    stores.set(repoId, store);
    return store;
  };
}

/** Sessions live in Durable Objects. */
const noSessions: Pick<DispatchDeps, "openSession" | "openSessionRepo"> = {
  openSession: () => ({
    open: () => Promise.reject(new Error("there are no sessions in memory")),
    authorize: async () => ({ kind: "ended", reason: "unknown" }),
    status: async () => null,
    flush: async () => null,
    close: async () => null,
    revoke: async () => undefined,
  }),
  openSessionRepo() {
    throw new Error("there are no sessions in memory");
  },
};

function openOrgs(limited: boolean, now: () => number): (orgId: string) => OrgStore {
  const orgs = new Map<string, OrgStore>();
  return (orgId) => {
    const known = orgs.get(orgId);
    if (known) return known;
    const org = createMemoryOrgStore({
      now,
      limiter: limited ? createRateLimiter(DEFAULT_POLICY.rates) : null,
    });
    orgs.set(orgId, org);
    return org;
  };
}

function createMemoryRepos(now: () => number): Pick<DispatchDeps, "openRepo"> & {
  readonly repos: RepoLifecycle;
  readonly watches: WatchSources;
} {
  const files: FileStore = createMemoryFiles();
  const cache = createObjectCache();
  const stores = new Map<string, CommittingRepoStore>();
  const feeds = new Map<string, MemoryFeeds>();
  return {
    openRepo(record) {
      const store = stores.get(record.id);
      if (!store) throw new Error(`no store for ${record.id}`);
      return createRepoHandle(record, { store, files, cache });
    },
    repos: {
      adoptLargeFiles: async () => undefined,
      async create({ repoId, defaultBranch, first, fork }) {
        if (stores.has(repoId)) return false;
        const tables = createMemoryTables(defaultBranch);
        const feed = createMemoryFeeds(tables, { replayMoves: LIMITS.watchReplayMoves, watchers: 10 });
        const afterWrite = () => feed.publish();
        const store = createMemoryRepoStore({
          planCommit: planGuardedCommit,
          repoId,
          tables,
          files,
          cache,
          ids: { ...platformIds, now },
          afterWrite,
        });
        if (first) await store.transact(first);
        if (fork) plantFork(tables, fork, now());
        stores.set(repoId, store);
        feeds.set(repoId, feed);
        return true;
      },
      async destroy(repoId) {
        stores.delete(repoId);
        feeds.get(repoId)?.end();
      },
    },
    watches: {
      async openFeed(record, query, sink) {
        const feed = feeds.get(record.id);
        if (!feed) throw new Error(`no feed for ${record.id}`);
        return feed.open(query, sink);
      },
      watchCredential: async () => ({ kind: "watched", close: () => undefined }),
    },
  };
}
