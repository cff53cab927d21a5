import type { TokenScopes, TokenLimits as WireLimits } from "../../../sdk/contract/tokens.ts";
import type { ScopeRule, Scopes, TokenLimits } from "../../ports/access.ts";

/** Scopes as the server works with them, of those that the wire has. */
export function readScopes(scopes: TokenScopes): Scopes {
  return Object.fromEntries(
    Object.entries(scopes).map(([name, rule]): [string, ScopeRule] => [
      name,
      Array.isArray(rule)
        ? { ops: rule, refs: null, paths: null }
        : { ops: rule.ops, refs: rule.refs ?? null, paths: rule.paths ?? null },
    ]),
  );
}

/** Limits of a token, of those that the wire has. */
export function readLimits(limits: WireLimits = {}): TokenLimits {
  return { commits: limits.commits ?? null, bytes: limits.bytes ?? null };
}
