import type { GitObject, Head, PackEntry, RefReason, RefRecord } from "../git/ports.ts";

/** Where a repository comes from; kept with its name in the org's directory. */
export interface ForkFacts {
  readonly sourceRepoId: string;
  readonly sourceOrgId: string;
  readonly sourceSlug: string;
  readonly sourceNamespace: string | null;
  readonly mode: "instant" | "deep";
  /** Forks between this repository and `rootId`; 0 for a deep one, which is its own root. */
  readonly depth: number;
  readonly rootId: string;
  /** Different blobs that it began with; absent in forks made by earlier versions. */
  readonly blobs?: number;
}

/** All that a repository is made of at one moment: what a fork begins with. */
export interface ForkSeed {
  /** Where the references to its packs are counted from now on. */
  readonly familyId: string;
  readonly head: Head;
  /** Branches, tags and notes; nothing that belongs to the repository alone. */
  readonly refs: readonly RefRecord[];
  readonly packs: readonly PackEntry[];
  /** What is not in a pack yet. */
  readonly objects: readonly GitObject[];
}

/** A seed of which only what its refs reach may be seen. */
export interface TrimmedSeed {
  readonly seed: ForkSeed;
  /** Different blobs that are reached. */
  readonly blobs: number;
}

/** A fork's beginning, as its store writes it down in one step. */
export interface ForkStart {
  readonly seed: ForkSeed;
  readonly reason: RefReason;
}

/** A repository, and the org whose directory knows whether it exists. */
export interface PackHolder {
  readonly repoId: string;
  readonly orgId: string;
}

/** One pack of one repository, that others of its family may hold too. */
export interface PackHold {
  readonly familyId: string;
  readonly repoId: string;
  readonly keys: readonly string[];
}

/**
 * Who holds which pack, per family of forks: a pack's files are deleted when nobody has held them for seven days. All
 * calls may be repeated.
 */
export interface PackFamilies {
  /**
   * Before a fork exists: the source's hold and the fork's. Whichever of them turns out to have no name a little later
   * loses its hold again: a fork that was never finished, a source that was deleted meanwhile.
   */
  hold(source: PackHold & PackHolder, fork: PackHolder): Promise<void>;
  /** The repository has no use for these packs any more. */
  release(hold: PackHold): Promise<void>;
}
