import type { ByteString } from "../../git/bytes/text.ts";
import { toByteString } from "../../git/bytes/text.ts";
import type { Oid } from "../../git/hash/oid.ts";
import { hashObject } from "../../git/hash/sha1.ts";
import { mergeCommits } from "../../git/merge/merge-commits.ts";
import { encodeCommit } from "../../git/object/commit.ts";
import type { GitObject, ObjectReader } from "../../git/ports.ts";
import { findMergeBases } from "../../git/walk/merge-base.ts";
import type { FlushConflict } from "../../ports/session.ts";

/** What becomes of a branch that both a session and somebody else have moved. */
export type TipMerge =
  /** `theirs` holds `ours` already. */
  | { readonly kind: "contained" }
  | { readonly kind: "moved"; readonly next: Oid; readonly objects: readonly GitObject[] }
  | { readonly kind: "conflict"; readonly conflicts: readonly Omit<FlushConflict, "ref">[] };

export interface TipMergeRequest {
  /** The session's tip. */
  readonly ours: Oid;
  /** The repository's. */
  readonly theirs: Oid;
  readonly branch: string;
  readonly nowMs: number;
}

const IDENTITY = { name: "Coregit" as ByteString, email: "noreply@coregit.dev" as ByteString };

/**
 * Brings a session's commits onto a branch that has moved: by fast-forward when theirs is behind, else by a merge commit
 * of both, made as `git merge` would. Commits are never rewritten: their ids were acknowledged.
 */
export async function mergeTips(reader: ObjectReader, request: TipMergeRequest): Promise<TipMerge> {
  const { ours, theirs } = request;
  if (!(await isCommit(reader, ours)) || !(await isCommit(reader, theirs))) return dispute("moved", request);
  const bases = await findMergeBases(reader, ours, theirs);
  if (bases[0] === ours) return { kind: "contained" };
  if (bases[0] === theirs) return { kind: "moved", next: ours, objects: [] };
  const merged = await mergeCommits(reader, { ours, theirs, bases });
  if (merged.kind === "unrelated") return dispute("unrelated-histories", request);
  if (merged.conflicts.length > 0) {
    const conflicts = merged.conflicts.map(({ path, type, base, ours: mine, theirs: others }) => ({
      type,
      path,
      baseOid: base,
      oursOid: mine,
      theirsOid: others,
    }));
    return { kind: "conflict", conflicts };
  }
  const commit = createMergeCommit(merged.tree, request);
  return { kind: "moved", next: commit.oid, objects: [...merged.objects, commit] };
}

async function isCommit(reader: ObjectReader, oid: Oid): Promise<boolean> {
  return (await reader.readHeaders([oid])).found.get(oid)?.type === "commit";
}

function dispute(type: string, { ours, theirs }: TipMergeRequest): TipMerge {
  return {
    kind: "conflict",
    conflicts: [{ type, path: null, baseOid: null, oursOid: ours, theirsOid: theirs }],
  };
}

function createMergeCommit(tree: Oid, { ours, theirs, branch, nowMs }: TipMergeRequest): GitObject {
  const time = { ...IDENTITY, seconds: Math.floor(nowMs / 1_000), zone: "+0000" };
  const data = encodeCommit({
    tree,
    parents: [theirs, ours],
    author: time,
    committer: time,
    extra: [],
    message: toByteString(`Merge the work of a session into ${branch}\n`),
  });
  return { oid: hashObject("commit", data), type: "commit", data };
}
