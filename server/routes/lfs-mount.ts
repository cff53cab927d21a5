import { HEADERS } from "../../sdk/contract/limits.ts";
import { type Allowed, authorize } from "../middleware/authorize.ts";
import { readGitCredential } from "../middleware/credentials.ts";
import { errorReply, type Log } from "../middleware/error-reply.ts";
import type { RequestScope } from "../middleware/frame.ts";
import { notFound, RequestError } from "../middleware/request-error.ts";
import { addHeaders, callerHeaders, noteUsage } from "./caller-replies.ts";
import { createCallerAccount } from "./caller-repo.ts";
import type { DispatchDeps } from "./dispatch.ts";
import { handleLfs, LFS_TYPE, type LfsContext, type LfsParts, lfsNeedOf } from "./lfs-http.ts";
import type { LfsRoute } from "./lfs-path.ts";

export interface LfsMountDeps extends Pick<DispatchDeps, "openOrg" | "usage"> {
  readonly lfs: LfsParts;
  readonly log: Log;
}

/** Answers a request below `…/info/lfs`, errors too in the form that git-lfs reads. */
export async function answerLfs(
  deps: LfsMountDeps,
  request: Request,
  asked: { readonly route: LfsRoute; readonly scope: RequestScope },
): Promise<Response> {
  try {
    return await answer(deps, request, asked);
  } catch (error) {
    return await refuseLfs(errorReply(error, asked.scope.requestId, deps.log), asked.scope.requestId);
  }
}

async function answer(
  deps: LfsMountDeps,
  request: Request,
  { route, scope }: { readonly route: LfsRoute; readonly scope: RequestScope },
): Promise<Response> {
  const { endpoint } = route;
  if (endpoint === null) throw notFound("Route");
  if (request.headers.has(HEADERS.session)) {
    throw new RequestError("VALIDATION_ERROR", "git does not work in a session: flush it first");
  }
  const allowed = await authorizeLfs(deps, request, { route, scope, need: lfsNeedOf(endpoint) });
  if (!allowed.repo) throw notFound("Repository");
  const account = createCallerAccount(allowed.store, allowed);
  const used = { usage: deps.usage, request, allowed, account };
  const context: LfsContext = {
    request,
    route,
    lfs: deps.lfs,
    repo: allowed.repo,
    principal: allowed.principal,
    meter: account.meter,
    publicUrl: scope.publicUrl,
    requireWrite: async () => {
      await authorizeLfs(deps, request, { route, scope, need: "write" });
    },
  };
  try {
    const response = await handleLfs(context, endpoint);
    const headers = callerHeaders({ ...allowed, account });
    for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
    noteUsage(used, response);
    return response;
  } catch (error) {
    noteUsage(used, null);
    throw addHeaders(error, callerHeaders({ ...allowed, account }));
  }
}

/** As for git: what an anonymous caller may not see is a 401, because the client offers its password only then. */
async function authorizeLfs(
  deps: LfsMountDeps,
  request: Request,
  asked: { readonly route: LfsRoute; readonly scope: RequestScope; readonly need: "read" | "write" },
): Promise<Allowed> {
  const offered = readGitCredential(request.headers);
  const { repo, org } = asked.route;
  try {
    const stores = asked.need === "write" && asked.route.endpoint?.name !== "unlock";
    const demand = { need: asked.need, repo, orgSlug: org, anonymous: "allowed", stores } as const;
    return await authorize(deps, offered, demand, asked.scope.timing);
  } catch (error) {
    if (error instanceof RequestError && error.code === "NOT_FOUND" && offered.kind === "none") {
      throw new RequestError("UNAUTHORIZED", "An API key is required, as the password of any user name");
    }
    throw error;
  }
}

/** Source: the API documentation of git-lfs: an error is an object with `message`. */
async function refuseLfs(response: Response, requestId: string): Promise<Response> {
  const { error, ...details } = (await response.json()) as { error: string };
  const headers = new Headers(response.headers);
  headers.set("content-type", LFS_TYPE);
  if (response.status === 401) {
    headers.set("www-authenticate", 'Basic realm="coregit"');
    headers.set("lfs-authenticate", 'Basic realm="coregit"');
  }
  return new Response(JSON.stringify({ message: error, request_id: requestId, ...details }), {
    status: response.status,
    headers,
  });
}
