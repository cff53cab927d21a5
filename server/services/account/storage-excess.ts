import type { QuotaExcess, Quotas } from "../../ports/account.ts";

/** The quota that is used up; null: there is room. What is stored is told late, so it may be exceeded by a little. */
export function findStorageExcess(
  quotas: Quotas,
  stored: { readonly org: number; readonly repo: () => number },
): QuotaExcess | null {
  const { storageBytes, repoBytes } = quotas;
  if (storageBytes !== null && stored.org >= storageBytes) {
    return { quota: "storage_bytes", limit: storageBytes, used: stored.org };
  }
  if (repoBytes === null || stored.org < repoBytes) return null;
  const used = stored.repo();
  return used >= repoBytes ? { quota: "repo_bytes", limit: repoBytes, used } : null;
}
