import fc from "fast-check";
import { expect, test } from "vitest";
import { answerOf, call, type Step, snapshot } from "./answers.ts";
import { describeStep } from "./fixture.ts";
import type { Contract, Subject } from "./suite.ts";

/** Few names, so that steps meet: one on the way of another, a file where there was a directory. */
const NAMES = ["/a", "/b", "/a/a", "/a/b", "/b/a", "/a/a/c", "/l", "/l/a", "/a/../b", "/b/"] as const;
const path = fc.constantFrom(...NAMES);
const text = fc.constantFrom("", "x", "content", "other content\n");

/** A step of the sequence, or a turn in which the subject saves and the oracle does nothing. */
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(fc.constant("writeFile"), path, text),
  fc.tuple(
    fc.constant("writeFile"),
    path,
    text,
    fc.constantFrom({ flag: "wx" }, { mode: 0o755 }, { flag: "r+" }),
  ),
  fc.tuple(fc.constant("appendFile"), path, text),
  fc.tuple(fc.constant("mkdir"), path),
  fc.tuple(fc.constant("mkdir"), path, fc.constant({ recursive: true })),
  fc.tuple(fc.constant("rename"), path, path),
  fc.tuple(fc.constant("rename"), path, path),
  fc.tuple(fc.constant("copyFile"), path, path),
  fc.tuple(fc.constant("cp"), path, path, fc.constantFrom({ recursive: true }, { force: false })),
  fc.tuple(fc.constant("symlink"), fc.constantFrom("a", "./b", "b/a", "l", "a/../b"), path),
  fc.tuple(fc.constant("rmdir"), path),
  fc.tuple(fc.constant("unlink"), path),
  fc.tuple(fc.constant("rm"), path, fc.constant({ force: true })),
  fc.tuple(
    fc.constant("rm"),
    fc.constantFrom("/a", "/b", "/a/a"),
    fc.constant({ recursive: true, force: true }),
  ),
  fc.tuple(fc.constant("chmod"), path, fc.constantFrom(0o755, 0o644)),
  fc.tuple(fc.constant("truncate"), path, fc.nat(12)),
  fc.tuple(fc.constant("open"), path, fc.constantFrom("r", "r+", "w", "wx", "a+")),
  fc.tuple(fc.constant("readdir"), path, fc.constantFrom({}, { withFileTypes: true, recursive: true })),
  fc.tuple(fc.constant("readFile"), path, fc.constant("utf8")),
  fc.tuple(fc.constant("stat"), path),
  fc.tuple(fc.constant("realpath"), path),
  fc.tuple(fc.constant("settle")),
);

async function runSteps(subject: Subject, steps: readonly Step[]): Promise<string[]> {
  const answers: string[] = [];
  for (const one of steps) {
    if (one[0] === "settle") await subject.settle();
    else answers.push(await answerOf(() => call(subject.fs, one)));
  }
  return answers;
}

/** Node's cp looks at both ends at once: when neither can be found, either is the one that it tells of. */
function settleRace([method]: Step, answer: string | undefined): string | undefined {
  const isEitherEnd = method === "cp" && /^throws (?:ENOENT|ENOTDIR) -\d+ (?:l?stat) /.test(answer ?? "");
  return isEitherEnd ? "throws ENOENT or ENOTDIR of one end" : answer;
}

/** Runs random sequences of calls on both sides; a failing one is cut down to its shortest form. */
export function fsSequences(name: string, contract: Contract, numRuns: number): void {
  test(`${name} and node:fs/promises agree through random sequences`, { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 40 }), async (steps) => {
        const calls = steps.filter(([method]) => method !== "settle");
        const expected = (await contract.ask({ kind: "steps", steps: calls })) as string[]; // To that question.
        const subject = await contract.makeSubject();
        const answers = await runSteps(subject, steps);
        const lines = (all: readonly (string | undefined)[]) =>
          calls.map((one, index) => `${describeStep(one)}: ${settleRace(one, all[index])}`);
        expect(lines(answers)).toEqual(lines(expected));
        expect(await snapshot(subject.fs)).toBe(expected.at(-1));
      }),
      { numRuns, seed: 20260101 },
    );
  });
}
