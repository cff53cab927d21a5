import type { ChangedFile } from "../../sdk/contract/merges.ts";
import { notFound, unprocessable } from "../middleware/request-error.ts";
import type { RepoHandle } from "../ports/repo.ts";
import { describeCommit } from "../services/commits/describe-commit.ts";
import { compareCommits } from "../services/diff/compare-commits.ts";
import { diffFiles, type FileDiff } from "../services/diff/diff-commits.ts";
import { findNamedCommit } from "../services/merge/find-commit.ts";
import { resolveRefTarget } from "../services/read-target.ts";
import { openCarrier } from "./open-move.ts";
import { requireTarget } from "./read-replies.ts";
import type { Handler, RequestContext } from "./router.ts";

/** Two trees: of commits, branches, tags, or trees themselves. */
export const getDiff: Handler<"GET /repos/:repo/diff"> = async (context) => {
  const { repo, query } = context;
  const { source, objects } = await openHead(context);
  const [base, head] = [await findTarget(repo, query.base), await findTarget(source, query.head)];
  const files = await diffFiles(
    objects,
    { base: base.tree, head: head.tree },
    { patch: query.patch ?? false, context: query.context },
  );
  return { base: base.commit ?? base.tree, head: head.commit ?? head.tree, ...describeFiles(files) };
};

async function findTarget(repo: RepoHandle, ref: string) {
  return requireTarget(await resolveRefTarget(repo, ref)).target;
}

/** The repository that `head` is in, and the objects of both. */
async function openHead(
  context: RequestContext<"GET /repos/:repo/diff"> | RequestContext<"GET /repos/:repo/compare">,
): Promise<{ readonly source: RepoHandle; readonly objects: RepoHandle["objects"] }> {
  const carrier = await openCarrier(context, context.query.head_repo);
  return carrier ?? { source: context.repo, objects: context.repo.objects };
}

/** Two histories, from where they parted. */
export const getCompare: Handler<"GET /repos/:repo/compare"> = async (context) => {
  const { repo, query } = context;
  const { source, objects } = await openHead(context);
  const [base, head] = [await findNamedCommit(repo, query.base), await findNamedCommit(source, query.head)];
  if (base.kind !== "found") throw notFound(`Commit ${base.ref.slice(0, 200)}`);
  if (head.kind !== "found") throw notFound(`Commit ${head.ref.slice(0, 200)}`);
  const compared = await compareCommits(objects, { base: base.oid, head: head.oid });
  if (compared.kind === "unrelated") throw unprocessable("base and head have no common ancestor");
  return {
    base: base.oid,
    head: head.oid,
    merge_base: compared.mergeBase,
    ahead_by: compared.ahead,
    behind_by: compared.behind,
    commits: compared.commits.map(({ oid, commit }) => describeCommit(oid, commit)),
    ...describeFiles(compared.files),
    mergeable: compared.mergeable,
    conflicts: [...compared.conflicts],
  };
};

function describeFiles(files: readonly FileDiff[]) {
  return {
    files: files.map(describeFile),
    total_files_changed: files.length,
    total_additions: files.reduce((sum, { additions }) => sum + additions, 0),
    total_deletions: files.reduce((sum, { deletions }) => sum + deletions, 0),
  };
}

function describeFile(file: FileDiff): ChangedFile {
  const { path, oldPath, status, old, next, similarity, additions, deletions, binary, patch, omitted } = file;
  return {
    path,
    ...(oldPath !== null && { old_path: oldPath }),
    status,
    old_sha: old?.oid ?? null,
    new_sha: next?.oid ?? null,
    old_mode: old?.mode ?? null,
    new_mode: next?.mode ?? null,
    ...(similarity !== null && { similarity }),
    additions,
    deletions,
    binary,
    ...(patch !== null && { patch }),
    ...(omitted && { patch_omitted: true as const }),
  };
}
