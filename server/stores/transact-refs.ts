import { GitError } from "../git/errors.ts";
import type { Oid } from "../git/hash/oid.ts";
import { AGENT_NOTES_REF } from "../git/notes/note-commit.ts";
import type {
  GitObject,
  ObjectReader,
  PackEntry,
  RefTransaction,
  RefUpdate,
  RefUpdateResult,
} from "../git/ports.ts";
import { addReservedPack } from "./commit-on-head.ts";
import { findRefReceipt, putRefReceipt } from "./ref-receipts.ts";
import { moveRefs } from "./ref-rules.ts";
import type { RepoTables } from "./repo-tables.ts";
import { planNotes } from "./write-notes.ts";

export interface TransactDeps {
  readonly tables: RepoTables;
  /** The repository's objects and those that the transaction brings. */
  readonly reader: ObjectReader;
  readonly nowMs: () => number;
  /** Waits until the hot tier takes these objects. */
  readonly makeRoom: (objects: readonly GitObject[]) => Promise<void>;
  /** New tips that the repository does not have. */
  readonly missing: ReadonlySet<Oid>;
}

/** How often notes are planned anew because a push moved them in between. */
const PLANS_MAX = 50;

/** One write of refs, objects and notes: visible together or not at all. */
export async function transactRefs(
  deps: TransactDeps,
  transaction: RefTransaction,
): Promise<readonly RefUpdateResult[]> {
  const { tables, nowMs } = deps;
  for (let round = 0; round < PLANS_MAX; round++) {
    // Before the plan, so that a repetition never fails for what has become of the notes.
    const earlier = findRefReceipt(tables, transaction, nowMs());
    if (earlier) return [earlier];
    const notes = transaction.atomic ? (transaction.notes ?? []) : [];
    const plan = await planNotes(tables, deps.reader, { notes, nowMs: nowMs() });
    const added: RefUpdate[] = plan ? [{ name: AGENT_NOTES_REF, expected: plan.before, next: plan.oid }] : [];
    const objects = [...(transaction.objects ?? []), ...(plan?.objects ?? [])];
    await deps.makeRoom(objects);
    const results = moveTogether(deps, {
      ...transaction,
      objects,
      updates: [...transaction.updates, ...added],
    });
    if (!plan) return results;
    const last = results.at(-1);
    const isOutrun = last?.kind === "rejected" && last.reason === "stale" && last.name === AGENT_NOTES_REF;
    if (!isOutrun) return results.slice(0, transaction.updates.length);
  }
  throw new GitError("limit-exceeded", `the notes moved ${PLANS_MAX} times while they were written`, {
    ref: AGENT_NOTES_REF,
  });
}

/** Nothing waits between the look for an earlier run and the move, so that of two equal requests one is the repetition. */
function moveTogether(deps: TransactDeps, transaction: RefTransaction): readonly RefUpdateResult[] {
  const { tables, missing } = deps;
  const atMs = deps.nowMs();
  const repeated = findRefReceipt(tables, transaction, atMs);
  if (repeated) return [repeated];
  return moveRefs(tables, {
    updates: transaction.updates,
    atomic: transaction.atomic,
    reason: transaction.reason,
    atMs,
    missing,
    ...(transaction.head && { head: transaction.head }),
    alongside(results) {
      for (const pack of listPacks(transaction)) addReservedPack(tables, pack);
      if (transaction.objects?.length) tables.hot.put(transaction.objects, atMs);
      putRefReceipt(tables, transaction, { results, atMs });
    },
  });
}

/** Packs that a transaction adds to the catalog. */
export function listPacks({ pack, carried }: RefTransaction): readonly PackEntry[] {
  return [carried, pack].flatMap((entry) => entry ?? []);
}
