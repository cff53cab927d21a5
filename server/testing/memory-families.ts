import type { PackFamilies } from "../ports/fork.ts";

/** Holds in memory: nothing is ever deleted here, so nothing needs to be counted. */
export function createMemoryFamilies(): PackFamilies {
  return { hold: async () => undefined, release: async () => undefined };
}
