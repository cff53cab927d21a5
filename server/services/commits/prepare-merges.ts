import type { Oid } from "../../git/hash/oid.ts";
import type { GitObject } from "../../git/ports.ts";
import type { CommitRequest } from "../../ports/commit.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import { layReaders, readHeld } from "../lay-readers.ts";
import { peelToTree } from "../read-target.ts";
import { type Rebase, rebaseChanges } from "../rebase/rebase-changes.ts";
import type { DerivedChange } from "./derive-changes.ts";

export type PreparedMerges =
  | { readonly kind: "prepared"; readonly changes: readonly DerivedChange[] }
  | Exclude<Rebase, { kind: "rebased" }>;

/**
 * Merges the files of a rebased commit with those of `head`, which the store has just named. Contents that the request
 * brings in a pack of its own are not visible here yet: it must bring them as blobs.
 */
export async function prepareMerges(
  repo: RepoHandle,
  {
    request,
    brought,
    head,
  }: {
    readonly request: CommitRequest;
    readonly brought: readonly GitObject[];
    readonly head: Oid;
  },
): Promise<PreparedMerges> {
  await repo.snapshot();
  const root = async (oid: Oid | null | undefined) =>
    oid === null || oid === undefined ? oid : ((await peelToTree(repo.objects, oid))?.tree ?? null);
  const headRoot = (await root(head)) ?? null;
  const rebased = await rebaseChanges(layReaders(readHeld(brought), repo.objects), request, {
    trees: { head, headRoot, baseRoot: await root(request.parentOid) },
    mergeBytesMax: Number.POSITIVE_INFINITY,
  });
  if (rebased.kind !== "rebased") return rebased;
  const blobs = new Map(rebased.blobs.map((blob) => [blob.oid, blob]));
  return {
    kind: "prepared",
    changes: rebased.changes.flatMap((change) => {
      const blob = change.kind === "put" && change.merged ? blobs.get(change.oid) : undefined;
      return blob ? [{ change, blob }] : [];
    }),
  };
}
