import { createHash } from "node:crypto";
import type { Merged, mergeEndpoints } from "../../sdk/contract/merges.ts";
import { isOid, type Oid } from "../git/hash/oid.ts";
import { BRANCH_PREFIX, checkRefName } from "../git/object/ref-name.ts";
import {
  conflict,
  invalidFields,
  notFound,
  type RequestError,
  unprocessable,
} from "../middleware/request-error.ts";
import { cherryPick } from "../services/merge/cherry-pick.ts";
import { findNamedCommit } from "../services/merge/find-commit.ts";
import {
  type BranchMerge,
  type MergeOrder,
  type MergeRefusal,
  mergeBranch,
} from "../services/merge/merge-branch.ts";
import { findTip, type MoveContext } from "../services/merge/move-branch.ts";
import { revertCommit } from "../services/merge/revert-commit.ts";
import type { StoreObjects } from "../services/place-objects.ts";
import { findEarlierMove } from "../services/refs/earlier-move.ts";
import { moveRef, type RefMove } from "../services/refs/move-ref.ts";
import { describeConflicts } from "./conflict-replies.ts";
import { getCompare, getDiff } from "./diffs.ts";
import { checkIdentity, checkMessage, DEFAULT_IDENTITY } from "./identity.ts";
import { actorOf } from "./read-replies.ts";
import { refuseMove, replayHeaders } from "./ref-replies.ts";
import { json } from "./reply.ts";
import type { HandlersFor, RequestContext } from "./router.ts";

type WriteKey =
  | "POST /repos/:repo/branches/*target/merge"
  | "POST /repos/:repo/land"
  | "POST /repos/:repo/cherry-pick"
  | "POST /repos/:repo/revert"
  | "POST /repos/:repo/reset";

/** Merge, land, cherry-pick, revert, reset, diff and compare. */
export function createMergeHandlers(deps: {
  readonly storeObjects: StoreObjects;
}): HandlersFor<typeof mergeEndpoints> {
  return {
    "POST /repos/:repo/branches/*target/merge": (context) => {
      const { body, params } = context;
      checkWords(body);
      return answerMerge(openMove(deps.storeObjects, context, "merge"), {
        ...toOrder(body),
        target: params.target,
      });
    },
    "POST /repos/:repo/land": (context) => {
      const { body } = context;
      checkWords(body);
      return answerMerge(openMove(deps.storeObjects, context, "land"), {
        ...toOrder(body),
        target: body.target,
      });
    },
    "POST /repos/:repo/cherry-pick": (context) => postCherryPick(deps.storeObjects, context),
    "POST /repos/:repo/revert": (context) => postRevert(deps.storeObjects, context),
    "POST /repos/:repo/reset": (context) => postReset(deps.storeObjects, context),
    "GET /repos/:repo/diff": getDiff,
    "GET /repos/:repo/compare": getCompare,
  };
}

function openMove(storeObjects: StoreObjects, context: RequestContext<WriteKey>, kind: string): MoveContext {
  const { repo, idempotencyKey, body, params } = context;
  const fingerprint = createHash("sha256")
    .update(`${kind}\n${JSON.stringify(params)}\n${JSON.stringify(body)}`)
    .digest("hex");
  return {
    repo,
    storeObjects,
    actor: actorOf(context),
    nowMs: context.now(),
    idempotency: idempotencyKey === null ? null : { key: idempotencyKey, fingerprint },
  };
}

/** @throws RequestError VALIDATION_ERROR for words that cannot stand in a commit */
function checkWords(body: {
  readonly message?: string | undefined;
  readonly author?: { readonly name: string; readonly email: string } | undefined;
}): void {
  const fields = [
    ...(body.message === undefined ? [] : checkMessage(body.message)),
    ...(body.author ? checkIdentity("author", body.author) : []),
  ];
  if (fields.length > 0) throw invalidFields(fields);
}

function toOrder(
  body:
    | RequestContext<"POST /repos/:repo/land">["body"]
    | RequestContext<"POST /repos/:repo/branches/*target/merge">["body"],
): Omit<MergeOrder, "target"> {
  return {
    source: body.source,
    strategy: body.strategy,
    message: body.message,
    author: body.author ?? DEFAULT_IDENTITY,
    expected: toOid(body.expected_sha),
    dryRun: body.dry_run ?? false,
  };
}

/** The schema has checked the digits. */
function toOid(text: string | undefined): Oid | undefined {
  return text !== undefined && isOid(text) ? text : undefined;
}

async function answerMerge(context: MoveContext, order: MergeOrder): Promise<Response> {
  checkRefName(BRANCH_PREFIX + order.target);
  const outcome = await mergeBranch(context, order);
  if (outcome.kind !== "merged") throw refuseMerge(outcome, order);
  return json(describeMerge(outcome, order), { headers: replayHeaders(outcome.replayed) });
}

function describeMerge(outcome: Extract<BranchMerge, { kind: "merged" }>, order: MergeOrder): Merged {
  const { tip, strategy, previous, created } = outcome;
  return {
    merged: true,
    sha: tip,
    strategy,
    commits_created: created,
    ...(strategy === "merge-commit" && { merge_sha: tip }),
    ...(previous !== null && { previous_sha: previous }),
    ...(order.dryRun && { dry_run: true as const }),
  };
}

function refuseMerge(outcome: MergeRefusal, { target, source, strategy }: MergeOrder): RequestError {
  const merged = { merged: false, strategy };
  switch (outcome.kind) {
    case "conflict": {
      const { conflicts, tip, failed } = outcome;
      const details = {
        ...merged,
        ...describeConflicts(conflicts),
        head_sha: tip,
        ...(failed && { failed_sha: failed }),
      };
      return conflict(`${source} does not merge into ${target}: ${conflicts.length} conflicts`, details);
    }
    case "not-fast-forward": {
      const message = `${target} has commits that ${source} does not: it cannot be fast-forwarded`;
      return conflict(message, {
        ...merged,
        conflicts: [],
        details: [],
        reason: outcome.kind,
        head_sha: outcome.tip,
      });
    }
    case "unrelated":
      return unprocessable(`${source} and ${target} have no common ancestor`, merged);
    case "too-many":
      return tooMany(outcome);
    case "unknown-ref":
      return unknownCommit(outcome.ref);
    default:
      return refuseMove(`Branch ${target}`, outcome);
  }
}

function tooMany({ count, limit }: { readonly count: number; readonly limit: number }): RequestError {
  return unprocessable(`${count} commits would be applied anew, at most ${limit} are`, { count, limit });
}

function unknownCommit(ref: string): RequestError {
  return notFound(`Commit ${ref.slice(0, 200)}`);
}

async function postCherryPick(
  storeObjects: StoreObjects,
  context: RequestContext<"POST /repos/:repo/cherry-pick">,
) {
  const { body } = context;
  if (body.committer) checkWords({ author: body.committer });
  const outcome = await cherryPick(openMove(storeObjects, context, "cherry-pick"), {
    base: body.base,
    head: body.head,
    onto: body.onto,
    branch: body.branch,
    expected: toOid(body.expected_sha),
    committer: body.committer ?? DEFAULT_IDENTITY,
  });
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
      throw refuseMerge(outcome, {
        ...names,
        message: undefined,
        author: DEFAULT_IDENTITY,
        expected: undefined,
        dryRun: false,
      });
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
