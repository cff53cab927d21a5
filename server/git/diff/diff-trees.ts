import type { ByteString } from "../bytes/text.ts";
import type { Oid } from "../hash/oid.ts";
import { isDirectory, type TreeEntry } from "../object/tree.ts";
import type { ObjectReader } from "../ports.ts";
import { readTrees } from "../tree/read-trees.ts";

/** A path that is not the same in two trees. Never a directory; a file that became one is gone, with others new below. */
export interface TreeChange {
  readonly path: ByteString;
  readonly old: TreeEntry | null;
  readonly next: TreeEntry | null;
}

interface Pair {
  readonly prefix: string;
  readonly a: Oid | null;
  readonly b: Oid | null;
}

/**
 * Paths that differ between two trees, in byte order; null stands for an empty tree. Reads only where the trees differ:
 * one read a level, and nothing below equal ids.
 * @throws GitError missing-object, wrong-type, corrupt-object
 */
export async function diffTrees(
  reader: Pick<ObjectReader, "readObjects">,
  a: Oid | null,
  b: Oid | null,
): Promise<readonly TreeChange[]> {
  const changes: TreeChange[] = [];
  let level: Pair[] = a === b ? [] : [{ prefix: "", a, b }];
  while (level.length > 0) {
    const trees = await readTrees(
      reader,
      level.flatMap((pair) => [pair.a, pair.b].filter((oid): oid is Oid => oid !== null)),
    );
    const below: Pair[] = [];
    for (const pair of level) {
      const old = pair.a === null ? [] : (trees.get(pair.a) ?? []);
      const next = pair.b === null ? [] : (trees.get(pair.b) ?? []);
      compareFolders(pair.prefix, { old, next }, { changes, below });
    }
    level = below;
  }
  return changes.sort((left, right) => (left.path < right.path ? -1 : left.path > right.path ? 1 : 0));
}

function compareFolders(
  prefix: string,
  sides: { readonly old: readonly TreeEntry[]; readonly next: readonly TreeEntry[] },
  found: { readonly changes: TreeChange[]; readonly below: Pair[] },
): void {
  const old = new Map(sides.old.map((entry) => [entry.name, entry]));
  const next = new Map(sides.next.map((entry) => [entry.name, entry]));
  for (const name of new Set([...old.keys(), ...next.keys()])) {
    const before = old.get(name) ?? null;
    const after = next.get(name) ?? null;
    if (before && after && before.oid === after.oid && before.mode === after.mode) continue;
    const path = (prefix + name) as ByteString;
    const a = before && isDirectory(before) ? before : null;
    const b = after && isDirectory(after) ? after : null;
    if ((a || b) && a?.oid !== b?.oid) {
      found.below.push({ prefix: `${path}/`, a: a?.oid ?? null, b: b?.oid ?? null });
    }
    const file = { old: a ? null : before, next: b ? null : after };
    if (file.old || file.next) found.changes.push({ path, ...file });
  }
}
