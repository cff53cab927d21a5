import type { PackFamilies } from "../ports/fork.ts";
import { createDurableCalls } from "./durable-call.ts";

/** The families behind PackFamilyDO stubs, each found by its id. */
export function createDurablePackFamilies(families: { getByName(name: string): PackFamilies }): PackFamilies {
  const callsOf = (familyId: string) => createDurableCalls(() => families.getByName(familyId));
  return {
    hold: (source, fork) => callsOf(source.familyId).repeat((stub) => stub.hold(source, fork)),
    release: (hold) => callsOf(hold.familyId).repeat((stub) => stub.release(hold)),
  };
}
