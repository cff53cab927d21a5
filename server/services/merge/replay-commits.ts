import { toByteString } from "../../git/bytes/text.ts";
import { GitError } from "../../git/errors.ts";
import { EMPTY_TREE_OID, type Oid } from "../../git/hash/oid.ts";
import type { PathConflict } from "../../git/merge/conflict.ts";
import { readTreeOf } from "../../git/merge/merge-commits.ts";
import { mergeTrees } from "../../git/merge/merge-trees.ts";
import type { Scratch } from "../../git/merge/scratch.ts";
import { type Commit, decodeCommit } from "../../git/object/commit.ts";
import type { Identity } from "../../git/object/identity.ts";
import type { ObjectReader } from "../../git/ports.ts";
import { type LimitedCommit, walkLimited } from "../../git/walk/limited-walk.ts";
import type { CommitIdentity } from "../../ports/commit.ts";

/** Commits of one range, oldest first, each after its parents. */
export interface CommitRange {
  readonly commits: readonly Oid[];
  readonly merges: number;
}

export interface Stamp {
  readonly who: CommitIdentity;
  readonly nowMs: number;
}

export type Replay =
  | {
      readonly kind: "replayed";
      readonly tip: Oid;
      readonly created: number;
      /** Commits that were made anew, by what they were. */
      readonly rewritten: ReadonlyMap<Oid, Oid>;
    }
  | {
      readonly kind: "conflict";
      readonly conflicts: readonly PathConflict[];
      /** Commit that does not apply. */
      readonly failed: Oid;
      /** Where the others before it have come. */
      readonly tip: Oid;
      readonly created: number;
      readonly rewritten: ReadonlyMap<Oid, Oid>;
    };

/** Headers that say something of the commit's own bytes, and would be untrue of another. */
const SIGNATURES = new Set(["gpgsig", "gpgsig-sha256", "mergetag"]);

/** What `from` reaches and `hide` does not, without merge commits, as git rebase takes them. */
export async function listRange(reader: ObjectReader, from: Oid, hide: Oid): Promise<CommitRange> {
  const { commits } = await walkLimited(reader, [from], [hide]);
  const ordered = sortByParents(commits);
  const plain = ordered.filter(({ parents }) => parents.length < 2);
  return { commits: plain.map(({ oid }) => oid), merges: ordered.length - plain.length };
}

/** Parents first, whatever the dates say; else oldest first. */
function sortByParents(commits: readonly LimitedCommit[]): LimitedCommit[] {
  const byOid = new Map(commits.map((commit) => [commit.oid, commit]));
  const sorted: LimitedCommit[] = [];
  const done = new Set<Oid>();
  for (const start of [...commits].reverse()) {
    const stack = [start];
    for (let commit = stack.at(-1); commit; commit = stack.at(-1)) {
      const open = commit.parents.flatMap((parent) => (done.has(parent) ? [] : (byOid.get(parent) ?? [])));
      const next = open[0];
      if (next) {
        stack.push(next);
        continue;
      }
      stack.pop();
      if (!done.has(commit.oid)) sorted.push(commit);
      done.add(commit.oid);
    }
  }
  return sorted;
}

/** Makes each commit's change again on top of `onto`; one that changes nothing there any more is left out. */
export async function replayCommits(
  scratch: Scratch,
  commits: readonly Oid[],
  { onto, stamp }: { readonly onto: Oid; readonly stamp: Stamp },
): Promise<Replay> {
  let tip = onto;
  const rewritten = new Map<Oid, Oid>();
  for (const oid of commits) {
    const commit = await readCommit(scratch.reader, oid);
    const [parent] = commit.parents;
    const ours = await readTreeOf(scratch.reader, tip);
    const base = parent ? await readTreeOf(scratch.reader, parent) : EMPTY_TREE_OID;
    if (parent === tip) {
      // Nothing to make anew: the commit is in its place already.
      tip = oid;
      continue;
    }
    const merged = await mergeTrees(
      scratch.reader,
      { base, ours, theirs: commit.tree },
      { oursName: "HEAD", theirsName: oid.slice(0, 7) },
    );
    if (merged.conflicts.length > 0) {
      return {
        kind: "conflict",
        conflicts: merged.conflicts,
        failed: oid,
        tip,
        created: rewritten.size,
        rewritten,
      };
    }
    if (merged.tree === ours) continue;
    scratch.add(merged.objects);
    const extra = commit.extra.filter(({ name }) => !SIGNATURES.has(name));
    tip = scratch.addCommit({
      ...commit,
      tree: merged.tree,
      parents: [tip],
      committer: toIdentity(stamp),
      extra,
    });
    rewritten.set(oid, tip);
  }
  return { kind: "replayed", tip, created: rewritten.size, rewritten };
}

/** @throws GitError missing-object, wrong-type, corrupt-object */
export async function readCommit(reader: ObjectReader, oid: Oid): Promise<Commit> {
  const object = (await reader.readObjects([oid])).found.get(oid);
  if (!object) throw new GitError("missing-object", `commit ${oid} is missing`, { oid });
  if (object.type !== "commit") throw new GitError("wrong-type", `${oid} is a ${object.type}`, { oid });
  return decodeCommit(object.data);
}

export function toIdentity({ who, nowMs }: Stamp): Identity {
  const seconds = Math.floor(nowMs / 1000);
  return { name: toByteString(who.name), email: toByteString(who.email), seconds, zone: "+0000" };
}
