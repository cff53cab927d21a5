/** What an org may use, and what it has used. */

export interface RateLimits {
  readonly perMinute: number;
  readonly perHour: number;
}

/** Requests that one caller, and all of an org together, may make. */
export interface RatePolicy {
  readonly key: RateLimits;
  readonly org: RateLimits;
}

/** null: no end. */
export interface Quotas {
  readonly repos: number | null;
  readonly storageBytes: number | null;
  /** Of each repository. */
  readonly repoBytes: number | null;
}

export interface Policy {
  readonly rates: RatePolicy;
  readonly quotas: Quotas;
}

/** What the operator has set for an org; everything else is as for every org. */
export interface PolicyOverrides {
  readonly rates?: { readonly [K in keyof RatePolicy]?: Partial<RateLimits> };
  readonly quotas?: Partial<Quotas>;
}

/** A setting to change; "default" takes it back. */
export type PolicyChange<T> = { readonly [K in keyof T]?: T[K] | "default" | undefined };

export interface PolicyPatch {
  readonly rates?: {
    readonly key?: PolicyChange<RateLimits>;
    readonly org?: PolicyChange<RateLimits>;
  };
  readonly quotas?: PolicyChange<Quotas>;
}

/** A quota that leaves no room for what was asked. */
export interface QuotaExcess {
  readonly quota: "repos" | "storage_bytes" | "repo_bytes" | "commits" | "bytes";
  readonly limit: number;
  /** Before what was asked for. */
  readonly used: number;
}

/** What was written with one token so far. */
export interface TokenUse {
  readonly commits: number;
  readonly bytes: number;
}

export interface Reservation extends TokenUse {
  readonly keyId: string;
  readonly limits: { readonly commits: number | null; readonly bytes: number | null };
  /** When the token ends, and nothing need be remembered of it. */
  readonly untilMs: number;
}

export type ReservationOutcome =
  | { readonly kind: "reserved"; readonly use: TokenUse }
  | { readonly kind: "exceeded"; readonly excess: QuotaExcess; readonly use: TokenUse };

export interface UsageCounts {
  readonly requests: number;
  readonly commits: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** What one caller did on one day (UTC, `YYYY-MM-DD`), with one repository or with none. */
export interface UsageRow extends UsageCounts {
  readonly day: string;
  readonly repoId: string | null;
  readonly actor: string;
}

export interface UsageQuery {
  /** First and last day, both included. */
  readonly since: string;
  readonly until: string;
  /** Repositories and callers that are named. */
  readonly limit: number;
}

export interface UsageReport {
  readonly totals: UsageCounts;
  /** Days on which nothing was done are left out. */
  readonly days: readonly (UsageCounts & { readonly day: string })[];
  /** Most requests first. */
  readonly repos: readonly (UsageCounts & {
    readonly id: string;
    /** null: it is deleted. */
    readonly name: { readonly namespace: string | null; readonly slug: string } | null;
    readonly storageBytes: number;
  })[];
  readonly callers: readonly (UsageCounts & { readonly id: string })[];
}

export interface Account {
  readonly policy: Policy;
  readonly repos: number;
  readonly storageBytes: number;
}
