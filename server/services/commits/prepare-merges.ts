import type { Oid } from "../../git/hash/oid.ts";
import type { Found, GitObject, ObjectHeader, ObjectReader } from "../../git/ports.ts";
import type { CommitRequest } from "../../ports/commit.ts";
import type { RepoHandle } from "../../ports/repo.ts";
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
  const rebased = await rebaseChanges(overlay(repo.objects, brought), request, {
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

/** The repository's objects, and contents that are not stored yet. */
function overlay(objects: ObjectReader, brought: readonly GitObject[]): ObjectReader {
  const blobs = new Map(brought.map((blob) => [blob.oid, blob]));
  const join = <T>(own: readonly (readonly [Oid, T])[], stored: Found<T>): Found<T> => ({
    found: new Map([...stored.found, ...own]),
    missing: stored.missing,
  });
  const rest = (oids: readonly Oid[]) => oids.filter((oid) => !blobs.has(oid));
  const own = (oids: readonly Oid[]) => [...new Set(oids)].flatMap((oid) => blobs.get(oid) ?? []);
  return {
    async readObjects(oids) {
      const found = own(oids).map((blob) => [blob.oid, blob] as const);
      return join(found, await objects.readObjects(rest(oids)));
    },
    async readHeaders(oids) {
      const found = own(oids).map((blob): [Oid, ObjectHeader] => [
        blob.oid,
        { type: blob.type, size: blob.data.length },
      ]);
      return join(found, await objects.readHeaders(rest(oids)));
    },
  };
}
