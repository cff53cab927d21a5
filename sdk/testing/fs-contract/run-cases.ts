import { answerOf, call, type LooseFs, type Step, snapshot } from "./answers.ts";
import type { FsCase } from "./cases.ts";

/** What a case answered, in order, and what it left. */
export interface CaseAnswers {
  readonly title: string;
  readonly answers: readonly string[];
  readonly tree: string;
}

/** Makes a fixture, step by step; each must succeed. */
export async function makeFixture(fs: LooseFs, fixture: readonly Step[]): Promise<void> {
  for (const step of fixture) await call(fs, step);
}

/** Runs one case on a filesystem that has its fixture. */
export async function runCase(fs: LooseFs, one: FsCase): Promise<CaseAnswers> {
  const answers: string[] = [];
  await one.run(fs, async (work) => {
    answers.push(await answerOf(work));
  });
  return { title: one.title, answers, tree: await snapshot(fs) };
}
