import { type ByteString, formatByteString, toByteString } from "../../git/bytes/text.ts";
import { GitError } from "../../git/errors.ts";
import type { Oid } from "../../git/hash/oid.ts";
import { hashObject } from "../../git/hash/sha1.ts";
import { decodeCommit, encodeCommit } from "../../git/object/commit.ts";
import type { GitObject, ObjectReader } from "../../git/ports.ts";
import { editTree, type PutEntry, type TreeEdit } from "../../git/tree/edit-tree.ts";
import { findMergeBases, isAncestor } from "../../git/walk/merge-base.ts";
import type { FlushConflict } from "../../ports/session.ts";
import { listTreeChanges, type TreeChangeEntry } from "./tree-changes.ts";

/** What becomes of a branch that both a session and somebody else have moved. */
export type TipMerge =
  /** `theirs` holds `ours` already. */
  | { readonly kind: "contained" }
  | { readonly kind: "moved"; readonly next: Oid; readonly objects: readonly GitObject[] }
  | { readonly kind: "conflict"; readonly conflicts: readonly Omit<FlushConflict, "ref">[] };

export interface TipMergeRequest {
  /** The session's tip. */
  readonly ours: Oid;
  /** The repository's. */
  readonly theirs: Oid;
  readonly branch: string;
  readonly nowMs: number;
}

const IDENTITY = { name: "Coregit" as ByteString, email: "noreply@coregit.dev" as ByteString };

/**
 * Brings a session's commits onto a branch that has moved: by fast-forward when theirs is behind, else by a merge commit
 * of both when they changed different paths. Commits are never rewritten: their ids were acknowledged.
 */
export async function mergeTips(reader: ObjectReader, request: TipMergeRequest): Promise<TipMerge> {
  const { ours, theirs } = request;
  if (!(await isCommit(reader, ours)) || !(await isCommit(reader, theirs)))
    return dispute("moved", null, request);
  if (await isAncestor(reader, ours, theirs)) return { kind: "contained" };
  if (await isAncestor(reader, theirs, ours)) return { kind: "moved", next: ours, objects: [] };
  const bases = await findMergeBases(reader, ours, theirs);
  const [base] = bases;
  // Several bases come of merges in both directions, none of histories that were replaced.
  if (base === undefined || bases.length > 1) {
    return dispute(base === undefined ? "unrelated-histories" : "several-merge-bases", null, request);
  }
  const mine = await listTreeChanges(reader, base, ours);
  const others = await listTreeChanges(reader, base, theirs);
  const conflicts = findConflicts(mine, others);
  if (conflicts.length > 0) return { kind: "conflict", conflicts };
  return buildMerge(reader, mine, request);
}

async function isCommit(reader: ObjectReader, oid: Oid): Promise<boolean> {
  return (await reader.readHeaders([oid])).found.get(oid)?.type === "commit";
}

function dispute(type: string, base: Oid | null, { ours, theirs }: TipMergeRequest): TipMerge {
  return {
    kind: "conflict",
    conflicts: [{ type, path: null, baseOid: base, oursOid: ours, theirsOid: theirs }],
  };
}

type Changes = ReadonlyMap<ByteString, TreeChangeEntry>;

/** Paths that both changed, not to the same, and paths that one needs as a directory and the other as a file. */
function findConflicts(mine: Changes, others: Changes): readonly Omit<FlushConflict, "ref">[] {
  const conflicts: Omit<FlushConflict, "ref">[] = [];
  for (const [path, change] of mine) {
    const theirs = others.get(path);
    if (theirs && !sameEntry(theirs.after, change.after)) {
      conflicts.push(describe(path, typeOf(change, theirs), { change, theirs }));
    }
  }
  for (const [one, other, swapped] of [
    [mine, others, false],
    [others, mine, true],
  ] as const) {
    for (const [path, change] of one) {
      if (!change.after) continue;
      for (const parent of parentsOf(path)) {
        const above = other.get(parent);
        if (!above?.after) continue;
        const sides = swapped ? { change: above, theirs: change } : { change, theirs: above };
        conflicts.push(describe(parent, "file-directory", sides));
      }
    }
  }
  return conflicts;
}

function typeOf(mine: TreeChangeEntry, theirs: TreeChangeEntry): string {
  if (!mine.after || !theirs.after) return "modify-delete";
  return mine.before ? "content" : "add-add";
}

function describe(
  path: ByteString,
  type: string,
  { change, theirs }: { readonly change: TreeChangeEntry; readonly theirs: TreeChangeEntry },
): Omit<FlushConflict, "ref"> {
  return {
    type,
    path: formatByteString(path),
    baseOid: change.before?.oid ?? null,
    oursOid: change.after?.oid ?? null,
    theirsOid: theirs.after?.oid ?? null,
  };
}

function sameEntry(a: PutEntry | null, b: PutEntry | null): boolean {
  return a?.oid === b?.oid && a?.mode === b?.mode;
}

function* parentsOf(path: ByteString): Generator<ByteString> {
  for (let slash = path.lastIndexOf("/"); slash > 0; slash = path.lastIndexOf("/", slash - 1)) {
    yield path.slice(0, slash) as ByteString; // A part of bytes is bytes.
  }
}

/** Their tree with our changes, as a commit of both. */
async function buildMerge(reader: ObjectReader, mine: Changes, request: TipMergeRequest): Promise<TipMerge> {
  const { ours, theirs, branch, nowMs } = request;
  const edits: TreeEdit[] = [...mine].map(([path, { after }]) => ({ path, entry: after }));
  const edited = await editTree(reader, await readTree(reader, theirs), edits);
  if (edited.kind === "blocked") {
    return {
      kind: "conflict",
      conflicts: [{ ...emptySides(), type: "file-directory", path: formatByteString(edited.path) }],
    };
  }
  const time = { ...IDENTITY, seconds: Math.floor(nowMs / 1_000), zone: "+0000" };
  const data = encodeCommit({
    tree: edited.root,
    parents: [theirs, ours],
    author: time,
    committer: time,
    extra: [],
    message: toByteString(`Merge the work of a session into ${branch}\n`),
  });
  const next = hashObject("commit", data);
  return { kind: "moved", next, objects: [...edited.objects, { oid: next, type: "commit", data }] };
}

function emptySides() {
  return { baseOid: null, oursOid: null, theirsOid: null };
}

async function readTree(reader: ObjectReader, commit: Oid): Promise<Oid> {
  const object = (await reader.readObjects([commit])).found.get(commit);
  if (!object) throw new GitError("missing-object", `commit ${commit} is missing`, { oid: commit });
  return decodeCommit(object.data).tree;
}
