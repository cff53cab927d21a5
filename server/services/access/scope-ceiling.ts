import type { ScopeRule, Scopes } from "../../ports/access.ts";

/**
 * Whether scopes give nothing in any repository that the ceiling does not: for every name that one of the two knows, what
 * counts for it here is among what counts for it there. `ceiling` null: everything is allowed.
 */
export function isWithin(scopes: Scopes, ceiling: Scopes | null): boolean {
  if (ceiling === null) return true;
  const names = new Set([...Object.keys(scopes), ...Object.keys(ceiling), "repos:*"]);
  return [...names].every((name) => {
    const allowed = ruleOf(ceiling, name)?.ops ?? [];
    return (ruleOf(scopes, name)?.ops ?? []).every(
      // Whoever may write may read.
      (op) => allowed.includes(op) || (op === "read" && allowed.includes("write")),
    );
  });
}

function ruleOf(scopes: Scopes, name: string): ScopeRule | undefined {
  return scopes[name] ?? scopes["repos:*"];
}
