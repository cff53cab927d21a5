import type { Policy, PolicyChange, PolicyOverrides, PolicyPatch } from "../../ports/account.ts";

const GIB = 1024 ** 3;

/** What every org may use unless its operator says otherwise. */
export const DEFAULT_POLICY: Policy = {
  rates: {
    key: { perMinute: 600, perHour: 15_000 },
    org: { perMinute: 2_000, perHour: 50_000 },
  },
  quotas: { repos: 100_000, storageBytes: 1_024 * GIB, repoBytes: 100 * GIB },
};

/** What holds for an org with these settings of its own. */
export function applyOverrides({ rates = {}, quotas = {} }: PolicyOverrides): Policy {
  return {
    rates: {
      key: { ...DEFAULT_POLICY.rates.key, ...rates.key },
      org: { ...DEFAULT_POLICY.rates.org, ...rates.org },
    },
    quotas: { ...DEFAULT_POLICY.quotas, ...quotas },
  };
}

/** Settings with a patch applied; what the patch does not name stays. */
export function patchOverrides(overrides: PolicyOverrides, patch: PolicyPatch): PolicyOverrides {
  return {
    rates: {
      key: change(overrides.rates?.key, patch.rates?.key),
      org: change(overrides.rates?.org, patch.rates?.org),
    },
    quotas: change(overrides.quotas, patch.quotas),
  };
}

function change<T extends object>(settings: Partial<T> = {}, changes: PolicyChange<T> = {}): Partial<T> {
  const named = Object.entries(changes).filter(([, value]) => value !== undefined);
  const kept = Object.entries({ ...settings, ...Object.fromEntries(named) }).filter(
    ([, value]) => value !== "default",
  );
  // The names are those of T: they come from two of its parts.
  return Object.fromEntries(kept) as Partial<T>;
}
