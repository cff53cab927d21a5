import type { RepoName } from "../ports/org.ts";

/** A repository as a body or query names it: `slug`, `namespace/slug`, or both parts. */
export function parseRepoName(
  repo: string | { readonly slug: string; readonly namespace?: string | null | undefined },
): RepoName {
  if (typeof repo !== "string") return { slug: repo.slug, namespace: repo.namespace ?? null };
  const slash = repo.indexOf("/");
  return slash === -1
    ? { slug: repo, namespace: null }
    : { namespace: repo.slice(0, slash), slug: repo.slice(slash + 1) };
}

/** A name as it is written in one text. */
export function formatRepoName({ namespace, slug }: RepoName): string {
  return namespace === null ? slug : `${namespace}/${slug}`;
}
