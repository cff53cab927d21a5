import type { Oid } from "../hash/oid.ts";
import { isDirectory, type TreeEntry } from "../object/tree.ts";
import type { ObjectReader } from "../ports.ts";
import { readTrees } from "./read-trees.ts";
import type { TreeEdit } from "./tree-edit.ts";

/** A tree on the way to some paths: each is `[path, offset of the segment to look up in it]`. */
type Level = Map<Oid, [path: string, start: number][]>;

/**
 * Every tree that applying the edits can open: those on the way from the root to each path, and in a directory that is
 * put somewhere, those on the way to what is edited inside it. One read a level.
 */
export async function readTouchedTrees(
  reader: Pick<ObjectReader, "readObjects">,
  root: Oid | null,
  edits: readonly TreeEdit[],
): Promise<ReadonlyMap<Oid, readonly TreeEntry[]>> {
  const trees = new Map<Oid, readonly TreeEntry[]>();
  let level = firstLevel(root, edits);
  while (level.size > 0) {
    const read = await readTrees(
      reader,
      [...level.keys()].filter((oid) => !trees.has(oid)),
    );
    for (const [oid, tree] of read) trees.set(oid, tree);
    const below: Level = new Map();
    for (const [oid, steps] of level) descend(trees.get(oid) ?? [], steps, below);
    level = below;
  }
  return trees;
}

function firstLevel(root: Oid | null, edits: readonly TreeEdit[]): Level {
  const level: Level = new Map();
  const paths = edits.map((edit) => edit.path).sort(compareBytes);
  if (root) for (const path of paths) addStep(level, root, path, 0);
  for (const { path, entry } of edits) {
    if (!entry || !isDirectory(entry)) continue;
    const inside = `${path}/`;
    for (let i = lowerBound(paths, inside); paths[i]?.startsWith(inside); i++) {
      addStep(level, entry.oid, paths[i] as string, inside.length);
    }
  }
  return level;
}

function descend(tree: readonly TreeEntry[], steps: readonly [string, number][], below: Level): void {
  const stepsByName = new Map<string, [string, number][]>();
  for (const [path, start] of steps) {
    const slash = path.indexOf("/", start);
    if (slash < 0) continue;
    const name = path.slice(start, slash);
    const same = stepsByName.get(name);
    if (same) same.push([path, slash + 1]);
    else stepsByName.set(name, [[path, slash + 1]]);
  }
  if (stepsByName.size === 0) return;
  for (const entry of tree) {
    const wanted = stepsByName.get(entry.name);
    if (wanted && isDirectory(entry))
      for (const [path, start] of wanted) addStep(below, entry.oid, path, start);
    if (wanted) stepsByName.delete(entry.name);
  }
}

function addStep(level: Level, oid: Oid, path: string, start: number): void {
  const steps = level.get(oid);
  if (steps) steps.push([path, start]);
  else level.set(oid, [[path, start]]);
}

function compareBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Index of the first of the sorted texts that is not less than `text`. */
function lowerBound(sorted: readonly string[], text: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as string) < text) low = middle + 1;
    else high = middle;
  }
  return low;
}
