import { type Allowed, rateHeaders } from "../middleware/authorize.ts";
import { fromGitError } from "../middleware/error-reply.ts";
import { quotaHeaders } from "../middleware/quota.ts";
import { RequestError } from "../middleware/request-error.ts";
import type { UsageTally } from "../services/usage/usage-tally.ts";
import type { CallerAccount } from "./caller-repo.ts";
import { onSent } from "./git-stream.ts";

/** What every reply to somebody who may ask tells of limits: X-RateLimit-*, and X-Quota-* of a token that has some. */
export function callerHeaders({
  rate,
  principal,
  account,
}: Pick<Allowed, "rate" | "principal"> & { readonly account: CallerAccount }): Record<string, string> {
  return { ...(rate && rateHeaders(rate)), ...quotaHeaders(principal, account.use()) };
}

/** The same headers on an error that becomes a reply. */
export function addHeaders(error: unknown, headers: Readonly<Record<string, string>>): unknown {
  const known = fromGitError(error);
  if (!(known instanceof RequestError)) return error;
  return new RequestError(known.code, known.message, known.details, { ...known.headers, ...headers });
}

/** What is needed to count a request. */
export interface RequestUsage {
  readonly usage: UsageTally;
  readonly request: Request;
  readonly allowed: Pick<Allowed, "orgId" | "principal" | "repo">;
  readonly account: CallerAccount;
}

/** Counted as who asks without a key. */
const ANYBODY = "anonymous";

/**
 * Counts a request that was let through, for its org. `response` null: it was refused later on, in few bytes. A body that
 * is streamed is counted when it has ended.
 */
export function noteUsage(
  { usage, request, allowed, account }: RequestUsage,
  response: Response | null,
): void {
  const who = {
    orgId: allowed.orgId,
    repoId: allowed.repo?.id ?? null,
    actor: allowed.principal?.actor ?? ANYBODY,
  };
  const declared = Number(request.headers.get("content-length") ?? 0);
  const { commits, bytesIn } = account.tally;
  const length = response?.headers.get("content-length") ?? null;
  const counts = { requests: 1, commits, bytesIn: bytesIn || declared || 0, bytesOut: Number(length ?? 0) };
  usage.note({ ...who, ...counts });
  if (!response?.body || length !== null) return;
  onSent(response.body, (bytesOut) => usage.note({ ...who, requests: 0, commits: 0, bytesIn: 0, bytesOut }));
}
