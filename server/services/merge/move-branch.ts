import { GitError } from "../../git/errors.ts";
import type { Oid } from "../../git/hash/oid.ts";
import { BRANCH_PREFIX } from "../../git/object/ref-name.ts";
import type {
  GitObject,
  Idempotency,
  NoteWrite,
  ObjectReader,
  RefTurn,
  ReplyDetail,
} from "../../git/ports.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import { layReaders, readHeld } from "../lay-readers.ts";
import { type BroughtNotes, bringNotes } from "../notes/bring-notes.ts";
import { copyNotes } from "../notes/copy-notes.ts";
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
  /** Of commits that were made anew. */
  readonly notes?: readonly NoteWrite[];
  /** For the reflog. */
  readonly message: string;
  /** What the reply to a repetition needs. */
  readonly detail?: ReplyDetail;
  readonly turn?: RefTurn | null;
}

/** Objects that a merge may look into: of both repositories, when there are two. */
export function readerOf({ repo, carrier }: MoveContext): ObjectReader {
  return carrier?.objects ?? repo.objects;
}

/** What was said of commits, for those that are made of them. */
export async function notesOf(context: MoveContext, rewritten: ReadonlyMap<Oid, Oid>): Promise<BroughtNotes> {
  const { repo, carrier } = context;
  if (carrier) return await bringNotes(carrier.source, rewritten);
  return { notes: await copyNotes(repo, rewritten), blobs: [] };
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
    ...(step.notes && { notes: step.notes }),
    ...(context.idempotency && {
      idempotency: { ...context.idempotency, ...(step.detail && { detail: step.detail }) },
    }),
    ...(step.turn && { turn: step.turn }),
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

/** Where a branch is, and null when there is none. */
export async function findTip(repo: RepoHandle, branch: string): Promise<Oid | null> {
  const name = BRANCH_PREFIX + branch;
  return (await repo.snapshot([name])).refs.get(name) ?? null;
}
