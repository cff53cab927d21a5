import type { Oid } from "../hash/oid.ts";
import { decodeCommitLinks } from "../object/commit-links.ts";
import type { ObjectReader } from "../ports.ts";
import { type CommitGraph, type CommitNode, createCommitGraph, createDateQueue } from "./commit-graph.ts";
import type { PriorityQueue } from "./priority-queue.ts";

export interface LimitedCommit {
  readonly oid: Oid;
  readonly tree: Oid;
  readonly parents: readonly Oid[];
  readonly seconds: number;
}

export interface LimitedWalk {
  /** Commits reachable from `from` and not from `hide`, newest committer date first. */
  readonly commits: readonly LimitedCommit[];
  /** Hidden commits that are a parent of one of these. */
  readonly boundary: readonly LimitedCommit[];
  /** The commits of `hide` that are there. */
  readonly hidden: readonly LimitedCommit[];
}

interface Node extends CommitNode, LimitedCommit {
  hidden: boolean;
  queued: boolean;
}

interface Walk {
  readonly graph: CommitGraph<Node>;
  readonly queue: PriorityQueue<Node>;
  readonly shown: Node[];
  /** Commits in the queue that are not hidden. */
  open: number;
  /** Date of the last commit that was shown. */
  date: number;
}

/** Hidden commits to look at after the last open one, in case dates are not in order (git does the same number). */
const SLOP = 5;

/**
 * The walk behind `from ^hide`. Like git's, it ends a few commits after everything left is hidden: where dates run
 * backwards for longer than that, commits that `hide` reaches may be given all the same.
 * @param onMissing called with commits that are not there, which are then left out; without it they are an error
 * @throws GitError missing-object, wrong-type, corrupt-object
 */
export async function walkLimited(
  reader: Pick<ObjectReader, "readObjects">,
  from: readonly Oid[],
  hide: readonly Oid[],
  onMissing?: (oid: Oid) => void,
): Promise<LimitedWalk> {
  const decode = ({ oid, data }: { oid: Oid; data: Uint8Array }): Node => ({
    oid,
    ...decodeCommitLinks(data),
    seen: false,
    hidden: false,
    queued: false,
  });
  const graph = createCommitGraph<Node>(reader, decode, onMissing);
  const walk: Walk = {
    graph,
    queue: createDateQueue<Node>(),
    shown: [],
    open: 0,
    date: Number.POSITIVE_INFINITY,
  };
  await graph.load(from, walk.queue);
  await graph.load(hide, walk.queue, true);
  for (const oid of hide) hideFrom(walk, oid);
  for (const oid of [...from, ...hide]) enqueue(walk, oid);
  await run(walk);
  const commits = walk.shown.filter((node) => !node.hidden);
  const edge = new Set(commits.flatMap((node) => node.parents));
  return { commits, boundary: pickHidden(graph, edge), hidden: pickHidden(graph, new Set(hide)) };
}

function pickHidden(graph: CommitGraph<Node>, oids: Iterable<Oid>): Node[] {
  const picked: Node[] = [];
  for (const oid of oids) {
    const node = graph.nodes.get(oid);
    if (node?.hidden) picked.push(node);
  }
  return picked;
}

async function run(walk: Walk): Promise<void> {
  let slop = SLOP;
  for (let node = walk.queue.take(); node; node = walk.queue.take()) {
    node.queued = false;
    if (!node.hidden) walk.open--;
    await walk.graph.load(node.parents, walk.queue, node.hidden);
    for (const parent of node.parents) {
      if (node.hidden) hideFrom(walk, parent);
      enqueue(walk, parent);
    }
    if (!node.hidden) {
      walk.date = node.seconds;
      walk.shown.push(node);
      continue;
    }
    const next = walk.queue.peek();
    if (!next) return;
    slop = walk.date <= next.seconds || walk.open > 0 ? SLOP : slop - 1;
    if (slop === 0) return;
  }
}

function enqueue(walk: Walk, oid: Oid): void {
  const node = walk.graph.nodes.get(oid);
  if (!node || node.seen) return;
  node.seen = true;
  node.queued = true;
  if (!node.hidden) walk.open++;
  walk.queue.put(node);
}

/** Hides a commit and, of its ancestors, those that the walk has been at. */
function hideFrom(walk: Walk, oid: Oid): void {
  const pending = [oid];
  for (let next = pending.pop(); next; next = pending.pop()) {
    const node = walk.graph.nodes.get(next);
    if (!node || node.hidden) continue;
    node.hidden = true;
    if (node.queued) walk.open--;
    // What waits in the queue hides its parents when its turn comes.
    if (node.seen && !node.queued) pending.push(...node.parents);
  }
}
