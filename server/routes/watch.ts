import { HEADERS, LIMITS } from "../../sdk/contract/limits.ts";
import type { watchEndpoints } from "../../sdk/contract/watch.ts";
import { GitError } from "../git/errors.ts";
import { BRANCH_PREFIX, checkRefName } from "../git/object/ref-name.ts";
import type { Log } from "../middleware/error-reply.ts";
import { invalidField, RequestError } from "../middleware/request-error.ts";
import type { RepoHandle } from "../ports/repo.ts";
import type { BranchMove, FeedQuery, WatchSources } from "../ports/watch.ts";
import { findRule, mayRead } from "../services/access/grant.ts";
import { type ChangedPaths, listChangedPaths } from "../services/watch/changed-paths.ts";
import { parseBranches } from "../services/watch/parse-branches.ts";
import { type Timers, WatchStream } from "../services/watch/watch-stream.ts";
import type { HandlersFor, RequestContext } from "./router.ts";

export interface WatchDeps {
  readonly watches: WatchSources;
  readonly timers: Timers;
  /** For what goes wrong after the status was sent. */
  readonly log: Log;
}

type Context = RequestContext<"GET /repos/:repo/watch">;

const STREAM_HEADERS = { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store" };
/** After so long whoever watches a repository only because it is public has to ask again. */
const PUBLIC_MS = 60_000;
/** Moves whose paths were listed lately: many watches in one isolate are told the same move. */
const REMEMBERED_MOVES = 500;

/** Streams of what happens to branches. */
export function createWatchHandlers(deps: WatchDeps): HandlersFor<typeof watchEndpoints> {
  const listPaths = createPathLister(deps.log);
  return { "GET /repos/:repo/watch": (context) => getWatch(deps, listPaths, context) };
}

async function getWatch(deps: WatchDeps, listPaths: PathLister, context: Context): Promise<Response> {
  const { repo, org, principal, query, request, now } = context;
  const idPrefix = `${repo.record.id.slice(-8)}.`;
  const branches = query.branch === undefined ? [] : checkBranches(query.branch);
  const stream = new WatchStream({
    timers: deps.timers,
    now,
    listPaths: (move) => listPaths(repo, move),
    idPrefix,
    bufferBytes: LIMITS.watchBufferBytes,
    maxWaiting: LIMITS.watchReplayMoves * 2,
    endsAtMs: endOf(context),
  });
  if (principal) {
    const watched = await deps.watches.watchCredential(org.id, principal, {
      onRevoked: () => stream.end("revoked"),
      onLost: () => stream.onLost(),
    });
    if (watched.kind === "full") throw tooMany("org", watched.limit);
    if (watched.kind === "revoked") throw new RequestError("UNAUTHORIZED", "The API key is not valid");
    stream.onRelease(watched.close);
  }
  const feedQuery = { branches, after: readLastId(request.headers, idPrefix) };
  const opening = await openOrRelease(deps, context, { feedQuery, stream });
  if (opening.kind === "full") {
    await stream.body.cancel();
    throw tooMany("repository", opening.limit);
  }
  stream.begin(opening.feed);
  return new Response(stream.body, { headers: STREAM_HEADERS });
}

/** When the stream's right to go on ends by itself; null: never. */
function endOf({ repo, principal, now }: Context): number | null {
  const expires = principal?.expiresAtMs ?? null;
  if (principal !== null && mayRead(findRule(principal.scopes, repo.record))) return expires;
  // It reads what is public, and nobody tells it when that ends.
  const proven = now() + PUBLIC_MS;
  return expires === null ? proven : Math.min(expires, proven);
}

async function openOrRelease(
  deps: WatchDeps,
  { repo }: Context,
  { feedQuery, stream }: { readonly feedQuery: FeedQuery; readonly stream: WatchStream },
) {
  try {
    return await deps.watches.openFeed(repo.record, feedQuery, stream);
  } catch (error) {
    await stream.body.cancel();
    throw error;
  }
}

function tooMany(scope: "org" | "repository", limit: number): RequestError {
  const message = `Too many watches of one ${scope}: at most ${limit} at a time`;
  return new RequestError("RATE_LIMITED", message, { reason: `too-many-watches-of-${scope}`, limit });
}

/** null: every branch. @throws RequestError VALIDATION_ERROR */
function checkBranches(text: string): readonly string[] | null {
  const names = parseBranches(text);
  if (names.includes("*")) {
    if (names.length > 1) throw invalidField("branch", "* is every branch: name no other beside it");
    return null;
  }
  if (names.length === 0) throw invalidField("branch", "names no branch");
  if (names.length > LIMITS.watchBranches) {
    throw invalidField(
      "branch",
      `names ${names.length} branches, at most ${LIMITS.watchBranches} are taken; * is all`,
    );
  }
  for (const name of names) {
    try {
      checkRefName(BRANCH_PREFIX + name);
    } catch (error) {
      if (error instanceof GitError) throw invalidField("branch", error.message);
      throw error;
    }
  }
  return names;
}

/** Number of the move to go on after; one that no repository has when the id is not from this one. */
function readLastId(headers: Headers, idPrefix: string): number | null {
  const id = headers.get(HEADERS.lastEventId);
  if (id === null || id === "") return null;
  const digits = id.startsWith(idPrefix) ? id.slice(idPrefix.length) : "";
  return /^\d{1,15}$/.test(digits) ? Number(digits) : Number.MAX_SAFE_INTEGER;
}

type PathLister = (repo: RepoHandle, move: BranchMove) => Promise<ChangedPaths>;

/**
 * A move whose trees cannot be read is told all the same: as one whose paths are not known. Only results are shared
 * between requests: work that another request began ends with it.
 */
function createPathLister(log: Log): PathLister {
  const known = new Map<string, ChangedPaths>();
  return async (repo, { from, to }) => {
    const key = `${repo.record.id} ${from} ${to}`;
    const listed = known.get(key);
    if (listed) return listed;
    try {
      const paths = await listChangedPaths(repo.objects, from, to, { maxPaths: LIMITS.watchPaths });
      const oldest = known.size >= REMEMBERED_MOVES ? known.keys().next().value : undefined;
      if (oldest !== undefined) known.delete(oldest);
      known.set(key, paths);
      return paths;
    } catch (error) {
      log({ level: "error", message: `could not list the paths of a move: ${error}` });
      return { paths: [], truncated: true };
    }
  };
}
