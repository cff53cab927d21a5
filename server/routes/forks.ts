import type { Fork, forkEndpoints } from "../../sdk/contract/forks.ts";
import { HEADERS } from "../../sdk/contract/limits.ts";
import { quotaExceeded } from "../middleware/quota.ts";
import { conflict, invalidField, RequestError, unprocessable } from "../middleware/request-error.ts";
import type { PackFamilies } from "../ports/fork.ts";
import type { RepoRecord } from "../ports/org.ts";
import { findRule, mayWrite } from "../services/access/grant.ts";
import { type ForkRequest, forkRepo } from "../services/forks/fork-repo.ts";
import { json } from "./reply.ts";
import { checkNamespacedSlug, formatFork, formatRepo, readOrgIdempotency } from "./repos.ts";
import type { HandlersFor, RequestContext } from "./router.ts";
import { postSyncUpstream, type UpstreamDeps } from "./sync-upstream.ts";

export interface ForkHandlerDeps extends UpstreamDeps {
  readonly families: PackFamilies;
}

type ForkContext =
  | RequestContext<"POST /repos/:repo/fork">
  | RequestContext<"POST /orgs/:org/repos/:repo/fork">;

/** Forks, within an org and across orgs. */
export function createForkHandlers(deps: ForkHandlerDeps): HandlersFor<typeof forkEndpoints> {
  return {
    "POST /repos/:repo/fork": (context) => postFork(deps, context),
    "POST /repos/:repo/sync-upstream": (context) => postSyncUpstream(deps, context),
    // That a guest takes templates only is judged where guests are let in.
    "POST /orgs/:org/repos/:repo/fork": (context) => postFork(deps, context),
  };
}

async function postFork(deps: ForkHandlerDeps, context: ForkContext): Promise<Response> {
  const { body, org, repo } = context;
  const request: ForkRequest = {
    slug: body.slug,
    namespace: body.namespace ?? null,
    description: body.description,
    defaultBranch: body.default_branch,
    mode: body.mode,
  };
  checkNamespacedSlug(request);
  if (!mayWrite(findRule(context.principal?.scopes ?? null, request))) {
    throw new RequestError("FORBIDDEN", "The token may not write a repository of this name");
  }
  const outcome = await context.timing.measure("store", () =>
    forkRepo({ ...deps, org: org.store }, repo, {
      request,
      context: {
        orgId: org.id,
        actor: context.principal?.actor ?? "anonymous",
        now: context.now,
        ...readOrgIdempotency(context, repo.record.id),
      },
    }),
  );
  switch (outcome.kind) {
    case "forked":
      return json(describeFork(outcome.repo, context.publicUrl), {
        status: 201,
        ...(outcome.replayed && { headers: { [HEADERS.idempotentReplay]: "true" } }),
      });
    case "no-branch":
      throw invalidField("default_branch", `branch "${body.default_branch}" does not exist in the source`);
    case "taken":
      throw conflict("A repository with this name exists already");
    case "quota-exceeded":
      throw quotaExceeded(outcome.excess);
    case "idempotency-mismatch":
      throw unprocessable("This Idempotency-Key was used for another request");
  }
}

function describeFork(record: RepoRecord, publicUrl: string): Fork {
  const deep = record.fork?.mode === "deep";
  const blobs = record.fork?.blobs ?? 0;
  return {
    ...formatRepo(record, publicUrl),
    ...formatFork(record.fork),
    blob_materialization: "sync",
    shared_blobs: deep ? 0 : blobs,
    owned_blobs: deep ? blobs : 0,
  };
}
