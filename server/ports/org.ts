import type {
  NewPublicKey,
  NewRevocation,
  NewToken,
  PublicKeyCreation,
  PublicKeyRecord,
  Revocation,
  Scopes,
  SignedGrant,
  TokenLimits,
  TokenPage,
  TokenRecord,
} from "./access.ts";
import type {
  Account,
  PolicyPatch,
  QuotaExcess,
  Reservation,
  ReservationOutcome,
  TokenUse,
  UsageQuery,
  UsageReport,
  UsageRow,
} from "./account.ts";
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
  /** A token that the org has signed. It is no secret kept here: who has the public key can only check it. */
  | { readonly kind: "signed"; readonly token: string }
  /** Who opened a session, by the id of the credential and the hash of the session's; only the session itself says so. */
  | { readonly kind: "session"; readonly keyId: string; readonly hash: string };

export interface Principal {
  readonly kind: "key" | "token" | "signed";
  readonly keyId: string;
  /** For reflog, audit and usage, and what requests are counted by: of a signed token its subject, else `keyId`. */
  readonly actor: string;
  /** What a token may do; null: everything in its org. */
  readonly scopes: Scopes | null;
  /** When its rights end by themselves; null: never. */
  readonly expiresAtMs: number | null;
  /** How much may be written with it. */
  readonly limits: TokenLimits;
  /** What a signed token says; null: it is none. */
  readonly grant: SignedGrant | null;
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
  /** It stores something: refused when there is no room left for it. */
  readonly stores?: boolean;
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
      /** What was written with a token that has limits; null: it has none. */
      readonly use: TokenUse | null;
    }
  | { readonly kind: "quota-exceeded"; readonly excess: QuotaExcess; readonly rate: RateState | null }
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
  | { readonly kind: "quota-exceeded"; readonly excess: QuotaExcess }
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
  /** Of a signed token: it is stored nowhere else. */
  readonly grant: SignedGrant | null;
}

/** Whoever writes is told by `actor`, for the org's log; without it, it is the operator. */
export interface OrgStore extends ConnectionStore {
  /** Makes the org that this store is for, and its first key; null when it exists. */
  createOrg(org: {
    readonly slug: string;
    readonly name: string | null;
    readonly keyHash: string;
  }): Promise<{ readonly id: string; readonly keyId: string } | null>;
  /** null when there is no such org. */
  createKey(keyHash: string, actor?: string): Promise<{ readonly keyId: string } | null>;
  revokeKey(keyId: string, actor?: string): Promise<boolean>;
  /** null when the org has as many live tokens as it may have. */
  createToken(token: NewToken, actor?: string): Promise<TokenRecord | null>;
  /** Live ones, oldest first. */
  listTokens(query: { readonly limit: number; readonly after?: number }): Promise<TokenPage>;
  /** At once; false when there is no live token with this id. */
  revokeToken(tokenId: string, actor?: string): Promise<boolean>;
  /** The same key again is no other. */
  createPublicKey(key: NewPublicKey, actor?: string): Promise<PublicKeyCreation>;
  /** Oldest first; there are few. */
  listPublicKeys(): Promise<readonly PublicKeyRecord[]>;
  /** Ends all tokens of the key at once; false when there is none with this kid. */
  deletePublicKey(kid: string, actor?: string): Promise<boolean>;
  /** Ends one signed token at once. Revoking twice is revoking once. */
  revokeSigned(
    revocation: NewRevocation,
    actor?: string,
  ): Promise<
    | { readonly kind: "revoked"; readonly revocation: Revocation }
    | { readonly kind: "full"; readonly limit: number }
  >;
  /** Those that have not run out, the latest first. */
  listRevoked(limit: number): Promise<{ readonly revoked: readonly Revocation[]; readonly total: number }>;
  /**
   * Takes commits and bytes off what a token may write, before they are written: all of it or nothing, in one step, so
   * that two writers never have the same.
   */
  reserve(reservation: Reservation): Promise<ReservationOutcome>;
  /** Gives back what was reserved and not written. */
  release(reservation: Pick<Reservation, "keyId" | "commits" | "bytes">): Promise<void>;
  /** Adds to the counters; what is sent twice is counted twice. */
  reportUsage(rows: readonly UsageRow[]): Promise<void>;
  /** How much a repository of the org stores by now. One without a name is passed over. */
  reportStorage(report: { readonly repoId: string; readonly bytes: number }): Promise<void>;
  readUsage(query: UsageQuery): Promise<UsageReport>;
  /** null when there is no such org. */
  readAccount(): Promise<Account | null>;
  /** Changes what holds for this org alone; null when there is no such org. */
  changePolicy(patch: PolicyPatch): Promise<Account | null>;
  authorize(query: AuthorizeQuery): Promise<AuthorizeResult>;
  /** Remembers a session of a live key or token, so that it ends with it. `full`: that has as many as it may. */
  openSession(
    session: NewSession,
  ): Promise<{ readonly kind: "opened" | "revoked" } | { readonly kind: "full"; readonly limit: number }>;
  /** Forgets a session that has ended. */
  endSession(hash: string): Promise<void>;
  createRepo(repo: NewRepo, idempotency?: Idempotency, actor?: string): Promise<RepoCreation>;
  updateRepo(repoId: string, patch: RepoPatch, actor?: string): Promise<RepoRecord | null>;
  deleteRepo(repoId: string, actor?: string): Promise<boolean>;
  /** Whether a repository with this id has a name. */
  hasRepo(repoId: string): Promise<boolean>;
  /** Oldest first. */
  listRepos(query: RepoPageQuery): Promise<RepoPage>;
}
