import { hashSecret } from "../org-keys.ts";

const HASH_DIGITS = 32;
const SIGNED_ID = /^jwt:([A-Za-z0-9_-]{1,64}):([0-9a-f]{32})$/;

/** What tokens with this `jti` are told apart by. */
export function hashJti(jti: string): string {
  return hashSecret(`jti:${jti}`).slice(0, HASH_DIGITS);
}

/**
 * The same for a token without `jti`. Not of its signature: the same claims can be signed again, and an ECDSA signature
 * can be turned into another valid one by anybody, which must not bring a revoked token back.
 */
export function hashUnnamed(token: string): string {
  return hashSecret(`token:${token.slice(0, token.lastIndexOf("."))}`).slice(0, HASH_DIGITS);
}

/** Id of the credential that a signed token is: names its key, so that what it has going ends with the key. */
export function formatSignedId(kid: string, tokenHash: string): string {
  return `${formatKidPrefix(kid)}${tokenHash}`;
}

/** What the ids of all tokens of a key begin with. */
export function formatKidPrefix(kid: string): string {
  return `jwt:${kid}:`;
}

/** null: the id is that of a master key or of a stored token. */
export function parseSignedId(keyId: string): { readonly kid: string; readonly tokenHash: string } | null {
  const [, kid, tokenHash] = SIGNED_ID.exec(keyId) ?? [];
  return kid === undefined || tokenHash === undefined ? null : { kid, tokenHash };
}
