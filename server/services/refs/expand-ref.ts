import { BRANCH_PREFIX } from "../../git/object/ref-name.ts";

/** First segments that stand for a namespace of their own below `refs/`. */
const NAMESPACES: ReadonlySet<string> = new Set([
  "heads",
  "tags",
  "notes",
  "snapshots",
  "sessions",
  "remotes",
]);

/**
 * The full name that a ref is meant by: as it is when it begins with `refs/`, below `refs/` when it begins with a
 * namespace, else a branch. Without a look at what exists, for the ref may be gone.
 */
export function expandRef(text: string): string {
  if (text === "HEAD" || text.startsWith("refs/")) return text;
  const slash = text.indexOf("/");
  return slash > 0 && NAMESPACES.has(text.slice(0, slash)) ? `refs/${text}` : BRANCH_PREFIX + text;
}
