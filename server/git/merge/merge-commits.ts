import { toByteString } from "../bytes/text.ts";
import { GitError } from "../errors.ts";
import { EMPTY_TREE_OID, type Oid } from "../hash/oid.ts";
import { type Commit, decodeCommit } from "../object/commit.ts";
import type { ObjectReader } from "../ports.ts";
import { findMergeBases } from "../walk/merge-base.ts";
import { mergeTrees, type TreeMerge, type TreeMergeOptions } from "./merge-trees.ts";
import { createScratch, type Scratch } from "./scratch.ts";

export type CommitMerge =
  | ({ readonly kind: "merged"; readonly bases: readonly Oid[] } & TreeMerge)
  | { readonly kind: "unrelated" };

/** The commits that are merged. */
export interface MergeEnds {
  readonly ours: Oid;
  readonly theirs: Oid;
  /** Of both, from `findMergeBases`; looked for when absent. */
  readonly bases?: readonly Oid[];
}

/** Merge bases of merge bases of …; a history that goes deeper merges with the oldest base alone. */
const DEPTH_MAX = 12;
/** Of more bases than this, the oldest are left out. Git's own history has merges with seventeen. */
const BASES_MAX = 64;

/**
 * Merges two commits, as `git merge-tree --write-tree ours theirs`. Several merge bases (after criss-cross merges) are
 * merged with each other first, oldest first, conflicts and all, and the result is the base.
 * @throws GitError missing-object, wrong-type, corrupt-object
 */
export async function mergeCommits(
  reader: ObjectReader,
  { ours, theirs, ...known }: MergeEnds,
  options: TreeMergeOptions = {},
): Promise<CommitMerge> {
  const bases = known.bases ?? (await findMergeBases(reader, ours, theirs));
  if (bases.length === 0) return { kind: "unrelated" };
  const scratch = createScratch(reader);
  const base = await mergeBases(scratch, bases, options.depth ?? 0);
  const merged = await mergeTrees(
    scratch.reader,
    {
      base: await readTreeOf(scratch.reader, base),
      ours: await readTreeOf(scratch.reader, ours),
      theirs: await readTreeOf(scratch.reader, theirs),
    },
    options,
  );
  return { kind: "merged", bases, ...merged };
}

/** The root tree of a commit. @throws GitError missing-object, wrong-type */
export async function readTreeOf(reader: ObjectReader, commit: Oid): Promise<Oid> {
  return (await readCommit(reader, commit)).tree;
}

async function readSecondsOf(reader: ObjectReader, commit: Oid): Promise<number> {
  return (await readCommit(reader, commit)).committer.seconds;
}

async function readCommit(reader: ObjectReader, commit: Oid): Promise<Commit> {
  const object = (await reader.readObjects([commit])).found.get(commit);
  if (!object) throw new GitError("missing-object", `commit ${commit} is missing`, { oid: commit });
  if (object.type !== "commit")
    throw new GitError("wrong-type", `${commit} is a ${object.type}`, { oid: commit });
  return decodeCommit(object.data);
}

/** One commit that stands for all bases; it and its objects are only in the scratch. */
async function mergeBases(scratch: Scratch, bases: readonly Oid[], depth: number): Promise<Oid> {
  const [first, ...rest] = bases.slice(0, BASES_MAX).reverse();
  let merged = first as Oid; // there is at least one
  if (depth >= DEPTH_MAX) return merged;
  for (const next of rest) {
    const own = await findMergeBases(scratch.reader, merged, next);
    const base = own.length === 0 ? null : await mergeBases(scratch, own, depth + 1);
    const { tree, objects } = await mergeTrees(
      scratch.reader,
      {
        base: base === null ? EMPTY_TREE_OID : await readTreeOf(scratch.reader, base),
        ours: await readTreeOf(scratch.reader, merged),
        theirs: await readTreeOf(scratch.reader, next),
      },
      { oursName: "Temporary merge branch 1", theirsName: "Temporary merge branch 2", depth: depth + 1 },
    );
    scratch.add(objects);
    // Dated like its parents: walks go by date, and one that came last would be found after the whole history.
    const seconds = Math.max(
      await readSecondsOf(scratch.reader, merged),
      await readSecondsOf(scratch.reader, next),
    );
    const nobody = { name: toByteString(""), email: toByteString(""), seconds, zone: "+0000" };
    merged = scratch.addCommit({
      tree,
      parents: [merged, next],
      author: nobody,
      committer: nobody,
      extra: [],
      message: toByteString("merged bases"),
    });
  }
  return merged;
}
