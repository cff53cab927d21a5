import { LIMITS } from "../../../sdk/contract/limits.ts";
import { type SignedClaims, signedClaimsSchema } from "../../../sdk/contract/public-keys.ts";
import type { PublicKeyRecord, SignedGrant } from "../../ports/access.ts";
import { orgIdOf } from "../org-keys.ts";
import { readLimits, readScopes } from "./read-scopes.ts";
import { isWithin } from "./scope-ceiling.ts";
import { formatSignedId, hashJti, hashUnnamed } from "./signed-id.ts";

const SHAPE = /^eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
const SLUG = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
const KID = /^[A-Za-z0-9_-]{1,64}$/;
const AUDIENCE = "coregit";

/**
 * The org that a signed token says it is of: enough to know where to have it checked, and nothing more. null when
 * `text` has not the shape of one, or more than LIMITS.signedTokenChars characters.
 */
export function findSignedOrg(text: string): string | null {
  if (text.length > LIMITS.signedTokenChars || !SHAPE.test(text)) return null;
  const iss = readPart(text, 1)?.iss;
  return typeof iss === "string" && iss.length <= LIMITS.slugChars && SLUG.test(iss) ? orgIdOf(iss) : null;
}

/** The key that a token says it is signed by; null when it names none. */
export function findKid(token: string): string | null {
  const kid = readPart(token, 0)?.kid;
  return typeof kid === "string" && KID.test(kid) ? kid : null;
}

/** What a token that its holder has is revoked by, and when it ends by itself; null: it is none, or not of this org. */
export function describeToken(
  token: string,
  orgSlug: string,
): { readonly tokenHash: string; readonly jti: string | null; readonly expiresAtMs: number } | null {
  const { iss, jti, exp } = (SHAPE.test(token) && readPart(token, 1)) || {};
  if (iss !== orgSlug || typeof exp !== "number" || !Number.isSafeInteger(exp)) return null;
  if (jti === undefined) return { tokenHash: hashUnnamed(token), jti: null, expiresAtMs: exp * 1_000 };
  return typeof jti === "string" ? { tokenHash: hashJti(jti), jti, expiresAtMs: exp * 1_000 } : null;
}

/** One of the JSON objects of a token, unchecked. */
function readPart(token: string, index: 0 | 1): Readonly<Record<string, unknown>> | null {
  try {
    const text = Buffer.from(token.split(".", 2)[index] ?? "", "base64url").toString("utf8");
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : null;
  } catch {
    return null; // not JSON: no token of ours
  }
}

interface Signed {
  readonly token: string;
  /** What the signature covers; any JSON value. */
  readonly payload: unknown;
}

/**
 * What claims under a good signature grant; null when they are not such as the org and the key allow: another issuer or
 * audience, no or too late an end, scopes beyond the key's. Whether their time has come is not asked here.
 */
export function readGrant(
  { token, payload }: Signed,
  key: PublicKeyRecord,
  orgSlug: string,
): SignedGrant | null {
  const parsed = signedClaimsSchema.safeParse(payload);
  if (!parsed.success) return null;
  const claims = parsed.data;
  if (claims.iss !== orgSlug || !isForUs(claims.aud)) return null;
  if (claims.exp <= claims.iat || claims.exp - claims.iat > key.maxSeconds) return null;
  const scopes = readScopes(claims.scopes);
  if (!isWithin(scopes, key.ceiling)) return null;
  const tokenHash = claims.jti === undefined ? hashUnnamed(token) : hashJti(claims.jti);
  return {
    keyId: formatSignedId(key.kid, tokenHash),
    kid: key.kid,
    tokenHash,
    actor: `${claims.sub}@${key.kid}`,
    scopes,
    limits: readLimits(claims.limits),
    notBeforeMs: Math.max(claims.iat, claims.nbf ?? 0) * 1_000,
    expiresAtMs: claims.exp * 1_000,
  };
}

/** Whether the time of a grant has come and is not over. A clock may be ahead of ours; nothing lasts longer for it. */
export function isInTime(grant: Pick<SignedGrant, "notBeforeMs" | "expiresAtMs">, nowMs: number): boolean {
  return grant.expiresAtMs > nowMs && grant.notBeforeMs <= nowMs + LIMITS.signedTokenLeewaySeconds * 1_000;
}

function isForUs(aud: SignedClaims["aud"]): boolean {
  return aud === undefined || (typeof aud === "string" ? aud === AUDIENCE : aud.includes(AUDIENCE));
}
