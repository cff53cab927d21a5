import type { ByteString } from "../bytes/text.ts";
import { EMPTY_TREE_OID, type Oid } from "../hash/oid.ts";
import { isDirectory, type TreeEntry } from "../object/tree.ts";
import type { ObjectReader } from "../ports.ts";
import { readTrees } from "./read-trees.ts";

/** A file, link or gitlink that two trees have differently. */
export interface ChangedPath {
  readonly path: ByteString;
  /** null: the tree has nothing there. */
  readonly before: TreeEntry | null;
  readonly after: TreeEntry | null;
}

interface Pair {
  readonly prefix: string;
  readonly before: Oid | null;
  readonly after: Oid | null;
}

/**
 * Paths at which two trees differ; directories that are equal are not opened. One read a level; memory is a level's trees.
 * @throws GitError missing-object, wrong-type, corrupt-object
 */
export async function* listChangedPaths(
  reader: Pick<ObjectReader, "readObjects">,
  before: Oid | null,
  after: Oid | null,
): AsyncGenerator<ChangedPath, void, undefined> {
  let level: Pair[] = before === after ? [] : [{ prefix: "", before, after }];
  while (level.length > 0) {
    const trees = await readTrees(
      reader,
      level.flatMap((pair) => [pair.before ?? EMPTY_TREE_OID, pair.after ?? EMPTY_TREE_OID]),
    );
    const entriesOf = (oid: Oid | null) => trees.get(oid ?? EMPTY_TREE_OID) ?? [];
    const below: Pair[] = [];
    for (const pair of level) {
      for (const change of compareEntries(entriesOf(pair.before), entriesOf(pair.after))) {
        const path = `${pair.prefix}${change.path}` as ByteString; // bytes joined to bytes
        const [old, fresh] = [splitEntry(change.before), splitEntry(change.after)];
        if (old.tree !== fresh.tree) below.push({ prefix: `${path}/`, before: old.tree, after: fresh.tree });
        if (old.file !== null || fresh.file !== null) yield { path, before: old.file, after: fresh.file };
      }
    }
    level = below;
  }
}

function compareEntries(before: readonly TreeEntry[], after: readonly TreeEntry[]): ChangedPath[] {
  const rest = new Map(after.map((entry) => [entry.name, entry]));
  const changes: ChangedPath[] = [];
  for (const entry of before) {
    const other = rest.get(entry.name) ?? null;
    rest.delete(entry.name);
    if (other?.oid === entry.oid && other.mode === entry.mode) continue;
    changes.push({ path: entry.name, before: entry, after: other });
  }
  for (const entry of rest.values()) changes.push({ path: entry.name, before: null, after: entry });
  return changes;
}

function splitEntry(entry: TreeEntry | null): { readonly tree: Oid | null; readonly file: TreeEntry | null } {
  if (entry === null) return { tree: null, file: null };
  return isDirectory(entry) ? { tree: entry.oid, file: null } : { tree: null, file: entry };
}
