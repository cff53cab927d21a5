import type { SearchLimit, SearchMatch } from "../../../sdk/contract/search.ts";
import type { Oid } from "../../git/hash/oid.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import type { ListingCache } from "../files/listing-cache.ts";
import { resolveRefTarget } from "../read-target.ts";
import { type FileQuery, type SearchClock, type SearchCounts, searchFiles } from "./search-files.ts";

/** What several repositories were searched for, and how much is told. */
export interface ReposQuery {
  readonly files: FileQuery;
  /** null: each repository's default branch. */
  readonly ref: string | null;
  readonly maxResults: number;
}

export interface ReposResult {
  readonly matches: readonly SearchMatch[];
  readonly reposSearched: number;
  readonly counts: SearchCounts;
  /** Limit that was met; null when everything was searched and told. */
  readonly reason: SearchLimit | null;
  /** Names of those without the ref. */
  readonly withoutRef: readonly string[];
}

/** Repositories that are searched at the same time. */
const AT_ONCE = 4;

interface RepoResult {
  readonly matches: readonly SearchMatch[];
  readonly counts: SearchCounts;
  readonly reason: SearchLimit | null;
  readonly hasRef: boolean;
}

/** Searches repositories in the order given, a few at a time, until there are enough matches. @throws as `searchFiles` */
export async function searchRepos(
  repos: readonly RepoHandle[],
  listings: ListingCache,
  query: ReposQuery,
  clock: SearchClock,
): Promise<ReposResult> {
  const matches: SearchMatch[] = [];
  const counts: SearchCounts = { files: 0, bytes: 0, binary: 0, large: 0 };
  const withoutRef: string[] = [];
  let reposSearched = 0;
  let reason: SearchLimit | null = null;
  for (let from = 0; from < repos.length && matches.length <= query.maxResults; from += AT_ONCE) {
    const group = repos.slice(from, from + AT_ONCE);
    const results = await Promise.all(group.map((repo) => searchRepo(repo, listings, query, clock)));
    for (const [index, result] of results.entries()) {
      const { record } = group[index] as RepoHandle; // one result for each
      if (!result.hasRef)
        withoutRef.push(record.namespace ? `${record.namespace}/${record.slug}` : record.slug);
      else reposSearched += 1;
      for (const match of result.matches) matches.push(match);
      counts.files += result.counts.files;
      counts.bytes += result.counts.bytes;
      counts.binary += result.counts.binary;
      counts.large += result.counts.large;
      reason ??= result.reason;
    }
  }
  if (matches.length > query.maxResults) {
    matches.length = query.maxResults;
    reason = "max_matches";
  }
  return { matches, reposSearched, counts, reason, withoutRef };
}

async function searchRepo(
  repo: RepoHandle,
  listings: ListingCache,
  query: ReposQuery,
  clock: SearchClock,
): Promise<RepoResult> {
  const counts: SearchCounts = { files: 0, bytes: 0, binary: 0, large: 0 };
  const resolution = await resolveRefTarget(repo, query.ref ?? undefined);
  if (resolution.kind !== "resolved") {
    return { matches: [], counts, reason: null, hasRef: resolution.kind === "unborn" };
  }
  const { tree } = resolution.target;
  const matches: SearchMatch[] = [];
  const reason = await collectMatches(repo, { listings, tree, counts, matches }, query, clock);
  return { matches, counts, reason, hasRef: true };
}

/** Takes one match more than are told, so that it is known whether there are more. */
async function collectMatches(
  repo: RepoHandle,
  subject: {
    readonly listings: ListingCache;
    readonly tree: Oid;
    readonly counts: SearchCounts;
    readonly matches: SearchMatch[];
  },
  query: ReposQuery,
  clock: SearchClock,
): Promise<SearchLimit | null> {
  const { slug, namespace } = repo.record;
  for await (const event of searchFiles(repo, subject, query.files, clock)) {
    if (event.kind === "stopped") return event.reason;
    const { item, line, content, lineBytes, before, after } = event.match;
    subject.matches.push({
      repo_slug: slug,
      repo_namespace: namespace,
      path: item.path,
      sha: item.oid,
      line,
      content,
      ...(lineBytes === null ? {} : { line_bytes: lineBytes }),
      context_before: [...before],
      context_after: [...after],
    });
    if (subject.matches.length > query.maxResults) return null;
  }
  return null;
}
