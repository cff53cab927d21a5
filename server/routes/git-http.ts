import { openGitBody } from "../middleware/git-body.ts";
import type { Principal } from "../ports/org.ts";
import type { RepoHandle } from "../ports/repo.ts";
import { answerDiscovery, answerFetch, answerPush, type GitReply } from "../services/git-exchange.ts";
import type { GitRoute } from "./git-path.ts";
import { streamBody } from "./git-stream.ts";

/** What a git request needs once its path is parsed and its caller authorised. */
export interface GitContext {
  readonly route: GitRoute;
  /** Opened for `route.repo`. */
  readonly repo: RepoHandle;
  /** null: an anonymous read of a public repository. */
  readonly principal: Principal | null;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Hears how many commits came in a pack that was stored as it was. */
  readonly onPackStored?: (commits: number) => void;
  /** Hears how many bytes of a body were read. */
  readonly onReceived?: (bytes: number) => void;
  /** Hears of failures that the client only learns of as "internal error". */
  readonly onFailure: (error: unknown) => void;
}

/** A fetch request names ids only: 80,000 wants or haves in a 4 MB body, and clients send haves in small portions. */
const MAX_FETCH_BODY_BYTES = 32 * 1024 * 1024;
const MAX_PUSH_BODY_BYTES = 4 * 1024 * 1024 * 1024;

const NO_CACHE = {
  "cache-control": "no-cache, max-age=0, must-revalidate",
  expires: "Fri, 01 Jan 1980 00:00:00 GMT",
  pragma: "no-cache",
};

/**
 * Serves smart HTTP: `GET info/refs`, `POST git-upload-pack`, `POST git-receive-pack`.
 *
 * Mounting, in the router, before any body is read:
 * ```ts
 * const route = parseGitPath(request);                        // git-path.ts; null: not for git
 * if (route && "status" in route) return refuseGit(route);
 * const allowed = await authorize({ credential, repo: route.repo, need: needOf(route) });
 * if (allowed.kind === "unauthorized") return refuseGit({ status: 401, message: "…" });   // asks git for a password
 * return handleGitRequest(request, { route, repo: open(allowed.repo), principal: allowed.principal, … });
 * ```
 * A private repository that an anonymous caller asks for is a 401, not a 404: git sends its password only when asked.
 * With a password that opens nothing it is a 404.
 */
export async function handleGitRequest(request: Request, context: GitContext): Promise<Response> {
  const { service, step } = context.route;
  const protocol = request.headers.get("git-protocol");
  if (step === "advertise") {
    return toResponse(await answerDiscovery(context.repo, service, protocol), `${service}-advertisement`);
  }
  const type = `application/x-${service}-request`;
  if (request.headers.get("content-type") !== type) {
    return refuseGit({ status: 415, message: `Content-Type must be ${type}` });
  }
  const fetches = service === "git-upload-pack";
  const opened = openGitBody(request, fetches ? MAX_FETCH_BODY_BYTES : MAX_PUSH_BODY_BYTES);
  const body = { ...opened, chunks: countReceived(opened.chunks, context.onReceived) };
  try {
    const reply = fetches
      ? await answerFetch(context.repo, { protocol, body: body.chunks }, context)
      : await answerPush({ ...context, actor: context.principal?.actor ?? "anonymous" }, body.chunks);
    return toResponse(reply, `${service}-result`);
  } finally {
    await body.drain();
  }
}

async function* countReceived(
  chunks: AsyncIterable<Uint8Array>,
  onReceived: GitContext["onReceived"],
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    onReceived?.(chunk.length);
    yield chunk;
  }
}

/** What a route asks of the caller's credential. */
export function needOf(route: GitRoute): "read" | "write" {
  return route.service === "git-receive-pack" ? "write" : "read";
}

/** A refusal in plain text, which git shows to its user; a 401 asks for user name and password. */
export function refuseGit(refusal: { readonly status: number; readonly message: string }): Response {
  const challenge = refusal.status === 401 ? { "www-authenticate": 'Basic realm="coregit"' } : {};
  return new Response(`${refusal.message}\n`, {
    status: refusal.status,
    headers: { ...NO_CACHE, ...challenge, "content-type": "text/plain; charset=utf-8" },
  });
}

function toResponse(reply: GitReply, kind: string): Response {
  if (reply.kind === "refused") {
    return refuseGit({ status: reply.reason === "too-large" ? 413 : 400, message: reply.message });
  }
  return new Response(streamBody(reply.chunks), {
    headers: { ...NO_CACHE, "content-type": `application/x-${kind}` },
  });
}
