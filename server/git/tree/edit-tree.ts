import type { ByteString } from "../bytes/text.ts";
import { GitError } from "../errors.ts";
import { EMPTY_TREE_OID, type Oid } from "../hash/oid.ts";
import { hashObject } from "../hash/sha1.ts";
import { findPathFault } from "../object/path-rules.ts";
import { compareTreeEntries, DIRECTORY_MODE, encodeTree, isDirectory } from "../object/tree.ts";
import type { GitObject, ObjectReader } from "../ports.ts";
import { type Folder, type Folders, folderAt, isEmptyFolder, listFolders, openRoot } from "./folders.ts";
import { readTouchedTrees } from "./touched-trees.ts";
import type { PutEntry, TreeEdit } from "./tree-edit.ts";

export type { PutEntry, TreeEdit } from "./tree-edit.ts";

interface Obstacle {
  /** Path of the entry in the way: that of the edit itself, or a file above it. */
  readonly at: ByteString;
  readonly by: "file" | "directory";
}

export type EditedTree =
  | {
      readonly kind: "edited";
      readonly root: Oid;
      /** Trees that the old root does not have at their place, children before parents, each once. */
      readonly objects: readonly GitObject[];
    }
  /** `path` is that of the edit which cannot be made. */
  | ({ readonly kind: "blocked"; readonly path: ByteString } & Obstacle);

/**
 * Applies edits to a tree. All removals come first (a path that does not exist is not an error, a directory goes with
 * all in it), then the other edits in their order: a file replaces a file, but never a directory that still holds
 * something, and a directory replaces nothing. So a file becomes a directory by removing it in the same list.
 * Directories left empty vanish. Only trees along the paths are read, one read a level, and only those are written.
 * @param root null = start from nothing
 * @throws GitError invalid-path for an edit that puts something under a name that git refuses; missing-object,
 * wrong-type, corrupt-object
 */
export async function editTree(
  reader: Pick<ObjectReader, "readObjects">,
  root: Oid | null,
  edits: readonly TreeEdit[],
): Promise<EditedTree> {
  for (const { path, entry } of edits) if (entry) checkPath(path);
  const folders = openRoot(root, await readTouchedTrees(reader, root, edits));
  for (const { path, entry } of edits) if (!entry) remove(folders, path);
  for (const edit of edits) {
    const blocked = edit.entry && put(folders, edit.path, edit.entry);
    if (blocked) return { kind: "blocked", path: edit.path, ...blocked };
  }
  dropEmptyFolders(folders);
  return writeTrees(folders, root);
}

function checkPath(path: ByteString): void {
  const reason = findPathFault(path);
  if (reason) throw new GitError("invalid-path", reason, { path: path.slice(0, 200), reason });
}

function remove(folders: Folders, path: ByteString): void {
  const slash = path.lastIndexOf("/");
  const parent = folderAt(folders, path.slice(0, Math.max(slash, 0)), "find");
  if (parent.kind === "found" && parent.folder.slots.delete(path.slice(slash + 1) as ByteString)) {
    parent.folder.changed = true;
  }
}

/** Puts one entry; gives what is in the way, or null. */
function put(folders: Folders, path: ByteString, entry: PutEntry): Obstacle | null {
  const slash = path.lastIndexOf("/");
  const parent = folderAt(folders, path.slice(0, Math.max(slash, 0)), "create");
  if (parent.kind !== "found") return { at: parent.kind === "file" ? parent.path : path, by: "file" };
  const { folder } = parent;
  const name = path.slice(slash + 1) as ByteString;
  const old = folder.slots.get(name);
  if (old && isDirectory(old) && !isEmptyFolder(old)) return { at: path, by: "directory" };
  if (old && isDirectory(entry) && !isDirectory(old)) return { at: path, by: "file" };
  folder.changed = true;
  if (!isDirectory(entry)) folder.slots.set(name, { mode: entry.mode, name, oid: entry.oid });
  else if (entry.oid !== EMPTY_TREE_OID)
    folder.slots.set(name, { mode: DIRECTORY_MODE, name, oid: entry.oid });
  return null;
}

/** Takes changed folders that hold nothing out of their parents, and makes a change known to all folders above it. */
function dropEmptyFolders(folders: Folders): void {
  for (const { parent, name, slots, changed } of listFolders(folders)) {
    if (!parent || !changed) continue;
    parent.changed = true;
    if (slots.size === 0) parent.slots.delete(name);
  }
}

function writeTrees(folders: Folders, root: Oid | null): EditedTree {
  const objects = new Map<Oid, GitObject>();
  for (const folder of listFolders(folders)) {
    const { parent, name, changed } = folder;
    if (!changed && parent) continue;
    if (!changed && root) break;
    const tree = encodeFolder(folder);
    // A folder whose edits cancel out keeps its entry as it was, odd mode included.
    if (tree.oid === folder.oid) continue;
    objects.set(tree.oid, tree);
    if (parent) parent.slots.set(name, { mode: DIRECTORY_MODE, name, oid: tree.oid });
    else return { kind: "edited", root: tree.oid, objects: [...objects.values()] };
  }
  return { kind: "edited", root: root ?? EMPTY_TREE_OID, objects: [] };
}

function encodeFolder(folder: Folder): GitObject {
  const data = encodeTree([...folder.slots.values()].sort(compareTreeEntries));
  return { oid: hashObject("tree", data), type: "tree", data };
}
