import { encodeUtf8 } from "../git/bytes/text.ts";
import { GitError } from "../git/errors.ts";
import type { Oid } from "../git/hash/oid.ts";
import { hashObject } from "../git/hash/sha1.ts";
import type { GitObject, ObjectReader } from "../git/ports.ts";
import type { CommitOutcome, CommitReceipt, CommitRequest } from "../ports/commit.ts";
import { hasNameConflict } from "./ref-rules.ts";
import { RECEIPT_MAX_AGE_MS, type RefTable, type RepoTables } from "./repo-tables.ts";
import { isNotesPlanCurrent, moveNotes, type NotesPlan, planNotes } from "./write-notes.ts";

/** Builds the trees and the commit of a request on `head`; a service, handed in because stores do not know services. */
export type PlanCommit = (
  reader: ObjectReader,
  head: Oid | null,
  request: CommitRequest,
  time: { readonly seconds: number; readonly zone: string },
) => Promise<CommitPlan>;

export type CommitPlan =
  | { readonly kind: "planned"; readonly objects: readonly GitObject[]; readonly receipt: CommitReceipt }
  | Extract<
      CommitOutcome,
      { kind: "path-conflict" | "stale" | "rejected" | "merge-conflict" | "merge-needed" }
    >;

export interface CommitDeps {
  readonly tables: RepoTables;
  readonly planCommit: PlanCommit;
  /** The repository's objects and those that the request brings. */
  readonly reader: ObjectReader;
  readonly nowMs: () => number;
  /** Waits until the hot tier takes these objects. */
  readonly makeRoom: (objects: readonly GitObject[]) => Promise<void>;
}

/** How often a commit is planned anew because a push moved its branch in between. */
const PLANS_MAX = 50;

/**
 * Commits on whatever the head is (or on `parentOid`). Planning reads and may wait; then head, receipt and the pack's
 * reservation are looked at once more in the transaction that writes. Call it for one commit at a time: then only
 * pushes can come between.
 */
export async function commitOnHead(deps: CommitDeps, request: CommitRequest): Promise<CommitOutcome> {
  const { refs } = deps.tables;
  const name = `refs/heads/${request.branch}`;
  for (let round = 0; round < PLANS_MAX; round++) {
    const repeated = findReceipt(deps, request);
    if (repeated) return repeated;
    const head = refs.find(name)?.oid ?? null;
    const refused = refuseHead(refs, name, head, request);
    if (refused) return refused;
    const nowMs = deps.nowMs();
    const time = { seconds: Math.floor(nowMs / 1000), zone: "+0000" };
    const plan = await deps.planCommit(deps.reader, head, request, time);
    if (plan.kind !== "planned") return plan;
    const { receipt } = plan;
    const noted = await planNote(deps, request, { annotated: receipt.oid, nowMs });
    const objects = joinObjects(request.blobs, [...plan.objects, ...noted.objects]);
    await deps.makeRoom(objects);
    const notes = noted.plan;
    if (writeCommit(deps.tables, { request, name, head, objects, receipt, notes, nowMs })) {
      return { kind: "committed", receipt, replayed: false };
    }
  }
  throw new GitError("limit-exceeded", `branch moved ${PLANS_MAX} times while a commit was planned`, {
    branch: request.branch,
  });
}

/** The note that a commit brings along, and what it consists of. */
async function planNote(
  deps: CommitDeps,
  { note }: CommitRequest,
  { annotated, nowMs }: { readonly annotated: Oid; readonly nowMs: number },
): Promise<{ readonly plan: NotesPlan | null; readonly objects: readonly GitObject[] }> {
  if (note === undefined) return { plan: null, objects: [] };
  const data = encodeUtf8(note);
  const blob: GitObject = { oid: hashObject("blob", data), type: "blob", data };
  const plan = await planNotes(deps.tables, deps.reader, {
    notes: [{ annotated, blob: blob.oid }],
    nowMs,
  });
  return { plan, objects: [blob, ...(plan?.objects ?? [])] };
}

