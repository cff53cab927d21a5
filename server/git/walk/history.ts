import { GitError } from "../errors.ts";
import type { Oid } from "../hash/oid.ts";
import { type Commit, decodeCommit } from "../object/commit.ts";
import type { GitObject, ObjectReader } from "../ports.ts";
import { type CommitNode, createCommitGraph, createDateQueue } from "./commit-graph.ts";
import { walkLimited } from "./limited-walk.ts";

export interface HistoryEntry {
  readonly oid: Oid;
  readonly commit: Commit;
}

export interface HistoryQuery {
  /** Commits to start from. */
  readonly from: readonly Oid[];
  /** Commits that are left out, with all their ancestors. */
  readonly hide?: readonly Oid[];
}

interface Node extends CommitNode {
  readonly commit: Commit;
}

/** Commits whose contents are read at once after a walk that knows its result. */
const COMMITS_PER_READ = 256;

/**
 * Commits in the order of `git log`: newest committer date first, each before those of its ancestors that were found
 * through it. Memory is the ids of the commits walked; with `hide`, the walk ends before the first is given.
 * @throws GitError missing-object, wrong-type, corrupt-object
 */
export async function* walkHistory(
  reader: Pick<ObjectReader, "readObjects">,
  { from, hide = [] }: HistoryQuery,
): AsyncGenerator<HistoryEntry, void, undefined> {
  if (hide.length === 0) yield* walkAll(reader, from);
  else yield* readInOrder(reader, (await walkLimited(reader, from, hide)).commits);
}

async function* walkAll(
  reader: Pick<ObjectReader, "readObjects">,
  from: readonly Oid[],
): AsyncGenerator<HistoryEntry, void, undefined> {
  const graph = createCommitGraph<Node>(reader, decodeNode);
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
    graph.nodes.set(node.oid, null);
    yield { oid: node.oid, commit: node.commit };
    await graph.load(node.parents, queue);
    node.parents.forEach(enqueue);
  }
}

async function* readInOrder(
  reader: Pick<ObjectReader, "readObjects">,
  commits: readonly { readonly oid: Oid }[],
): AsyncGenerator<HistoryEntry, void, undefined> {
  for (let start = 0; start < commits.length; start += COMMITS_PER_READ) {
    const page = commits.slice(start, start + COMMITS_PER_READ).map((commit) => commit.oid);
    const { found } = await reader.readObjects(page);
    for (const oid of page) {
      const object = found.get(oid);
      if (!object) throw new GitError("missing-object", `commit ${oid} is missing`, { oid });
      yield { oid, commit: decodeCommit(object.data) };
    }
  }
}

function decodeNode({ oid, data }: GitObject): Node {
  const commit = decodeCommit(data);
  return { oid, commit, parents: commit.parents, seconds: commit.committer.seconds, seen: false };
}
