import { GitError } from "../errors.ts";
import type { Oid } from "../hash/oid.ts";
import type { GitObject, ObjectReader } from "../ports.ts";
import { createPriorityQueue, type PriorityQueue } from "./priority-queue.ts";

/** What every walk keeps of a commit. */
export interface CommitNode {
  readonly oid: Oid;
  readonly parents: readonly Oid[];
  /** Committer date. */
  readonly seconds: number;
  /** Whether it was put into the queue of the walk. */
  seen: boolean;
}

/** Commits read so far. `null` stands for one that the walk is done with and has let go. */
export interface CommitGraph<T extends CommitNode> {
  readonly nodes: Map<Oid, T | null>;
  /**
   * Reads those of `oids` that are not here yet. While it is at it, it reads parents of commits that wait in `queue`
   * in the same call: few at first, because many a walk ends after a page, then up to {@link MAX_AHEAD}.
   * @param optional what is missing is passed over: ancestors of what the walk hides
   * @throws GitError missing-object unless `onMissing` was given; wrong-type, corrupt-object
   */
  load(oids: readonly Oid[], queue: PriorityQueue<T>, optional?: boolean): Promise<void>;
}

const MAX_AHEAD = 256;

export function createCommitGraph<T extends CommitNode>(
  reader: Pick<ObjectReader, "readObjects">,
  decode: (object: GitObject) => T,
  onMissing?: (oid: Oid) => void,
): CommitGraph<T> {
  const nodes = new Map<Oid, T | null>();
  let ahead = 1;

  function keep(object: GitObject): void {
    const { oid, type } = object;
    if (type !== "commit")
      throw new GitError("wrong-type", `${oid} is a ${type}, not a commit`, { oid, type });
    nodes.set(oid, decode(object));
  }

  return {
    nodes,
    async load(oids, queue, optional = false) {
      const wanted = new Set<Oid>();
      for (const oid of oids) if (!nodes.has(oid)) wanted.add(oid);
      if (wanted.size === 0) return;
      const needed = [...wanted];
      for (const node of queue.items()) {
        if (wanted.size >= needed.length + ahead) break;
        for (const parent of node.parents) if (!nodes.has(parent)) wanted.add(parent);
      }
      ahead = Math.min(ahead * 2, MAX_AHEAD);
      const { found } = await reader.readObjects([...wanted]);
      for (const object of found.values()) keep(object);
      // What was only read ahead may be missing without harm: the walk may never come there.
      for (const oid of needed) {
        if (nodes.has(oid)) continue;
        nodes.set(oid, null);
        if (optional) continue;
        if (!onMissing) throw new GitError("missing-object", `commit ${oid} is missing`, { oid });
        onMissing(oid);
      }
    },
  };
}

/** Newest committer date first; among equal dates, what was found first. */
export function createDateQueue<T extends CommitNode>(): PriorityQueue<T> {
  return createPriorityQueue<T>((a, b) => a.seconds > b.seconds);
}
