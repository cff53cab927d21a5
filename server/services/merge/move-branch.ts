import { GitError } from "../../git/errors.ts";
import type { Oid } from "../../git/hash/oid.ts";
import { BRANCH_PREFIX } from "../../git/object/ref-name.ts";
import type { GitObject, Idempotency, NoteWrite, RefTurn, ReplyDetail } from "../../git/ports.ts";
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
  /** Of commits that were made anew. */
  readonly notes?: readonly NoteWrite[];
  /** For the reflog. */
  readonly message: string;
  /** What the reply to a repetition needs. */
  readonly detail?: ReplyDetail;
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
    ...(step.notes && { notes: step.notes }),
    ...(context.idempotency && {
      idempotency: { ...context.idempotency, ...(step.detail && { detail: step.detail }) },
    }),
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

/** Where a branch is, and null when there is none. */
export async function findTip(repo: RepoHandle, branch: string): Promise<Oid | null> {
  const name = BRANCH_PREFIX + branch;
  return (await repo.snapshot([name])).refs.get(name) ?? null;
}
