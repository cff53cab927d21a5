import { LIMITS } from "../../../sdk/contract/limits.ts";
import type { PublicKeyRecord, SignedGrant } from "../../ports/access.ts";
import { hashSecret } from "../org-keys.ts";
import { openVerifyingKey, readSignature, type VerifyingKey } from "./jose.ts";
import { findKid, isInTime, readGrant } from "./signed-token.ts";

/** What an org's store knows of its public keys and revoked tokens. */
export interface SignedFacts {
  readonly orgSlug: () => string | null;
  /** The key with this kid, unless it was deleted. */
  readonly findKey: (kid: string) => PublicKeyRecord | null;
  readonly isRevoked: (tokenHash: string) => boolean;
  readonly now: () => number;
}

/** Checks tokens that an org has signed. */
export interface SignedTokens {
  /** What a token grants now; null when it grants nothing, for whatever reason. */
  find(token: string): Promise<SignedGrant | null>;
  /** Whether what was granted earlier still holds: its key is there, it is not revoked, and its time is not over. */
  isLive(grant: Pick<SignedGrant, "kid" | "tokenHash" | "notBeforeMs" | "expiresAtMs">): boolean;
  /** To be called when a key is deleted. */
  forget(): void;
}

/** About one kilobyte each; more for tokens with many globs. */
const KNOWN_MAX = 1_000;

interface Known {
  readonly grant: SignedGrant;
  /** The key it was checked with: another one under the same name proves nothing for it. */
  readonly key: PublicKeyRecord;
}

/**
 * Tokens that were checked are remembered by the hash of their whole text, signature included; whether they still hold is
 * looked up each time. What failed is not remembered: it would push out what did not.
 */
export function createSignedTokens(facts: SignedFacts): SignedTokens {
  const known = new Map<string, Known>();
  const opened = new WeakMap<PublicKeyRecord, VerifyingKey>();
  const isLive: SignedTokens["isLive"] = (grant) =>
    facts.findKey(grant.kid) !== null && !facts.isRevoked(grant.tokenHash) && isInTime(grant, facts.now());

  const check = async (token: string, key: PublicKeyRecord): Promise<SignedGrant | null> => {
    const orgSlug = facts.orgSlug();
    if (orgSlug === null) return null;
    const verifying = opened.get(key) ?? (await openVerifyingKey(key));
    opened.set(key, verifying);
    const payload = await readSignature(token, key.alg, verifying);
    return payload === null ? null : readGrant({ token, payload }, key, orgSlug);
  };

  return {
    async find(token) {
      if (token.length > LIMITS.signedTokenChars) return null;
      const kid = findKid(token);
      const key = kid === null ? null : facts.findKey(kid);
      if (!key) return null;
      const hash = hashSecret(token);
      const earlier = known.get(hash);
      const grant = earlier?.key === key ? earlier.grant : await check(token, key);
      // Asked after the check: the key may have been deleted while it ran.
      if (!grant || facts.findKey(key.kid) !== key || !isLive(grant)) return null;
      known.delete(hash);
      known.set(hash, { grant, key });
      const oldest = known.size > KNOWN_MAX ? known.keys().next().value : undefined;
      if (oldest !== undefined) known.delete(oldest);
      return grant;
    },
    isLive,
    forget: () => known.clear(),
  };
}
