import type { RepoLifecycle } from "../ports/repo.ts";
import { createDurableLfsStore } from "./durable-lfs-store.ts";
import { createDurableRepoStore } from "./durable-repo-store.ts";
import type { LfsRpc } from "./lfs-rpc.ts";
import type { RepoRpc } from "./repo-rpc.ts";

/** The Durable Objects that a repository has, each named by its id. */
export interface RepoObjects {
  readonly REPO: { getByName(name: string): RepoRpc };
  readonly LFS: { getByName(name: string): LfsRpc };
}

/** Creates and destroys what a repository has, by its id. */
export function createDurableRepoLifecycle({ REPO, LFS }: RepoObjects): RepoLifecycle {
  const openRepo = (repoId: string) => createDurableRepoStore(() => REPO.getByName(repoId));
  const openLfs = (repoId: string) => createDurableLfsStore(() => LFS.getByName(repoId));
  return {
    create: (init) => openRepo(init.repoId).create(init),
    adoptLargeFiles: (repoId, sourceRepoId) => openLfs(repoId).adopt(sourceRepoId),
    async destroy(repoId) {
      await Promise.all([openRepo(repoId).destroy(), openLfs(repoId).destroy()]);
    },
  };
}
