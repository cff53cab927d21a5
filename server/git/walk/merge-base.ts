import type { Oid } from "../hash/oid.ts";
import { decodeCommitLinks } from "../object/commit-links.ts";
import type { ObjectReader } from "../ports.ts";
import { type CommitGraph, type CommitNode, createCommitGraph, createDateQueue } from "./commit-graph.ts";
import type { PriorityQueue } from "./priority-queue.ts";

interface Node extends CommitNode {
  /** Which sides reach it ({@link LEFT}, {@link RIGHT}), and {@link STALE} below a common ancestor. */
  paint: number;
  queued: boolean;
}

const LEFT = 1;
const RIGHT = 2;
const STALE = 4;
const BOTH = LEFT | RIGHT;

/**
 * Whether `maybe` is `tip` or one of its ancestors, as `git merge-base --is-ancestor`. Exact, whatever the dates say.
 * @throws GitError missing-object, wrong-type, corrupt-object
 */
export async function isAncestor(
  reader: Pick<ObjectReader, "readObjects">,
  maybe: Oid,
  tip: Oid,
): Promise<boolean> {
  if (maybe === tip) return true;
  const nodes = await paintDown(reader, maybe, tip, maybe);
  return ((nodes.get(maybe)?.paint ?? 0) & RIGHT) !== 0;
}

/**
 * The best common ancestors of two commits, as `git merge-base --all`: none of them is an ancestor of another. More
 * than one after a criss-cross merge, none when the histories are unrelated. Newest committer date first.
 * @throws GitError missing-object, wrong-type, corrupt-object
 */
export async function findMergeBases(
  reader: Pick<ObjectReader, "readObjects">,
  a: Oid,
  b: Oid,
): Promise<readonly Oid[]> {
  if (a === b) return [a];
  const nodes = await paintDown(reader, a, b, null);
  const common: Node[] = [];
  for (const node of nodes.values()) if (node && (node.paint & (BOTH | STALE)) === BOTH) common.push(node);
  common.sort((left, right) => right.seconds - left.seconds);
  const bases = common.map((node) => node.oid);
  return bases.length > 1 ? dropRedundant(reader, bases) : bases;
}

/** Paints the ancestors of `left` and `right` until only those below common ancestors are left, or `until` is RIGHT. */
async function paintDown(
  reader: Pick<ObjectReader, "readObjects">,
  left: Oid,
  right: Oid,
  until: Oid | null,
): Promise<ReadonlyMap<Oid, Node | null>> {
  const graph = createCommitGraph<Node>(reader, ({ oid, data }) => {
    const { parents, seconds } = decodeCommitLinks(data);
    return { oid, parents, seconds, seen: false, paint: 0, queued: false };
  });
  const queue = createDateQueue<Node>();
  const walk = { graph, queue, fresh: 0 };
  await graph.load([left, right], queue);
  applyPaint(walk, left, LEFT);
  applyPaint(walk, right, RIGHT);
  while (walk.fresh > 0) {
    const node = queue.take();
    if (!node) break;
    node.queued = false;
    if ((node.paint & STALE) === 0) walk.fresh--;
    const paint = (node.paint & BOTH) === BOTH ? node.paint | STALE : node.paint;
    await graph.load(node.parents, queue);
    for (const parent of node.parents) applyPaint(walk, parent, paint);
    if (until && ((graph.nodes.get(until)?.paint ?? 0) & RIGHT) !== 0) break;
  }
  return graph.nodes;
}

/** Adds paint to a commit and queues it when that is news; `fresh` counts what is queued and not stale. */
function applyPaint(
  walk: { readonly graph: CommitGraph<Node>; readonly queue: PriorityQueue<Node>; fresh: number },
  oid: Oid,
  paint: number,
): void {
  const node = walk.graph.nodes.get(oid);
  if (!node || (node.paint & paint) === paint) return;
  const wasFresh = node.queued && (node.paint & STALE) === 0;
  node.paint |= paint;
  const isFresh = (node.paint & STALE) === 0;
  if (!node.queued) walk.queue.put(node);
  node.queued = true;
  walk.fresh += Number(isFresh) - Number(wasFresh);
}

/** What is known of a commit while {@link dropRedundant} walks: a bit for each base that it is an ancestor of. */
interface ReachedNode extends CommitNode {
  reachedFrom: bigint;
  queued: boolean;
}

/**
 * Leaves out what is an ancestor of another: dates that run backwards can bring such a commit up first. One walk for
 * all: it ends when nothing is left but common ancestors of all bases, because no base is below one of those.
 */
async function dropRedundant(
  reader: Pick<ObjectReader, "readObjects">,
  bases: readonly Oid[],
): Promise<readonly Oid[]> {
  const graph = createCommitGraph<ReachedNode>(reader, ({ oid, data }) => {
    const { parents, seconds } = decodeCommitLinks(data);
    return { oid, parents, seconds, seen: false, reachedFrom: 0n, queued: false };
  });
  const all = (1n << BigInt(bases.length)) - 1n;
  const queue = createDateQueue<ReachedNode>();
  let fresh = 0;
  const reach = (oid: Oid, from: bigint) => {
    const node = graph.nodes.get(oid);
    if (!node || (node.reachedFrom & from) === from) return;
    const wasFresh = node.queued && node.reachedFrom !== all;
    node.reachedFrom |= from;
    if (!node.queued) queue.put(node);
    node.queued = true;
    fresh += Number(node.reachedFrom !== all) - Number(wasFresh);
  };
  await graph.load(bases, queue);
  const parentsOf = bases.map((oid) => graph.nodes.get(oid)?.parents ?? []);
  await graph.load(parentsOf.flat(), queue);
  for (const [index, parents] of parentsOf.entries()) {
    for (const parent of parents) reach(parent, 1n << BigInt(index));
  }
  while (fresh > 0) {
    const node = queue.take();
    if (!node) break;
    node.queued = false;
    if (node.reachedFrom !== all) fresh--;
    await graph.load(node.parents, queue);
    for (const parent of node.parents) reach(parent, node.reachedFrom);
  }
  return bases.filter((oid) => graph.nodes.get(oid)?.reachedFrom === 0n);
}
