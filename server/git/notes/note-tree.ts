/**
 * Notes tree: a blob for each annotated object, named by its id in hex. When there are many, the first two digits become
 * a folder, and so on below (fan-out); git reads any mixture, and so does this. Source: git-notes(1), "Notes trees".
 */
import type { ByteString } from "../bytes/text.ts";
import { EMPTY_TREE_OID, type Oid } from "../hash/oid.ts";
import { hashObject } from "../hash/sha1.ts";
import {
  compareTreeEntries,
  DIRECTORY_MODE,
  encodeTree,
  entryKind,
  FILE_MODE,
  isDirectory,
  type TreeEntry,
} from "../object/tree.ts";
import type { GitObject, ObjectReader } from "../ports.ts";
import { readTrees } from "../tree/read-trees.ts";

export type NotesReader = Pick<ObjectReader, "readObjects">;

/** What becomes of the notes of some objects; null: the note goes. */
export type NoteChanges = ReadonlyMap<Oid, Oid | null>;

const HEX_DIGITS = 40;
/** A folder of notes: two digits of the ids below it. */
export const FOLDER_NAME = /^[0-9a-f]{2}$/;
/** No folder can be made below this: it would hold notes without a name. */
const DEEPEST_FAN_OUT = HEX_DIGITS - 4;

/** The entries of one folder of a notes tree. */
interface Level {
  /** By the rest of the annotated object's id. */
  readonly notes: Map<string, TreeEntry>;
  /** By two digits. */
  readonly folders: Map<string, TreeEntry>;
  /** Whatever else somebody put there: git keeps it, so it is kept. */
  readonly others: readonly TreeEntry[];
}

/** The note blobs of some objects, one read a level for all of them. @throws GitError missing-object, wrong-type, corrupt-object */
export async function findNotes(
  reader: NotesReader,
  root: Oid,
  annotated: readonly Oid[],
): Promise<ReadonlyMap<Oid, Oid>> {
  const found = new Map<Oid, Oid>();
  let steps = new Map<Oid, readonly Oid[]>([[root, annotated]]);
  for (let prefix = 0; steps.size > 0 && prefix < HEX_DIGITS; prefix += 2) {
    const trees = await readTrees(reader, steps.keys());
    const below = new Map<Oid, Oid[]>();
    for (const [tree, wanted] of steps) {
      const { notes, folders } = openLevel(trees.get(tree) ?? [], prefix);
      for (const oid of wanted) {
        const note = notes.get(oid.slice(prefix));
        const folder = folders.get(oid.slice(prefix, prefix + 2));
        if (note) found.set(oid, note.oid);
        else if (folder) below.set(folder.oid, [...(below.get(folder.oid) ?? []), oid]);
      }
    }
    steps = below;
  }
  return found;
}

/** A folder of the tree that changes, with the ones below it. */
interface Edit {
  readonly prefix: number;
  readonly level: Level;
  /** Changed folders below, by two digits. */
  readonly below: Map<string, Edit>;
}

/**
 * Changes notes along their paths: only folders on the way are read and written. Fan-out is where git puts it: a folder
 * is cut up as soon as each of the sixteen first digits has two notes or a folder. What somebody else cut up otherwise
 * is left so.
 * @param root null: there are no notes yet
 * @returns the new root (the empty tree when nothing is left) and trees that the old one does not have
 */
export async function editNotes(
  reader: NotesReader,
  root: Oid | null,
  changes: NoteChanges,
): Promise<{ readonly root: Oid; readonly objects: readonly GitObject[] }> {
  const edits: Edit[][] = [];
  const first = root === null ? [] : ((await readTrees(reader, [root])).get(root) ?? []);
  const top: Edit = { prefix: 0, level: openLevel(first, 0), below: new Map() };
  let open: { readonly edit: Edit; readonly changes: NoteChanges }[] = [{ edit: top, changes }];
  // Level by level downwards; the ids end the way after twenty.
  while (open.length > 0) {
    edits.push(open.map(({ edit }) => edit));
    const routed = open.flatMap(({ edit, changes: own }) =>
      [...applyChanges(edit, own)].map(([name, part]) => ({ edit, name, part })),
    );
    const wanted = routed.flatMap(({ edit, name }) => edit.level.folders.get(name)?.oid ?? []);
    const trees = await readTrees(reader, wanted);
    open = routed.map(({ edit, name, part }) => {
      const tree = edit.level.folders.get(name)?.oid;
      const prefix = edit.prefix + 2;
      const child: Edit = {
        prefix,
        level: openLevel((tree && trees.get(tree)) ?? [], prefix),
        below: new Map(),
      };
      edit.below.set(name, child);
      return { edit: child, changes: part };
    });
  }
  return writeEdits(edits.reverse().flat(), top);
}

