import type { RepoName } from "../ports/org.ts";
import type { GitService } from "../services/git-exchange.ts";

/** What a smart-HTTP request is about, read from its method and address alone. */
export interface GitRoute {
  readonly org: string;
  readonly repo: RepoName;
  readonly service: GitService;
  /** `advertise` is `GET info/refs`, `call` a POST with a body. */
  readonly step: "advertise" | "call";
}

/** An address of the git protocol that this server does not serve: the old protocol, a wrong method. */
export interface GitRefusal {
  readonly status: 403 | 405;
  readonly message: string;
}

const ACTIONS = ["/info/refs", "/git-upload-pack", "/git-receive-pack"] as const;
const SERVICES: readonly string[] = ["git-upload-pack", "git-receive-pack"] satisfies readonly GitService[];
const SEGMENT = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
const MAX_SEGMENT_CHARS = 100;

/**
 * Parses `/:org/:slug.git/ACTION` and `/:org/:ns/:slug.git/ACTION`, both also under `/git`. null: not an address of
 * the git protocol, let other routes have it. Segments are compared undecoded: none that is legal needs an escape.
 */
export function parseGitPath(request: Request): GitRoute | GitRefusal | null {
  const url = new URL(request.url);
  const action = ACTIONS.find((suffix) => url.pathname.endsWith(suffix));
  const repo = action ? parseRepoPath(url.pathname.slice(1, -action.length).split("/")) : null;
  if (!action || !repo) return null;
  const advertises = action === "/info/refs";
  const service = advertises ? url.searchParams.get("service") : action.slice(1);
  if (service === null)
    return { status: 403, message: "Only the smart HTTP protocol is served; use git 1.6.6 or newer" };
  if (!SERVICES.includes(service))
    return { status: 403, message: `Unsupported service: '${service.slice(0, 80)}'` };
  const method = request.method === "HEAD" ? "GET" : request.method;
  if (method !== (advertises ? "GET" : "POST")) return { status: 405, message: "Method not allowed" };
  // It is one of SERVICES.
  return { ...repo, service: service as GitService, step: advertises ? "advertise" : "call" };
}

/** `:org/:slug.git` or `:org/:ns/:slug.git`, also below `git`; null: no such address. */
export function parseRepoPath(segments: readonly string[]): Pick<GitRoute, "org" | "repo"> | null {
  // An org may be named "git": its repositories without namespace are found, others under /git/git/.
  const inner = segments[0] === "git" && segments.length > 2 ? segments.slice(1) : segments;
  const last = inner.at(-1);
  if (inner.length < 2 || inner.length > 3 || !last?.endsWith(".git")) return null;
  const names = [...inner.slice(0, -1), last.slice(0, -".git".length)];
  if (!names.every((name) => name.length <= MAX_SEGMENT_CHARS && SEGMENT.test(name))) return null;
  const [org = "", middle = "", slug] = names;
  return { org, repo: slug === undefined ? { namespace: null, slug: middle } : { namespace: middle, slug } };
}
