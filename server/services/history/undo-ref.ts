import { type Oid, ZERO_OID } from "../../git/hash/oid.ts";
import { checkRefName } from "../../git/object/ref-name.ts";
import type { Idempotency, ReflogEntry } from "../../git/ports.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import { findEarlierMove } from "../refs/earlier-move.ts";
import { describeMove, moveRef, type RefRefusal } from "../refs/move-ref.ts";

/** Back by so many moves, to where the ref was after one of them, or to an object that it was at. */
export type UndoGoal =
  | { readonly kind: "steps"; readonly steps: number }
  | { readonly kind: "entry"; readonly id: number }
  | { readonly kind: "object"; readonly oid: Oid };

export interface UndoOrder {
  /** Full name. */
  readonly ref: string;
  readonly goal: UndoGoal;
  /** null = must not exist; undefined = wherever its last move has left it. */
  readonly expected: Oid | null | undefined;
  readonly actor: string;
  readonly idempotency: Idempotency | null;
}

export type Undo =
  | {
      readonly kind: "undone";
      /** null: the ref is gone, as it was then. */
      readonly oid: Oid | null;
      readonly previous: Oid | null;
      readonly replayed: boolean;
    }
  /** The ref has never moved here. */
  | { readonly kind: "no-moves" }
  | { readonly kind: "too-few-moves"; readonly moves: number }
  /** The reflog of this ref knows nothing of the goal. */
  | { readonly kind: "unknown-goal" }
  | RefRefusal;

/**
 * Takes moves of a ref back by one more move, if the ref is still where its last move left it. A ref that was deleted
 * comes back, one that was created goes: only the default branch is never deleted. What was undone is in the reflog and
 * can be undone as well.
 * @throws GitError invalid-ref-name, forbidden
 */
export async function undoRef(repo: RepoHandle, order: UndoOrder): Promise<Undo> {
  const { ref: name, goal, actor } = order;
  checkRefName(name);
  const earlier = await findEarlierMove(repo, name, order.idempotency);
  if (earlier) return earlier.kind === "moved" ? describe(earlier, earlier.detail.gone === 1) : earlier;
  const moves = await repo.store.listReflog({ ref: name, limit: goal.kind === "steps" ? goal.steps : 1 });
  const [last] = moves;
  if (!last) return { kind: "no-moves" };
  const tip = last.to;
  if (order.expected !== undefined && order.expected !== tip) return { kind: "stale", name, current: tip };
  const found = await findGoal(repo, order, moves);
  if (found.kind !== "found") return found;
  await repo.snapshot();
  const next = found.oid;
  const idempotency = order.idempotency && { ...order.idempotency, detail: { gone: Number(next === null) } };
  const reason = { actor, message: `undo: back to ${next ?? "nothing"}` };
  if (next !== null) {
    const moved = await moveRef(repo, { name, oid: next, expected: tip, idempotency }, reason);
    return moved.kind === "moved" ? describe(moved, moved.replayed && moved.detail.gone === 1) : moved;
  }
  const [result] = await repo.store.transact({
    updates: [{ name, next, expected: tip }],
    atomic: true,
    reason,
    ...(idempotency && { idempotency }),
  });
  // Of a deletion the id is not looked at.
  const deleted = describeMove(ZERO_OID, result);
  return deleted.kind === "moved" ? describe(deleted, true) : deleted;
}

function describe(
  {
    oid,
    previous,
    replayed,
  }: { readonly oid: Oid; readonly previous: Oid | null; readonly replayed: boolean },
  isGone: boolean,
): Undo {
  return { kind: "undone", oid: isGone ? null : oid, previous, replayed };
}

async function findGoal(
  repo: RepoHandle,
  { ref, goal }: UndoOrder,
  moves: readonly ReflogEntry[],
): Promise<
  | { readonly kind: "found"; readonly oid: Oid | null }
  | Extract<Undo, { kind: "too-few-moves" | "unknown-goal" }>
> {
  if (goal.kind === "steps") {
    const move = moves[goal.steps - 1];
    return move ? { kind: "found", oid: move.from } : { kind: "too-few-moves", moves: moves.length };
  }
  const place = goal.kind === "entry" ? { id: goal.id } : { oid: goal.oid };
  const [entry] = await repo.store.listReflog({ ref, ...place, limit: 1 });
  if (!entry) return { kind: "unknown-goal" };
  return { kind: "found", oid: goal.kind === "entry" ? entry.to : goal.oid };
}
