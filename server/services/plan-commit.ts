import { type ByteString, toByteString } from "../git/bytes/text.ts";
import { GitError } from "../git/errors.ts";
import { EMPTY_TREE_OID, type Oid } from "../git/hash/oid.ts";
import { hashObject } from "../git/hash/sha1.ts";
import { decodeCommit, encodeCommit } from "../git/object/commit.ts";
import type { Identity } from "../git/object/identity.ts";
import {
  EXECUTABLE_MODE,
  FILE_MODE,
  type FileMode,
  GITLINK_MODE,
  isDirectory,
  SYMLINK_MODE,
  type TreeEntry,
  type TreeMode,
} from "../git/object/tree.ts";
import type { GitObject, ObjectReader } from "../git/ports.ts";
import { editTree, type TreeEdit } from "../git/tree/edit-tree.ts";
import { findEntries } from "../git/tree/find-entries.ts";
import type {
  CommitIdentity,
  CommitOutcome,
  CommitReceipt,
  CommitRequest,
  TreeChange,
} from "../ports/commit.ts";
import { rebaseChanges } from "./rebase/rebase-changes.ts";

export type RefusedCommit = Extract<CommitOutcome, { kind: "path-conflict" | "stale" | "rejected" }>;
type UnmergedCommit = Extract<CommitOutcome, { kind: "merge-conflict" | "merge-needed" }>;

/** File versions that one step of the store merges itself; more is merged beforehand, where it holds up nobody else. */
const STEP_MERGE_BYTES_MAX = 4 * 1024 * 1024;

export type CommitPlan =
  | {
      readonly kind: "planned";
      /** New trees and the commit; the request's own blobs are not among them. */
      readonly objects: readonly GitObject[];
      readonly receipt: CommitReceipt;
    }
  | RefusedCommit
  | UnmergedCommit;

/** What a commit's time line says; `zone` as git writes it (`+0000`). */
export interface CommitTime {
  readonly seconds: number;
  readonly zone: string;
}

type Put = Extract<TreeChange, { kind: "put" }>;
type Transfer = Extract<TreeChange, { kind: "move" | "copy" }>;
type Reason = Extract<CommitOutcome, { kind: "rejected" }>["reason"];

/** The tree that the commit is built on, as far as the changes name it. */
interface Base {
  readonly head: Oid | null;
  readonly entries: ReadonlyMap<ByteString, TreeEntry>;
  /** Paths that the commit takes away: a directory stands for all that is below it. */
  readonly removed: ReadonlySet<ByteString>;
}

/**
 * The trees and the commit that a request makes on `head` (null: a first commit). Sources and preconditions are those
 * of head's tree, whatever the order of the changes; removals come before writes, so one commit can swap a file and a
 * directory. Writing where something else is in the way is refused: a tree never gets two entries of one name.
 * The same tree as before still makes a commit (`git commit --allow-empty`).
 * The caller has checked the form of the request: paths, duplicates, sizes. With `rebase` the changes are first merged
 * with what the head has.
 * @throws GitError missing-object when the history itself has holes, invalid-identity
 */
export async function planCommit(
  reader: ObjectReader,
  head: Oid | null,
  request: CommitRequest,
  time: CommitTime,
): Promise<CommitPlan> {
  const root = head === null ? null : await readRootTree(reader, head);
  if (head === null || !request.rebase) return planChanges(reader, { head, root, time }, request);
  const baseRoot = await findParentRoot(reader, request);
  if (baseRoot === "missing") {
    const message = `the repository has no commit ${request.parentOid}`;
    return { kind: "rejected", reason: "missing-object", field: "parent_sha", path: "", message, head };
  }
  const missing = await findMissingContent(reader, head, request);
  if (missing) return missing;
  const rebased = await rebaseChanges(reader, request, {
    trees: { head, headRoot: root, baseRoot },
    mergeBytesMax: STEP_MERGE_BYTES_MAX,
  });
  if (rebased.kind !== "rebased") return rebased;
  const { changes, blobs, merged } = rebased;
  const plan = await planChanges(reader, { head, root, time }, { ...request, changes, requiredOids: [] });
  if (plan.kind !== "planned") return plan;
  const receipt = { ...plan.receipt, filesChanged: request.changes.length, merged };
  return { ...plan, objects: [...blobs, ...plan.objects], receipt };
}

/** The tree that a rebased commit was made on; undefined when the request names none. */
async function findParentRoot(
  reader: ObjectReader,
  { parentOid }: CommitRequest,
): Promise<Oid | null | undefined | "missing"> {
  if (parentOid === undefined || parentOid === null) return parentOid;
  const { found } = await reader.readHeaders([parentOid]);
  return found.get(parentOid)?.type === "commit" ? readRootTree(reader, parentOid) : "missing";
}

