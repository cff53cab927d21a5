import type { Oid } from "../../git/hash/oid.ts";
import { BRANCH_PREFIX, isRefName, TAG_PREFIX } from "../../git/object/ref-name.ts";
import type { SyncSpec } from "../../ports/sync.ts";
import { createGlobMatcher } from "../files/glob.ts";

/** Those of a side's refs that a link takes, by name: branches that match its globs, and tags when it takes them. */
export function selectRefs(
  refs: Iterable<{ readonly name: string; readonly oid: Oid }>,
  { branches, tags }: Pick<SyncSpec, "branches" | "tags">,
): Map<string, Oid> {
  const matcher = branches === null ? null : createGlobMatcher(branches);
  const selected = new Map<string, Oid>();
  for (const { name, oid } of refs) {
    const isTaken = name.startsWith(BRANCH_PREFIX)
      ? (matcher?.matches(name.slice(BRANCH_PREFIX.length)) ?? true)
      : tags && name.startsWith(TAG_PREFIX);
    // What a hostile or careless server calls a ref must not become one here.
    if (isTaken && isRefName(name)) selected.set(name, oid);
  }
  return selected;
}

export function isTag(name: string): boolean {
  return name.startsWith(TAG_PREFIX);
}
