import { findNamedCommit } from "../merge/find-commit.ts";
import { type BranchMerge, type MergeOrder, mergeBranch } from "../merge/merge-branch.ts";
import { findTip, type MoveContext, moveBranch, sourceOf } from "../merge/move-branch.ts";
import { findEarlierMove } from "../refs/earlier-move.ts";

/**
 * Brings a fork's branch up to date with a branch of its parent: a merge out of another repository, except that a branch
 * which the fork does not have is made.
 * @throws GitError invalid-ref-name, missing-object, limit-exceeded
 */
export async function syncUpstream(context: MoveContext, order: MergeOrder): Promise<BranchMerge> {
  if ((await findTip(context.repo, order.target)) !== null) return mergeBranch(context, order);
  const made = await makeBranch(context, order);
  // Somebody else made it meanwhile: then it is a branch like any other.
  return made ?? mergeBranch(context, order);
}

async function makeBranch(context: MoveContext, order: MergeOrder): Promise<BranchMerge | null> {
  const source = await findNamedCommit(sourceOf(context), order.source);
  if (source.kind !== "found") return source;
  const name = `refs/heads/${order.target}`;
  const earlier = await findEarlierMove(context.repo, name, context.idempotency);
  if (earlier && earlier.kind !== "moved") return earlier;
  if (order.expected !== undefined && !earlier) return { kind: "stale", name, current: null };
  const result = {
    kind: "merged",
    strategy: "fast-forward",
    tip: earlier?.oid ?? source.oid,
    previous: null,
    created: 0,
    replayed: earlier !== null,
  } as const;
  if (earlier || order.dryRun) return result;
  const moved = await moveBranch(context, {
    branch: order.target,
    from: null,
    to: source.oid,
    objects: [],
    message: `sync: from ${order.source} of upstream`,
    detail: { strategy: "fast-forward", created: 0 },
  });
  if (moved.kind === "moved") return { ...result, tip: moved.oid, replayed: moved.replayed };
  if (moved.kind === "stale") return null;
  await context.carrier?.discard();
  return moved;
}
