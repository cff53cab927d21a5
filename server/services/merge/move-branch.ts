import { GitError } from "../../git/errors.ts";
import { type Oid, ZERO_OID } from "../../git/hash/oid.ts";
import { BRANCH_PREFIX } from "../../git/object/ref-name.ts";
import type { GitObject, Idempotency, ObjectReader } from "../../git/ports.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import { layReaders, readHeld } from "../lay-readers.ts";
import { placeObjects, type StoreObjects } from "../place-objects.ts";
import { describeMove, type RefMove } from "../refs/move-ref.ts";
import type { Carrier } from "./carry-objects.ts";

/** What every service that moves a branch to new commits is given. */
export interface MoveContext {
  readonly repo: RepoHandle;
  /** Where the commits come from, when that is another repository. */
  readonly carrier?: Carrier;
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
}

/** Objects that a merge may look into: of both repositories, when there are two. */
export function readerOf({ repo, carrier }: MoveContext): ObjectReader {
  return carrier?.objects ?? repo.objects;
}

/** The repository in which the name of what is taken in has its meaning. */
export function sourceOf({ repo, carrier }: MoveContext): RepoHandle {
  return carrier?.source ?? repo;
}

/**
 * Makes objects visible and moves the branch in one step, if it is still at `from`.
 * @throws GitError forbidden, overloaded, interrupted
 */
export async function moveBranch(context: MoveContext, step: BranchStep): Promise<RefMove> {
  await checkMove(context, step);
  const carried = await context.carrier?.bring({ to: step.to, from: step.from, made: step.objects });
  const placed = await placeObjects(context, step.objects);
  const [result] = await context.repo.store.transact({
    updates: [{ name: BRANCH_PREFIX + step.branch, expected: step.from, next: step.to }],
    atomic: true,
    reason: { actor: context.actor, message: step.message },
    objects: [...placed.objects, ...(carried?.objects ?? [])],
    ...(carried?.pack && { carried: carried.pack }),
    ...(placed.pack && { pack: placed.pack }),
    ...(context.idempotency && { idempotency: context.idempotency }),
  });
  return describeMove(step.to, result);
}

/** Before anything is put into a pack, where the store could not look at it any more. */
async function checkMove(context: MoveContext, { branch, to, objects }: BranchStep): Promise<void> {
  const name = BRANCH_PREFIX + branch;
  const objection = await context.repo.guard?.findObjection(
    { name, next: to },
    layReaders(readHeld(objects), readerOf(context)),
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