interface Start {
  readonly head: Oid | null;
  readonly root: Oid | null;
  readonly time: CommitTime;
}

async function planChanges(
  reader: ObjectReader,
  { head, root, time }: Start,
  request: CommitRequest,
): Promise<CommitPlan> {
  const base: Base = {
    head,
    entries: await findBaseEntries(reader, root, request.changes),
    removed: listRemoved(request.changes),
  };
  const refused = findRefusal(base, request.changes) ?? (await findMissingContent(reader, head, request));
  if (refused) return refused;
  const edited = await editTree(reader, root, toTreeEdits(base, request.changes));
  if (edited.kind === "blocked") return describeBlock(head, request.changes, edited.path, edited.by);
  return finishPlan(head, request, time, edited);
}

function finishPlan(
  head: Oid | null,
  request: CommitRequest,
  time: CommitTime,
  edited: { readonly root: Oid; readonly objects: readonly GitObject[] },
): CommitPlan {
  const data = encodeCommit({
    tree: edited.root,
    parents: head === null ? [] : [head],
    author: toIdentity(request.author, time),
    committer: toIdentity(request.committer, time),
    extra: [],
    message: toByteString(request.message),
  });
  const commit: GitObject = { oid: hashObject("commit", data), type: "commit", data };
  const receipt: CommitReceipt = {
    oid: commit.oid,
    tree: edited.root,
    parent: head,
    branch: request.branch,
    filesChanged: request.changes.length,
  };
  return { kind: "planned", objects: [...edited.objects, commit], receipt };
}

function toIdentity(identity: CommitIdentity, time: CommitTime): Identity {
  return { name: toByteString(identity.name), email: toByteString(identity.email), ...time };
}

async function readRootTree(reader: ObjectReader, head: Oid): Promise<Oid> {
  const { found } = await reader.readObjects([head]);
  const commit = found.get(head);
  if (!commit) throw new GitError("missing-object", "the head of the branch is missing", { oid: head });
  if (commit.type !== "commit")
    throw new GitError("wrong-type", "the branch is not at a commit", { oid: head });
  return decodeCommit(commit.data).tree;
}

async function findBaseEntries(
  reader: ObjectReader,
  root: Oid | null,
  changes: readonly TreeChange[],
): Promise<ReadonlyMap<ByteString, TreeEntry>> {
  if (root === null || root === EMPTY_TREE_OID) return new Map();
  const paths = new Set<ByteString>();
  for (const change of changes) {
    paths.add(toByteString(change.path));
    if (isTransfer(change)) paths.add(toByteString(change.newPath));
  }
  return findEntries(reader, root, [...paths]);
}

function listRemoved(changes: readonly TreeChange[]): ReadonlySet<ByteString> {
  const removed = new Set<ByteString>();
  for (const change of changes) {
    if (change.kind === "delete" || change.kind === "move") removed.add(toByteString(change.path));
  }
  return removed;
}

/** The first change that the base tree does not allow. */
function findRefusal(base: Base, changes: readonly TreeChange[]): RefusedCommit | null {
  for (const change of changes) {
    const entry = base.entries.get(toByteString(change.path)) ?? null;
    const refused = findPathConflict(base, change, entry) ?? findChangeRefusal(base, change, entry);
    if (refused) return refused;
  }
  return null;
}

function findPathConflict(base: Base, change: TreeChange, entry: TreeEntry | null): RefusedCommit | null {
  if (change.ifMatch === undefined) return null;
  const current = entry?.oid ?? null;
  if (change.ifMatch === current) return null;
  const { field, path, ifMatch: expected } = change;
  return { kind: "path-conflict", field, path, expected, current, head: base.head };
}

function findChangeRefusal(base: Base, change: TreeChange, entry: TreeEntry | null): RefusedCommit | null {
  if (change.kind === "put") return findPutRefusal(base, change, entry);
  if (!entry) return reject(base.head, change, "not-found", `there is no ${change.path}`);
  if (change.kind === "chmod" && !isRegularFile(entry)) {
    return reject(base.head, change, "not-a-file", `${change.path} is not a regular file`);
  }
  return isTransfer(change) ? findTransferRefusal(base, change, entry) : null;
}

function findPutRefusal(base: Base, change: Put, entry: TreeEntry | null): RefusedCommit | null {
  if (change.derivedFrom === undefined || entry?.oid === change.derivedFrom) return null;
  return { kind: "stale", field: change.field, path: change.path, head: base.head };
}

