import {
  NO_LIMITS,
  type ScopeRule,
  type SignedGrant,
  type TokenLimits,
  type TokenRecord,
} from "../../ports/access.ts";
import type { QuotaExcess, TokenUse } from "../../ports/account.ts";
import type { AuthorizeQuery, AuthorizeResult, Credential, Principal, RepoRecord } from "../../ports/org.ts";
import type { RateLimiter } from "../rate-limit.ts";
import { findRule, mayRead, mayWrite } from "./grant.ts";
import { parseSignedId } from "./signed-id.ts";

/** A token that was neither revoked nor has run out. */
export type LiveToken = Pick<TokenRecord, "id" | "scopes" | "expiresAtMs" | "limits">;

/** What an org's store looks up on behalf of {@link decideAccess}. */
export interface AccessFacts {
  /** null when the org was never created. */
  readonly org: { readonly id: string; readonly slug: string } | null;
  /** Id of the live key with this hash. */
  readonly findKey: (secretHash: string) => string | null;
  /** The token with this hash that was neither revoked nor has run out. */
  readonly findToken: (secretHash: string) => LiveToken | null;
  /** The same two by their ids: for those whose secret was seen before. */
  readonly isLiveKey: (keyId: string) => boolean;
  readonly findTokenById: (tokenId: string) => LiveToken | null;
  /** Of a signed token, or of a session that one has opened: what it grants now. */
  readonly findGrant: (credential: Extract<Credential, { kind: "signed" | "session" }>) => SignedGrant | null;
  /** The quota that leaves no room to store anything in a repository; null: there is room. */
  readonly findExcess: (repo: RepoRecord) => QuotaExcess | null;
  /** What was written with a token so far. */
  readonly findUse: (keyId: string) => TokenUse;
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
  const principal = facts.org ? findPrincipal(credential, facts) : null;
  if (credential.kind !== "none" && principal === null) return { kind: "unauthorized" };
  if (!facts.org) return { kind: "not-found" };
  if (principal === null && query.need !== "read") return { kind: "unauthorized" };

  const verdict = facts.limiter?.take(principal?.actor ?? null, facts.nowMs, query.units);
  if (verdict?.kind === "limited") {
    return { kind: "rate-limited", rate: verdict.rate, retryAfterSec: verdict.retryAfterSec };
  }
  const repo = query.repo ? facts.findRepo(query.repo.namespace, query.repo.slug) : null;
  const rule = principal && query.repo ? findRule(principal.scopes, query.repo) : null;
  if (query.repo && (!repo || !(mayRead(rule) || repo.visibility === "public"))) return { kind: "not-found" };
  if (!isPermitted(query, principal, rule)) return { kind: "forbidden" };
  const excess = query.stores && repo ? facts.findExcess(repo) : null;
  if (excess) return { kind: "quota-exceeded", excess, rate: verdict?.rate ?? null };
  return {
    kind: "allowed",
    orgId: facts.org.id,
    orgSlug: facts.org.slug,
    principal,
    repo,
    rate: verdict?.rate ?? null,
    use: principal && hasLimits(principal.limits) ? facts.findUse(principal.keyId) : null,
  };
}

/** Whether there is an end to what may be written with a token. */
export function hasLimits({ commits, bytes }: TokenLimits): boolean {
  return commits !== null || bytes !== null;
}

function findPrincipal(credential: Credential, facts: AccessFacts): Principal | null {
  switch (credential.kind) {
    case "none":
      return null;
    case "signed":
      return toSignedPrincipal(facts.findGrant(credential));
    case "token":
      return toTokenPrincipal(facts.findToken(credential.secretHash));
    case "key": {
      const keyId = facts.findKey(credential.secretHash);
      return keyId === null ? null : toKeyPrincipal(keyId);
    }
    case "session": {
      const { keyId } = credential;
      if (parseSignedId(keyId)) return toSignedPrincipal(facts.findGrant(credential));
      return facts.isLiveKey(keyId) ? toKeyPrincipal(keyId) : toTokenPrincipal(facts.findTokenById(keyId));
    }
  }
}

function toKeyPrincipal(keyId: string): Principal {
  return {
    kind: "key",
    keyId,
    actor: keyId,
    scopes: null,
    expiresAtMs: null,
    limits: NO_LIMITS,
    grant: null,
  };
}

function toTokenPrincipal(token: LiveToken | null): Principal | null {
  if (token === null) return null;
  const { id, scopes, expiresAtMs, limits } = token;
  return { kind: "token", keyId: id, actor: id, scopes, expiresAtMs, limits, grant: null };
}

/**
 * Requests of signed tokens count by subject and key: agents that share a key do not slow each other down, and an agent
 * that is given a new token every minute stays one caller. What all of them do together the org's limit holds.
 */
function toSignedPrincipal(grant: SignedGrant | null): Principal | null {
  if (grant === null) return null;
  const { keyId, actor, scopes, expiresAtMs, limits } = grant;
  return { kind: "signed", keyId, actor, scopes, expiresAtMs, limits, grant };
}

function isPermitted(query: AuthorizeQuery, principal: Principal | null, rule: ScopeRule | null): boolean {
  if (query.need === "read") return true;
  if (principal?.scopes === null) return true;
  // What a token writes outside a repository is judged where the repository's name is known.
  return query.need === "write" && (query.repo === undefined || mayWrite(rule));
}
