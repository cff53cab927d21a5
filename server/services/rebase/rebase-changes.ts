import { type ByteString, formatByteString, toByteString } from "../../git/bytes/text.ts";
import { diffTrees } from "../../git/diff/diff-trees.ts";
import { GitError } from "../../git/errors.ts";
import type { Oid } from "../../git/hash/oid.ts";
import type { PathConflict } from "../../git/merge/conflict.ts";
import { type BlobVersions, measureVersions, mergeBlobs } from "../../git/merge/merge-blobs.ts";
import { entryKind, type FileMode, isDirectory, type TreeEntry } from "../../git/object/tree.ts";
import type { GitObject, ObjectReader } from "../../git/ports.ts";
import { findEntries } from "../../git/tree/find-entries.ts";
import type { CommitOutcome, CommitRequest, MergedPath, TreeChange } from "../../ports/commit.ts";

import { decidePut, isUnchanged, type Version } from "./rebase-paths.ts";

/** The trees that a rebase stands on; null: nothing there. */
export interface RebaseTrees {
  readonly head: Oid;
  /** Root tree of the head. */
  readonly headRoot: Oid | null;
  /** Root tree of the commit that the caller worked on; undefined when only `ifMatch` says what it saw. */
  readonly baseRoot: Oid | null | undefined;
}

export interface RebaseOptions {
  /** Bytes of file versions to merge; above it the outcome is `merge-needed`. */
  readonly mergeBytesMax: number;
}

export type Rebase =
  | {
      readonly kind: "rebased";
      /** What is left to do to the head's tree. Merged texts are puts with `merged`, derived from the head's blob. */
      readonly changes: readonly TreeChange[];
      readonly blobs: readonly GitObject[];
      readonly merged: readonly MergedPath[];
    }
  | Extract<CommitOutcome, { kind: "merge-conflict" | "merge-needed" | "path-conflict" }>;

type Put = Extract<TreeChange, { kind: "put" }>;
type Delete = Extract<TreeChange, { kind: "delete" }>;
type Sourced = Exclude<TreeChange, Put | Delete>;

interface Pending extends BlobVersions {
  readonly change: Put;
  readonly mode: FileMode;
}

interface Work {
  readonly reader: ObjectReader;
  readonly trees: RebaseTrees;
  readonly atHead: ReadonlyMap<ByteString, TreeEntry>;
  readonly atBase: ReadonlyMap<ByteString, TreeEntry>;
  readonly removed: ReadonlySet<string>;
  readonly changes: TreeChange[];
  readonly merged: MergedPath[];
  readonly conflicts: PathConflict[];
  readonly pending: Pending[];
}

/**
 * Re-applies changes that were made on a base to the head by three-way merge. All conflicts are found before any is
 * told. A change that names no base (neither a parent nor `ifMatch`) is applied as it is.
 * @throws GitError missing-object when a base blob is not in the repository
 */
export async function rebaseChanges(
  reader: ObjectReader,
  request: Pick<CommitRequest, "changes">,
  options: RebaseOptions & { readonly trees: RebaseTrees },
): Promise<Rebase> {
  const work = await openWork(reader, options.trees, request.changes);
  for (const change of request.changes) {
    const refused = findBaseMismatch(work, change);
    if (refused) return refused;
  }
  for (const change of request.changes) {
    if (change.kind === "put") rebasePut(work, change);
    else if (change.kind === "delete") await rebaseDelete(work, change);
    else rebaseSourced(work, change);
  }
  return finish(work, options);
}

async function finish(work: Work, { mergeBytesMax }: RebaseOptions): Promise<Rebase> {
  const { reader, trees, pending, conflicts, changes, merged } = work;
  const sizes = pending.length > 0 ? await measureVersions(reader, pending) : new Map<Oid, number>();
  const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  if (total > mergeBytesMax) return { kind: "merge-needed", head: trees.head };
  const blobs: GitObject[] = [];
  const merges = pending.length > 0 ? await mergeBlobs(reader, pending, sizes) : [];
  for (const [index, merge] of merges.entries()) {
    const file = pending[index] as Pending; // one merge for each pending file
    if (merge.kind === "conflict") {
      conflicts.push(merge.conflict);
      continue;
    }
    const { field, path } = file.change;
    const { oid } = merge.blob;
    blobs.push(merge.blob);
    changes.push({ kind: "put", field, path, oid, mode: file.mode, derivedFrom: file.theirs, merged: true });
    if (oid !== file.change.oid) merged.push({ path, oid });
  }
  if (conflicts.length > 0) {
    conflicts.sort((a, b) => (a.path < b.path ? -1 : 1));
    return { kind: "merge-conflict", head: trees.head, conflicts };
  }
  return { kind: "rebased", changes, blobs, merged };
}

