import { toByteString } from "../../git/bytes/text.ts";
import type { Oid } from "../../git/hash/oid.ts";
import { GITLINK_MODE } from "../../git/object/tree.ts";
import { findEntries } from "../../git/tree/find-entries.ts";
import type { TreeChange } from "../../ports/commit.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import type { ChangeDraft } from "../commits/change-drafts.ts";
import { type CommitCreation, createCommit, type NewCommit } from "../commits/create-commit.ts";
import type { StoreObjects } from "../place-objects.ts";
import { peelToTree } from "../read-target.ts";
import type { ExecDifference } from "./collect-changes.ts";

/** A changed path that is not any more what the command saw. */
export interface CommitConflict {
  readonly path: string;
  readonly expected: Oid | null;
  readonly current: Oid | null;
}

/** Commits differences on whatever the branch's head is, each against the blob that it was made from. */
export async function commitDifferences(
  storeObjects: StoreObjects,
  repo: RepoHandle,
  about: Omit<NewCommit, "drafts">,
  differences: readonly ExecDifference[],
): Promise<{ readonly commit: CommitCreation; readonly conflicts: readonly CommitConflict[] }> {
  const commit = await createCommit(storeObjects, repo, { ...about, drafts: differences.map(toDraft) });
  const conflicts =
    commit.kind === "path-conflict" && commit.head !== null
      ? await findConflicts(repo, commit.head, differences)
      : [];
  return { commit, conflicts };
}

function toDraft({ path, before, after }: ExecDifference, index: number): ChangeDraft {
  const field = `changes.${index}`;
  const ifMatch = before === undefined ? {} : { ifMatch: before };
  if (after === null) {
    return {
      kind: "ready",
      change: { kind: "delete", field, path, ...ifMatch },
      blob: null,
      requiredOid: null,
    };
  }
  const { oid, mode, bytes } = after;
  const change: TreeChange = { kind: "put", field, path, oid, mode, ...ifMatch };
  if (bytes) return { kind: "ready", change, blob: { oid, type: "blob", data: bytes }, requiredOid: null };
  return { kind: "ready", change, blob: null, requiredOid: mode === GITLINK_MODE ? null : oid };
}

async function findConflicts(
  repo: RepoHandle,
  head: Oid,
  differences: readonly ExecDifference[],
): Promise<readonly CommitConflict[]> {
  await repo.snapshot();
  const root = await peelToTree(repo.objects, head);
  if (!root) return [];
  const paths = differences.map(({ path }) => toByteString(path));
  const entries = await findEntries(repo.objects, root.tree, paths);
  return differences.flatMap(({ path, before }) => {
    const current = entries.get(toByteString(path))?.oid ?? null;
    return before === undefined || before === current ? [] : [{ path, expected: before, current }];
  });
}
