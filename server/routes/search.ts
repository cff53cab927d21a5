import { ERROR_STATUS } from "../../sdk/contract/errors.ts";
import { LIMITS } from "../../sdk/contract/limits.ts";
import type { GrepDoneLine, SearchReply, searchEndpoints } from "../../sdk/contract/search.ts";
import { encodeUtf8 } from "../git/bytes/text.ts";
import type { Log } from "../middleware/error-reply.ts";
import { invalidField } from "../middleware/request-error.ts";
import type { RepoName } from "../ports/org.ts";
import type { RepoHandle } from "../ports/repo.ts";
import { resumeTarget } from "../services/files/list-files.ts";
import type { ListingCache } from "../services/files/listing-cache.ts";
import { resolveRefTarget, type TargetResolution } from "../services/read-target.ts";
import {
  formatGrepCursor,
  type GrepCounts,
  parseGrepCursor,
  startCounts,
  streamMatchLines,
} from "../services/search/grep-tree.ts";
import { compilePattern, type LineMatcher, type Pattern } from "../services/search/line-matcher.ts";
import type { SearchClock } from "../services/search/search-files.ts";
import { searchRepos } from "../services/search/search-repos.ts";
import { describeFailure, type Failure } from "./failure-line.ts";
import { streamBody } from "./git-stream.ts";
import { parseRepoName } from "./parse-repo-name.ts";
import { unknownRef } from "./read-replies.ts";
import { readableNames } from "./repos.ts";
import type { HandlersFor, RequestContext } from "./router.ts";

type GrepContext = RequestContext<"POST /repos/:repo/grep">;
type SearchContext = RequestContext<"POST /search">;

export interface SearchDeps {
  /** Shared by all requests of an isolate. */
  readonly listings: ListingCache;
  /** For what goes wrong after the status was sent. */
  readonly log: Log;
}

/** Search of contents: one tree as a stream, or many repositories in one reply. */
export function createSearchHandlers(deps: SearchDeps): HandlersFor<typeof searchEndpoints> {
  return {
    "POST /repos/:repo/grep": (context) => postGrep(deps, context),
    "POST /search": (context) => postSearch(deps, context),
  };
}

const STREAM_HEADERS = { "content-type": "application/x-ndjson", "cache-control": "no-store" };

/** @throws RequestError VALIDATION_ERROR that names what the pattern may not hold */
function compile(field: string, pattern: Pattern): LineMatcher {
  const compiled = compilePattern(pattern);
  if (compiled.kind === "refused") throw invalidField(field, compiled.reason);
  return compiled.matcher;
}

function clockOf({ now }: { readonly now: () => number }): SearchClock {
  // A turn of the event loop: other requests of the isolate get theirs, and its clock moves on.
  return { now, pause: () => new Promise((resolve) => setTimeout(resolve, 0)) };
}

async function postGrep(deps: SearchDeps, context: GrepContext): Promise<Response> {
  const { repo, body, requestId } = context;
  const matcher = compile("pattern", {
    text: body.pattern,
    isRegex: body.regex,
    ignoreCase: !body.case_sensitive,
    word: body.word,
  });
  const cursor = body.cursor === undefined ? null : parseGrepCursor(body.cursor);
  if (body.cursor !== undefined && cursor === null) throw invalidField("cursor", "not a cursor of a search");
  const resolution =
    cursor === null ? await resolveRefTarget(repo, body.ref) : await resume(repo, cursor, body.ref);
  const query = {
    matcher,
    globs: body.globs ?? null,
    paths: body.paths ?? null,
    exclude: body.exclude ?? null,
    contextLines: body.context_lines,
    maxMatches: body.max_matches,
    maxBytes: body.max_bytes,
    after: cursor?.place ?? null,
  };
  const describe = (error: unknown) => describeFailure(error, requestId, deps.log);
  if (resolution.kind === "unknown") {
    const failure = await describe(unknownRef(resolution));
    const line = formatDone(startCounts(), { ref: resolution.ref, commit: null, root: null }, failure);
    return new Response(line, { status: ERROR_STATUS[failure.code], headers: STREAM_HEADERS });
  }
  const lines = writeLines({ deps, repo, resolution, query, clock: clockOf(context), describe });
  return new Response(streamBody(lines), { headers: STREAM_HEADERS });
}

