import type { QueryOf } from "../../sdk/contract/index.ts";
import type { Usage, usageEndpoints } from "../../sdk/contract/usage.ts";
import { invalidField, notFound } from "../middleware/request-error.ts";
import type { Policy, UsageCounts } from "../ports/account.ts";
import type { HandlersFor } from "./router.ts";

/** What an org has used and may use. */
export const usageHandlers: HandlersFor<typeof usageEndpoints> = {
  async "GET /usage"({ query, org, now }) {
    const period = readPeriod(query, now());
    const [report, account] = await Promise.all([
      org.store.readUsage({ ...period, limit: 1 }),
      org.store.readAccount(),
    ]);
    if (!account) throw notFound("Organization");
    return {
      period,
      totals: formatCounts(report.totals),
      storage: { repos: account.repos, bytes: account.storageBytes },
      ...formatPolicy(account.policy),
    };
  },
  async "GET /usage/details"({ query, org, now }) {
    const period = readPeriod(query, now());
    const report = await org.store.readUsage({ ...period, limit: query.limit });
    return {
      period,
      totals: formatCounts(report.totals),
      days: report.days.map((day) => ({ date: day.day, ...formatCounts(day) })),
      repos: report.repos.map((repo) => ({
        id: repo.id,
        namespace: repo.name?.namespace ?? null,
        slug: repo.name?.slug ?? null,
        storage_bytes: repo.storageBytes,
        ...formatCounts(repo),
      })),
      callers: report.callers.map((caller) => ({ id: caller.id, ...formatCounts(caller) })),
    };
  },
};

/** What an org may use, as the API shows it. */
export function formatPolicy({ quotas, rates }: Policy): Pick<Usage, "quotas" | "rate_limits"> {
  const formatRates = ({ perMinute, perHour }: Policy["rates"]["key"]) => ({
    per_minute: perMinute,
    per_hour: perHour,
  });
  return {
    quotas: { repos: quotas.repos, storage_bytes: quotas.storageBytes, repo_bytes: quotas.repoBytes },
    rate_limits: { key: formatRates(rates.key), org: formatRates(rates.org) },
  };
}

function readPeriod(query: QueryOf<"GET /usage">, nowMs: number): Usage["period"] {
  const today = new Date(nowMs).toISOString().slice(0, 10);
  const until = query.until ?? today;
  const since = query.since ?? `${until.slice(0, 7)}-01`;
  if (since > until) throw invalidField("since", "comes after until");
  return { since, until };
}

function formatCounts({ requests, commits, bytesIn, bytesOut }: UsageCounts): Usage["totals"] {
  return { requests, commits, bytes_in: bytesIn, bytes_out: bytesOut };
}
