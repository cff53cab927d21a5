import { formatByteString } from "../../git/bytes/text.ts";
import { GitError } from "../../git/errors.ts";
import type { Oid } from "../../git/hash/oid.ts";
import type { ObjectReader } from "../../git/ports.ts";
import { listChangedPaths } from "../../git/tree/changed-paths.ts";
import type { CommitRequest } from "../../ports/commit.ts";
import { createGlobMatcher } from "../files/glob.ts";
import { layReaders, readHeld } from "../lay-readers.ts";
import { type CommitTime, planCommit } from "../plan-commit.ts";
import { peelToTree } from "../read-target.ts";

/**
 * Plans a commit and holds it to the paths that its caller may change. Judged by the trees before and after, so that
 * moving or copying a whole directory is no way around it.
 * @throws GitError forbidden, with the path
 */
export async function planGuardedCommit(
  reader: ObjectReader,
  head: Oid | null,
  request: CommitRequest,
  time: CommitTime,
) {
  const plan = await planCommit(reader, head, request, time);
  if (plan.kind !== "planned" || request.allowedPaths === undefined) return plan;
  const allowed = createGlobMatcher(request.allowedPaths);
  const before = head === null ? null : ((await peelToTree(reader, head))?.tree ?? null);
  const changes = listChangedPaths(layReaders(readHeld(plan.objects), reader), before, plan.receipt.tree);
  for await (const change of changes) {
    const path = formatByteString(change.path);
    if (!allowed.matches(path)) throw new GitError("forbidden", `not permitted to change ${path}`, { path });
  }
  return plan;
}
