import { GitError } from "../errors.ts";
import { EMPTY_TREE_OID, type Oid } from "../hash/oid.ts";
import { decodeTree, type TreeEntry } from "../object/tree.ts";
import type { ObjectReader } from "../ports.ts";

/** Trees asked of a store at once; bounds what one call can hold in memory. */
const TREES_PER_READ = 4_096;

/**
 * The entries of many trees. The empty tree need not be stored: git knows it too.
 * @throws GitError missing-object, wrong-type, corrupt-object
 */
export async function readTrees(
  reader: Pick<ObjectReader, "readObjects">,
  oids: Iterable<Oid>,
): Promise<Map<Oid, readonly TreeEntry[]>> {
  const trees = new Map<Oid, readonly TreeEntry[]>();
  const wanted = [...new Set(oids)].filter((oid) => oid !== EMPTY_TREE_OID);
  for (let start = 0; start < wanted.length; start += TREES_PER_READ) {
    const { found, missing } = await reader.readObjects(wanted.slice(start, start + TREES_PER_READ));
    if (missing.length > 0) {
      throw new GitError("missing-object", `tree ${missing[0]} is missing`, { oid: missing[0] });
    }
    for (const { oid, type, data } of found.values()) {
      if (type !== "tree") throw new GitError("wrong-type", `${oid} is a ${type}, not a tree`, { oid, type });
      trees.set(oid, decodeTree(data));
    }
  }
  trees.set(EMPTY_TREE_OID, []);
  return trees;
}
