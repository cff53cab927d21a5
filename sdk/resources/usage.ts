import type { Usage, UsageDetails } from "../contract/usage.ts";
import type { Result } from "../http/reply.ts";
import type { CallOptions, RequestFunction } from "../http/request.ts";

/** Days in UTC, `YYYY-MM-DD`, both included. Default: this month. */
export interface UsagePeriod {
  readonly since?: string;
  readonly until?: string;
}

/** What an org has used and may use. All calls take the master key. Counters are some seconds behind. */
export class UsageReports {
  readonly #request: RequestFunction;

  constructor(request: RequestFunction) {
    this.#request = request;
  }

  /**
   * Sums of a period, what is stored, quotas and rate limits.
   *
   * @example
   * const { data } = await cg.usage.get({ since: "2026-11-01", until: "2026-11-30" });
   */
  get(period: UsagePeriod = {}, options: CallOptions = {}): Promise<Result<Usage>> {
    return this.#request("GET /usage", { ...options, query: period });
  }

  /**
   * The same by day, by repository and by caller.
   *
   * @example
   * const { data } = await cg.usage.details({ limit: 10 });
   */
  details(
    query: UsagePeriod & { readonly limit?: number } = {},
    options: CallOptions = {},
  ): Promise<Result<UsageDetails>> {
    return this.#request("GET /usage/details", { ...options, query });
  }
}
