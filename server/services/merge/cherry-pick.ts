import { type Oid, parseOid, ZERO_OID } from "../../git/hash/oid.ts";
import type { PathConflict } from "../../git/merge/conflict.ts";
import { createScratch, type Scratch } from "../../git/merge/scratch.ts";
import type { ReplyDetail } from "../../git/ports.ts";
import type { CommitIdentity } from "../../ports/commit.ts";
import { placeObjects } from "../place-objects.ts";
import { checkNewRef } from "../refs/check-new-ref.ts";
import { findEarlierMove } from "../refs/earlier-move.ts";
import { describeMove, type RefMove, type RefRefusal } from "../refs/move-ref.ts";
import { findNamedCommit } from "./find-commit.ts";
import { REPLAY_MAX } from "./merge-branch.ts";
import { findTip, type MoveContext, moveBranch, notesOf, readerOf, sourceOf } from "./move-branch.ts";
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
  if (order.branch !== undefined) {
    const earlier = await findEarlierMove(repo, `refs/heads/${order.branch}`, context.idempotency);
    if (earlier) return earlier.kind === "moved" ? repeatPick(earlier) : earlier;
  }
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
  const scratch = createScratch(objects);
  const stamp = { who: order.committer, nowMs };
  const replay = await replayCommits(scratch, range.commits, { onto: onto.oid, stamp });
  if (replay.kind === "conflict") {
    const { conflicts, failed, tip, created } = replay;
    if (created > 0) await keepCommits(context, scratch, { ...replay, from: onto.oid });
    return { kind: "conflict", conflicts, failed, lastClean: tip, onto: onto.oid, created, merges };
  }
  const { tip: newTip, created } = replay;
  const picked: Pick = {
    kind: "picked",
    tip: newTip,
    onto: onto.oid,
    created,
    merges,
    replayed: false,
  };
  const detail = { tip: newTip, onto: onto.oid, created, merges };
  if (order.branch === undefined) {
    const kept = await keepCommits(context, scratch, { ...replay, from: onto.oid, detail });
    return kept.kind === "moved" ? (kept.replayed ? repeatPick(kept) : picked) : kept;
  }
  const tip = await findTip(repo, order.branch);
  const { notes, blobs } = await notesOf(context, replay.rewritten);
  const moved = await moveBranch(context, {
    branch: order.branch,
    from: order.expected ?? (tip === null ? null : onto.oid),
    to: newTip,
    objects: [...scratch.list(), ...blobs],
    notes,
    message: `cherry-pick: ${order.base}..${order.head}`,
    detail,
  });
  if (moved.kind !== "moved") return moved;
  return moved.replayed ? repeatPick(moved) : picked;
}

/** The first answer to a request that came again. */
function repeatPick({ oid, detail }: Extract<RefMove, { kind: "moved" }>): Pick {
  const read = (value: unknown) => (typeof value === "string" ? parseOid(value) : oid);
  return {
    kind: "picked",
    tip: read(detail.tip),
    onto: read(detail.onto),
    created: Number(detail.created ?? 0),
    merges: Number(detail.merges ?? 0),
    replayed: true,
  };
}

/** Commits that are stored without a ref. */
interface Kept {
  readonly tip: Oid;
  readonly from: Oid;
  readonly rewritten: ReadonlyMap<Oid, Oid>;
  readonly detail?: ReplyDetail;
}

/** Stores commits that no ref leads to: the caller is told their ids. */
async function keepCommits(
  context: MoveContext,
  scratch: Scratch,
  { tip, from, rewritten, detail }: Kept,
): Promise<RefMove> {
  const { notes, blobs } = await notesOf(context, rewritten);
  const made = [...scratch.list(), ...blobs];
  const carried = await context.carrier?.bring({ to: tip, from, made });
  const { objects, ...placed } = await placeObjects(context, made);
  const { idempotency, repo, actor } = context;
  const [result] = await repo.store.transact({
    updates: [],
    atomic: true,
    reason: { actor, message: "cherry-pick" },
    objects: [...objects, ...(carried?.objects ?? [])],
    ...(carried?.pack && { carried: carried.pack }),
    ...placed,
    notes,
    ...(idempotency && detail && { idempotency: { ...idempotency, detail } }),
  });
  // No ref was to be moved, so there is only a result when the request came before.
  if (!result) return { kind: "moved", name: "", oid: ZERO_OID, previous: null, replayed: false, detail: {} };
  return describeMove(ZERO_OID, result);
}
