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

export interface TokenRecord {
  readonly id: string;
  readonly name: string;
  readonly keyPrefix: string;
  readonly scopes: Scopes;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
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

/** A move of a ref that somebody wants to make. */
export interface RefMove {
  readonly name: string;
  readonly next: Oid | null;
}

/** Says of one caller which refs it may move where. */
export interface WriteGuard {
  /**
   * Why the caller may not make the move; null when it may. `objects` has what the move brings, too.
   * @throws GitError limit-exceeded when the move is too large to be judged
   */
  findObjection(move: RefMove, objects: ObjectReader): Promise<string | null>;
}
