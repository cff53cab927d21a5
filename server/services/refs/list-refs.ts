import { BRANCH_PREFIX, compareRefNames, TAG_PREFIX } from "../../git/object/ref-name.ts";
import type { RefRecord } from "../../git/ports.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import { findHeadBranch } from "../read-target.ts";

export interface RefListing {
  readonly refs: readonly RefRecord[];
  /** All of them, not only this page's. */
  readonly total: number;
  /** Short name of HEAD's branch; the record's when HEAD is detached. */
  readonly defaultBranch: string;
  /** Last name of this page when there are more. */
  readonly next: string | null;
}

export interface RefPageQuery {
  readonly limit: number;
  /** Full name; only those after it, in byte order. */
  readonly after: string | null;
}

/** One page of the refs below the given prefixes, which must be in byte order and not overlap. */
export async function listRefs(
  repo: RepoHandle,
  prefixes: readonly string[],
  query: RefPageQuery,
): Promise<RefListing> {
  const [snapshot, counts, page] = await Promise.all([
    repo.snapshot(),
    Promise.all(prefixes.map((prefix) => repo.store.countRefs(prefix))),
    readPage(repo, prefixes, query),
  ]);
  return {
    ...page,
    total: counts.reduce((sum, count) => sum + count, 0),
    defaultBranch: findHeadBranch(snapshot.head) ?? repo.record.defaultBranch,
  };
}

async function readPage(
  repo: RepoHandle,
  prefixes: readonly string[],
  { limit, after }: RefPageQuery,
): Promise<Pick<RefListing, "refs" | "next">> {
  const refs: RefRecord[] = [];
  for (const prefix of prefixes) {
    if (after !== null && isBehind(prefix, after)) continue;
    const inside = after?.startsWith(prefix) ? { after } : {};
    // One more than asked for tells whether there are more, in this prefix or the next.
    const page = await repo.store.listRefs({ prefix, ...inside, limit: limit + 1 - refs.length });
    refs.push(...page.refs);
    if (refs.length > limit) break;
  }
  const shown = refs.slice(0, limit);
  return { refs: shown, next: refs.length > limit ? (shown.at(-1)?.name ?? null) : null };
}

/** Whether every name with this prefix comes before `after`. */
function isBehind(prefix: string, after: string): boolean {
  return !after.startsWith(prefix) && compareRefNames(prefix, after) < 0;
}

export const BRANCHES_AND_TAGS: readonly string[] = [BRANCH_PREFIX, TAG_PREFIX];