/** Applies what belongs into this folder; gives what belongs into the ones below, by two digits. */
function applyChanges({ prefix, level }: Edit, changes: NoteChanges): Map<string, Map<Oid, Oid | null>> {
  const { notes, folders } = level;
  const below = new Map<string, Map<Oid, Oid | null>>();
  const route = (oid: string, blob: Oid | null) => {
    const name = oid.slice(prefix, prefix + 2);
    const part = below.get(name) ?? new Map<Oid, Oid | null>();
    below.set(name, part.set(oid as Oid, blob)); // an id, whole or put together again below
  };
  let stem = "";
  for (const [oid, blob] of changes) {
    stem = oid.slice(0, prefix);
    const rest = oid.slice(prefix);
    notes.delete(rest);
    if (folders.has(rest.slice(0, 2))) route(oid, blob);
    else if (blob !== null) notes.set(rest, { mode: FILE_MODE, name: rest as ByteString, oid: blob }); // hex is ASCII
  }
  if (prefix > DEEPEST_FAN_OUT || !isCrowded(level)) return below;
  for (const [rest, { oid: blob }] of notes) route(stem + rest, blob);
  notes.clear();
  return below;
}

function isCrowded({ notes, folders }: Level): boolean {
  const counts = new Map<string, number>();
  for (const name of notes.keys()) counts.set(name.slice(0, 1), (counts.get(name.slice(0, 1)) ?? 0) + 1);
  for (const name of folders.keys()) counts.set(name.slice(0, 1), 2);
  return counts.size === 16 && [...counts.values()].every((count) => count >= 2);
}

/** Encodes folders, those below first. */
function writeEdits(edits: readonly Edit[], top: Edit): { root: Oid; objects: readonly GitObject[] } {
  const objects = new Map<Oid, GitObject>();
  const written = new Map<Edit, Oid | null>();
  let root: GitObject | null = null;
  for (const edit of edits) {
    const { level, below } = edit;
    for (const [name, child] of below) {
      const oid = written.get(child) ?? null;
      if (oid === null) level.folders.delete(name);
      else level.folders.set(name, { mode: DIRECTORY_MODE, name: name as ByteString, oid }); // hex is ASCII
    }
    const entries = [...level.notes.values(), ...level.folders.values(), ...level.others];
    if (entries.length === 0 && edit !== top) {
      written.set(edit, null);
      continue;
    }
    const data = encodeTree(entries.sort(compareTreeEntries));
    root = { oid: hashObject("tree", data), type: "tree", data };
    objects.set(root.oid, root);
    written.set(edit, root.oid);
  }
  // The last of them is the top.
  return { root: root?.oid ?? EMPTY_TREE_OID, objects: [...objects.values()] };
}

function openLevel(entries: readonly TreeEntry[], prefix: number): Level {
  const notes = new Map<string, TreeEntry>();
  const folders = new Map<string, TreeEntry>();
  const others: TreeEntry[] = [];
  for (const entry of entries) {
    const { name } = entry;
    if (isNoteName(name, prefix) && entryKind(entry) === "file") notes.set(name, entry);
    else if (FOLDER_NAME.test(name) && isDirectory(entry)) folders.set(name, entry);
    else others.push(entry);
  }
  return { notes, folders, others };
}

function isNoteName(name: string, prefix: number): boolean {
  return name.length === HEX_DIGITS - prefix && /^[0-9a-f]+$/.test(name);
}

/** The object that a note at this path is about; null when the path is no note's. */
export function parseNotePath(path: string): Oid | null {
  const text = path.replaceAll("/", "");
  const folders = path.split("/").slice(0, -1);
  return isNoteName(text, 0) && folders.every((name) => name.length === 2) ? (text as Oid) : null; // just checked
}
