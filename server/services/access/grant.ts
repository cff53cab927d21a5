import type { ScopeRule, Scopes } from "../../ports/access.ts";
import type { RepoName } from "../../ports/org.ts";

/** What the holder of a master key may do everywhere. */
const EVERYTHING: ScopeRule = { ops: ["read", "write"], refs: null, paths: null };

/**
 * The rule for one repository: of the scopes that name it the most exact one, never a sum of them. null: no scope names
 * it. `scopes` null is a master key.
 */
export function findRule(scopes: Scopes | null, { namespace, slug }: RepoName): ScopeRule | null {
  if (scopes === null) return EVERYTHING;
  const name = namespace === null ? slug : `${namespace}/${slug}`;
  return scopes[`repos:${name}`] ?? scopes["repos:*"] ?? null;
}

export function mayRead(rule: ScopeRule | null): boolean {
  // Whoever writes must be able to see what it writes on.
  return rule !== null && rule.ops.length > 0;
}

export function mayWrite(rule: ScopeRule | null): boolean {
  return rule?.ops.includes("write") ?? false;
}

/** Names of the repositories that the scopes allow to read; null: any. */
export function listReadable(scopes: Scopes | null): readonly RepoName[] | null {
  if (scopes === null || mayRead(scopes["repos:*"] ?? null)) return null;
  return Object.entries(scopes)
    .filter(([, rule]) => mayRead(rule))
    .map(([key]) => parseScopeName(key.slice("repos:".length)));
}

function parseScopeName(name: string): RepoName {
  const slash = name.indexOf("/");
  return slash < 0
    ? { namespace: null, slug: name }
    : { namespace: name.slice(0, slash), slug: name.slice(slash + 1) };
}
