import type { RepoHandle } from "../ports/repo.ts";
import { createMemoryFiles, type MemoryFiles } from "../stores/memory-files.ts";
import { createMemoryRepoStore } from "../stores/memory-repo-store.ts";
import { createObjectCache } from "../stores/object-cache.ts";
import { createRepoHandle } from "../stores/repo-handle.ts";
import { planRootFiles } from "./plan-root-files.ts";

export interface MemoryRepo {
  readonly files: MemoryFiles;
  readonly store: ReturnType<typeof createMemoryRepoStore>;
  /** A fresh handle, as each request gets one. */
  open(): RepoHandle;
}

/** The repository `acme/demo`, empty and in memory, with the rules of the real one. */
export function createMemoryRepo(defaultBranch = "main"): MemoryRepo {
  const files = createMemoryFiles();
  const cache = createObjectCache();
  const store = createMemoryRepoStore({ planCommit: planRootFiles, defaultBranch, files, cache });
  const record = {
    id: "repo",
    orgId: "org",
    orgSlug: "acme",
    namespace: null,
    slug: "demo",
    description: null,
    visibility: "private",
    defaultBranch,
    isTemplate: false,
    autoIndex: false,
    fork: null,
    createdAtMs: 0,
  } as const;
  return { files, store, open: () => createRepoHandle(record, { store, files, cache }) };
}
