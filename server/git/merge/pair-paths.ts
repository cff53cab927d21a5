/** The paths that a merge is about: each with what base, ours and theirs have there, renames followed. */
import type { ByteString } from "../bytes/text.ts";
import { diffTrees, type TreeChange } from "../diff/diff-trees.ts";
import { findRenames, type Rename } from "../diff/find-renames.ts";
import type { Oid } from "../hash/oid.ts";
import { entryKind, type TreeEntry } from "../object/tree.ts";
import type { ObjectReader } from "../ports.ts";
import type { ConflictType } from "./conflict.ts";

export interface MergePath {
  readonly path: ByteString;
  base: TreeEntry | null;
  ours: TreeEntry | null;
  theirs: TreeEntry | null;
  /** Names of this file on the sides, where one has it elsewhere. */
  names?: { readonly ours: ByteString; readonly theirs: ByteString };
  /** Known to conflict, whatever its content. */
  conflict?: ConflictType;
  /** Both sides came here from other names, or one did and the other made a file here: no common base. */
  collision?: boolean;
  /** Of a file that both sides renamed apart: what each side has of it, under whichever name. */
  apart?: { readonly ours: TreeEntry; readonly theirs: TreeEntry };
  /** One side has a directory of this name: after which side git names the file, if both are to stay. */
  fileSide?: Side;
}

/** Git's default for merges (merge.renameLimit). */
const MERGE_RENAME_LIMIT = 7_000;

type Side = "ours" | "theirs";

export interface MergeTrees {
  readonly base: Oid | null;
  readonly ours: Oid;
  readonly theirs: Oid;
}

/** Every path that one of the sides changed. @throws GitError missing-object, wrong-type, corrupt-object */
export async function listMergePaths(
  reader: ObjectReader,
  trees: MergeTrees,
): Promise<ReadonlyMap<ByteString, MergePath>> {
  const changes = {
    ours: await diffTrees(reader, trees.base, trees.ours),
    theirs: await diffTrees(reader, trees.base, trees.theirs),
  };
  const paths = joinChanges(changes);
  markPlaces(paths);
  const [ours, theirs] = [
    await findSideRenames(reader, changes.ours, { paths, other: "theirs" }),
    await findSideRenames(reader, changes.theirs, { paths, other: "ours" }),
  ];
  followRenames(paths, { ours, theirs });
  return paths;
}

function joinChanges(changes: Readonly<Record<Side, readonly TreeChange[]>>): Map<ByteString, MergePath> {
  const paths = new Map<ByteString, MergePath>();
  for (const { path, old, next } of changes.ours) {
    paths.set(path, { path, base: old, ours: next, theirs: old });
  }
  for (const { path, old, next } of changes.theirs) {
    const known = paths.get(path);
    if (known) known.theirs = next;
    else paths.set(path, { path, base: old, ours: old, theirs: next });
  }
  return paths;
}

/**
 * Marks files whose place is a directory elsewhere. What takes the place of another is always a change, so all of them
 * are among `paths`. The side is git's choice: the one without the directory, and ours when the base has it too.
 */
function markPlaces(paths: ReadonlyMap<ByteString, MergePath>): void {
  for (const { path, base, ours } of paths.values()) {
    for (const folder of listFoldersOf(path)) {
      const file = paths.get(folder);
      if (!file) continue;
      if (base) file.fileSide = "ours";
      else file.fileSide ??= ours ? "theirs" : "ours";
    }
  }
}

/** The folders above a path, outermost first. */
export function listFoldersOf(path: ByteString): ByteString[] {
  const folders: ByteString[] = [];
  for (let slash = path.indexOf("/"); slash >= 0; slash = path.indexOf("/", slash + 1)) {
    folders.push(path.slice(0, slash) as ByteString);
  }
  return folders;
}

/** Renames that matter: of files that the other side changed or deleted. */
async function findSideRenames(
  reader: ObjectReader,
  changes: readonly TreeChange[],
  { paths, other }: { readonly paths: ReadonlyMap<ByteString, MergePath>; readonly other: Side },
): Promise<readonly Rename[]> {
  const isRelevant = (from: ByteString) => {
    const path = paths.get(from);
    return path !== undefined && !isSameEntry(path.base, path[other]);
  };
  if (!changes.some(({ path, old, next }) => old && !next && isRelevant(path))) return [];
  const found = await findRenames(reader, changes, { limit: MERGE_RENAME_LIMIT, isRelevant });
  return found.filter(({ from }) => isRelevant(from));
}

export function isSameEntry(a: TreeEntry | null, b: TreeEntry | null): boolean {
  return a === b || (a !== null && b !== null && a.oid === b.oid && a.mode === b.mode);
}

function followRenames(
  paths: Map<ByteString, MergePath>,
  renames: Readonly<Record<Side, readonly Rename[]>>,
): void {
  const theirs = new Map(renames.theirs.map((rename) => [rename.from, rename]));
  const done = new Set<ByteString>();
  for (const rename of renames.ours) {
    const other = theirs.get(rename.from);
    if (!other) followRename(paths, rename, "ours");
    else {
      done.add(rename.from);
      followBoth(paths, rename, other);
    }
  }
  for (const rename of renames.theirs) if (!done.has(rename.from)) followRename(paths, rename, "theirs");
}

/** Only `side` renamed it: the other side's change goes along. */
function followRename(paths: Map<ByteString, MergePath>, rename: Rename, side: Side): void {
  const other: Side = side === "ours" ? "theirs" : "ours";
  const source = paths.get(rename.from);
  const target = paths.get(rename.to);
  if (!source || !target) return;
  const moved = source[other];
  if (moved && entryKind(moved) !== entryKind(rename.next)) {
    // A link or a submodule took the file's old name on the other side: that is another thing, the file itself is gone.
    source.base = null;
    target.base = rename.old;
    target.names = { ours: rename.to, theirs: rename.to };
    if (!target[other]) target.conflict = "modify-delete";
    return;
  }
  source.ours = null;
  source.theirs = null;
  source.base = null;
  const names = { [side]: rename.to, [other]: rename.from } as Record<Side, ByteString>;
  if (!moved) {
    target.conflict = "rename-delete";
    target.base = rename.old;
    return;
  }
  // The other side has a file of its own there, or renamed one to it.
  if (target[other] || target.collision) {
    target.collision = true;
    target.conflict = "add-add";
    return;
  }
  target.base = rename.old;
  target[other] = moved;
  target.names = names;
  target.collision = true;
}

/** Both renamed it: to one name, or apart. */
function followBoth(paths: Map<ByteString, MergePath>, ours: Rename, theirs: Rename): void {
  const source = paths.get(ours.from);
  const mine = paths.get(ours.to);
  const other = paths.get(theirs.to);
  if (!source || !mine || !other) return;
  source.ours = null;
  source.theirs = null;
  source.base = null;
  if (mine === other) {
    mine.base = ours.old;
    return;
  }
  for (const path of [mine, other]) {
    path.base = ours.old;
    path.conflict = "rename-rename";
    path.apart = { ours: ours.next, theirs: theirs.next };
    path.names = { ours: ours.to, theirs: theirs.to };
  }
}
