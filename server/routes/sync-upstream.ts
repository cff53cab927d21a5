import type { Synced } from "../../sdk/contract/forks.ts";
import { BRANCH_PREFIX, checkRefName } from "../git/object/ref-name.ts";
import { notFound, RequestError, unprocessable } from "../middleware/request-error.ts";
import type { ForkFacts } from "../ports/fork.ts";
import type { RepoRecord } from "../ports/org.ts";
import type { RepoHandle, RepoLifecycle } from "../ports/repo.ts";
import { syncUpstream } from "../services/forks/sync-upstream.ts";
import { createCarrier } from "../services/merge/carry-objects.ts";
import type { StoreObjects } from "../services/place-objects.ts";
import type { DispatchDeps } from "./dispatch.ts";
import { DEFAULT_IDENTITY } from "./identity.ts";
import { describeMerge, refuseMerge } from "./merge-replies.ts";
import { checkWords, openMove, toOid } from "./open-move.ts";
import { formatRepoName } from "./parse-repo-name.ts";
import { replayHeaders } from "./ref-replies.ts";
import { json } from "./reply.ts";
import type { RequestContext } from "./router.ts";

export interface UpstreamDeps {
  readonly openOrg: DispatchDeps["openOrg"];
  readonly openRepo: (record: RepoRecord) => RepoHandle;
  readonly storeObjects: StoreObjects;
  readonly repos: RepoLifecycle;
}

type SyncContext = RequestContext<"POST /repos/:repo/sync-upstream">;

/** Takes the parent's commits into a branch of its fork. */
export async function postSyncUpstream(deps: UpstreamDeps, context: SyncContext): Promise<Response> {
  const { body, repo } = context;
  const { fork } = repo.record;
  if (fork === null) throw unprocessable("The repository is not a fork", { reason: "not-a-fork" });
  checkWords(body);
  const branch = body.branch ?? repo.record.defaultBranch;
  checkRefName(BRANCH_PREFIX + branch);
  const upstream = await openUpstream(deps, context, fork);
  const order = {
    target: branch,
    source: body.upstream_branch ?? branch,
    sourceRepo: formatRepoName({ slug: fork.sourceSlug, namespace: fork.sourceNamespace }),
    strategy: body.strategy,
    message: body.message,
    author: body.author ?? DEFAULT_IDENTITY,
    expected: toOid(body.expected_sha),
    dryRun: body.dry_run ?? false,
  };
  checkRefName(BRANCH_PREFIX + order.source);
  const carrier = createCarrier(repo, upstream, {
    now: context.now,
    adoptLargeFiles: deps.repos.adoptLargeFiles,
  });
  const move = openMove(deps.storeObjects, context, "sync-upstream");
  const outcome = await syncUpstream({ ...move, carrier }, order);
  if (outcome.kind !== "merged") throw refuseMerge(outcome, order);
  const reply: Synced = {
    ...describeMerge(outcome, order),
    branch,
    upstream: {
      repo_id: fork.sourceRepoId,
      slug: fork.sourceSlug,
      namespace: fork.sourceNamespace,
      branch: order.source,
    },
  };
  return json(reply, { headers: replayHeaders(outcome.replayed) });
}

/**
 * What the repository was forked from. One that was deleted, one of the same name that was made since, and one that the
 * caller may not read (any more) are the same.
 */
async function openUpstream(deps: UpstreamDeps, context: SyncContext, fork: ForkFacts): Promise<RepoHandle> {
  const upstream =
    fork.sourceOrgId === context.org.id ? await openOwn(context, fork) : await openForeign(deps, fork);
  if (upstream?.record.id !== fork.sourceRepoId) throw notFound("Upstream repository");
  return upstream;
}

async function openOwn(context: SyncContext, fork: ForkFacts): Promise<RepoHandle | undefined> {
  try {
    const name = { slug: fork.sourceSlug, namespace: fork.sourceNamespace };
    const [upstream] = await context.openRepos([name]);
    return upstream;
  } catch (error) {
    if (error instanceof RequestError && error.code === "NOT_FOUND") return undefined;
    throw error;
  }
}

/** In another org a key proves nothing: what anybody may read there is what can be synced from. */
async function openForeign(deps: UpstreamDeps, fork: ForkFacts): Promise<RepoHandle | undefined> {
  const found = await deps.openOrg(fork.sourceOrgId).authorize({
    credential: { kind: "none" },
    need: "read",
    repo: { slug: fork.sourceSlug, namespace: fork.sourceNamespace },
  });
  if (found.kind === "rate-limited") {
    throw new RequestError("RATE_LIMITED", "Too many requests to the upstream's org; try again later", {
      retry_after: found.retryAfterSec,
    });
  }
  return found.kind === "allowed" && found.repo ? deps.openRepo(found.repo) : undefined;
}
