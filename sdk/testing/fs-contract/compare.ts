import { type LooseFs, snapshot, withoutEmptyDirectories } from "./answers.ts";
import { type FsCase, findGroup } from "./cases.ts";
import { findDeviation } from "./deviations.ts";
import { COMMITTED_FIXTURE, FIXTURE } from "./fixture.ts";
import type { OracleAnswer, OracleQuestion } from "./oracle.ts";
import { type CaseAnswers, makeFixture, runCase } from "./run-cases.ts";

/** A filesystem under test, empty when it is made. */
export interface Subject {
  readonly fs: LooseFs;
  /** Saves everything; what can be seen must not change. */
  settle(): Promise<void>;
  /** The same as somebody sees it who starts from what was saved. */
  openCold(): Promise<LooseFs>;
}

export interface Contract {
  readonly makeSubject: () => Promise<Subject>;
  /** The real filesystem, here or in another runtime. */
  readonly ask: (question: OracleQuestion) => Promise<OracleAnswer>;
}

/** When a case is run: on unsaved files, on files that have just been committed, on files of a mount that starts cold. */
export const STAGES = ["before a commit", "after a commit", "from a cold mount"] as const;
export type Stage = (typeof STAGES)[number];

async function makeStage({ makeSubject }: Contract, stage: Stage) {
  const subject = await makeSubject();
  await makeFixture(subject.fs, stage === "from a cold mount" ? COMMITTED_FIXTURE : FIXTURE);
  if (stage !== "before a commit") await subject.settle();
  return { subject, fs: stage === "from a cold mount" ? await subject.openCold() : subject.fs };
}

function compare(expected: CaseAnswers, actual: CaseAnswers): string[] {
  const differences: string[] = [];
  const count = Math.max(expected.answers.length, actual.answers.length);
  for (let index = 0; index < count; index += 1) {
    const [right, ours] = [expected.answers[index], actual.answers[index]];
    if (right !== ours) differences.push(`${expected.title} [${index}]\n   node: ${right}\n  mount: ${ours}`);
  }
  if (expected.tree !== actual.tree) {
    const right = expected.tree.split("\n");
    const ours = actual.tree.split("\n");
    const extra = ours.filter((line) => !right.includes(line)).map((line) => `  + ${line}`);
    const gone = right.filter((line) => !ours.includes(line)).map((line) => `  - ${line}`);
    differences.push(`${expected.title} left another tree\n${[...extra, ...gone].join("\n")}`);
  }
  return differences;
}

/** What a cold mount sees after a case and a commit: the same, without what git cannot keep. */
async function compareSaved(contract: Contract, one: FsCase, expected: CaseAnswers): Promise<string[]> {
  const { subject } = await makeStage(contract, "before a commit");
  await runCase(subject.fs, one);
  await subject.settle();
  const [warm, cold] = [await snapshot(subject.fs), await snapshot(await subject.openCold())];
  const saved = { ...expected, title: `${one.title}, committed`, answers: [] };
  return [
    ...compare(saved, { ...saved, tree: warm }),
    ...compare({ ...saved, tree: withoutEmptyDirectories(saved.tree) }, { ...saved, tree: cold }),
  ];
}

/** The differences of one group of cases at one stage, one line or more each; "" for none. */
export async function compareGroup(contract: Contract, title: string, stage: Stage): Promise<string> {
  const committed = stage === "from a cold mount";
  const expected = (await contract.ask({ kind: "cases", group: title, committed })) as CaseAnswers[]; // To that question.
  const untouched = ((await contract.ask({ kind: "steps", steps: FIXTURE })) as string[]).at(-1); // To that question.
  const differences: string[] = [];
  for (const [index, one] of findGroup(title).cases.entries()) {
    const right = expected[index];
    if (right === undefined) throw new TypeError(`no answer to ${one.title}`);
    const { fs } = await makeStage(contract, stage);
    const found = compare(right, await runCase(fs, one));
    if (stage === "before a commit" && found.length === 0 && right.tree !== untouched)
      found.push(...(await compareSaved(contract, one, right)));
    const why = findDeviation(one.title);
    if (why === null) differences.push(...found);
    // A deviation that is none any more must leave the table.
    else if (found.length === 0 && stage === "before a commit")
      differences.push(`${one.title} does not deviate any more: ${why}`);
  }
  return differences.join("\n");
}
