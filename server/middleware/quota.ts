import type { QuotaExcess, TokenUse } from "../ports/account.ts";
import type { Principal } from "../ports/org.ts";
import { describeExcess } from "../services/account/meter-repo.ts";
import { RequestError } from "./request-error.ts";

/** 402 that names the quota, its limit and what is used. */
export function quotaExceeded(
  excess: QuotaExcess,
  headers: Readonly<Record<string, string>> = {},
): RequestError {
  return new RequestError("QUOTA_EXCEEDED", describeExcess(excess), { ...excess }, headers);
}

/** X-Quota-*: what is left of a token that may only write so much; nothing for everybody else. */
export function quotaHeaders(principal: Principal | null, use: TokenUse | null): Record<string, string> {
  const headers: Record<string, string> = {};
  if (!principal || !use) return headers;
  for (const quota of ["commits", "bytes"] as const) {
    const limit = principal.limits[quota];
    if (limit === null) continue;
    headers[`x-quota-${quota}-limit`] = String(limit);
    headers[`x-quota-${quota}-remaining`] = String(Math.max(0, limit - use[quota]));
  }
  return headers;
}
