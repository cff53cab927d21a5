import type { Access, EndpointSpec } from "../../sdk/contract/endpoint.ts";
import { contract, type EndpointKey } from "../../sdk/contract/index.ts";
import { HEADERS, LIMITS } from "../../sdk/contract/limits.ts";
import { type Allowed, authorize, authorizeSession, type Demand } from "../middleware/authorize.ts";
import { readApiCredential } from "../middleware/credentials.ts";
import type { RequestScope } from "../middleware/frame.ts";
import { checkOperator } from "../middleware/operator.ts";
import { readJson } from "../middleware/read-body.ts";
import { invalidField, notFound, RequestError } from "../middleware/request-error.ts";
import { parseQuery, validate } from "../middleware/validate.ts";
import type { OrgStore, Principal, RepoName, RepoRecord } from "../ports/org.ts";
import type { RepoHandle } from "../ports/repo.ts";
import type { SessionStore } from "../ports/session.ts";
import type { UsageTally } from "../services/usage/usage-tally.ts";
import { addHeaders, callerHeaders, noteUsage, type RequestUsage } from "./caller-replies.ts";
import { type CallerAccount, createCallerAccount, openForCaller } from "./caller-repo.ts";
import { json } from "./reply.ts";
import { createRouteTable, type Route, type RouteMatch, splitPath } from "./route-table.ts";
import type { HandlerMap, RequestContext } from "./router.ts";
import { timeRepo } from "./time-repo.ts";

export interface DispatchDeps {
  /** The store of an org, whether or not the org exists. */
  readonly openOrg: (orgId: string) => OrgStore;
  /** Only ever called with a record that an authorisation gave. */
  readonly openRepo: (record: RepoRecord) => RepoHandle;
  /** A session by the hash of its id, whether or not it exists. */
  readonly openSession: (hash: string) => SessionStore;
  /** A repository as a session sees it; only ever called with a record that the session's authorisation gave. */
  readonly openSessionRepo: (hash: string, record: RepoRecord) => RepoHandle;
  /** Counts what requests do. */
  readonly usage: UsageTally;
  /** SHA-256 in hex of the operator's key; null: there is no operator and the routes do not exist. */
  readonly adminKeyHash: string | null;
}

/** Answers a request below /v1. @throws what the frame turns into an error reply */
export type Dispatch = (request: Request, scope: RequestScope) => Promise<Response>;

interface BoundRoute extends Route {
  readonly handle: (context: RequestContext<EndpointKey>) => Promise<unknown>;
}

const ANONYMOUS_READ: Pick<Demand, "need" | "anonymous" | "stores"> = {
  need: "read",
  anonymous: "only",
  stores: false,
};
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;
/** Segments before the contract's path: `v1`. */
const PREFIX_SEGMENTS = 1;

/** Compiles the contract's routes once. A key of the contract without a handler here is a NOT_FOUND. */
export function createDispatch(deps: DispatchDeps, handlers: Partial<HandlerMap>): Dispatch {
  const table = createRouteTable(bindRoutes(handlers));
  return async (request, scope) => {
    const match = table.find(splitPath(request.url).slice(PREFIX_SEGMENTS));
    if (!match) throw notFound("Route");
    const route = match.routes.get(request.method === "HEAD" ? "GET" : request.method);
    if (!route) throw noSuchMethod(request.method, match);
    const { access } = route.spec;
    return access === "operator" || access === "hook"
      ? answerUnkeyed(deps, request, scope, route, match)
      : answerCaller(deps, request, scope, route, match);
  };
}

function bindRoutes(handlers: Partial<HandlerMap>): BoundRoute[] {
  const routes: BoundRoute[] = [];
  for (const [key, spec] of Object.entries<EndpointSpec>(contract)) {
    const handle = Reflect.get(handlers, key) as BoundRoute["handle"] | undefined;
    // HandlerMap ties each handler to the context of its own key, and `route` gives it no other.
    if (handle) routes.push({ key, method: key.slice(0, key.indexOf(" ")), spec, handle });
  }
  return routes;
}

