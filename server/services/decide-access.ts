import type { AuthorizeQuery, AuthorizeResult, Credential, RepoRecord } from "../ports/org.ts";
import type { RateLimiter } from "./rate-limit.ts";

/** What an org's store looks up on behalf of {@link decideAccess}. */
export interface AccessFacts {
  /** null when the org was never created. */
  readonly org: { readonly id: string; readonly slug: string } | null;
  /** Id of the live key with this hash. */
  readonly findKey: (secretHash: string) => string | null;
  readonly isLiveKey: (keyId: string) => boolean;
  readonly findRepo: (namespace: string | null, slug: string) => RepoRecord | null;
  /** null: limits are off. */
  readonly limiter: RateLimiter | null;
  readonly nowMs: number;
}

/**
 * The one place that says who may do what. Order matters: an unknown key learns nothing, a known one is counted before
 * anything is looked up, and a repository that may not be read is one that does not exist.
 */
export function decideAccess(query: AuthorizeQuery, facts: AccessFacts): AuthorizeResult {
  const { credential } = query;
  const keyId = facts.org ? findKeyId(credential, facts) : null;
  if (credential.kind !== "none" && keyId === null) return { kind: "unauthorized" };
  if (!facts.org) return { kind: "not-found" };
  if (keyId === null && query.need !== "read") return { kind: "unauthorized" };

  const verdict = facts.limiter?.take(keyId, facts.nowMs, query.units);
  if (verdict?.kind === "limited") {
    return { kind: "rate-limited", rate: verdict.rate, retryAfterSec: verdict.retryAfterSec };
  }
  const repo = query.repo ? facts.findRepo(query.repo.namespace, query.repo.slug) : null;
  if (query.repo && (!repo || (keyId === null && repo.visibility !== "public"))) return { kind: "not-found" };
  return {
    kind: "allowed",
    orgId: facts.org.id,
    orgSlug: facts.org.slug,
    principal: keyId === null ? null : { kind: "key", keyId, actor: keyId },
    repo,
    rate: verdict?.rate ?? null,
  };
}

function findKeyId(credential: Credential, facts: AccessFacts): string | null {
  if (credential.kind === "none") return null;
  if (credential.kind === "key") return facts.findKey(credential.secretHash);
  return facts.isLiveKey(credential.keyId) ? credential.keyId : null;
}
