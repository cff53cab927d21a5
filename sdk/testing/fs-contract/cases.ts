import type { LooseFs } from "./answers.ts";
import { argumentCases } from "./argument-cases.ts";
import { copyCases } from "./copy-cases.ts";
import { directoryCases } from "./directory-cases.ts";
import { handleCases } from "./handle-cases.ts";
import { pathCases } from "./path-cases.ts";

/** Notes the answer of one piece of work under the order in which it is called. */
export type Note = (work: () => unknown) => Promise<void>;

/** Something that is done to the fixture; its answers, and what it leaves, are what is compared. */
export interface FsCase {
  readonly title: string;
  run(fs: LooseFs, note: Note): Promise<void>;
}

/** Cases that are reported as one test. */
export interface CaseGroup {
  readonly title: string;
  readonly cases: readonly FsCase[];
}

export const GROUPS: readonly CaseGroup[] = [
  ...pathCases,
  ...argumentCases,
  ...handleCases,
  ...directoryCases,
  ...copyCases,
];

/** @throws TypeError for a group that does not exist */
export function findGroup(title: string): CaseGroup {
  const group = GROUPS.find((one) => one.title === title);
  if (group === undefined) throw new TypeError(`no such group of cases: ${title}`);
  return group;
}
