import type { FileStore } from "../git/ports.ts";
import type { PlanCommit } from "./commit-on-head.ts";
import { createLocalRepoStore, type LocalRepoStore } from "./local-repo-store.ts";
import { createMemoryFiles } from "./memory-files.ts";
import { createMemoryTables } from "./memory-tables.ts";
import { createObjectCache, type ObjectCache } from "./object-cache.ts";
import { type IdSource, platformIds } from "./pack-id.ts";
import type { RepoTables } from "./repo-tables.ts";

export interface MemoryRepoOptions {
  readonly planCommit: PlanCommit;
  /** Default "repo". */
  readonly repoId?: string;
  /** Rows to work on, for tests that look at them; new ones when absent. */
  readonly tables?: RepoTables;
  /** Default "main"; HEAD points at it from the start. */
  readonly defaultBranch?: string;
  /** Where packs lie; the same store must be given to the repository's handle. */
  readonly files?: FileStore;
  readonly cache?: ObjectCache;
  readonly ids?: IdSource;
  readonly afterWrite?: () => void;
}

/** A repository in memory, with the rules of the real one. */
export function createMemoryRepoStore(options: MemoryRepoOptions): LocalRepoStore {
  return createLocalRepoStore({
    repoId: options.repoId ?? "repo",
    tables: options.tables ?? createMemoryTables(options.defaultBranch ?? "main"),
    files: options.files ?? createMemoryFiles(),
    cache: options.cache ?? createObjectCache(),
    planCommit: options.planCommit,
    ids: options.ids ?? platformIds,
    ...(options.afterWrite && { afterWrite: options.afterWrite }),
  });
}
