import type { ByteString } from "../bytes/text.ts";
import { GitError } from "../errors.ts";
import { EMPTY_TREE_OID, type Oid } from "../hash/oid.ts";
import { DIRECTORY_MODE, findTreeEntry, isDirectory, type TreeEntry } from "../object/tree.ts";
import type { ObjectReader } from "../ports.ts";

/** The entries that many root trees have at one path, in the order of `roots`; null where there is none. */
export type PathLookup = (roots: readonly Oid[]) => Promise<readonly (TreeEntry | null)[]>;

/** Answers remembered for each level; a history has few distinct trees at one place in a row. */
const REMEMBERED_PER_LEVEL = 4_096;

/**
 * Looks one path up in many trees: one read a level for all of them, and a tree that was seen before is not read
 * again. The empty path is the root itself, as a directory without a name.
 * @throws GitError missing-object, wrong-type, corrupt-object (from the look-up)
 */
export function createPathLookup(reader: Pick<ObjectReader, "readObjects">, path: ByteString): PathLookup {
  const segments = path === "" ? [] : (path.split("/") as ByteString[]); // a part of a byte string is one
  const remembered = segments.map(() => new Map<Oid, TreeEntry | null>());

  async function learn(level: number, trees: readonly Oid[]): Promise<ReadonlyMap<Oid, TreeEntry | null>> {
    const answers = remembered[level] as Map<Oid, TreeEntry | null>; // level < segments.length
    const wanted = [...new Set(trees)].filter((oid) => !answers.has(oid) && oid !== EMPTY_TREE_OID);
    if (wanted.length === 0) return answers;
    const { found, missing } = await reader.readObjects(wanted);
    if (missing.length > 0) {
      throw new GitError("missing-object", `tree ${missing[0]} is missing`, { oid: missing[0] });
    }
    if (answers.size > REMEMBERED_PER_LEVEL)
      for (const oid of answers.keys()) if (!trees.includes(oid)) answers.delete(oid);
    for (const { oid, type, data } of found.values()) {
      if (type !== "tree") throw new GitError("wrong-type", `${oid} is a ${type}, not a tree`, { oid, type });
      answers.set(oid, findTreeEntry(data, segments[level] as ByteString));
    }
    return answers;
  }

  return async (roots) => {
    let entries: (TreeEntry | null)[] = roots.map((oid) => ({
      mode: DIRECTORY_MODE,
      name: "" as ByteString,
      oid,
    }));
    for (let level = 0; level < segments.length; level++) {
      const trees = entries.map((entry) => (entry && isDirectory(entry) ? entry.oid : EMPTY_TREE_OID));
      const answers = await learn(level, trees);
      entries = trees.map((oid) => answers.get(oid) ?? null);
    }
    return entries;
  };
}
