import type { Oid } from "../../git/hash/oid.ts";
import { mergeCommits, readTreeOf } from "../../git/merge/merge-commits.ts";
import type { Commit } from "../../git/object/commit.ts";
import type { ObjectReader } from "../../git/ports.ts";
import { walkLimited } from "../../git/walk/limited-walk.ts";
import { findMergeBases } from "../../git/walk/merge-base.ts";
import { readCommit } from "../merge/replay-commits.ts";
import { diffFiles, type FileDiff } from "./diff-commits.ts";

export type Comparison =
  | {
      readonly kind: "compared";
      readonly mergeBase: Oid;
      readonly ahead: number;
      readonly behind: number;
      /** Oldest first. */
      readonly commits: readonly { readonly oid: Oid; readonly commit: Commit }[];
      readonly files: readonly FileDiff[];
      /** null: too far ahead to try. */
      readonly mergeable: boolean | null;
      readonly conflicts: readonly string[];
    }
  | { readonly kind: "unrelated" };

const COMMITS_MAX = 250;
/** Above so many commits ahead, merging is not tried. */
const MERGE_COMMITS_MAX = 50;

/** What `head` has that `base` has not, from where they parted. @throws GitError missing-object, limit-exceeded */
export async function compareCommits(
  reader: ObjectReader,
  { base, head }: { readonly base: Oid; readonly head: Oid },
): Promise<Comparison> {
  const [mergeBase] = await findMergeBases(reader, base, head);
  if (!mergeBase) return { kind: "unrelated" };
  const ahead = await walkLimited(reader, [head], [base]);
  const behind = await walkLimited(reader, [base], [head]);
  const trees = { base: await readTreeOf(reader, mergeBase), head: await readTreeOf(reader, head) };
  const commits = [];
  for (const { oid } of ahead.commits.slice(0, COMMITS_MAX).reverse()) {
    commits.push({ oid, commit: await readCommit(reader, oid) });
  }
  const merge =
    ahead.commits.length > MERGE_COMMITS_MAX
      ? null
      : await mergeCommits(reader, { ours: base, theirs: head });
  const conflicts = merge?.kind === "merged" ? [...new Set(merge.conflicts.map(({ path }) => path))] : [];
  return {
    kind: "compared",
    mergeBase,
    ahead: ahead.commits.length,
    behind: behind.commits.length,
    commits,
    files: await diffFiles(reader, trees, { patch: false, context: 0 }),
    mergeable: merge === null ? null : merge.kind === "merged" && conflicts.length === 0,
    conflicts,
  };
}
