import { formatByteString, toByteString } from "../../git/bytes/text.ts";
import { EMPTY_TREE_OID, type Oid, parseOid } from "../../git/hash/oid.ts";
import { readTreeOf } from "../../git/merge/merge-commits.ts";
import { mergeTrees } from "../../git/merge/merge-trees.ts";
import { createScratch, type Scratch } from "../../git/merge/scratch.ts";
import type { Commit } from "../../git/object/commit.ts";
import { BRANCH_PREFIX } from "../../git/object/ref-name.ts";
import type { CommitIdentity } from "../../ports/commit.ts";
import { findEarlierMove } from "../refs/earlier-move.ts";
import type { RefMove } from "../refs/move-ref.ts";
import { findNamedCommit } from "./find-commit.ts";
import type { MergeRefusal } from "./merge-branch.ts";
import { findTip, type MoveContext, moveBranch } from "./move-branch.ts";
import { moveInTurns } from "./move-in-turns.ts";
import { readCommit, toIdentity } from "./replay-commits.ts";

export interface RevertOrder {
  readonly commit: string;
  readonly branch: string;
  /** Of a merge: the parent, from 1, against which its change is meant. */
  readonly mainline: number | undefined;
  readonly message: string | undefined;
  readonly author: CommitIdentity;
  readonly expected: Oid | undefined;
}

export type Revert =
  | {
      readonly kind: "reverted";
      readonly tip: Oid;
      readonly previous: Oid | null;
      readonly commit: Oid;
      readonly replayed: boolean;
    }
  | { readonly kind: "bad-mainline"; readonly parents: number }
  /** The branch has nothing of it any more. */
  | { readonly kind: "nothing-to-revert"; readonly tip: Oid }
  | MergeRefusal;

/** Takes one commit's change back on a branch, by a new commit, as `git revert`. @throws GitError invalid-revision, missing-object, overloaded */
export async function revertCommit(context: MoveContext, order: RevertOrder): Promise<Revert> {
  const { repo } = context;
  const earlier = await findEarlierMove(repo, BRANCH_PREFIX + order.branch, context.idempotency);
  if (earlier) return earlier.kind === "moved" ? repeatRevert(earlier) : earlier;
  const named = await findNamedCommit(repo, order.commit);
  if (named.kind !== "found") return named;
  const commit = await readCommit(repo.objects, named.oid);
  const parent = chooseParent(commit, order.mainline);
  if (parent === undefined) return { kind: "bad-mainline", parents: commit.parents.length };
  return moveInTurns<Revert>(context, order.branch, async ({ turn }) => {
    const tip = await findTip(repo, order.branch);
    if (tip === null) return { kind: "unknown-ref", ref: order.branch };
    if (order.expected !== undefined && order.expected !== tip) {
      return { kind: "stale", name: `refs/heads/${order.branch}`, current: tip };
    }
    const scratch = createScratch(repo.objects);
    const made = await makeRevert(
      scratch,
      { commit, oid: named.oid, parent, tip },
      { order, nowMs: context.nowMs },
    );
    if (made.kind !== "made") return made;
    const moved = await moveBranch(context, {
      branch: order.branch,
      from: tip,
      to: made.tip,
      objects: scratch.list(),
      message: `revert: ${named.oid}`,
      detail: { commit: named.oid },
      turn,
    });
    if (moved.kind === "moved") {
      if (moved.replayed) return repeatRevert(moved);
      return { kind: "reverted", tip: moved.oid, previous: tip, commit: named.oid, replayed: false };
    }
    return moved.kind === "stale" && order.expected === undefined ? null : moved;
  });
}

/** The first answer to a request that came again. */
function repeatRevert({ oid, previous, detail }: Extract<RefMove, { kind: "moved" }>): Revert {
  const commit = typeof detail.commit === "string" ? parseOid(detail.commit) : oid;
  return { kind: "reverted", tip: oid, previous, commit, replayed: true };
}

/** null: a root commit; undefined: a merge without, or another commit with, a mainline. */
function chooseParent({ parents }: Commit, mainline: number | undefined): Oid | null | undefined {
  if (mainline !== undefined) return parents.length > 1 ? parents[mainline - 1] : undefined;
  return parents.length > 1 ? undefined : (parents[0] ?? null);
}

interface Subject {
  readonly commit: Commit;
  readonly oid: Oid;
  readonly parent: Oid | null;
  readonly tip: Oid;
}

async function makeRevert(
  scratch: Scratch,
  { commit, oid, parent, tip }: Subject,
  { order, nowMs }: { readonly order: RevertOrder; readonly nowMs: number },
): Promise<
  { readonly kind: "made"; readonly tip: Oid } | Extract<Revert, { kind: "conflict" | "nothing-to-revert" }>
> {
  const ours = await readTreeOf(scratch.reader, tip);
  const theirs = parent === null ? EMPTY_TREE_OID : await readTreeOf(scratch.reader, parent);
  const names = { oursName: "HEAD", theirsName: `parent of ${oid.slice(0, 7)}` };
  const merged = await mergeTrees(scratch.reader, { base: commit.tree, ours, theirs }, names);
  if (merged.conflicts.length > 0) return { kind: "conflict", conflicts: merged.conflicts, tip };
  if (merged.tree === ours) return { kind: "nothing-to-revert", tip };
  scratch.add(merged.objects);
  const subject = formatByteString(commit.message).split("\n", 1)[0] ?? "";
  const author = toIdentity({ who: order.author, nowMs });
  const made = scratch.addCommit({
    tree: merged.tree,
    parents: [tip],
    author,
    committer: author,
    extra: [],
    message: toByteString(order.message ?? `Revert "${subject}"\n\nThis reverts commit ${oid}.\n`),
  });
  return { kind: "made", tip: made };
}