async function resume(
  repo: RepoHandle,
  cursor: NonNullable<ReturnType<typeof parseGrepCursor>>,
  ref: string | undefined,
): Promise<TargetResolution> {
  const name = ref ?? cursor.root;
  const target = await resumeTarget(repo, name, { root: cursor.root, offset: 0 });
  return target === null
    ? { kind: "unknown", ref: name }
    : { kind: "resolved", target, path: "", branch: null };
}

interface Grep {
  readonly deps: SearchDeps;
  readonly repo: RepoHandle;
  readonly resolution: Exclude<TargetResolution, { kind: "unknown" }>;
  readonly query: Parameters<typeof streamMatchLines>[2];
  readonly clock: SearchClock;
  readonly describe: (error: unknown) => Promise<Failure>;
}

async function* writeLines(grep: Grep): AsyncGenerator<Uint8Array> {
  const { deps, repo, resolution, query, clock, describe } = grep;
  const counts = startCounts();
  let failure: Failure | null = null;
  if (resolution.kind === "resolved") {
    const { tree } = resolution.target;
    try {
      const chunks = streamMatchLines(repo, { listings: deps.listings, tree, counts }, query, clock);
      for await (const chunk of chunks) yield encodeUtf8(chunk);
    } catch (error) {
      // The status has been sent: the done line is where an error can still be told.
      failure = await describe(error);
    }
  }
  const place =
    resolution.kind === "resolved"
      ? {
          ref: resolution.target.ref,
          commit: resolution.target.commit,
          root: resolution.target.commit ?? resolution.target.tree,
        }
      : { ref: resolution.ref, commit: null, root: null };
  yield encodeUtf8(formatDone(counts, place, failure));
}

/** The one last line. */
function formatDone(
  counts: GrepCounts,
  place: {
    readonly ref: string;
    readonly commit: GrepDoneLine["commit_sha"];
    readonly root: Parameters<typeof formatGrepCursor>[0]["root"] | null;
  },
  failure: Failure | null,
): string {
  const { stopped } = counts;
  const done: GrepDoneLine = {
    done: true,
    ref: place.ref,
    commit_sha: place.commit,
    files_searched: counts.files,
    matches: counts.matches,
    truncated: stopped !== null,
    ...(stopped === null ? {} : { reason: stopped.reason }),
    next_cursor:
      stopped === null || place.root === null
        ? null
        : formatGrepCursor({ root: place.root, place: stopped.place }),
    skipped_binary: counts.binary,
    skipped_large: counts.large,
    ...failure,
  };
  return `${JSON.stringify(done)}\n`;
}

async function postSearch(deps: SearchDeps, context: SearchContext): Promise<SearchReply> {
  const { body } = context;
  const matcher = compile("q", {
    text: body.q,
    isRegex: body.regex,
    ignoreCase: !body.case_sensitive,
    word: false,
  });
  const chosen =
    body.repos === undefined
      ? await listFirstRepos(context)
      : { names: body.repos.map(parseRepoName), hasMore: false };
  const repos = await context.openRepos(chosen.names);
  const files = {
    matcher,
    globs: body.path_pattern === undefined ? null : [body.path_pattern],
    paths: null,
    exclude: null,
    contextLines: body.context_lines,
    after: null,
  };
  const query = { files, ref: body.ref ?? null, maxResults: body.max_results };
  const result = await searchRepos(repos, deps.listings, query, clockOf(context));
  const reason = result.reason ?? (chosen.hasMore ? "repos" : null);
  return {
    matches: [...result.matches],
    total: result.matches.length,
    repos_searched: result.reposSearched,
    files_searched: result.counts.files,
    truncated: reason !== null,
    ...(reason === null ? {} : { reason }),
    skipped_binary: result.counts.binary,
    skipped_large: result.counts.large,
    skipped_repos: [...result.withoutRef],
  };
}

async function listFirstRepos(
  context: SearchContext,
): Promise<{ names: readonly RepoName[]; hasMore: boolean }> {
  const page = await context.org.store.listRepos({
    limit: LIMITS.searchRepos,
    offset: 0,
    publicOnly: context.principal === null,
    ...readableNames(context.principal),
  });
  const names = page.repos.map(({ slug, namespace }) => ({ slug, namespace }));
  return { names, hasMore: page.next !== null };
}
