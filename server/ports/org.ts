import type { NewToken, Scopes, TokenPage, TokenRecord } from "./access.ts";
import type { ConnectionStore } from "./connection.ts";
import type { ForkFacts } from "./fork.ts";

/** The directory side: orgs, keys, repositories' names. One strongly consistent store per org. */

export interface RepoRecord {
  readonly id: string;
  readonly orgId: string;
  readonly orgSlug: string;
  readonly namespace: string | null;
  readonly slug: string;
  readonly description: string | null;
  readonly visibility: "public" | "private";
  readonly defaultBranch: string;
  readonly isTemplate: boolean;
  readonly autoIndex: boolean;
  readonly createdAtMs: number;
  /** null: it is no fork. */
  readonly fork: ForkFacts | null;
}

export interface RepoName {
  readonly namespace: string | null;
  readonly slug: string;
}

/** What a request proves of itself. The secret itself never leaves the Worker: only its SHA-256. */
export type Credential =
  | { readonly kind: "none" }
  /** `secretHash`: 64 hex digits. */
  | { readonly kind: "key" | "token"; readonly secretHash: string }
  /** The key or token that opened a session, by its id; only the session itself says so. */
  | { readonly kind: "session"; readonly keyId: string };

export interface Principal {
  readonly kind: "key" | "token";
  readonly keyId: string;
  /** For reflog and audit. */
  readonly actor: string;
  /** What a token may do; null: everything in its org. */
  readonly scopes: Scopes | null;
  /** When its rights end by themselves; null: never. */
  readonly expiresAtMs: number | null;
}

export interface RateState {
  readonly limit: number;
  readonly remaining: number;
  /** Unix seconds. */
  readonly resetAt: number;
}

/** Authorise, resolve the repository and count the request in one round. */
export interface AuthorizeQuery {
  readonly credential: Credential;
  readonly repo?: RepoName;
  /** What the request is about to do with the repository or the org. */
  readonly need: "read" | "write" | "master";
  /** Requests that are counted; one when absent. */
  readonly units?: number;
}

export type AuthorizeResult =
  | {
      readonly kind: "allowed";
      readonly orgId: string;
      readonly orgSlug: string;
      /** null: an anonymous read of a public repository. */
      readonly principal: Principal | null;
      /** Present exactly when the query named one. */
      readonly repo: RepoRecord | null;
      readonly rate: RateState | null;
    }
  | { readonly kind: "unauthorized" }
  | { readonly kind: "forbidden" }
  | { readonly kind: "not-found" }
  | { readonly kind: "rate-limited"; readonly rate: RateState; readonly retryAfterSec: number };

export type NewRepo = Omit<RepoRecord, "orgId" | "orgSlug" | "createdAtMs">;

/** A caller's Idempotency-Key, scoped to that caller, with a digest of the request it came with. */
export interface Idempotency {
  readonly scope: string;
  readonly key: string;
  readonly fingerprint: string;
}

export type RepoCreation =
  /** `replayed`: made by an earlier request with the same Idempotency-Key. */
  | { readonly kind: "created"; readonly repo: RepoRecord; readonly replayed: boolean }
  | { readonly kind: "taken" }
  /** The same Idempotency-Key came with another request. */
  | { readonly kind: "idempotency-mismatch" };

export type RepoPatch = Partial<
  Pick<RepoRecord, "description" | "visibility" | "defaultBranch" | "isTemplate" | "autoIndex">
>;

export interface RepoPageQuery {
  readonly limit: number;
  readonly offset: number;
  /** `next` of the page before. */
  readonly after?: number;
  readonly namespace?: string;
  readonly isTemplate?: boolean;
  /** Only public ones. */
  readonly publicOnly: boolean;
  /** Only these; absent: any. */
  readonly names?: readonly RepoName[];
}

export interface RepoPage {
  readonly repos: readonly RepoRecord[];
  /** Where the next page begins; null at the end. */
  readonly next: number | null;
}

export interface NewSession {
  /** SHA-256 in hex of the session's id. */
  readonly hash: string;
  /** Id of the key or token that opens it. */
  readonly keyId: string;
}

export interface OrgStore extends ConnectionStore {
  /** Makes the org that this store is for, and its first key; null when it exists. */
  createOrg(org: {
    readonly slug: string;
    readonly name: string | null;
    readonly keyHash: string;
  }): Promise<{ readonly id: string; readonly keyId: string } | null>;
  /** null when there is no such org. */
  createKey(keyHash: string): Promise<{ readonly keyId: string } | null>;
  revokeKey(keyId: string): Promise<boolean>;
  /** null when the org has as many live tokens as it may have. */
  createToken(token: NewToken): Promise<TokenRecord | null>;
  /** Live ones, oldest first. */
  listTokens(query: { readonly limit: number; readonly after?: number }): Promise<TokenPage>;
  /** At once; false when there is no live token with this id. */
  revokeToken(tokenId: string): Promise<boolean>;
  authorize(query: AuthorizeQuery): Promise<AuthorizeResult>;
  /** Remembers a session of a live key or token, so that it ends with it. `full`: that has as many as it may. */
  openSession(
    session: NewSession,
  ): Promise<{ readonly kind: "opened" | "revoked" } | { readonly kind: "full"; readonly limit: number }>;
  /** Forgets a session that has ended. */
  endSession(hash: string): Promise<void>;
  createRepo(repo: NewRepo, idempotency?: Idempotency): Promise<RepoCreation>;
  updateRepo(repoId: string, patch: RepoPatch): Promise<RepoRecord | null>;
  deleteRepo(repoId: string): Promise<boolean>;
  /** Whether a repository with this id has a name. */
  hasRepo(repoId: string): Promise<boolean>;
  /** Oldest first. */
  listRepos(query: RepoPageQuery): Promise<RepoPage>;
}
