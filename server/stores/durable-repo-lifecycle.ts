import type { RepoLifecycle } from "../ports/repo.ts";
import { createDurableRepoStore } from "./durable-repo-store.ts";
import type { RepoRpc } from "./repo-rpc.ts";

/** Creates and destroys RepoDOs by repository id. */
export function createDurableRepoLifecycle(repos: { getByName(name: string): RepoRpc }): RepoLifecycle {
  return {
    create: (init) => createDurableRepoStore(() => repos.getByName(init.repoId)).create(init),
    destroy: (repoId) => createDurableRepoStore(() => repos.getByName(repoId)).destroy(),
  };
}
