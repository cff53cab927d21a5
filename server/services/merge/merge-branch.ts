import { toByteString } from "../../git/bytes/text.ts";
import type { Oid } from "../../git/hash/oid.ts";
import type { PathConflict } from "../../git/merge/conflict.ts";
import { mergeCommits } from "../../git/merge/merge-commits.ts";
import { createScratch, type Scratch } from "../../git/merge/scratch.ts";
import { BRANCH_PREFIX } from "../../git/object/ref-name.ts";
import { findMergeBases } from "../../git/walk/merge-base.ts";
import type { CommitIdentity } from "../../ports/commit.ts";
import { findEarlierMove } from "../refs/earlier-move.ts";
import type { RefMove, RefRefusal } from "../refs/move-ref.ts";
import { findNamedCommit } from "./find-commit.ts";
import { findTip, type MoveContext, moveBranch, notesOf, readerOf, sourceOf } from "./move-branch.ts";
import { type MoveAttempt, moveInTurns } from "./move-in-turns.ts";
import { listRange, replayCommits, type Stamp, toIdentity } from "./replay-commits.ts";

export type MergeStrategy = "fast-forward" | "merge-commit" | "squash" | "rebase";

export interface MergeOrder {
  /** Short name of the branch that is moved. */
  readonly target: string;
  readonly source: string;
  /** Name of the repository that `source` is in, when it is another one. */
  readonly sourceRepo: string | null;
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
export async function mergeBranch(context: MoveContext, order: MergeOrder): Promise<BranchMerge> {
  const earlier = await findEarlierMove(context.repo, BRANCH_PREFIX + order.target, context.idempotency);
  if (earlier) return earlier.kind === "moved" ? repeatMerge(order, earlier) : earlier;
  const outcome = await moveInTurns(context, order.target, (attempt) => tryMerge(context, order, attempt));
  // Refused for good, and told so: nothing that was brought along is of use.
  if (outcome.kind !== "merged") await context.carrier?.discard();
  return outcome;
}

/** null: the target has moved meanwhile. */
async function tryMerge(
  context: MoveContext,
  order: MergeOrder,
  { turn }: MoveAttempt,
): Promise<BranchMerge | null> {
  const source = await findNamedCommit(sourceOf(context), order.source);
  if (source.kind !== "found") return source;
  const tip = await findTip(context.repo, order.target);
  if (tip === null) return { kind: "unknown-ref", ref: order.target };
  if (order.expected !== undefined && order.expected !== tip) {
    return { kind: "stale", name: `refs/heads/${order.target}`, current: tip };
  }
  const scratch = createScratch(readerOf(context));
  const made = await makeMerge(scratch, order, { tip, source: source.oid, nowMs: context.nowMs });
  if (made.kind !== "made") return made;
  const strategy: MergeStrategy | "already_up_to_date" =
    made.tip === tip ? "already_up_to_date" : order.strategy;
  const result: BranchMerge = { ...done(order, { ...made, previous: tip, replayed: false }), strategy };
  if (order.dryRun || (made.tip === tip && !context.idempotency)) return result;
  const { notes, blobs } = await notesOf(context, made.rewritten);
  const moved = await moveBranch(context, {
    branch: order.target,
    from: tip,
    to: made.tip,
    objects: [...scratch.list(), ...blobs],
    notes,
    // Whoever reads the target reads this, and may not know of the repository.
    message: `merge ${order.source}: ${describeStrategy(order.strategy)}`,
    detail: { strategy, created: made.created },
    turn,
  });
  if (moved.kind === "moved") return moved.replayed ? repeatMerge(order, moved) : result;
  return moved.kind === "stale" && order.expected === undefined ? null : moved;
}

/** The first answer to a request that came again. */
function repeatMerge(
  order: MergeOrder,
  { oid, previous, detail }: Extract<RefMove, { kind: "moved" }>,
): BranchMerge {
  const created = Number(detail.created ?? 0);
  const repeated = done(order, { tip: oid, previous, created, replayed: true });
  return detail.strategy === "already_up_to_date" ? { ...repeated, strategy: detail.strategy } : repeated;
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

/** The source as the caller is told of it, in errors and conflict markers. */
export function nameSource({ source, sourceRepo }: Pick<MergeOrder, "source" | "sourceRepo">): string {
  return sourceRepo === null ? source : `${source} of ${sourceRepo}`;
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

type Made =
  | {
      readonly kind: "made";
      readonly tip: Oid;
      readonly created: number;
      /** Commits that were made anew, by what they were. */
      readonly rewritten: ReadonlyMap<Oid, Oid>;
    }
  | MergeRefusal;

const NONE: ReadonlyMap<Oid, Oid> = new Map();

async function makeMerge(scratch: Scratch, order: MergeOrder, { tip, source, nowMs }: Ends): Promise<Made> {
  const { reader } = scratch;
  const bases = await findMergeBases(reader, tip, source);
  if (bases[0] === source) return { kind: "made", tip, created: 0, rewritten: NONE };
  const isAhead = bases[0] === tip;
  if (order.strategy === "fast-forward") {
    return isAhead
      ? { kind: "made", tip: source, created: 0, rewritten: NONE }
      : { kind: "not-fast-forward", tip };
  }
  const stamp: Stamp = { who: order.author, nowMs };
  if (order.strategy === "rebase") {
    if (isAhead) return { kind: "made", tip: source, created: 0, rewritten: NONE };
    // Within a repository git rebases what is not related, too; out of another one that is more likely a mistake.
    if (order.sourceRepo !== null && bases.length === 0) return { kind: "unrelated" };
    return rebase(scratch, { tip, source, stamp });
  }
  const merged = await mergeCommits(
    reader,
    { ours: tip, theirs: source, bases },
    { oursName: order.target, theirsName: nameSource(order) },
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
      order.message ??
        `${isSquash ? "Squash" : "Merge"} ${order.source}${order.sourceRepo === null ? "" : " of another repository"} into ${order.target}\n`,
    ),
  });
  return { kind: "made", tip: commit, created: 1, rewritten: NONE };
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
  return { kind: "made", tip: replay.tip, created: replay.created, rewritten: replay.rewritten };
}
