import type { ByteString } from "../bytes/text.ts";
import { EMPTY_TREE_OID, type Oid } from "../hash/oid.ts";
import { decodeCommit } from "../object/commit.ts";
import { type CommitLinks, decodeCommitLinks } from "../object/commit-links.ts";
import { entryKind, type TreeEntry } from "../object/tree.ts";
import type { GitObject, ObjectReader } from "../ports.ts";
import { createPathLookup, type PathLookup } from "../tree/path-lookup.ts";
import { type CommitGraph, type CommitNode, createCommitGraph, createDateQueue } from "./commit-graph.ts";
import type { HistoryEntry } from "./history.ts";

export interface PathHistoryQuery {
  /** Commits to start from. */
  readonly from: readonly Oid[];
  /** A file or a directory; the empty path is the whole tree. */
  readonly path: ByteString;
}

interface Node extends CommitNode, CommitLinks {
  /** Let go when the commit is done. */
  data: Uint8Array | null;
}

/**
 * The commits that `git log -- path` shows, in its order, with its default simplification: a merge that has the path
 * as one of its parents has it is passed over, and only that parent is followed.
 * @throws GitError missing-object, wrong-type, corrupt-object
 */
export async function* walkPathHistory(
  reader: Pick<ObjectReader, "readObjects">,
  { from, path }: PathHistoryQuery,
): AsyncGenerator<HistoryEntry, void, undefined> {
  const graph = createCommitGraph<Node>(reader, decodeNode);
  const lookUp = createPathLookup(reader, path);
  const queue = createDateQueue<Node>();
  const enqueue = (oid: Oid) => {
    const node = graph.nodes.get(oid);
    if (!node || node.seen) return;
    node.seen = true;
    queue.put(node);
  };
  await graph.load(from, queue);
  from.forEach(enqueue);
  for (let node = queue.take(); node; node = queue.take()) {
    await graph.load(node.parents, queue);
    const { changed, follow } = await compareWithParents(graph, lookUp, node);
    if (changed && node.data) yield { oid: node.oid, commit: decodeCommit(node.data) };
    node.data = null;
    follow.forEach(enqueue);
  }
}

/** Whether the commit changed the path, and the parents whose history of it goes on. */
async function compareWithParents(
  graph: CommitGraph<Node>,
  lookUp: PathLookup,
  node: Node,
): Promise<{ readonly changed: boolean; readonly follow: readonly Oid[] }> {
  const [first] = node.parents;
  const parents = node.parents.map((oid) => graph.nodes.get(oid)?.tree ?? EMPTY_TREE_OID);
  if (first && parents[0] === node.tree) return { changed: false, follow: [first] };
  const [entry = null, ...theirs] = await lookUp([node.tree, ...parents]);
  const now = toComparable(entry);
  if (!first) return { changed: now !== toComparable(null), follow: [] };
  const same = node.parents[theirs.findIndex((other) => toComparable(other) === now)];
  return same ? { changed: false, follow: [same] } : { changed: true, follow: node.parents };
}

/** What counts as the same: the object and the mode as git reads it. An empty directory is as good as none. */
function toComparable(entry: TreeEntry | null): string {
  if (!entry || entry.oid === EMPTY_TREE_OID) return "";
  const kind = entryKind(entry);
  const executable = kind === "file" && (Number.parseInt(entry.mode, 8) & 0o100) !== 0;
  return `${executable ? "executable" : kind} ${entry.oid}`;
}

function decodeNode({ oid, data }: GitObject): Node {
  return { oid, data, ...decodeCommitLinks(data), seen: false };
}
