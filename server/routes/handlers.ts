import type { Log } from "../middleware/error-reply.ts";
import type { RepoLifecycle } from "../ports/repo.ts";
import type { StoreObjects } from "../services/commits/create-commit.ts";
import type { ListingCache } from "../services/files/listing-cache.ts";
import { createAdminHandlers } from "./admin.ts";
import { branchHandlers } from "./branches.ts";
import { createCommitHandlers } from "./commits.ts";
import type { DispatchDeps } from "./dispatch.ts";
import { createFileHandlers } from "./files.ts";
import { objectHandlers } from "./objects.ts";
import { createPrefetchHandlers } from "./prefetch.ts";
import { createPublicHandlers } from "./public.ts";
import { refHandlers } from "./refs.ts";
import { createRepoHandlers } from "./repos.ts";
import type { HandlerMap } from "./router.ts";
import { createSearchHandlers } from "./search.ts";
import { tagHandlers } from "./tags.ts";

export interface HandlerDeps {
  readonly repos: RepoLifecycle;
  readonly openOrg: DispatchDeps["openOrg"];
  readonly storeObjects: StoreObjects;
  /** One for all requests of an isolate. */
  readonly listings: ListingCache;
  readonly log: Log;
}

/** Every endpoint of the contract; one that is missing or made up does not compile. */
export function createHandlers(deps: HandlerDeps): HandlerMap {
  const repos = createRepoHandlers(deps.repos);
  const commits = createCommitHandlers(deps);
  const files = createFileHandlers(deps.listings);
  return {
    ...repos,
    ...commits,
    ...files,
    ...createPrefetchHandlers(deps),
    ...createSearchHandlers(deps),
    ...refHandlers,
    ...branchHandlers,
    ...tagHandlers,
    ...objectHandlers,
    ...createPublicHandlers({ ...repos, ...commits, ...files, ...refHandlers }),
    ...createAdminHandlers(deps.openOrg),
  };
}
