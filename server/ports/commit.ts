import type { Oid } from "../git/hash/oid.ts";
import type { PathConflict } from "../git/merge/conflict.ts";
import type { FileMode } from "../git/object/tree.ts";
import type { GitObject, PackEntry } from "../git/ports.ts";

/**
 * One change of a commit, contents already stored or sent along as blobs. Every source (move, copy, chmod) and every
 * precondition is looked up in the tree that the commit is built on; removals happen before writes.
 * `field` names the change in errors: `changes.3`.
 */
export type TreeChange =
  | {
      readonly kind: "put";
      readonly field: string;
      readonly path: string;
      readonly oid: Oid;
      /** Absent: keep the mode of the file that is replaced, else 100644. */
      readonly mode?: FileMode;
      /** Blob id that the path must have; null = must not exist. */
      readonly ifMatch?: Oid | null;
      /** Blob id that the new content was computed from; another one makes the outcome `stale`, not a conflict. */
      readonly derivedFrom?: Oid;
      /** The content is a merge with what the branch has at `derivedFrom`: worth telling the caller. */
      readonly merged?: true;
    }
  | { readonly kind: "delete"; readonly field: string; readonly path: string; readonly ifMatch?: Oid | null }
  | {
      readonly kind: "move" | "copy";
      readonly field: string;
      readonly path: string;
      readonly newPath: string;
      readonly mode?: FileMode;
      readonly ifMatch?: Oid | null;
    }
  | {
      readonly kind: "chmod";
      readonly field: string;
      readonly path: string;
      readonly mode: FileMode;
      readonly ifMatch?: Oid | null;
    };

export interface CommitIdentity {
  readonly name: string;
  readonly email: string;
}

export interface CommitRequest {
  /** Short branch name. */
  readonly branch: string;
  readonly message: string;
  readonly author: CommitIdentity;
  readonly committer: CommitIdentity;
  /** undefined = whatever the head is; null = the branch must not exist yet. */
  readonly parentOid?: Oid | null;
  /**
   * The changes were made on `parentOid` (or, without it, on the blobs that `ifMatch` names) and are merged three-way
   * with what the branch has by now.
   */
  readonly rebase?: true;
  readonly changes: readonly TreeChange[];
  /** New blobs that are not in `pack`. Already hashed. */
  readonly blobs: readonly GitObject[];
  /** A stored pack that holds further blobs of this commit. */
  readonly pack?: PackEntry;
  /** Object ids that the caller names instead of sending content; each must be visible in the repository. */
  readonly requiredOids: readonly Oid[];
  readonly actor: string;
  /** What an agent says of the commit, as the text of its note; written in the same step. */
  readonly note?: string;
  /** Globs: the commit may change nothing else. Absent: anything. */
  readonly allowedPaths?: readonly string[];
  readonly idempotency?: { readonly key: string; readonly fingerprint: string };
}

export interface CommitReceipt {
  readonly oid: Oid;
  readonly tree: Oid;
  readonly parent: Oid | null;
  readonly branch: string;
  readonly filesChanged: number;
  /** Of a rebased commit: paths that came out other than they were sent, with their blob; null: gone. */
  readonly merged?: readonly MergedPath[];
}

export type { PathConflict } from "../git/merge/conflict.ts";

export interface MergedPath {
  readonly path: string;
  readonly oid: Oid | null;
}

export type CommitOutcome =
  | { readonly kind: "committed"; readonly receipt: CommitReceipt; readonly replayed: boolean }
  /** `parentOid` is not the head. */
  | { readonly kind: "head-moved"; readonly current: Oid | null }
  /** A precondition of a path does not hold. */
  | {
      readonly kind: "path-conflict";
      readonly field: string;
      readonly path: string;
      readonly expected: Oid | null;
      readonly current: Oid | null;
      readonly head: Oid | null;
    }
  /** Nothing was written; every path in conflict is named. `ours` is what the request wants. */
  | { readonly kind: "merge-conflict"; readonly head: Oid; readonly conflicts: readonly PathConflict[] }
  /** There is more to merge than the store does itself: merge on `head`, and send the results. */
  | { readonly kind: "merge-needed"; readonly head: Oid }
  /** An edited file changed in between: read it again and retry. */
  | { readonly kind: "stale"; readonly field: string; readonly path: string; readonly head: Oid | null }
  | {
      readonly kind: "rejected";
      readonly reason:
        | "not-found"
        | "not-a-file"
        | "file-in-the-way"
        | "directory-in-the-way"
        | "missing-object"
        | "no-branch"
        | "name-conflict";
      readonly field: string;
      readonly path: string;
      readonly message: string;
      readonly head: Oid | null;
    }
  /** The same Idempotency-Key came with another request. */
  | { readonly kind: "idempotency-mismatch" };
