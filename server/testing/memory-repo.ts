import type { RepoHandle } from "../ports/repo.ts";
import { createMemoryFiles, type MemoryFiles } from "../stores/memory-files.ts";
import { createMemoryRepoStore } from "../stores/memory-repo-store.ts";
import { createMemoryTables } from "../stores/memory-tables.ts";
import { createObjectCache } from "../stores/object-cache.ts";
import { createRepoHandle } from "../stores/repo-handle.ts";
import type { RepoTables } from "../stores/repo-tables.ts";
import { planRootFiles } from "./plan-root-files.ts";

export interface MemoryRepo {
  readonly files: MemoryFiles;
  /** Its rows, for tests that look at them. */
  readonly tables: RepoTables;
  readonly store: ReturnType<typeof createMemoryRepoStore>;
  /** A fresh handle, as each request gets one. */
  open(): RepoHandle;
}

/** The repository `acme/demo`, empty and in memory, with the rules of the real one. */
export function createMemoryRepo(defaultBranch = "main"): MemoryRepo {
  const files = createMemoryFiles();
  const cache = createObjectCache();
  const tables = createMemoryTables(defaultBranch);
  const store = createMemoryRepoStore({ planCommit: planRootFiles, tables, files, cache });
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
  return { files, store, tables, open: () => createRepoHandle(record, { store, files, cache }) };
}
