import type { mergeEndpoints } from "../../sdk/contract/merges.ts";
import { BRANCH_PREFIX, checkRefName } from "../git/object/ref-name.ts";
import { notFound, unprocessable } from "../middleware/request-error.ts";
import type { RepoLifecycle } from "../ports/repo.ts";
import { cherryPick } from "../services/merge/cherry-pick.ts";
import { findNamedCommit } from "../services/merge/find-commit.ts";
import { type MergeOrder, mergeBranch } from "../services/merge/merge-branch.ts";
import { findTip } from "../services/merge/move-branch.ts";
import { revertCommit } from "../services/merge/revert-commit.ts";
import type { StoreObjects } from "../services/place-objects.ts";
import { findEarlierMove } from "../services/refs/earlier-move.ts";
import { moveRef, type RefMove } from "../services/refs/move-ref.ts";
import { describeConflicts } from "./conflict-replies.ts";
import { getCompare, getDiff } from "./diffs.ts";
import { DEFAULT_IDENTITY } from "./identity.ts";
import { describeMerge, refuseMerge, tooMany, unknownCommit } from "./merge-replies.ts";
import { checkWords, openCarrier, openMove, toOid } from "./open-move.ts";
import { formatRepoName, parseRepoName } from "./parse-repo-name.ts";
import { refuseMove, replayHeaders } from "./ref-replies.ts";
import { json } from "./reply.ts";
import type { HandlersFor, RequestContext } from "./router.ts";

export interface MergeHandlerDeps {
  readonly storeObjects: StoreObjects;
  readonly repos: RepoLifecycle;
}

/** Merge, land, cherry-pick, revert, reset, diff and compare. */
export function createMergeHandlers(deps: MergeHandlerDeps): HandlersFor<typeof mergeEndpoints> {
  return {
    "POST /repos/:repo/branches/*target/merge": (context) =>
      postMerge(deps, context, { kind: "merge", target: context.params.target }),
    "POST /repos/:repo/land": (context) =>
      postMerge(deps, context, { kind: "land", target: context.body.target }),
    "POST /repos/:repo/cherry-pick": (context) => postCherryPick(deps, context),
    "POST /repos/:repo/revert": (context) => postRevert(deps.storeObjects, context),
    "POST /repos/:repo/reset": (context) => postReset(deps.storeObjects, context),
    "GET /repos/:repo/diff": getDiff,
    "GET /repos/:repo/compare": getCompare,
  };
}

async function postMerge(
  { storeObjects, repos }: MergeHandlerDeps,
  context:
    | RequestContext<"POST /repos/:repo/land">
    | RequestContext<"POST /repos/:repo/branches/*target/merge">,
  { kind, target }: { readonly kind: string; readonly target: string },
): Promise<Response> {
  const { body } = context;
  checkWords(body);
  checkRefName(BRANCH_PREFIX + target);
  const carrier = await openCarrier(context, body.source_repo, repos);
  const order: MergeOrder = {
    target,
    source: body.source,
    sourceRepo: body.source_repo === undefined ? null : formatRepoName(parseRepoName(body.source_repo)),
    strategy: body.strategy,
    message: body.message,
    author: body.author ?? DEFAULT_IDENTITY,
    expected: toOid(body.expected_sha),
    dryRun: body.dry_run ?? false,
  };
  const move = openMove(storeObjects, context, kind);
  const outcome = await mergeBranch({ ...move, ...(carrier && { carrier }) }, order);
  if (outcome.kind !== "merged") throw refuseMerge(outcome, order);
  return json(describeMerge(outcome, order), { headers: replayHeaders(outcome.replayed) });
}