/** A file may take the place of a file, as rename(2) does; a directory takes nothing's place. */
function findTransferRefusal(base: Base, change: Transfer, entry: TreeEntry): RefusedCommit | null {
  if (change.mode !== undefined && !isRegularFile(entry)) {
    return reject(
      base.head,
      change,
      "not-a-file",
      `${change.path} is not a regular file: it has no mode to set`,
    );
  }
  const target = base.entries.get(toByteString(change.newPath));
  if (!target || !isDirectory(entry) || isRemoved(base, toByteString(change.newPath))) return null;
  return isDirectory(target)
    ? reject(base.head, change, "directory-in-the-way", `there is a directory at ${change.newPath}`)
    : reject(base.head, change, "file-in-the-way", `there is a file at ${change.newPath}`);
}

function isRemoved(base: Base, path: ByteString): boolean {
  if (base.removed.has(path)) return true;
  for (let slash = path.lastIndexOf("/"); slash > 0; slash = path.lastIndexOf("/", slash - 1)) {
    if (base.removed.has(path.slice(0, slash) as ByteString)) return true;
  }
  return false;
}

/** Named by id instead of sent: it must be a blob that this repository can show already. */
async function findMissingContent(
  reader: ObjectReader,
  head: Oid | null,
  request: CommitRequest,
): Promise<RefusedCommit | null> {
  if (request.requiredOids.length === 0) return null;
  const required = new Set(request.requiredOids);
  const { found } = await reader.readHeaders([...required]);
  for (const change of request.changes) {
    if (change.kind !== "put" || change.mode === GITLINK_MODE || !required.has(change.oid)) continue;
    if (found.get(change.oid)?.type !== "blob") {
      return reject(head, change, "missing-object", `the repository has no blob ${change.oid}`);
    }
  }
  return null;
}

/** What the changes do to the tree. They have been checked: every source is there. */
function toTreeEdits(base: Base, changes: readonly TreeChange[]): readonly TreeEdit[] {
  const edits: TreeEdit[] = [];
  for (const path of base.removed) edits.push({ path, entry: null });
  for (const change of changes) {
    if (change.kind === "delete") continue;
    const path = toByteString(change.path);
    const entry = base.entries.get(path) ?? null;
    if (change.kind === "put") {
      const mode = change.mode ?? chooseMode(change, entry && !isRemoved(base, path) ? entry : null);
      edits.push({ path, entry: { mode, oid: change.oid } });
    } else if (entry) {
      const target = isTransfer(change) ? toByteString(change.newPath) : path;
      edits.push({ path: target, entry: { mode: change.mode ?? entry.mode, oid: entry.oid } });
    }
  }
  return edits;
}

/**
 * The mode of written content that names none: executables stay executable. A link stays a link only when its own text
 * was edited; plain content over a link or a submodule makes a file, for it is not a link's target.
 */
function chooseMode(change: Put, replaced: TreeEntry | null): FileMode {
  if (!replaced) return FILE_MODE;
  if (isExecutable(replaced.mode)) return EXECUTABLE_MODE;
  return replaced.mode === SYMLINK_MODE && change.derivedFrom !== undefined ? SYMLINK_MODE : FILE_MODE;
}

function describeBlock(
  head: Oid | null,
  changes: readonly TreeChange[],
  path: ByteString,
  by: "file" | "directory",
): CommitPlan {
  const change = findWriter(changes, path);
  if (!change)
    throw new GitError("corrupt-object", "a tree edit was blocked at a path that no change writes", { path });
  const written = isTransfer(change) ? change.newPath : change.path;
  return by === "file"
    ? reject(head, change, "file-in-the-way", `there is a file where ${written} needs a directory`)
    : reject(head, change, "directory-in-the-way", `there is a directory at ${written}`);
}

/** The change that writes `path`, or else one that writes below it. */
function findWriter(changes: readonly TreeChange[], path: ByteString): TreeChange | null {
  let below: TreeChange | null = null;
  for (const change of changes) {
    if (change.kind === "delete") continue;
    const written = toByteString(isTransfer(change) ? change.newPath : change.path);
    if (written === path) return change;
    if (written.startsWith(`${path}/`)) below ??= change;
  }
  return below;
}

function reject(head: Oid | null, change: TreeChange, reason: Reason, message: string): RefusedCommit {
  return { kind: "rejected", reason, field: change.field, path: change.path, message, head };
}

function isTransfer(change: TreeChange): change is Transfer {
  return change.kind === "move" || change.kind === "copy";
}

/** 100644, 100755 and the group-writable 100664 of old trees. */
function isRegularFile(entry: TreeEntry): boolean {
  return entry.mode.startsWith("100");
}

function isExecutable(mode: TreeMode): boolean {
  return mode.startsWith("100") && (Number.parseInt(mode, 8) & 0o100) !== 0;
}