async function answerCaller(
  deps: DispatchDeps,
  request: Request,
  scope: RequestScope,
  route: BoundRoute,
  match: RouteMatch<BoundRoute>,
): Promise<Response> {
  const session = findSession(request.headers, route.spec, match);
  const admitted = await admit({ deps, request, scope, match, session }, route);
  const allowed = { ...admitted, account: createCallerAccount(admitted.store, admitted) };
  const used: RequestUsage = { usage: deps.usage, request, allowed, account: allowed.account };
  try {
    const input = await readInput(request, route.spec);
    const reply = await route.handle(toContext({ deps, request, scope, match, session, allowed, input }));
    const response = toResponse(reply, route.spec);
    for (const [name, value] of Object.entries(callerHeaders(allowed))) response.headers.set(name, value);
    noteUsage(used, response);
    return response;
  } catch (error) {
    noteUsage(used, null);
    throw addHeaders(error, callerHeaders(allowed));
  }
}

/** What a request may do, and the session in which it does it. */
type Admitted = Allowed & { readonly sessionHash?: string };

/** The same, with who does it. */
type Caller = Admitted & { readonly account: CallerAccount };

/**
 * The session that a request is made in. Only what is read from or written to a repository can be: everything else is
 * what everybody sees.
 */
function findSession(headers: Headers, spec: EndpointSpec, match: RouteMatch<BoundRoute>): string | null {
  const id = headers.get(HEADERS.session);
  if (id === null || spec.outsideSessions || !isOfCaller(spec.access)) return null;
  if (!match.repo && !spec.opensRepos) return null;
  if (spec.access === "master") throw invalidField(HEADERS.session, "this cannot be done in a session");
  return id;
}

function isOfCaller(access: Access): boolean {
  return access === "read" || access === "write" || access === "master";
}

async function admit({ deps, request, scope, match, session }: Asking, route: BoundRoute): Promise<Admitted> {
  const offered = readApiCredential(request.headers);
  const { access } = route.spec;
  const place = { repo: match.repo, orgSlug: match.params.org ?? null };
  if (access !== "guest") {
    const demand = { ...place, ...demandOf(access, request.method) };
    return session === null
      ? authorize(deps, offered, demand, scope.timing)
      : authorizeSession(deps, session, demand, scope.timing);
  }
  const home = { repo: null, orgSlug: null, need: "write", anonymous: "refused", stores: false } as const;
  const caller = await authorize(deps, offered, home, scope.timing);
  const there = { ...place, need: "read", anonymous: "allowed", stores: false } as const;
  const host = await authorize(deps, offered, there, scope.timing);
  checkGuest(caller.orgId, host.repo);
  return { ...caller, repo: host.repo };
}

/** What another org has is taken along only when it is meant for that. @throws RequestError FORBIDDEN */
function checkGuest(orgId: string, repo: RepoRecord | null): void {
  if (repo === null || repo.orgId === orgId || (repo.isTemplate && repo.visibility === "public")) return;
  throw new RequestError("FORBIDDEN", "Only a public template can be forked into another org");
}

/** Callers without a key of an org: the operator, and other servers, which prove themselves to the handler. */
async function answerUnkeyed(
  deps: DispatchDeps,
  request: Request,
  scope: RequestScope,
  route: BoundRoute,
  match: RouteMatch<BoundRoute>,
): Promise<Response> {
  if (route.spec.access === "operator") checkOperator(request.headers, deps.adminKeyHash);
  const input = await readInput(request, route.spec);
  const asking = { deps, request, scope, match, session: null };
  const reply = await route.handle(toContext({ ...asking, allowed: null, input }));
  return toResponse(reply, route.spec);
}

function demandOf(
  access: Exclude<Access, "guest">,
  method: string,
): Pick<Demand, "need" | "anonymous" | "stores"> {
  if (access === "public" || access === "operator" || access === "hook") return ANONYMOUS_READ;
  // What is full can still be cleared.
  return { need: access, anonymous: "refused", stores: access === "write" && method !== "DELETE" };
}

interface Input {
  readonly query: unknown;
  readonly body: unknown;
  readonly idempotencyKey: string | null;
}

