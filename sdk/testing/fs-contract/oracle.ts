import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import * as node from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answerOf, call, type LooseFs, type Step, snapshot } from "./answers.ts";
import { findGroup } from "./cases.ts";
import { COMMITTED_FIXTURE, FIXTURE } from "./fixture.ts";
import { type CaseAnswers, runCase } from "./run-cases.ts";

/** Calls whose arguments at these positions are paths; the first one of all others. */
const PATH_ARGUMENTS: Readonly<Record<string, readonly number[]>> = {
  rename: [0, 1],
  copyFile: [0, 1],
  cp: [0, 1],
  link: [0, 1],
  symlink: [0, 1],
};

/** node:fs/promises in a temporary folder, with `/` meaning that folder: what Linux does is what is right. */
interface Oracle {
  readonly root: string;
  readonly fs: LooseFs;
  /** Takes the folder's own path out of a text. */
  strip(text: string): string;
  remove(): void;
}

/** In memory where Linux has a place for it: the rules are the kernel's, the disk adds nothing but time. */
const PLACE = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** Adds the root to a path argument without normalising anything in it. */
function rooted(root: string, value: unknown): unknown {
  if (typeof value === "string") return value.startsWith("/") ? root + value : value;
  if (value instanceof Uint8Array) return value[0] === 47 ? Buffer.concat([Buffer.from(root), value]) : value;
  if (value instanceof URL && value.protocol === "file:") return new URL(`file://${root}${value.pathname}`);
  return value;
}

function createOracle(): Oracle {
  const root = mkdtempSync(join(PLACE, "coregit-fs-"));
  const real = node as unknown as LooseFs; // Called by name, as the suite's table has it.
  const fs = new Proxy(real, {
    get:
      (target, name: string) =>
      (...args: unknown[]) => {
        const positions = PATH_ARGUMENTS[name] ?? [0];
        const mapped = args.map((value, index) => (positions.includes(index) ? rooted(root, value) : value));
        return target[name]?.(...(mapped as never[]));
      },
  });
  const strip = (text: string) => text.replaceAll(`${root}/`, "/").replaceAll(root, "/");
  return { root, fs, strip, remove: () => rmSync(root, { recursive: true, force: true }) };
}

/** The fixture by the quickest way; what it is made of is the same. */
function makeRealFixture(oracle: Oracle, fixture: readonly Step[]): void {
  const root = oracle.root;
  for (const [method, first, second, third] of fixture) {
    const path = root + String(method === "symlink" ? second : first);
    if (method === "mkdir") mkdirSync(path);
    else if (method === "symlink") symlinkSync(String(rooted(root, first)), path);
    else writeFileSync(path, String(second), third as { readonly mode: number } | undefined); // As the table has it.
  }
}

/** What the suite asks the real filesystem; as data, so that it may come from another runtime. */
export type OracleQuestion =
  | { readonly kind: "cases"; readonly group: string; readonly committed: boolean }
  | { readonly kind: "steps"; readonly steps: readonly Step[] };

/** For cases one answer each; for steps the answer of each step and at last the whole tree. */
export type OracleAnswer = readonly CaseAnswers[] | readonly string[];

/** Answers of the real filesystem, made now. */
export async function askOracle(question: OracleQuestion): Promise<OracleAnswer> {
  return question.kind === "steps" ? await answerSteps(question.steps) : await answerCases(question);
}

const answered = new Map<string, Promise<CaseAnswers[]>>();

/** Asked once for all stages of a run: nothing that the real filesystem answers depends on them. */
function answerCases(question: OracleQuestion & { readonly kind: "cases" }): Promise<CaseAnswers[]> {
  const key = `${question.group} ${question.committed}`;
  const known = answered.get(key) ?? runCases(question);
  answered.set(key, known);
  return known;
}

async function runCases(question: OracleQuestion & { readonly kind: "cases" }): Promise<CaseAnswers[]> {
  const results: CaseAnswers[] = [];
  for (const one of findGroup(question.group).cases) {
    const oracle = createOracle();
    try {
      makeRealFixture(oracle, question.committed ? COMMITTED_FIXTURE : FIXTURE);
      const { title, answers, tree } = await runCase(oracle.fs, one);
      results.push({ title, answers: answers.map(oracle.strip), tree: oracle.strip(tree) });
    } finally {
      oracle.remove();
    }
  }
  return results;
}

async function answerSteps(steps: readonly Step[]): Promise<string[]> {
  const oracle = createOracle();
  try {
    const answers: string[] = [];
    for (const step of steps) answers.push(oracle.strip(await answerOf(() => call(oracle.fs, step))));
    answers.push(oracle.strip(await snapshot(oracle.fs)));
    return answers;
  } finally {
    oracle.remove();
  }
}

/** `askOracle` over HTTP, for a runtime without a filesystem. The question is the JSON of the body. */
export async function answerRequest(request: { json(): Promise<unknown> }): Promise<Response> {
  return Response.json(await askOracle((await request.json()) as OracleQuestion)); // From this suite alone.
}
