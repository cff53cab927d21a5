import type { ByteString } from "../bytes/text.ts";
import { GitError } from "../errors.ts";
import type { Oid } from "../hash/oid.ts";
import { isDirectory, type TreeEntry, type TreeMode } from "../object/tree.ts";
import type { ObjectReader } from "../ports.ts";
import { findEntry } from "./find-entry.ts";
import { readTrees } from "./read-trees.ts";

export const MAX_LISTED_ENTRIES = 1_000_000;
/** Levels of directories; git stops at 4,096 as well (core.maxTreeDepth). */
export const MAX_TREE_DEPTH = 4_096;

export interface ListedEntry {
  /** Full path from the root, also when a prefix was given. */
  readonly path: ByteString;
  readonly mode: TreeMode;
  readonly oid: Oid;
}

export interface ListTreeOptions {
  readonly recursive: boolean;
  /** Directory to list, without a slash at its end; default the root. Not there, or not a directory: no entries. */
  readonly prefix?: ByteString;
  /** Default {@link MAX_LISTED_ENTRIES}. */
  readonly maxEntries?: number;
}

/**
 * Lists a directory as `git ls-tree [-r -t]` does: in git's order, directories included, each before what is in it.
 * Reads each distinct tree once, one read a level.
 * @throws GitError limit-exceeded above `maxEntries` entries or {@link MAX_TREE_DEPTH} levels; missing-object,
 * wrong-type, corrupt-object
 */
export async function listTree(
  reader: ObjectReader,
  root: Oid,
  options: ListTreeOptions,
): Promise<readonly ListedEntry[]> {
  const { recursive, prefix = "" as ByteString, maxEntries = MAX_LISTED_ENTRIES } = options;
  const start = await findEntry(reader, root, prefix);
  if (!start || !isDirectory(start)) return [];
  const trees = recursive
    ? await readTreesBelow(reader, start.oid, maxEntries)
    : await readTrees(reader, [start.oid]);
  return flatten(trees, start.oid, prefix, maxEntries);
}

/** All distinct trees from `root` down. Each entry read is one that is listed, so `maxEntries` bounds the reading too. */
async function readTreesBelow(
  reader: ObjectReader,
  root: Oid,
  maxEntries: number,
): Promise<ReadonlyMap<Oid, readonly TreeEntry[]>> {
  const trees = new Map<Oid, readonly TreeEntry[]>();
  let level = new Set([root]);
  let entryCount = 0;
  for (let depth = 0; level.size > 0; depth++) {
    if (depth >= MAX_TREE_DEPTH) throw tooLarge(`directories are nested more than ${MAX_TREE_DEPTH} deep`);
    const read = await readTrees(reader, level);
    const below = new Set<Oid>();
    for (const oid of level) {
      const tree = read.get(oid) ?? [];
      trees.set(oid, tree);
      entryCount += tree.length;
      if (entryCount > maxEntries) throw tooLarge(`more than ${maxEntries} entries`, maxEntries);
      for (const entry of tree) if (isDirectory(entry) && !trees.has(entry.oid)) below.add(entry.oid);
    }
    for (const oid of level) below.delete(oid);
    level = below;
  }
  return trees;
}

/** Directories whose tree is not in `trees` are listed, not entered. */
function flatten(
  trees: ReadonlyMap<Oid, readonly TreeEntry[]>,
  root: Oid,
  prefix: ByteString,
  maxEntries: number,
): readonly ListedEntry[] {
  const listed: ListedEntry[] = [];
  const stack = [{ tree: trees.get(root) ?? [], base: prefix === "" ? "" : `${prefix}/`, next: 0 }];
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    const entry = top.tree[top.next++];
    if (!entry) {
      stack.pop();
      continue;
    }
    if (listed.length >= maxEntries) throw tooLarge(`more than ${maxEntries} entries`, maxEntries);
    const path = (top.base + entry.name) as ByteString;
    listed.push({ path, mode: entry.mode, oid: entry.oid });
    const tree = entry.oid !== root && isDirectory(entry) ? trees.get(entry.oid) : undefined;
    if (tree && tree.length > 0) {
      if (stack.length >= MAX_TREE_DEPTH)
        throw tooLarge(`directories are nested more than ${MAX_TREE_DEPTH} deep`);
      stack.push({ tree, base: `${path}/`, next: 0 });
    }
  }
  return listed;
}

function tooLarge(message: string, limit = MAX_TREE_DEPTH): GitError {
  return new GitError("limit-exceeded", `tree is too large: ${message}`, { limit });
}
