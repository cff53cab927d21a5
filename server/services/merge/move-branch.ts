import { GitError } from "../../git/errors.ts";
import { type Oid, ZERO_OID } from "../../git/hash/oid.ts";
import { BRANCH_PREFIX } from "../../git/object/ref-name.ts";
import type { GitObject, Idempotency, RefTurn } from "../../git/ports.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import { layReaders, readHeld } from "../lay-readers.ts";
import { placeObjects, type StoreObjects } from "../place-objects.ts";
import { describeMove, type RefMove } from "../refs/move-ref.ts";

/** What every service that moves a branch to new commits is given. */
export interface MoveContext {
  readonly repo: RepoHandle;
  readonly storeObjects: StoreObjects;
  readonly actor: string;
  readonly nowMs: number;
  readonly idempotency: Idempotency | null;
}

export interface BranchStep {
  readonly branch: string;
  readonly from: Oid | null;
  readonly to: Oid;
  readonly objects: readonly GitObject[];
  /** For the reflog. */
  readonly message: string;
  readonly turn?: RefTurn | null;
}

/**
 * Makes objects visible and moves the branch in one step, if it is still at `from`.
 * @throws GitError forbidden, overloaded, interrupted
 */
export async function moveBranch(context: MoveContext, step: BranchStep): Promise<RefMove> {
  await checkMove(context.repo, step);
  const placed = await placeObjects(context, step.objects);
  const [result] = await context.repo.store.transact({
    updates: [{ name: BRANCH_PREFIX + step.branch, expected: step.from, next: step.to }],
    atomic: true,
    reason: { actor: context.actor, message: step.message },
    objects: placed.objects,
    ...(placed.pack && { pack: placed.pack }),
    ...(context.idempotency && { idempotency: context.idempotency }),
    ...(step.turn && { turn: step.turn }),
  });
  return describeMove(step.to, result);
}

/** Before anything is put into a pack, where the store could not look at it any more. */
async function checkMove(repo: RepoHandle, { branch, to, objects }: BranchStep): Promise<void> {
  const name = BRANCH_PREFIX + branch;
  const objection = await repo.guard?.findObjection(
    { name, next: to },
    layReaders(readHeld(objects), repo.objects),
  );
  if (objection) throw new GitError("forbidden", objection, { ref: name });
}

/**
 * Where an earlier request with the same Idempotency-Key moved the branch; null when there was none. The store looks
 * there before it looks at the update, and this one can never be made: no ref is at the zero id.
 */
export async function findEarlierMove(
  context: MoveContext,
  { branch, tip }: { readonly branch: string; readonly tip: Oid },
): Promise<RefMove | null> {
  if (!context.idempotency) return null;
  const name = BRANCH_PREFIX + branch;
  const [result] = await context.repo.store.transact({
    updates: [{ name, expected: ZERO_OID, next: tip }],
    atomic: true,
    reason: { actor: context.actor, message: "" },
    idempotency: context.idempotency,
  });
  const move = describeMove(tip, result);
  return move.kind === "stale" ? null : move;
}

/** Where a branch is, and null when there is none. */
export async function findTip(repo: RepoHandle, branch: string): Promise<Oid | null> {
  const name = BRANCH_PREFIX + branch;
  return (await repo.snapshot([name])).refs.get(name) ?? null;
}
