import { describe, expect, test } from "vitest";
import { GROUPS } from "./cases.ts";
import { type Contract, compareGroup, STAGES } from "./compare.ts";

export type { Contract, Subject } from "./compare.ts";

/**
 * Holds a filesystem to node:fs/promises on Linux: every call on every kind of path and a good many in a row, by its
 * result, by all that its error says, and by what it leaves behind.
 */
export function fsContract(
  name: string,
  contract: Contract,
  stages: readonly (typeof STAGES)[number][] = STAGES,
): void {
  describe.each(stages)(`${name} does what node:fs/promises does, %s`, (stage) => {
    test.each(GROUPS.map(({ title }) => title))("%s", { timeout: 180_000 }, async (title) => {
      expect(await compareGroup(contract, title, stage)).toBe("");
    });
  });
}