async function openWork(
  reader: ObjectReader,
  trees: RebaseTrees,
  changes: readonly TreeChange[],
): Promise<Work> {
  const paths = new Set<ByteString>();
  const removed = new Set<string>();
  for (const change of changes) {
    const written = isTransfer(change) ? change.newPath : change.path;
    for (const path of [change.path, written, ...listAbove(written)]) paths.add(toByteString(path));
    if (change.kind === "delete" || change.kind === "move") removed.add(change.path);
  }
  const find = async (root: Oid | null | undefined) =>
    root ? findEntries(reader, root, [...paths]) : new Map<ByteString, TreeEntry>();
  return {
    reader,
    trees,
    atHead: await find(trees.headRoot),
    atBase: await find(trees.baseRoot),
    removed,
    changes: [],
    merged: [],
    conflicts: [],
    pending: [],
  };
}

function isTransfer(change: TreeChange): change is Extract<TreeChange, { newPath: string }> {
  return change.kind === "move" || change.kind === "copy";
}

function* listAbove(path: string): Generator<string> {
  for (let slash = path.lastIndexOf("/"); slash > 0; slash = path.lastIndexOf("/", slash - 1)) {
    yield path.slice(0, slash);
  }
}

function theirsAt(work: Work, path: string): TreeEntry | null {
  return work.atHead.get(toByteString(path)) ?? null;
}

function baseAt(work: Work, path: string): TreeEntry | null {
  return work.atBase.get(toByteString(path)) ?? null;
}

/** What the caller saw at the path; undefined when it does not say. */
function findBase(work: Work, change: TreeChange): Version | null | undefined {
  if (work.trees.baseRoot !== undefined) return baseAt(work, change.path);
  if (change.ifMatch === undefined) return undefined;
  return change.ifMatch === null ? null : { oid: change.ifMatch, mode: null };
}

/** `ifMatch` beside a parent: a precondition of what the caller saw there. */
function findBaseMismatch(work: Work, change: TreeChange): Extract<Rebase, { kind: "path-conflict" }> | null {
  const { field, path, ifMatch } = change;
  if (work.trees.baseRoot === undefined || ifMatch === undefined) return null;
  const current = baseAt(work, path)?.oid ?? null;
  if (current === ifMatch) return null;
  return { kind: "path-conflict", field, path, expected: ifMatch, current, head: work.trees.head };
}

function rebasePut(work: Work, change: Put): void {
  const base = findBase(work, change);
  const { field, path, oid } = change;
  if (base === undefined || change.derivedFrom !== undefined || isRemoved(work, path)) {
    const { ifMatch: _base, ...plain } = change;
    work.changes.push(plain);
    if (change.merged) work.merged.push({ path, oid });
    return;
  }
  const theirs = theirsAt(work, path);
  const conflict = (type: PathConflict["type"], theirOid: Oid | null = theirs?.oid ?? null) =>
    work.conflicts.push({ path, type, base: base?.oid ?? null, ours: oid, theirs: theirOid });
  const inTheWay = theirs ? null : findFileAbove(work, path);
  if (inTheWay) {
    conflict("file-directory", inTheWay.oid);
    return;
  }
  const decision = decidePut({ base, theirs, ours: { oid, mode: change.mode } });
  if (decision.kind === "conflict") conflict(decision.type);
  else if (decision.kind === "merge") work.pending.push({ ...decision, path, change });
  else if (decision.kind === "keep") {
    if (theirs?.oid !== oid) work.merged.push({ path, oid: theirs?.oid ?? null });
  } else {
    work.changes.push({ kind: "put", field, path, oid: decision.oid, mode: decision.mode });
    if (decision.oid !== oid) work.merged.push({ path, oid: decision.oid });
  }
}

