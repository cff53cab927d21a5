import { type AddressRules, findAddressFault, isAllowedHost } from "../public-address.ts";

/** Why deliveries may not be sent to `url`, for people; null when they may. Plain http is for hosts that the operator names. */
export function findUrlFault(url: string, rules: AddressRules): string | null {
  const fault = findAddressFault(url, rules);
  if (fault !== null) return fault;
  const parsed = new URL(url);
  if (parsed.protocol !== "https:" && !isAllowedHost(parsed, rules)) return "must be https";
  return parsed.hash === "" ? null : "must not have a fragment";
}