function findReceipt(deps: CommitDeps, request: CommitRequest): CommitOutcome | null {
  if (!request.idempotency) return null;
  const stored = deps.tables.receipts.find(request.idempotency.key);
  if (!stored || deps.nowMs() - stored.atMs > RECEIPT_MAX_AGE_MS) return null;
  return "tree" in stored.receipt && stored.fingerprint === request.idempotency.fingerprint
    ? { kind: "committed", receipt: stored.receipt, replayed: true }
    : { kind: "idempotency-mismatch" };
}

function refuseHead(
  refs: RefTable,
  name: string,
  head: Oid | null,
  request: CommitRequest,
): CommitOutcome | null {
  const isAtParent = request.parentOid === undefined || request.parentOid === head;
  // A rebased commit may be made on any head, but not on none.
  if (!isAtParent && (!request.rebase || head === null)) return { kind: "head-moved", current: head };
  if (head !== null) return null;
  if (request.parentOid === undefined && !startsHistory(refs, name)) {
    return rejectBranch("no-branch", `branch ${request.branch} does not exist`);
  }
  return hasNameConflict(refs, name)
    ? rejectBranch(
        "name-conflict",
        `branch ${request.branch} clashes with a branch whose name is a prefix of the other`,
      )
    : null;
}

/** A branch comes into being by a commit only when it is HEAD's, or the repository has no branch at all. */
function startsHistory(refs: RefTable, name: string): boolean {
  const head = refs.readHead();
  return (head.kind === "symbolic" && head.target === name) || !refs.hasUnder("refs/heads/");
}

function rejectBranch(reason: "no-branch" | "name-conflict", message: string): CommitOutcome {
  return { kind: "rejected", reason, field: "branch", path: "", message, head: null };
}

function joinObjects(blobs: readonly GitObject[], planned: readonly GitObject[]): readonly GitObject[] {
  const joined = new Map<Oid, GitObject>();
  for (const object of blobs) joined.set(object.oid, object);
  for (const object of planned) joined.set(object.oid, object);
  return [...joined.values()];
}

interface CommitWrite {
  readonly request: CommitRequest;
  readonly name: string;
  readonly head: Oid | null;
  readonly objects: readonly GitObject[];
  readonly receipt: CommitReceipt;
  readonly notes: NotesPlan | null;
  readonly nowMs: number;
}

/** One transaction; false when the branch, or the notes, have moved or come into being since the plan. */
function writeCommit(tables: RepoTables, write: CommitWrite): boolean {
  const { request, name, head, receipt, notes, nowMs } = write;
  return tables.atomically(() => {
    const current = tables.refs.find(name)?.oid ?? null;
    if (current !== head || (head === null && hasNameConflict(tables.refs, name))) return false;
    if (notes && !isNotesPlanCurrent(tables, notes)) return false;
    if (request.pack) addReservedPack(tables, request.pack);
    tables.hot.put(write.objects, nowMs);
    tables.refs.put({ name, oid: receipt.oid });
    tables.refs.appendReflog({
      ref: name,
      from: head,
      to: receipt.oid,
      reason: { actor: request.actor, message: formatReflogMessage(request.message, head) },
      atMs: nowMs,
    });
    if (notes) {
      const message = `notes: on ${receipt.oid.slice(0, 12)}`;
      moveNotes(tables, notes, { reason: { actor: request.actor, message }, atMs: nowMs });
    }
    if (request.idempotency) {
      const { key, fingerprint } = request.idempotency;
      tables.receipts.put(key, { fingerprint, receipt, atMs: nowMs });
    }
    return true;
  });
}

/**
 * Enters a stored pack into the catalog; one that is there already is left alone, so that a repeated call is harmless.
 * @throws GitError missing-object when the key was never reserved here or has been given up to the sweeper
 */
export function addReservedPack(tables: RepoTables, pack: Parameters<RepoTables["packs"]["add"]>[0]): void {
  if (tables.packs.readCatalog().packs.some((entry) => entry.key === pack.key)) return;
  if (!tables.packs.isReserved(pack)) {
    throw new GitError("missing-object", "the reservation of this pack has expired", { pack: pack.id });
  }
  tables.packs.add(pack);
}

/** As git writes it: `commit: subject` (git-reflog). */
function formatReflogMessage(message: string, head: Oid | null): string {
  const subject = message.split("\n", 1)[0] ?? "";
  return `commit${head === null ? " (initial)" : ""}: ${subject.slice(0, 200)}`;
}
