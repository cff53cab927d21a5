import { EMPTY_TREE_OID, type Oid } from "../hash/oid.ts";
import { isDirectory } from "../object/tree.ts";
import { readTrees } from "../tree/read-trees.ts";
import { FOLDER_NAME, type NoteChanges, type NotesReader, parseNotePath } from "./note-tree.ts";

/** Nineteen folders and their slashes: what is below them is no note. */
const DEEPEST_STEM = 57;

interface Pair {
  readonly stem: string;
  readonly a: Oid;
  readonly b: Oid;
}

/**
 * Which notes changed between two notes trees, whatever their fan-out: a note that only moved to another folder did not.
 * Reads only where the trees differ.
 * @param a null: no notes
 */
export async function diffNotes(reader: NotesReader, a: Oid | null, b: Oid): Promise<NoteChanges> {
  const before = new Map<Oid, Oid>();
  const after = new Map<Oid, Oid>();
  let level: Pair[] = [{ stem: "", a: a ?? EMPTY_TREE_OID, b }];
  while (level.length > 0) {
    const differing = level.filter((pair) => pair.a !== pair.b);
    const trees = await readTrees(
      reader,
      differing.flatMap((pair) => [pair.a, pair.b]),
    );
    level = differing.flatMap(({ stem, a: left, b: right }) => {
      const sides = [
        { entries: trees.get(left) ?? [], notes: before },
        { entries: trees.get(right) ?? [], notes: after },
      ];
      const folders = sides.map(({ entries, notes }) => {
        const below = new Map<string, Oid>();
        for (const entry of entries) {
          const annotated = parseNotePath(stem + entry.name);
          if (isDirectory(entry)) below.set(entry.name, entry.oid);
          else if (annotated) notes.set(annotated, entry.oid);
        }
        return below;
      });
      const [inA = new Map<string, Oid>(), inB = new Map<string, Oid>()] = folders;
      return [...new Set([...inA.keys(), ...inB.keys()])]
        .filter((name) => FOLDER_NAME.test(name) && stem.length < DEEPEST_STEM)
        .map((name) => ({
          stem: `${stem}${name}/`,
          a: inA.get(name) ?? EMPTY_TREE_OID,
          b: inB.get(name) ?? EMPTY_TREE_OID,
        }));
    });
  }
  const changes = new Map<Oid, Oid | null>();
  for (const annotated of before.keys()) if (!after.has(annotated)) changes.set(annotated, null);
  for (const [annotated, blob] of after) if (before.get(annotated) !== blob) changes.set(annotated, blob);
  return changes;
}
