import type { ByteString } from "../bytes/text.ts";
import type { Oid } from "../hash/oid.ts";
import { DIRECTORY_MODE, isDirectory, type TreeEntry } from "../object/tree.ts";
import type { ObjectReader } from "../ports.ts";
import { readTrees } from "./read-trees.ts";

/** The rest of one path that was asked for, below a tree that is read next. */
interface Step {
  readonly path: ByteString;
  /** Offset in `path` of the segment to look up. */
  readonly start: number;
}

/**
 * The entries at the given paths; paths that do not exist are left out. An entry's name is its last segment, and the
 * empty path is the root itself, as a directory without a name. Reads each tree once, one read a level.
 * @throws GitError missing-object, wrong-type, corrupt-object
 */
export async function findEntries(
  reader: ObjectReader,
  root: Oid,
  paths: readonly ByteString[],
): Promise<ReadonlyMap<ByteString, TreeEntry>> {
  const entries = new Map<ByteString, TreeEntry>();
  let level = new Map<Oid, Step[]>();
  for (const path of new Set(paths)) {
    if (path === "") entries.set(path, { mode: DIRECTORY_MODE, name: path, oid: root });
    else addStep(level, root, { path, start: 0 });
  }
  while (level.size > 0) {
    const trees = await readTrees(reader, level.keys());
    const below = new Map<Oid, Step[]>();
    for (const [oid, steps] of level) takeSteps(trees.get(oid) ?? [], steps, entries, below);
    level = below;
  }
  return entries;
}

/** Looks up one segment of every path in one tree: answers go to `found`, what lies deeper to `below`. */
function takeSteps(
  tree: readonly TreeEntry[],
  steps: readonly Step[],
  found: Map<ByteString, TreeEntry>,
  below: Map<Oid, Step[]>,
): void {
  const stepsByName = new Map<string, Step[]>();
  for (const step of steps) {
    const name = step.path.slice(step.start, segmentEnd(step));
    const same = stepsByName.get(name);
    if (same) same.push(step);
    else stepsByName.set(name, [step]);
  }
  for (const entry of tree) {
    const wanted = stepsByName.get(entry.name);
    if (!wanted) continue;
    stepsByName.delete(entry.name); // of duplicates in a corrupt tree, the first counts
    for (const step of wanted) {
      const end = segmentEnd(step);
      if (end === step.path.length) found.set(step.path, entry);
      else if (isDirectory(entry)) addStep(below, entry.oid, { path: step.path, start: end + 1 });
    }
    if (stepsByName.size === 0) return;
  }
}

function segmentEnd({ path, start }: Step): number {
  const slash = path.indexOf("/", start);
  return slash < 0 ? path.length : slash;
}

function addStep(level: Map<Oid, Step[]>, oid: Oid, step: Step): void {
  const steps = level.get(oid);
  if (steps) steps.push(step);
  else level.set(oid, [step]);
}