async function postCherryPick(
  { storeObjects, repos }: MergeHandlerDeps,
  context: RequestContext<"POST /repos/:repo/cherry-pick">,
) {
  const { body } = context;
  if (body.committer) checkWords({ author: body.committer });
  const carrier = await openCarrier(context, body.source_repo, repos);
  const move = openMove(storeObjects, context, "cherry-pick");
  const outcome = await cherryPick(
    { ...move, ...(carrier && { carrier }) },
    {
      base: body.base,
      head: body.head,
      onto: body.onto,
      branch: body.branch,
      expected: toOid(body.expected_sha),
      committer: body.committer ?? DEFAULT_IDENTITY,
    },
  );
  switch (outcome.kind) {
    case "picked":
      return json(
        {
          success: true,
          head_sha: outcome.tip,
          onto_sha: outcome.onto,
          commits_created: outcome.created,
          merges_skipped: outcome.merges,
          ...(body.branch !== undefined && { branch: body.branch, branch_updated: true }),
        },
        { headers: replayHeaders(outcome.replayed) },
      );
    case "conflict":
      return json({
        success: false,
        ...describeConflicts(outcome.conflicts),
        failed_sha: outcome.failed,
        last_clean_sha: outcome.lastClean,
        onto_sha: outcome.onto,
        commits_created: outcome.created,
        merges_skipped: outcome.merges,
      });
    case "unknown-ref":
      throw unknownCommit(outcome.ref);
    case "too-many":
      throw tooMany(outcome);
    default:
      throw refuseMove(`Branch ${body.branch}`, outcome);
  }
}

async function postRevert(storeObjects: StoreObjects, context: RequestContext<"POST /repos/:repo/revert">) {
  const { body } = context;
  checkWords(body);
  checkRefName(BRANCH_PREFIX + body.branch);
  const outcome = await revertCommit(openMove(storeObjects, context, "revert"), {
    commit: body.commit,
    branch: body.branch,
    mainline: body.mainline,
    message: body.message,
    author: body.author ?? DEFAULT_IDENTITY,
    expected: toOid(body.expected_sha),
  });
  switch (outcome.kind) {
    case "reverted": {
      const { tip, commit, previous, replayed } = outcome;
      const reply = { sha: tip, branch: body.branch, reverted_sha: commit, previous_sha: previous };
      return json(reply, { headers: replayHeaders(replayed) });
    }
    case "bad-mainline":
      throw unprocessable(
        `The commit has ${outcome.parents} parents: mainline says which of several counts`,
        {
          parents: outcome.parents,
        },
      );
    case "nothing-to-revert":
      throw unprocessable(`${body.branch} has nothing of this commit's change`, { head_sha: outcome.tip });
    default: {
      const names = {
        target: body.branch,
        source: `The revert of ${body.commit}`,
        strategy: "squash" as const,
      };
      throw refuseMerge(outcome, { ...names, sourceRepo: null });
    }
  }
}

async function postReset(storeObjects: StoreObjects, context: RequestContext<"POST /repos/:repo/reset">) {
  const { body, repo } = context;
  const { idempotency, actor } = openMove(storeObjects, context, "reset");
  const name = BRANCH_PREFIX + body.branch;
  checkRefName(name);
  const earlier = await findEarlierMove(repo, name, idempotency);
  if (earlier) return answerReset(body.branch, earlier);
  const [commit, tip] = [await findNamedCommit(repo, body.sha), await findTip(repo, body.branch)];
  if (commit.kind !== "found") throw unknownCommit(commit.ref);
  if (tip === null) throw notFound(`Branch ${body.branch}`);
  const expected = toOid(body.expected_sha);
  const target = { name, oid: commit.oid, idempotency, ...(expected && { expected }) };
  const moved = await moveRef(repo, target, { actor, message: `reset: moving to ${body.sha}` });
  return answerReset(body.branch, moved);
}

function answerReset(branch: string, moved: RefMove): Response {
  if (moved.kind !== "moved") throw refuseMove(`Branch ${branch}`, moved);
  const reply = { branch, sha: moved.oid, previous_sha: moved.previous };
  return json(reply, { headers: replayHeaders(moved.replayed) });
}
