import type { ByteString } from "../../git/bytes/text.ts";
import { GitError } from "../../git/errors.ts";
import { EMPTY_TREE_OID, type Oid } from "../../git/hash/oid.ts";
import { decodeCommit } from "../../git/object/commit.ts";
import { isDirectory, type TreeEntry } from "../../git/object/tree.ts";
import type { ObjectReader } from "../../git/ports.ts";
import type { PutEntry } from "../../git/tree/edit-tree.ts";
import { readTrees } from "../../git/tree/read-trees.ts";

/** A path that is not a directory on at least one side. */
export interface TreeChangeEntry {
  readonly before: PutEntry | null;
  readonly after: PutEntry | null;
}

/** Files that one look may find; a comparison of more is refused rather than held in memory. */
const MAX_CHANGES = 200_000;

interface Pair {
  /** Ends with a slash, unless it is the root. */
  readonly prefix: string;
  readonly before: Oid;
  readonly after: Oid;
}

/**
 * Files, links and submodules that differ between two commits (null: nothing at all), by path. Equal directories are
 * passed over unread, so the cost grows with what changed.
 * @throws GitError limit-exceeded beyond `max` paths; missing-object, wrong-type, corrupt-object
 */
export async function listTreeChanges(
  reader: ObjectReader,
  from: Oid | null,
  to: Oid | null,
  max = MAX_CHANGES,
): Promise<ReadonlyMap<ByteString, TreeChangeEntry>> {
  const changes = new Map<ByteString, TreeChangeEntry>();
  let level: Pair[] = [
    { prefix: "", before: await readRoot(reader, from), after: await readRoot(reader, to) },
  ];
  let seen = 0;
  while (level.length > 0) {
    const trees = await readTrees(
      reader,
      level.flatMap(({ before, after }) => [before, after]),
    );
    const next: Pair[] = [];
    for (const pair of level) comparePair(pair, trees, { changes, next });
    seen += level.length;
    if (changes.size > max || seen > max) {
      throw new GitError("limit-exceeded", `more than ${max} paths differ`, { limit: max });
    }
    level = next.filter(({ before, after }) => before !== after);
  }
  return changes;
}

function comparePair(
  { prefix, before, after }: Pair,
  trees: ReadonlyMap<Oid, readonly TreeEntry[]>,
  out: { readonly changes: Map<ByteString, TreeChangeEntry>; readonly next: Pair[] },
): void {
  const old = new Map((trees.get(before) ?? []).map((entry) => [entry.name, entry]));
  const compare = (name: ByteString, left: TreeEntry | null, right: TreeEntry | null) => {
    const path = (prefix + name) as ByteString; // Both are bytes.
    const leftTree = left && isDirectory(left) ? left.oid : EMPTY_TREE_OID;
    const rightTree = right && isDirectory(right) ? right.oid : EMPTY_TREE_OID;
    if (leftTree !== rightTree) out.next.push({ prefix: `${path}/`, before: leftTree, after: rightTree });
    const leftFile = left && !isDirectory(left) ? { mode: left.mode, oid: left.oid } : null;
    const rightFile = right && !isDirectory(right) ? { mode: right.mode, oid: right.oid } : null;
    if (leftFile?.oid !== rightFile?.oid || leftFile?.mode !== rightFile?.mode) {
      out.changes.set(path, { before: leftFile, after: rightFile });
    }
  };
  for (const entry of trees.get(after) ?? []) {
    compare(entry.name, old.get(entry.name) ?? null, entry);
    old.delete(entry.name);
  }
  for (const entry of old.values()) compare(entry.name, entry, null);
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
