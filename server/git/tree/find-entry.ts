import type { ByteString } from "../bytes/text.ts";
import type { Oid } from "../hash/oid.ts";
import type { TreeEntry } from "../object/tree.ts";
import type { ObjectReader } from "../ports.ts";
import { createPathLookup } from "./path-lookup.ts";

/**
 * The entry at `path` below `root`, or null; the empty path is the root itself, as a directory without a name.
 * @throws GitError missing-object, wrong-type, corrupt-object
 */
export async function findEntry(
  reader: Pick<ObjectReader, "readObjects">,
  root: Oid,
  path: ByteString,
): Promise<TreeEntry | null> {
  const [entry = null] = await createPathLookup(reader, path)([root]);
  return entry;
}
