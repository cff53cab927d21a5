import { ERROR_STATUS } from "../../sdk/contract/errors.ts";
import { HEADERS } from "../../sdk/contract/limits.ts";
import { type Allowed, authorize } from "../middleware/authorize.ts";
import { readGitCredential } from "../middleware/credentials.ts";
import type { Log } from "../middleware/error-reply.ts";
import type { RequestScope } from "../middleware/frame.ts";
import { notFound, RequestError } from "../middleware/request-error.ts";
import { callerHeaders, noteUsage } from "./caller-replies.ts";
import { createCallerAccount, openForCaller } from "./caller-repo.ts";
import type { DispatchDeps } from "./dispatch.ts";
import { handleGitRequest, needOf, refuseGit } from "./git-http.ts";
import { type GitRoute, parseGitPath } from "./git-path.ts";

export interface GitMountDeps extends Pick<DispatchDeps, "openOrg" | "openRepo" | "usage"> {
  readonly log: Log;
}

/** Answers a request outside /v1: smart HTTP, or NOT_FOUND. */
export async function answerGit(
  deps: GitMountDeps,
  request: Request,
  scope: RequestScope,
): Promise<Response> {
  const route = parseGitPath(request);
  if (!route) throw notFound("Route");
  if ("status" in route) return refuseGit(route);
  if (request.headers.has(HEADERS.session)) {
    return refuseGit({
      status: 400,
      message: "git does not work in a session: flush it, then fetch or push",
    });
  }
  const allowed = await authorizeGit(deps, request, scope, route);
  if (allowed instanceof Response) return allowed;
  if (!allowed.repo) throw notFound("Repository");
  const account = createCallerAccount(allowed.store, allowed);
  const response = await handleGitRequest(request, {
    route,
    repo: openForCaller(deps.openRepo(allowed.repo), account),
    principal: allowed.principal,
    now: scope.now,
    onPackStored: (commits) => {
      account.tally.commits += commits;
    },
    onReceived: (bytes) => {
      account.tally.bytesIn += bytes;
    },
    onFailure: (error) =>
      deps.log({
        level: "error",
        request_id: scope.requestId,
        message: error instanceof Error ? error.message : String(error),
        ...(error instanceof Error && { stack: error.stack }),
      }),
  });
  for (const [name, value] of Object.entries(callerHeaders({ ...allowed, account }))) {
    response.headers.set(name, value);
  }
  noteUsage({ usage: deps.usage, request, allowed, account }, response);
  return response;
}

/** git shows its user plain text only, and offers its password only when it is asked for: by a 401. */
async function authorizeGit(
  deps: GitMountDeps,
  request: Request,
  scope: RequestScope,
  route: GitRoute,
): Promise<Allowed | Response> {
  const offered = readGitCredential(request.headers);
  try {
    return await authorize(
      deps,
      offered,
      {
        need: needOf(route),
        repo: route.repo,
        orgSlug: route.org,
        anonymous: "allowed",
        stores: needOf(route) === "write",
      },
      scope.timing,
    );
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    if (error.code === "UNAUTHORIZED" || (error.code === "NOT_FOUND" && offered.kind === "none")) {
      return refuseGit({ status: 401, message: "An API key is required, as the password of any user name" });
    }
    if (error.code === "NOT_FOUND") return refuseGit({ status: 404, message: error.message });
    if (error.code === "FORBIDDEN") return refuseGit({ status: 403, message: error.message });
    if (error.code !== "RATE_LIMITED" && error.code !== "QUOTA_EXCEEDED") throw error;
    const limited = refuseGit({ status: ERROR_STATUS[error.code], message: error.message });
    for (const [name, value] of Object.entries(error.headers)) limited.headers.set(name, value);
    return limited;
  }
}
