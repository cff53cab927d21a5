import { formatByteString } from "../../git/bytes/text.ts";
import { GitError } from "../../git/errors.ts";
import { EMPTY_TREE_OID, type Oid } from "../../git/hash/oid.ts";
import { decodeCommit } from "../../git/object/commit.ts";
import { isDirectory, type TreeEntry } from "../../git/object/tree.ts";
import type { ObjectReader } from "../../git/ports.ts";
import { readTrees } from "../../git/tree/read-trees.ts";

export interface ChangedPaths {
  /** Sorted. */
  readonly paths: readonly string[];
  /** There are more, or they could not be read. */
  readonly truncated: boolean;
}

/** Trees read for one answer; a move that touches more is told without all of its paths. */
const MAX_TREES = 4_000;

interface Pair {
  /** Ends with a slash, unless it is the root. */
  readonly prefix: string;
  readonly before: Oid;
  readonly after: Oid;
}

/**
 * Files (links and submodules too) that differ between two commits; null stands for nothing at all. Equal directories
 * are passed over unread, so the cost grows with what changed.
 */
export async function listChangedPaths(
  reader: ObjectReader,
  from: Oid | null,
  to: Oid | null,
  options: { readonly maxPaths: number },
): Promise<ChangedPaths> {
  const paths: string[] = [];
  let level: Pair[] = [
    { prefix: "", before: await readRoot(reader, from), after: await readRoot(reader, to) },
  ];
  for (let seen = 0; level.length > 0; ) {
    seen += level.length;
    if (seen > MAX_TREES) return { paths: paths.sort(), truncated: true };
    const trees = await readTrees(
      reader,
      level.flatMap(({ before, after }) => [before, after]),
    );
    const next: Pair[] = [];
    for (const pair of level) {
      comparePair(pair, trees, { paths, next });
      if (paths.length > options.maxPaths) {
        return { paths: paths.sort().slice(0, options.maxPaths), truncated: true };
      }
    }
    level = next;
  }
  return { paths: paths.sort(), truncated: false };
}

function comparePair(
  { prefix, before, after }: Pair,
  trees: ReadonlyMap<Oid, readonly TreeEntry[]>,
  out: { readonly paths: string[]; readonly next: Pair[] },
): void {
  const old = new Map((trees.get(before) ?? []).map((entry) => [entry.name, entry]));
  const add = (name: TreeEntry["name"], left: TreeEntry | null, right: TreeEntry | null) => {
    const path = prefix + formatByteString(name);
    const leftTree = left && isDirectory(left) ? left.oid : null;
    const rightTree = right && isDirectory(right) ? right.oid : null;
    if (leftTree !== rightTree) {
      out.next.push({
        prefix: `${path}/`,
        before: leftTree ?? EMPTY_TREE_OID,
        after: rightTree ?? EMPTY_TREE_OID,
      });
    }
    const leftFile = left && leftTree === null ? left : null;
    const rightFile = right && rightTree === null ? right : null;
    if (leftFile?.oid !== rightFile?.oid || leftFile?.mode !== rightFile?.mode) out.paths.push(path);
  };
  for (const entry of trees.get(after) ?? []) {
    add(entry.name, old.get(entry.name) ?? null, entry);
    old.delete(entry.name);
  }
  for (const entry of old.values()) add(entry.name, entry, null);
}

async function readRoot(reader: ObjectReader, commit: Oid | null): Promise<Oid> {
  if (commit === null) return EMPTY_TREE_OID;
  const object = (await reader.readObjects([commit])).found.get(commit);
  if (!object) throw new GitError("missing-object", `commit ${commit} is missing`, { oid: commit });
  if (object.type !== "commit") {
    throw new GitError("wrong-type", `${commit} is a ${object.type}, not a commit`, { oid: commit });
  }
  return decodeCommit(object.data).tree;
}
