import type { Oid } from "../git/hash/oid.ts";
import type { ObjectReader } from "../git/ports.ts";

/** What a scope of a token lets its holder do in the repositories that it names. */
export interface ScopeRule {
  readonly ops: readonly ("read" | "write")[];
  /** Globs of refs that may be moved; null: all. */
  readonly refs: readonly string[] | null;
  /** Globs of paths that may be changed; null: all. */
  readonly paths: readonly string[] | null;
}

/** By `repos:*`, `repos:slug` or `repos:namespace/slug`. */
export type Scopes = Readonly<Record<string, ScopeRule>>;

/** How much may be written with a token; null: no end. */
export interface TokenLimits {
  readonly commits: number | null;
  readonly bytes: number | null;
}

export const NO_LIMITS: TokenLimits = { commits: null, bytes: null };

export interface TokenRecord {
  readonly id: string;
  readonly name: string;
  readonly keyPrefix: string;
  readonly scopes: Scopes;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly limits: TokenLimits;
}

export interface NewToken extends Omit<TokenRecord, "createdAtMs"> {
  /** SHA-256 of the secret in hex. */
  readonly hash: string;
}

export interface TokenPage {
  readonly tokens: readonly TokenRecord[];
  /** `after` of the next page; null at the end. */
  readonly next: number | null;
}

/** Public half of a key that an org signs tokens with, as JWK. */
export interface PublicJwk {
  readonly kty: string;
  readonly crv: string;
  readonly x: string;
  readonly y?: string;
}

export interface PublicKeyRecord {
  /** Unique in its org; names the key in the header of a token. */
  readonly kid: string;
  readonly name: string | null;
  readonly alg: "EdDSA" | "ES256";
  readonly jwk: PublicJwk;
  /** The most that a token of this key may be given; null: everything. Without globs. */
  readonly ceiling: Scopes | null;
  /** From `iat` to `exp` at most. */
  readonly maxSeconds: number;
  readonly createdAtMs: number;
}

export type NewPublicKey = Omit<PublicKeyRecord, "createdAtMs">;

export type PublicKeyCreation =
  | { readonly kind: "created"; readonly key: PublicKeyRecord }
  /** A key with this kid is there, or was until lately: its old tokens must not come to life again. */
  | { readonly kind: "taken" | "retired" }
  | { readonly kind: "full"; readonly limit: number };

export interface NewRevocation {
  /** What a signed token is told apart by; see services/access/signed-id.ts. */
  readonly tokenHash: string;
  readonly jti: string | null;
  /** When the token ends by itself, and the revocation need not be remembered. */
  readonly expiresAtMs: number;
}

export interface Revocation extends NewRevocation {
  readonly revokedAtMs: number;
}

/** What a signed token says, its signature and claims checked. Whether it holds now is asked anew every time. */
export interface SignedGrant {
  readonly keyId: string;
  readonly kid: string;
  readonly tokenHash: string;
  /** `sub` and `kid`: who writes, and who answers for the name. */
  readonly actor: string;
  readonly scopes: Scopes;
  readonly limits: TokenLimits;
  readonly notBeforeMs: number;
  readonly expiresAtMs: number;
}

/** A move of a ref that somebody wants to make. */
export interface RefMove {
  readonly name: string;
  readonly next: Oid | null;
}

/** Says of one caller how much it may still write. */
export interface WriteMeter {
  /**
   * Why moves that bring so many bytes may not be made; null when they may: what they need is reserved then, for the next
   * transaction of the store. `objects` has what the moves bring, too.
   */
  findObjection(moves: readonly RefMove[], objects: ObjectReader, bytes: number): Promise<string | null>;
}

/** Says of one caller which refs it may move where. */
export interface WriteGuard {
  /**
   * Why the caller may not make the move; null when it may. `objects` has what the move brings, too.
   * @throws GitError limit-exceeded when the move is too large to be judged
   */
  findObjection(move: RefMove, objects: ObjectReader): Promise<string | null>;
}
