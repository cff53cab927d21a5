import { ERROR_STATUS } from "../../sdk/contract/errors.ts";
import type { PrefetchDoneLine, prefetchEndpoints } from "../../sdk/contract/prefetch.ts";
import { encodeUtf8 } from "../git/bytes/text.ts";
import type { Log } from "../middleware/error-reply.ts";
import type { RepoHandle } from "../ports/repo.ts";
import type { ListingCache } from "../services/files/listing-cache.ts";
import {
  findMatches,
  formatDoneLine,
  type PrefetchCounts,
  type PrefetchQuery,
  streamBlobLines,
} from "../services/files/prefetch.ts";
import { resolveRefTarget, type TargetResolution } from "../services/read-target.ts";
import { describeFailure, type Failure } from "./failure-line.ts";
import { streamBody } from "./git-stream.ts";
import { unknownRef } from "./read-replies.ts";
import type { HandlersFor, RequestContext } from "./router.ts";

type Context = RequestContext<"POST /repos/:repo/prefetch">;

export interface PrefetchDeps {
  /** Shared by all requests of an isolate. */
  readonly listings: ListingCache;
  /** For what goes wrong after the status was sent. */
  readonly log: Log;
}

/** Streams every file that matches some globs. */
export function createPrefetchHandlers(deps: PrefetchDeps): HandlersFor<typeof prefetchEndpoints> {
  return { "POST /repos/:repo/prefetch": (context) => postPrefetch(deps, context) };
}

const STREAM_HEADERS = { "content-type": "application/x-ndjson", "cache-control": "no-store" };

async function postPrefetch(deps: PrefetchDeps, { repo, body, requestId }: Context): Promise<Response> {
  const query = { globs: body.globs, maxBytes: body.max_bytes, maxBlobBytes: body.max_blob_bytes };
  const counts: PrefetchCounts = { entries: 0, bytes: 0, capped: false };
  const resolution = await resolveRefTarget(repo, body.ref);
  const describe = (error: unknown) => describeFailure(error, requestId, deps.log);
  if (resolution.kind === "unknown") {
    const { ref } = resolution;
    const failure = await describe(unknownRef(resolution));
    // The one done line is an error envelope as well.
    const line = formatDoneLine({ done: true, ...counts, ref, commit_sha: null, ...failure });
    return new Response(line, { status: ERROR_STATUS[failure.code], headers: STREAM_HEADERS });
  }
  const lines = writeLines({ repo, listings: deps.listings, query, counts, resolution, describe });
  return new Response(streamBody(lines), { headers: STREAM_HEADERS });
}

interface Prefetch {
  readonly repo: RepoHandle;
  readonly listings: ListingCache;
  readonly query: PrefetchQuery;
  readonly counts: PrefetchCounts;
  readonly resolution: Exclude<TargetResolution, { kind: "unknown" }>;
  readonly describe: (error: unknown) => Promise<Failure>;
}

async function* writeLines(prefetch: Prefetch): AsyncGenerator<Uint8Array> {
  const { repo, listings, query, counts, resolution, describe } = prefetch;
  let failure: Pick<PrefetchDoneLine, "error" | "code"> = {};
  if (resolution.kind === "resolved") {
    try {
      const files = await findMatches(repo, listings, resolution.target, query);
      yield* streamBlobLines(repo.objects, files, query, counts);
    } catch (error) {
      // The status has been sent: the done line is where an error can still be told.
      failure = await describe(error);
    }
  }
  const { ref, commit } =
    resolution.kind === "resolved" ? resolution.target : { ref: resolution.ref, commit: null };
  yield encodeUtf8(formatDoneLine({ done: true, ...counts, ref, commit_sha: commit, ...failure }));
}
