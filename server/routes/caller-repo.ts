import type { TokenUse } from "../ports/account.ts";
import type { OrgStore, Principal } from "../ports/org.ts";
import type { RepoHandle } from "../ports/repo.ts";
import { meterRepo, type WriteAccount } from "../services/account/meter-repo.ts";
import { countWrites, type RequestTally } from "../services/usage/count-writes.ts";
import { guardFor } from "./guard-for.ts";

/** Who makes a request, and what it has done so far; one for each request. */
export interface CallerAccount {
  readonly principal: Principal | null;
  readonly tally: RequestTally;
  /** What was written with the caller's token, by the latest that is known; null: it has no limits. */
  readonly use: () => TokenUse | null;
  /** Takes off what the token may write; null: it has no limits. */
  readonly meter: WriteAccount | null;
}

export function createCallerAccount(
  store: OrgStore,
  { principal, use }: { readonly principal: Principal | null; readonly use: TokenUse | null },
): CallerAccount {
  let latest = use;
  const tally = { commits: 0, bytesIn: 0 };
  if (!principal || use === null) return { principal, tally, use: () => null, meter: null };
  const { keyId, limits } = principal;
  const untilMs = principal.expiresAtMs ?? Number.MAX_SAFE_INTEGER;
  const meter: WriteAccount = {
    limits,
    async reserve(amount) {
      const outcome = await store.reserve({ keyId, limits, untilMs, ...amount });
      latest = outcome.use;
      return outcome;
    },
    async release(amount) {
      await store.release({ keyId, ...amount });
      if (latest) {
        latest = { commits: latest.commits - amount.commits, bytes: latest.bytes - amount.bytes };
      }
    },
  };
  return { principal, tally, use: () => latest, meter };
}

/** A repository with all that the caller's credential says around it; every door opens repositories through this. */
export function openForCaller<T extends RepoHandle>(repo: T, account: CallerAccount): T {
  const counted = guardFor(countWrites(repo, account.tally), account.principal);
  return account.meter ? meterRepo(counted, account.meter) : counted;
}