function isRemoved(work: Work, path: string): boolean {
  if (work.removed.has(path)) return true;
  for (const above of listAbove(path)) if (work.removed.has(above)) return true;
  return false;
}

/** A file that others put where the caller has a directory. */
function findFileAbove(work: Work, path: string): TreeEntry | null {
  for (const above of listAbove(path)) {
    const theirs = theirsAt(work, above);
    if (!theirs || isDirectory(theirs)) continue;
    const base = work.trees.baseRoot === undefined ? null : baseAt(work, above);
    return isUnchanged(base, theirs) ? null : theirs;
  }
  return null;
}

async function rebaseDelete(work: Work, change: Delete): Promise<void> {
  const base = findBase(work, change);
  const { field, path } = change;
  const theirs = theirsAt(work, path);
  if (base === undefined || (base === null && !theirs)) {
    work.changes.push({ kind: "delete", field, path });
    return;
  }
  if (!theirs) return;
  if (isUnchanged(base, theirs)) {
    work.changes.push({ kind: "delete", field, path });
    return;
  }
  const theyHaveFolder = isDirectory(theirs);
  const hadFolder =
    base !== null && (base.mode === null ? theyHaveFolder : entryKind({ mode: base.mode }) === "directory");
  if (base && hadFolder && theyHaveFolder)
    return deleteFolder(work, change, { base: base.oid, theirs: theirs.oid });
  const type = hadFolder !== theyHaveFolder ? "file-directory" : "modify-delete";
  work.conflicts.push({ path, type, base: base?.oid ?? null, ours: null, theirs: theirs.oid });
}

/** Of a directory that others changed, what the caller saw goes; what they changed conflicts, what they added stays. */
async function deleteFolder(
  work: Work,
  { field, path }: Delete,
  folder: { readonly base: Oid; readonly theirs: Oid },
): Promise<void> {
  const changed = await diffTrees(work.reader, folder.base, folder.theirs);
  const touched = new Set(changed.map((entry) => entry.path));
  for (const { path: below, old, next } of changed) {
    if (!old || !next) continue;
    const full = joinPath(path, below);
    work.conflicts.push({ path: full, type: "modify-delete", base: old.oid, ours: null, theirs: next.oid });
  }
  for (const { path: below } of await diffTrees(work.reader, folder.base, null)) {
    if (touched.has(below)) continue;
    work.changes.push({ kind: "delete", field, path: joinPath(path, below) });
  }
}

/** @throws GitError invalid-path when the name is not text, and so cannot be named in a change */
function joinPath(folder: string, below: ByteString): string {
  const name = formatByteString(below);
  if (toByteString(name) === below) return `${folder}/${name}`;
  throw new GitError("invalid-path", `${folder} holds a name that is not UTF-8: delete it by its files`, {
    folder,
  });
}

/** Moves, copies and chmods take what the branch has now; the source must be what `ifMatch` says, the target free. */
function rebaseSourced(work: Work, change: Sourced): void {
  const { path, ifMatch } = change;
  const source = theirsAt(work, path);
  const seen = work.trees.baseRoot === undefined ? undefined : baseAt(work, path);
  const base = ifMatch ?? seen?.oid ?? null;
  const moved = ifMatch !== undefined && ifMatch !== (source?.oid ?? null);
  if (moved || (!source && seen)) {
    const type = source ? "content" : "modify-delete";
    work.conflicts.push({ path, type, base, ours: base, theirs: source?.oid ?? null });
    return;
  }
  if (isTransfer(change) && source && !isTargetFree(work, change.newPath, source)) return;
  const { ifMatch: _checked, ...plain } = change;
  work.changes.push(plain);
  if (isTransfer(change) && source && seen && source.oid !== seen.oid && !isDirectory(source)) {
    work.merged.push({ path: change.newPath, oid: source.oid });
  }
}

function isTargetFree(work: Work, path: string, source: TreeEntry): boolean {
  const target = theirsAt(work, path);
  if (!target || work.trees.baseRoot === undefined || isRemoved(work, path)) return true;
  const base = baseAt(work, path);
  if (target.oid === source.oid || isUnchanged(base, target)) return true;
  const type = isDirectory(target) !== isDirectory(source) ? "file-directory" : "add-add";
  work.conflicts.push({ path, type, base: base?.oid ?? null, ours: source.oid, theirs: target.oid });
  return false;
}
