/** A tree opened for changes: folders are opened along paths only, what is not opened keeps its id. */
import type { ByteString } from "../bytes/text.ts";
import { EMPTY_TREE_OID, type Oid } from "../hash/oid.ts";
import { DIRECTORY_MODE, isDirectory, type TreeEntry } from "../object/tree.ts";

/** An entry of a folder; `folder` is set while the directory is open. */
export interface Slot extends TreeEntry {
  readonly folder?: Folder;
}

export interface Folder {
  /** null only at the root. */
  readonly parent: Folder | null;
  readonly name: ByteString;
  /** Id of the tree that it was opened from; null for a new one. */
  readonly oid: Oid | null;
  readonly slots: Map<string, Slot>;
  changed: boolean;
}

export interface Folders {
  readonly root: Folder;
  /** Every folder that was opened, a parent before its children. */
  readonly opened: Folder[];
  readonly trees: ReadonlyMap<Oid, readonly TreeEntry[]>;
}

export type FolderLookup =
  | { readonly kind: "found"; readonly folder: Folder }
  | { readonly kind: "absent" }
  | { readonly kind: "file"; readonly path: ByteString };

export function openRoot(oid: Oid | null, trees: ReadonlyMap<Oid, readonly TreeEntry[]>): Folders {
  const root = openFolder(null, "" as ByteString, oid, trees);
  return { root, opened: [root], trees };
}

/** The folder at `path` (empty: the root), opened. With `create`, missing folders are made; a file is never replaced. */
export function folderAt(folders: Folders, path: string, mode: "find" | "create"): FolderLookup {
  let folder = folders.root;
  for (let start = 0; start < path.length; ) {
    const slash = path.indexOf("/", start);
    const end = slash < 0 ? path.length : slash;
    const name = path.slice(start, end) as ByteString;
    const slot = folder.slots.get(name);
    if (slot && !isDirectory(slot)) return { kind: "file", path: path.slice(0, end) as ByteString };
    if (!slot && mode === "find") return { kind: "absent" };
    folder = slot?.folder ?? enter(folders, folder, name, slot);
    start = end + 1;
  }
  return { kind: "found", folder };
}

/** Whether the directory in this slot holds nothing but empty directories, as far as it is open. */
export function isEmptyFolder(slot: Slot): boolean {
  const pending: Slot[] = [slot];
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (!next.folder && next.oid !== EMPTY_TREE_OID) return false;
    for (const inner of next.folder?.slots.values() ?? []) {
      if (!isDirectory(inner)) return false;
      pending.push(inner);
    }
  }
  return true;
}

/** Open folders that still hang in the tree, children before parents. */
export function listFolders(folders: Folders): readonly Folder[] {
  const attached = new Set<Folder>();
  for (const folder of folders.opened) {
    const { parent, name } = folder;
    if (!parent || (attached.has(parent) && parent.slots.get(name)?.folder === folder)) attached.add(folder);
  }
  return [...attached].reverse();
}

function enter(folders: Folders, parent: Folder, name: ByteString, slot: Slot | undefined): Folder {
  const folder = openFolder(parent, name, slot?.oid ?? null, folders.trees);
  parent.slots.set(name, {
    mode: slot?.mode ?? DIRECTORY_MODE,
    name,
    oid: slot?.oid ?? EMPTY_TREE_OID,
    folder,
  });
  folders.opened.push(folder);
  return folder;
}

function openFolder(
  parent: Folder | null,
  name: ByteString,
  oid: Oid | null,
  trees: ReadonlyMap<Oid, readonly TreeEntry[]>,
): Folder {
  const slots = new Map<string, Slot>();
  const entries = (oid && trees.get(oid)) || [];
  // Of duplicates in a corrupt tree the first counts, as for every reader.
  for (const entry of entries) if (!slots.has(entry.name)) slots.set(entry.name, entry);
  return { parent, name, oid, slots, changed: false };
}
