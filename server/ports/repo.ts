import type { PackReader } from "../git/pack/read-pack.ts";
import type { FileStore, ObjectReader, RefTransaction, RepoSnapshot, RepoStore } from "../git/ports.ts";
import type { WriteGuard, WriteMeter } from "./access.ts";
import type { CommitOutcome, CommitRequest } from "./commit.ts";
import type { ForkSeed, ForkStart, TrimmedSeed } from "./fork.ts";
import type { RepoRecord } from "./org.ts";

/** A RepoStore that can also build a commit on its current head in the step that moves the ref. */
export interface CommittingRepoStore extends RepoStore {
  commit(request: CommitRequest): Promise<CommitOutcome>;
  /** What a fork begins with. From now on this repository's packs are counted in its family. */
  share(): Promise<ForkSeed>;
}

/** One repository as a request sees it: what every service works on. */
export interface RepoHandle {
  readonly record: RepoRecord;
  readonly store: CommittingRepoStore;
  /** Sees this repository's objects and no others: hot ones and those of its catalog's packs. */
  readonly objects: ObjectReader;
  /** The same as of the last snapshot: what is not found is not looked for anew. For those who have another place to look. */
  readonly settled: ObjectReader;
  readonly files: FileStore;
  /** Who brings objects that the store cannot look into asks this first. Absent: the caller may move any ref. */
  readonly guard?: WriteGuard;
  /** The same for those who may only write so much. Absent: there is no end to it. */
  readonly meter?: WriteMeter;
  /**
   * One round to the store: HEAD, those of the `refs` (full names) that exist, and the catalog, which `objects` uses
   * from then on. Call it first in every request: refs are never cached.
   */
  snapshot(refs?: readonly string[]): Promise<RepoSnapshot>;
  /**
   * Hides what the seed's refs do not reach: left over from branches that were deleted or rewritten, it is not the fork's.
   */
  trimSeed(seed: ForkSeed): Promise<TrimmedSeed>;
  /**
   * The packs of the last snapshot's catalog, newest first, for replies that walk sidecars and copy entries. Absent: all
   * objects have to be read.
   */
  openPacks?(): Promise<readonly PackReader[]>;
}

/** Birth and death of repositories' stores; the directory says which of them have a name. */
export interface RepoLifecycle {
  /** false when a repository with this id exists. `first`: objects and refs that it has from the start. */
  create(init: {
    readonly repoId: string;
    /** The org that is told what moves, and whose storage it counts as. */
    readonly orgId: string;
    readonly defaultBranch: string;
    readonly first?: RefTransaction;
    /** Instead of `first`: begin as a fork. `defaultBranch` must be one of its branches, unless it has none. */
    readonly fork?: ForkStart;
  }): Promise<boolean>;
  /** The large files that the source has are the repository's own, too: of a fork, or when commits are brought. May be repeated. */
  adoptLargeFiles(repoId: string, sourceRepoId: string): Promise<void>;
  /** Everything the repository holds goes, now or in the background. Harmless when it is gone already. */
  destroy(repoId: string): Promise<void>;
}
