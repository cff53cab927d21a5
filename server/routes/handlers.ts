import type { Log } from "../middleware/error-reply.ts";
import type { PackFamilies } from "../ports/fork.ts";
import type { RepoLifecycle } from "../ports/repo.ts";
import type { ListingCache } from "../services/files/listing-cache.ts";
import type { StoreObjects } from "../services/place-objects.ts";
import { createAdminHandlers } from "./admin.ts";
import { createAuditHandlers } from "./audit.ts";
import { branchHandlers } from "./branches.ts";
import { createCommitHandlers } from "./commits.ts";
import { type ConnectionHandlerDeps, createConnectionHandlers } from "./connections.ts";
import type { DispatchDeps } from "./dispatch.ts";
import { createFileHandlers } from "./files.ts";
import { createForkHandlers } from "./forks.ts";
import { historyHandlers } from "./history.ts";
import { createMergeHandlers } from "./merges.ts";
import { objectHandlers } from "./objects.ts";
import { createPrefetchHandlers } from "./prefetch.ts";
import { createPublicHandlers } from "./public.ts";
import { publicKeyHandlers } from "./public-keys.ts";
import { refHandlers } from "./refs.ts";
import { createRepoHandlers } from "./repos.ts";
import type { HandlerMap } from "./router.ts";
import { createSearchHandlers } from "./search.ts";
import { createSessionHandlers } from "./sessions.ts";
import { snapshotHandlers } from "./snapshots.ts";
import { createSyncHandlers, type SyncHandlerDeps } from "./sync.ts";
import { tagHandlers } from "./tags.ts";
import { tokenHandlers } from "./tokens.ts";
import { usageHandlers } from "./usage.ts";
import { createWatchHandlers, type WatchDeps } from "./watch.ts";
import { createWebhookHandlers, type WebhookHandlerDeps } from "./webhooks.ts";
import { createWorkspaceHandlers } from "./workspace.ts";

export interface HandlerDeps
  extends WatchDeps,
    WebhookHandlerDeps,
    ConnectionHandlerDeps,
    Omit<SyncHandlerDeps, "repos"> {
  readonly repos: RepoLifecycle;
  readonly families: PackFamilies;
  readonly openOrg: DispatchDeps["openOrg"];
  readonly openRepo: DispatchDeps["openRepo"];
  readonly openSession: DispatchDeps["openSession"];
  readonly storeObjects: StoreObjects;
  /** One for all requests of an isolate. */
  readonly listings: ListingCache;
  readonly log: Log;
}

/** Every endpoint of the contract; one that is missing or made up does not compile. */
export function createHandlers(deps: HandlerDeps): HandlerMap {
  const repos = createRepoHandlers(deps);
  const commits = createCommitHandlers(deps);
  const files = createFileHandlers(deps.listings);
  const merges = createMergeHandlers(deps);
  return {
    ...repos,
    ...commits,
    ...files,
    ...createPrefetchHandlers(deps),
    ...createSearchHandlers(deps),
    ...refHandlers,
    ...branchHandlers,
    ...merges,
    ...tagHandlers,
    ...snapshotHandlers,
    ...historyHandlers,
    ...objectHandlers,
    ...createForkHandlers(deps),
    ...createWatchHandlers(deps),
    ...createSessionHandlers(deps.openSession),
    ...tokenHandlers,
    ...publicKeyHandlers,
    ...usageHandlers,
    ...createWebhookHandlers(deps),
    ...createAuditHandlers(deps.openEvents),
    ...createConnectionHandlers(deps),
    ...createSyncHandlers(deps),
    ...createWorkspaceHandlers(deps),
    ...createPublicHandlers({ ...repos, ...commits, ...files, ...refHandlers, ...merges }),
    ...createAdminHandlers(deps.openOrg),
  };
}
