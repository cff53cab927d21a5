import type { AuthorizeResult, Credential, OrgStore, RateState, RepoName } from "../ports/org.ts";
import type { SessionEnd, SessionStore } from "../ports/session.ts";
import { orgIdOf } from "../services/org-keys.ts";
import { parseSessionId } from "../services/sessions/session-id.ts";
import type { OfferedCredential } from "./credentials.ts";
import { quotaExceeded } from "./quota.ts";
import { notFound, RequestError } from "./request-error.ts";
import type { Timing } from "./timing.ts";

/** What a request asks for. */
export interface Demand {
  readonly need: "read" | "write" | "master";
  readonly repo: RepoName | null;
  /** The org in the path; null where the key alone says which. */
  readonly orgSlug: string | null;
  /** Whether a request without a key may read what is public. `only`: a key is not even looked at. */
  readonly anonymous: "refused" | "allowed" | "only";
  /** It stores something: refused when the org or the repository has no room left. */
  readonly stores: boolean;
}

export type Allowed = Extract<AuthorizeResult, { kind: "allowed" }> & { readonly store: OrgStore };

export interface AuthorizeDeps {
  readonly openOrg: (orgId: string) => OrgStore;
}

interface Caller {
  readonly orgId: string;
  readonly credential: Credential;
}

const NO_CREDENTIAL = { kind: "none" } as const;
const SLUG = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
const MAX_SLUG_CHARS = 100;

/**
 * Authorises, resolves the repository and counts the request, in one round to the org's store. A repository that the
 * caller may not see, one that does not exist and one of another org are the same NOT_FOUND.
 * @throws RequestError UNAUTHORIZED, FORBIDDEN, NOT_FOUND, RATE_LIMITED
 */
export async function authorize(
  deps: AuthorizeDeps,
  offered: OfferedCredential,
  demand: Demand,
  timing: Timing,
): Promise<Allowed> {
  const { orgId, credential } = chooseOrg(demand.anonymous === "only" ? NO_CREDENTIAL : offered, demand);
  if (demand.repo && !isPossibleName(demand.repo)) throw notFound("Repository");
  const store = deps.openOrg(orgId);
  const result = await timing.measure("auth", () =>
    store.authorize({
      credential,
      need: demand.need,
      stores: demand.stores,
      ...(demand.repo && { repo: demand.repo }),
    }),
  );
  if (result.kind !== "allowed") throw refuse(result, demand);
  return { ...result, store };
}

/**
 * As {@link authorize}, by the session that a request names: the session itself is asked, and no key is looked up.
 * @throws RequestError UNAUTHORIZED, FORBIDDEN, NOT_FOUND, RATE_LIMITED, PAYLOAD_TOO_LARGE
 */
export async function authorizeSession(
  deps: AuthorizeDeps & { readonly openSession: (hash: string) => SessionStore },
  id: string,
  demand: Demand,
  timing: Timing,
): Promise<Allowed & { readonly sessionHash: string }> {
  const session = parseSessionId(id);
  if (!session) throw sessionEnded("unknown");
  if (demand.repo && !isPossibleName(demand.repo)) throw notFound("Repository");
  const result = await timing.measure("auth", () =>
    deps
      .openSession(session.hash)
      .authorize({ need: demand.need, stores: demand.stores, ...(demand.repo && { repo: demand.repo }) }),
  );
  if (result.kind === "ended") throw sessionEnded(result.reason);
  if (result.kind === "full") {
    const message = `A session takes at most ${result.limit} repositories`;
    throw new RequestError("PAYLOAD_TOO_LARGE", message, { reason: "session-repos", limit: result.limit });
  }
  if (result.kind !== "allowed") throw refuse(result, demand);
  return { ...result, store: deps.openOrg(session.orgId), sessionHash: session.hash };
}

const END_MESSAGES: Readonly<Record<SessionEnd, string>> = {
  unknown: "There is no such session",
  closed: "The session is closed",
  expired: "The session has expired; its work was flushed",
  revoked: "The credential that opened the session was revoked",
};

function sessionEnded(reason: SessionEnd): RequestError {
  return new RequestError("UNAUTHORIZED", END_MESSAGES[reason], { reason: `session-${reason}` });
}

/** X-RateLimit-*: the tightest of the caller's windows. */
export function rateHeaders(rate: RateState): Record<string, string> {
  return {
    "x-ratelimit-limit": String(rate.limit),
    "x-ratelimit-remaining": String(rate.remaining),
    "x-ratelimit-reset": String(rate.resetAt),
  };
}

function chooseOrg(offered: OfferedCredential, demand: Demand): Caller {
  if (offered.kind === "malformed") throw unauthorized("The API key is not valid");
  const named = demand.orgSlug === null ? null : orgIdOf(demand.orgSlug);
  if (offered.kind === "key" && (named === null || named === offered.orgId)) return offered;
  // To an org that is not its own a key proves nothing: its holder reads there as anybody may.
  if (demand.anonymous === "refused" || named === null) throw unauthorized("An API key is required");
  return { orgId: named, credential: NO_CREDENTIAL };
}

function refuse(result: Exclude<AuthorizeResult, { kind: "allowed" }>, demand: Demand): RequestError {
  switch (result.kind) {
    case "unauthorized":
      return unauthorized("The API key is not valid");
    case "forbidden":
      return new RequestError("FORBIDDEN", "The API key does not permit this");
    case "not-found":
      return notFound(demand.repo ? "Repository" : "Organization");
    case "quota-exceeded":
      return quotaExceeded(result.excess, result.rate ? rateHeaders(result.rate) : {});
    case "rate-limited":
      return new RequestError(
        "RATE_LIMITED",
        `Too many requests; try again in ${result.retryAfterSec} s`,
        { limit: result.rate.limit, retry_after: result.retryAfterSec },
        { ...rateHeaders(result.rate), "retry-after": String(result.retryAfterSec) },
      );
  }
}

function unauthorized(message: string): RequestError {
  return new RequestError("UNAUTHORIZED", message, {}, { "www-authenticate": 'Bearer realm="coregit"' });
}

/** What cannot be a name cannot exist, and is not worth a round. */
function isPossibleName(name: RepoName): boolean {
  return isPossibleSlug(name.slug) && (name.namespace === null || isPossibleSlug(name.namespace));
}

function isPossibleSlug(slug: string): boolean {
  return slug.length <= MAX_SLUG_CHARS && SLUG.test(slug);
}
