import { toByteString } from "../../git/bytes/text.ts";
import type { Oid } from "../../git/hash/oid.ts";
import type { PathConflict } from "../../git/merge/conflict.ts";
import { mergeCommits } from "../../git/merge/merge-commits.ts";
import { createScratch, type Scratch } from "../../git/merge/scratch.ts";
import { findMergeBases } from "../../git/walk/merge-base.ts";
import type { CommitIdentity } from "../../ports/commit.ts";
import type { RefRefusal } from "../refs/move-ref.ts";
import { findNamedCommit } from "./find-commit.ts";
import { findEarlierMove, findTip, type MoveContext, moveBranch } from "./move-branch.ts";
import { type MoveAttempt, moveInTurns } from "./move-in-turns.ts";
import { listRange, replayCommits, type Stamp, toIdentity } from "./replay-commits.ts";

export type MergeStrategy = "fast-forward" | "merge-commit" | "squash" | "rebase";

export interface MergeOrder {
  /** Short name of the branch that is moved. */
  readonly target: string;
  readonly source: string;
  readonly strategy: MergeStrategy;
  /** undefined: as git words it. */
  readonly message: string | undefined;
  readonly author: CommitIdentity;
  readonly expected: Oid | undefined;
  readonly dryRun: boolean;
}

export type BranchMerge =
  | {
      readonly kind: "merged";
      readonly strategy: MergeStrategy | "already_up_to_date";
      readonly tip: Oid;
      readonly previous: Oid | null;
      readonly created: number;
      readonly replayed: boolean;
    }
  | MergeRefusal;

export type MergeRefusal =
  | {
      readonly kind: "conflict";
      readonly conflicts: readonly PathConflict[];
      readonly tip: Oid;
      readonly failed?: Oid;
    }
  | { readonly kind: "not-fast-forward"; readonly tip: Oid }
  | { readonly kind: "unrelated" }
  | { readonly kind: "unknown-ref"; readonly ref: string }
  | { readonly kind: "too-many"; readonly count: number; readonly limit: number }
  | RefRefusal;

/** Commits that one request applies anew. */
export const REPLAY_MAX = 100;

/**
 * Merges a commit into a branch. The result is written only if the branch is still where the merge began; if not, and
 * the caller did not name where it must be, the merge is made again on the new tip, so that no commit in between is lost.
 * @throws GitError invalid-ref-name, invalid-revision, missing-object; overloaded when the target kept moving
 */
export function mergeBranch(context: MoveContext, order: MergeOrder): Promise<BranchMerge> {
  return moveInTurns(context, order.target, (attempt) => tryMerge(context, order, attempt));
}

/** null: the target has moved meanwhile. */
async function tryMerge(
  context: MoveContext,
  order: MergeOrder,
  { isFirst, turn }: MoveAttempt,
): Promise<BranchMerge | null> {
  const source = await findNamedCommit(context.repo, order.source);
  if (source.kind !== "found") return source;
  const tip = await findTip(context.repo, order.target);
  if (tip === null) return { kind: "unknown-ref", ref: order.target };
  const earlier = isFirst ? await findEarlierMove(context, { branch: order.target, tip }) : null;
  if (earlier?.kind === "moved")
    return done(order, { tip: earlier.oid, previous: null, created: 0, replayed: true });
  if (earlier) return earlier;
  if (order.expected !== undefined && order.expected !== tip) {
    return { kind: "stale", name: `refs/heads/${order.target}`, current: tip };
  }
  const scratch = createScratch(context.repo.objects);
  const made = await makeMerge(scratch, order, { tip, source: source.oid, nowMs: context.nowMs });
  if (made.kind !== "made") return made;
  if (made.tip === tip)
    return { ...done(order, { ...made, previous: tip, replayed: false }), strategy: "already_up_to_date" };
  const result = done(order, { ...made, previous: tip, replayed: false });
  if (order.dryRun) return result;
  const moved = await moveBranch(context, {
    branch: order.target,
    from: tip,
    to: made.tip,
    objects: scratch.list(),
    message: `merge ${order.source}: ${describeStrategy(order.strategy)}`,
    turn,
  });
  if (moved.kind === "moved") return moved.replayed ? { ...result, tip: moved.oid, replayed: true } : result;
  return moved.kind === "stale" && order.expected === undefined ? null : moved;
}

function done(
  { strategy }: MergeOrder,
  made: {
    readonly tip: Oid;
    readonly previous: Oid | null;
    readonly created: number;
    readonly replayed: boolean;
  },
): Extract<BranchMerge, { kind: "merged" }> {
  const { tip, previous, created, replayed } = made;
  return { kind: "merged", strategy, tip, previous, created, replayed };
}

/** As git words it in the reflog. */
function describeStrategy(strategy: MergeStrategy): string {
  return strategy === "fast-forward" ? "Fast-forward" : `Merge made by ${strategy}`;
}

interface Ends {
  readonly tip: Oid;
  readonly source: Oid;
  readonly nowMs: number;
}

type Made = { readonly kind: "made"; readonly tip: Oid; readonly created: number } | MergeRefusal;

async function makeMerge(scratch: Scratch, order: MergeOrder, { tip, source, nowMs }: Ends): Promise<Made> {
  const { reader } = scratch;
  const bases = await findMergeBases(reader, tip, source);
  if (bases[0] === source) return { kind: "made", tip, created: 0 };
  const isAhead = bases[0] === tip;
  if (order.strategy === "fast-forward") {
    return isAhead ? { kind: "made", tip: source, created: 0 } : { kind: "not-fast-forward", tip };
  }
  const stamp: Stamp = { who: order.author, nowMs };
  if (order.strategy === "rebase")
    return isAhead ? { kind: "made", tip: source, created: 0 } : rebase(scratch, { tip, source, stamp });
  const merged = await mergeCommits(
    reader,
    { ours: tip, theirs: source, bases },
    { oursName: order.target, theirsName: order.source },
  );
  if (merged.kind === "unrelated") return merged;
  if (merged.conflicts.length > 0) return { kind: "conflict", conflicts: merged.conflicts, tip };
  scratch.add(merged.objects);
  const isSquash = order.strategy === "squash";
  const author = toIdentity(stamp);
  const commit = scratch.addCommit({
    tree: merged.tree,
    parents: isSquash ? [tip] : [tip, source],
    author,
    committer: author,
    extra: [],
    message: toByteString(
      order.message ?? `${isSquash ? "Squash" : "Merge"} ${order.source} into ${order.target}\n`,
    ),
  });
  return { kind: "made", tip: commit, created: 1 };
}

async function rebase(
  scratch: Scratch,
  { tip, source, stamp }: { readonly tip: Oid; readonly source: Oid; readonly stamp: Stamp },
): Promise<Made> {
  const { commits } = await listRange(scratch.reader, source, tip);
  if (commits.length > REPLAY_MAX) return { kind: "too-many", count: commits.length, limit: REPLAY_MAX };
  const replay = await replayCommits(scratch, commits, { onto: tip, stamp });
  if (replay.kind === "conflict") {
    return { kind: "conflict", conflicts: replay.conflicts, tip, failed: replay.failed };
  }
  return { kind: "made", tip: replay.tip, created: replay.created };
}