async function readInput(request: Request, spec: EndpointSpec): Promise<Input> {
  const query = spec.query
    ? validate(spec.query, parseQuery(request.url, spec.repeatable), "query")
    : undefined;
  const idempotencyKey = request.headers.get(HEADERS.idempotencyKey);
  if (idempotencyKey !== null && !IDEMPOTENCY_KEY.test(idempotencyKey)) {
    const rule = `1 to ${LIMITS.idempotencyKeyChars} visible ASCII characters`;
    throw invalidField(HEADERS.idempotencyKey, rule);
  }
  const body = spec.body ? validate(spec.body, await readJson(request), "body") : undefined;
  return { query, body, idempotencyKey };
}

/** A request and what it names. */
interface Asking {
  readonly deps: DispatchDeps;
  readonly request: Request;
  readonly scope: RequestScope;
  readonly match: RouteMatch<BoundRoute>;
  /** Id of the session that it is made in. */
  readonly session: string | null;
}

interface ContextParts extends Asking {
  readonly allowed: Caller | null;
  readonly input: Input;
}

function toContext(parts: ContextParts): RequestContext<EndpointKey> {
  const { request, scope, match, allowed, input } = parts;
  const context = {
    params: match.params,
    rest: match.rest,
    query: input.query,
    body: input.body,
    repo: allowed?.repo ? openAllowed(parts, allowed, allowed.repo) : null,
    account: allowed?.account ?? null,
    openRepos: (names: readonly RepoName[], need: "read" | "write" = "read") => openRepos(parts, names, need),
    org: allowed && { id: allowed.orgId, slug: allowed.orgSlug, store: allowed.store },
    principal: allowed?.principal ?? null,
    request,
    idempotencyKey: scopeKey(input.idempotencyKey, allowed?.principal ?? null),
    timing: scope.timing,
    requestId: scope.requestId,
    now: scope.now,
    publicUrl: scope.publicUrl,
  };
  // Every key's context is this object with the types that the route's own schemas have just checked.
  return context as unknown as RequestContext<EndpointKey>;
}

/** Keys are chosen by callers who know nothing of each other: two that choose the same one must not get in each other's way. */
function scopeKey(key: string | null, principal: Principal | null): string | null {
  return key === null || principal === null ? key : `${principal.actor} ${key}`;
}

/** A repository as the request sees it, with the limits of whoever makes the request around it. */
function openAllowed(
  { deps, scope }: Asking,
  { sessionHash, account }: Pick<Caller, "sessionHash" | "account">,
  record: RepoRecord,
): RepoHandle {
  const repo = sessionHash === undefined ? deps.openRepo(record) : deps.openSessionRepo(sessionHash, record);
  return openForCaller(timeRepo(repo, scope.timing), account);
}

/** The same caller's way to further repositories, by the same rules as if each had a request of its own. */
async function openRepos(
  parts: ContextParts,
  names: readonly RepoName[],
  need: "read" | "write",
): Promise<readonly RepoHandle[]> {
  const { deps, request, scope, match, session } = parts;
  if (parts.allowed === null) throw notFound("Repository");
  const { account } = parts.allowed;
  const offered = readApiCredential(request.headers);
  const orgSlug = match.params.org ?? null;
  const opened = names.map(async (repo) => {
    const demand: Demand = { repo, orgSlug, need, anonymous: "refused", stores: need === "write" };
    const allowed: Admitted =
      session === null
        ? await authorize(deps, offered, demand, scope.timing)
        : await authorizeSession(deps, session, demand, scope.timing);
    if (allowed.repo === null) throw notFound("Repository");
    // The same caller: what is written there counts together with what is written here.
    return openAllowed(parts, { ...allowed, account }, allowed.repo);
  });
  return await Promise.all(opened);
}

function toResponse(reply: unknown, spec: EndpointSpec): Response {
  return reply instanceof Response ? reply : json(reply, { status: spec.status });
}

function noSuchMethod(method: string, match: RouteMatch<BoundRoute>): RequestError {
  const methods = [...match.routes.keys()];
  const allow = methods.includes("GET") ? [...methods, "HEAD"] : methods;
  return new RequestError(
    "NOT_FOUND",
    `${method.slice(0, 20)} is not available here`,
    {},
    {
      allow: allow.join(", "),
    },
  );
}
