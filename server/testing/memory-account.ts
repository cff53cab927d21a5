import type { PolicyOverrides, QuotaExcess, TokenUse, UsageCounts, UsageRow } from "../ports/account.ts";
import type { OrgStore, RepoRecord } from "../ports/org.ts";
import { applyOverrides, patchOverrides } from "../services/account/policy.ts";
import { findStorageExcess } from "../services/account/storage-excess.ts";
import { decideReservation, giveBack } from "../services/account/token-use.ts";
import type { RateLimiter } from "../services/rate-limit.ts";
import { sumUsage, type UsageSum } from "../services/usage/sum-usage.ts";

type AccountMethods = Pick<
  OrgStore,
  "reserve" | "release" | "reportUsage" | "reportStorage" | "readUsage" | "readAccount" | "changePolicy"
>;

interface AccountDeps {
  readonly hasOrg: () => boolean;
  readonly listRepos: () => readonly RepoRecord[];
  readonly limiter: RateLimiter | null;
}

/** What an org may use and has used, in memory. Nothing is ever too old here: a test is shorter than a day. */
export function createMemoryAccount({ hasOrg, listRepos, limiter }: AccountDeps) {
  let overrides: PolicyOverrides = {};
  const storage = new Map<string, number>();
  const uses = new Map<string, TokenUse>();
  const rows: UsageRow[] = [];
  const policy = () => applyOverrides(overrides);
  const findUse = (keyId: string): TokenUse => uses.get(keyId) ?? { commits: 0, bytes: 0 };
  const sumStorage = () => [...storage.values()].reduce((sum, bytes) => sum + bytes, 0);
  const findExcess = (repoId: string): QuotaExcess | null =>
    findStorageExcess(policy().quotas, { org: sumStorage(), repo: () => storage.get(repoId) ?? 0 });
  const read = () =>
    hasOrg() ? { policy: policy(), repos: listRepos().length, storageBytes: sumStorage() } : null;
  const methods: AccountMethods = {
    async reserve(reservation) {
      const outcome = decideReservation(findUse(reservation.keyId), reservation);
      if (outcome.kind === "reserved") uses.set(reservation.keyId, outcome.use);
      return outcome;
    },
    async release({ keyId, commits, bytes }) {
      uses.set(keyId, giveBack(findUse(keyId), { commits, bytes }));
    },
    async reportUsage(more) {
      rows.push(...more);
    },
    async reportStorage({ repoId, bytes }) {
      if (listRepos().some(({ id }) => id === repoId)) storage.set(repoId, bytes);
    },
    async readUsage({ since, until, limit }) {
      const inside = rows.filter(({ day }) => day >= since && day <= until);
      // As if all of it were of one day, but for the days themselves.
      const sums = sumUsage(inside.map((row) => ({ ...row, day: since })));
      const most = (kind: UsageSum["kind"]) =>
        sums
          .filter((sum) => sum.kind === kind)
          .sort((a, b) => b.requests - a.requests || (a.subject < b.subject ? -1 : 1))
          .slice(0, limit);
      return {
        totals: toCounts(most("org")[0] ?? { requests: 0, commits: 0, bytesIn: 0, bytesOut: 0 }),
        days: sumUsage(inside)
          .filter(({ kind }) => kind === "org")
          .sort((a, b) => (a.day < b.day ? -1 : 1))
          .map((sum) => ({ day: sum.day, ...toCounts(sum) })),
        repos: most("repo").map((sum) => {
          const record = listRepos().find(({ id }) => id === sum.subject);
          return {
            id: sum.subject,
            name: record ? { namespace: record.namespace, slug: record.slug } : null,
            storageBytes: storage.get(sum.subject) ?? 0,
            ...toCounts(sum),
          };
        }),
        callers: most("caller").map((sum) => ({ id: sum.subject, ...toCounts(sum) })),
      };
    },
    readAccount: async () => read(),
    async changePolicy(patch) {
      if (!hasOrg()) return null;
      overrides = patchOverrides(overrides, patch);
      limiter?.configure(policy().rates);
      return read();
    },
  };
  return { methods, policy, findUse, findExcess, removeStorage: (repoId: string) => storage.delete(repoId) };
}

function toCounts({ requests, commits, bytesIn, bytesOut }: UsageCounts): UsageCounts {
  return { requests, commits, bytesIn, bytesOut };
}
