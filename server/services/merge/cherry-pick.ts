import type { Oid } from "../../git/hash/oid.ts";
import type { PathConflict } from "../../git/merge/conflict.ts";
import { createScratch, type Scratch } from "../../git/merge/scratch.ts";
import type { CommitIdentity } from "../../ports/commit.ts";
import { placeObjects } from "../place-objects.ts";
import { checkNewRef } from "../refs/check-new-ref.ts";
import type { RefRefusal } from "../refs/move-ref.ts";
import { findNamedCommit } from "./find-commit.ts";
import { REPLAY_MAX } from "./merge-branch.ts";
import { findEarlierMove, findTip, type MoveContext, moveBranch, readerOf, sourceOf } from "./move-branch.ts";
import { listRange, replayCommits } from "./replay-commits.ts";

export interface PickOrder {
  /** Commits after this one, up to `head`. */
  readonly base: string;
  readonly head: string;
  readonly onto: string;
  /** Short name of the branch to move; undefined: the commits are made and no branch moves. */
  readonly branch: string | undefined;
  readonly expected: Oid | undefined;
  readonly committer: CommitIdentity;
}

export type Pick =
  | {
      readonly kind: "picked";
      readonly tip: Oid;
      readonly onto: Oid;
      readonly created: number;
      readonly merges: number;
      readonly replayed: boolean;
    }
  | {
      readonly kind: "conflict";
      readonly conflicts: readonly PathConflict[];
      readonly failed: Oid;
      readonly lastClean: Oid;
      readonly onto: Oid;
      readonly created: number;
      readonly merges: number;
    }
  | { readonly kind: "unknown-ref"; readonly ref: string }
  | { readonly kind: "too-many"; readonly count: number; readonly limit: number }
  | RefRefusal;

/**
 * Applies the commits of a range onto another commit, oldest first. A branch is moved only if it is where `expected`
 * says, or else at `onto`, or does not exist.
 * @throws GitError invalid-ref-name, invalid-revision, missing-object
 */
export async function cherryPick(context: MoveContext, order: PickOrder): Promise<Pick> {
  const outcome = await pickCommits(context, order);
  if (outcome.kind !== "picked" && outcome.kind !== "conflict") await context.carrier?.discard();
  return outcome;
}

async function pickCommits(context: MoveContext, order: PickOrder): Promise<Pick> {
  const { repo, nowMs } = context;
  const source = sourceOf(context);
  const objects = readerOf(context);
  if (order.branch !== undefined) checkNewRef(`refs/heads/${order.branch}`);
  const named = [
    findNamedCommit(source, order.base),
    findNamedCommit(source, order.head),
    findNamedCommit(repo, order.onto),
  ];
  const [base, head, onto] = await Promise.all(named);
  for (const commit of [base, head, onto]) if (commit?.kind === "unknown-ref") return commit;
  if (base?.kind !== "found" || head?.kind !== "found" || onto?.kind !== "found")
    return { kind: "unknown-ref", ref: order.base };
  const range = await listRange(objects, head.oid, base.oid);
  if (range.commits.length > REPLAY_MAX)
    return { kind: "too-many", count: range.commits.length, limit: REPLAY_MAX };
  const { merges } = range;
  if (order.branch !== undefined) {
    const earlier = await findEarlierMove(context, { branch: order.branch, tip: onto.oid });
    if (earlier?.kind === "moved") {
      return {
        kind: "picked",
        tip: earlier.oid,
        onto: onto.oid,
        created: range.commits.length,
        merges,
        replayed: true,
      };
    }
    if (earlier) return earlier;
  }
  const scratch = createScratch(objects);
  const stamp = { who: order.committer, nowMs };
  const replay = await replayCommits(scratch, range.commits, { onto: onto.oid, stamp });
  if (replay.kind === "conflict") {
    const { conflicts, failed, tip, created } = replay;
    if (created > 0) await keepCommits(context, scratch, { to: tip, from: onto.oid });
    return { kind: "conflict", conflicts, failed, lastClean: tip, onto: onto.oid, created, merges };
  }
  const picked = {
    kind: "picked",
    tip: replay.tip,
    onto: onto.oid,
    created: replay.created,
    merges,
    replayed: false,
  } as const;
  if (order.branch === undefined) {
    await keepCommits(context, scratch, { to: replay.tip, from: onto.oid });
    return picked;
  }
  const tip = await findTip(repo, order.branch);
  const from = order.expected ?? (tip === null ? null : onto.oid);
  const moved = await moveBranch(context, {
    branch: order.branch,
    from,
    to: replay.tip,
    objects: scratch.list(),
    message: `cherry-pick: ${order.base}..${order.head}`,
  });
  return moved.kind === "moved" ? { ...picked, tip: moved.oid, replayed: moved.replayed } : moved;
}

/** Stores commits that no ref leads to: the caller is told their ids. */
async function keepCommits(
  context: MoveContext,
  scratch: Scratch,
  { to, from }: { readonly to: Oid; readonly from: Oid },
): Promise<void> {
  const made = scratch.list();
  const carried = await context.carrier?.bring({ to, from, made });
  const { objects, ...placed } = await placeObjects(context, made);
  await context.repo.store.transact({
    updates: [],
    atomic: true,
    reason: { actor: context.actor, message: "cherry-pick" },
    objects: [...objects, ...(carried?.objects ?? [])],
    ...(carried?.pack && { carried: carried.pack }),
    ...placed,
  });
}
