/** Who wrote each line, by git's rule: a line belongs to the commit whose parents do not have it (git-blame(1)). */
import type { ByteString } from "../bytes/text.ts";
import { createDiffBudget } from "../diff/diff-budget.ts";
import type { Oid } from "../hash/oid.ts";
import { type CommitLinks, decodeCommitLinks } from "../object/commit-links.ts";
import type { GitObject, ObjectReader } from "../ports.ts";
import {
  type CommitGraph,
  type CommitNode,
  createCommitGraph,
  createDateQueue,
} from "../walk/commit-graph.ts";
import type { PriorityQueue } from "../walk/priority-queue.ts";
import { type BlobSource, createBlobSource } from "./blob-source.ts";
import { createParentFinder, type FileVersion, type ParentFinder } from "./find-parent.ts";
import { joinRuns, type LineRun, splitRuns } from "./line-runs.ts";

export interface BlameQuery {
  readonly commit: Oid;
  readonly path: ByteString;
  /** The file at `commit`. */
  readonly version: FileVersion;
  /** Lines [from, to) from 0; all when absent. `to` may lie behind the end. */
  readonly range?: { readonly from: number; readonly to: number };
}

export interface BlameLimits {
  /** Commits looked at. */
  readonly commits: number;
  /** Steps of line diffs, as of {@link createDiffBudget}. */
  readonly diffSteps: number;
  /** Contents read. */
  readonly bytes: number;
}

/** Lines in a row that one commit wrote in a row, in one file. Lines count from 0. */
export interface BlameHunk extends LineRun {
  readonly commit: Oid;
  /** Name of the file there. */
  readonly path: ByteString;
  /** The search ended here: the lines are at least as old as this. */
  readonly unfinished: boolean;
}

export interface Blame {
  /** In the order of the lines. */
  readonly hunks: readonly BlameHunk[];
  /** Lines of the file. */
  readonly lines: number;
  /** A limit ended the search; what was found until then is true. */
  readonly truncated: boolean;
}

/** A file in a commit, and which of its lines are still looked for. */
interface Suspect {
  readonly path: ByteString;
  readonly version: FileVersion;
  runs: LineRun[];
}

interface Node extends CommitNode, CommitLinks {
  readonly suspects: Map<ByteString, Suspect>;
  waits: boolean;
}

interface Search {
  readonly graph: CommitGraph<Node>;
  readonly queue: PriorityQueue<Node>;
  readonly blobs: BlobSource;
  readonly parents: ParentFinder;
  readonly hunks: BlameHunk[];
}

/**
 * What `git blame` finds with its defaults: whole-file renames are followed, lines that moved or were copied are not.
 * Commits are taken newest first, so that lines that came down several ways are looked for together; each line goes
 * its own way to its end, so the order changes nothing but the time. Time grows with the commits since the oldest line,
 * and with the versions of the file.
 * @throws GitError missing-object, wrong-type, corrupt-object; limit-exceeded for a version too large to be read whole
 */
export async function blameFile(
  reader: ObjectReader,
  query: BlameQuery,
  limits: BlameLimits,
): Promise<Blame> {
  const budget = createDiffBudget(limits.diffSteps);
  const blobs = createBlobSource(reader, { bytes: limits.bytes, budget });
  const search: Search = {
    graph: createCommitGraph<Node>(reader, decodeNode),
    queue: createDateQueue<Node>(),
    blobs,
    parents: createParentFinder(reader),
    hunks: [],
  };
  const { count } = await blobs.readLines(query.version.oid);
  const { from = 0, to = count } = query.range ?? {};
  const end = Math.min(to, count);
  await search.graph.load([query.commit], search.queue);
  const whole = { final: from, orig: from, count: end - from };
  if (end > from) suspect(search, query.commit, { path: query.path, version: query.version, runs: [whole] });
  let commits = 0;
  let truncated = false;
  for (let node = search.queue.take(); node; node = search.queue.take()) {
    node.waits = false;
    truncated ||= commits++ >= limits.commits;
    for (const open of node.suspects.values()) {
      if (!truncated) truncated = (await passOn(search, node, open)) === "exhausted";
      blame(search, node.oid, open, truncated);
    }
    node.suspects.clear();
  }
  return { hunks: joinHunks(search.hunks), lines: count, truncated };
}

function decodeNode({ oid, data }: GitObject): Node {
  return { oid, ...decodeCommitLinks(data), seen: false, waits: false, suspects: new Map() };
}

/** Lines that are to be looked for in a file of a commit that was loaded. */
function suspect({ graph, queue }: Search, oid: Oid, { path, version, runs }: Suspect): void {
  const node = graph.nodes.get(oid);
  if (!node || runs.length === 0) return;
  const known = node.suspects.get(path);
  if (known) known.runs.push(...runs);
  else node.suspects.set(path, { path, version, runs: [...runs] });
  if (node.waits) return;
  node.waits = true;
  queue.put(node);
}

function blame({ hunks }: Search, commit: Oid, { path, runs }: Suspect, unfinished: boolean): void {
  for (const run of runs) hunks.push({ ...run, commit, path, unfinished });
}

/** Hands lines on to the parents that have them; what is left in `open` is the commit's own. */
async function passOn(search: Search, node: Node, open: Suspect): Promise<"done" | "exhausted"> {
  const { graph, queue, parents, blobs } = search;
  await graph.load(node.parents, queue);
  const trees = node.parents.map((oid) => graph.nodes.get(oid)?.tree ?? node.tree);
  const found = await parents.find({ tree: node.tree, path: open.path, version: open.version }, trees);
  if (found.kind === "unchanged") {
    const parent = node.parents[found.parent];
    if (parent) suspect(search, parent, { path: found.path, version: open.version, runs: open.runs });
    open.runs = [];
    return "done";
  }
  for (const { parent, path, version } of found.versions) {
    const oid = node.parents[parent];
    if (!oid || open.runs.length === 0) continue;
    const changes = await blobs.diff(version.oid, open.version.oid);
    if (changes === null) return "exhausted";
    const { passed, kept } = splitRuns(open.runs, changes);
    open.runs = kept;
    suspect(search, oid, { path, version, runs: passed });
  }
  return "done";
}

function joinHunks(hunks: BlameHunk[]): readonly BlameHunk[] {
  const isOneSource = (a: BlameHunk, b: BlameHunk) =>
    a.commit === b.commit && a.path === b.path && a.unfinished === b.unfinished;
  return joinRuns(hunks, isOneSource);
}
