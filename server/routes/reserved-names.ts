/**
 * Path segments that follow a repository in the API. `/repos/ns/diff` would be read as the diff of repository "ns", so
 * a repository inside a namespace cannot be called that; those of endpoints to come are kept free from the start.
 */
const REPO_NOUNS: ReadonlySet<string> = new Set([
  "archive",
  "blame",
  "blob",
  "blobs",
  "branches",
  "cherry-pick",
  "commits",
  "compare",
  "contributors",
  "diff",
  "exec",
  "fork",
  "graph",
  "grep",
  "hybrid-search",
  "index",
  "land",
  "lfs",
  "merge",
  "objects",
  "prefetch",
  "raw",
  "reflog",
  "refs",
  "reset",
  "rev-parse",
  "revert",
  "search",
  "semantic-search",
  "settings",
  "snapshots",
  "stats",
  "sync",
  "sync-upstream",
  "tags",
  "tree",
  "undo",
  "watch",
  "webhooks",
]);

/** First segments of URLs that are not an org's: `/v1/…` and `/git/:org/…`. */
const ORG_WORDS: ReadonlySet<string> = new Set(["git", "v1", "admin", "api", "health", "info"]);

export function isRepoNoun(segment: string): boolean {
  return REPO_NOUNS.has(segment);
}

export function isReservedOrg(slug: string): boolean {
  return ORG_WORDS.has(slug);
}
