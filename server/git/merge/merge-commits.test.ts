import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createMemoryObjects, type MemoryObjects } from "../../testing/memory-objects.ts";
import { formatImport, type MergeFiles, makeMergeCase } from "../../testing/random-merges.ts";
import { createRandom } from "../../testing/random-texts.ts";
import { hasGit, makeRepo, type RealRepo } from "../../testing/real-git.ts";
import type { ObjectType } from "../hash/object-type.ts";
import { type Oid, parseOid } from "../hash/oid.ts";
import { mergeCommits } from "./merge-commits.ts";

const CASES = 400;
const CRISS_CROSS = 40;
/** Criss-cross merges whose bases have a file and a directory of one name: docs/merge.md lists them as a deviation. */
const DEVIATIONS_MAX = 2;

/** Everything that a repository holds. */
async function readAll(repo: RealRepo): Promise<MemoryObjects> {
  const objects = createMemoryObjects();
  const { stdout } = await repo.git(["cat-file", "--batch", "--batch-all-objects"]);
  for (let at = 0; at < stdout.length; ) {
    const end = stdout.indexOf(0x0a, at);
    const [, type, size] = stdout.toString("latin1", at, end).split(" ");
    const from = end + 1;
    at = from + Number(size);
    objects.add(type as ObjectType, new Uint8Array(stdout.subarray(from, at)));
    at++;
  }
  return objects;
}

async function readRefs(repo: RealRepo): Promise<ReadonlyMap<string, Oid>> {
  const { text } = await repo.git(["for-each-ref", "--format=%(refname:short) %(objectname)"]);
  return new Map(
    text.split("\n").map((line) => {
      const [name = "", oid = ""] = line.split(" ");
      return [name, parseOid(oid)];
    }),
  );
}

interface Judged {
  readonly clean: boolean;
  readonly tree: string;
  readonly paths: readonly string[];
}

async function judge(repo: RealRepo, ours: string, theirs: string): Promise<Judged> {
  const { text, status } = await repo.git(
    [
      "-c",
      "merge.directoryRenames=false",
      "merge-tree",
      "--write-tree",
      "--name-only",
      "--no-messages",
      ours,
      theirs,
    ],
    { allowFailure: true },
  );
  if (status > 1) throw new Error(`git merge-tree ended with ${status}`);
  const [tree = "", ...paths] = text.split("\n");
  return { clean: status === 0, tree, paths: paths.filter(Boolean) };
}

describe.runIf(hasGit)("merges judged by git merge-tree", () => {
  let repo: RealRepo;
  let objects: MemoryObjects;
  let refs: ReadonlyMap<string, Oid>;

  beforeAll(async () => {
    repo = await makeRepo();
    const stream: Buffer[] = [];
    let mark = 0;
    const add = (ref: string, files: MergeFiles, parents: readonly number[]) => {
      mark++;
      stream.push(formatImport(ref, files, { parents, mark, seconds: 1_700_000_000 + mark }));
      return mark;
    };
    for (let n = 0; n < CASES; n++) {
      const { base, ours, theirs } = makeMergeCase(createRandom(n + 1));
      const root = add(`base${n}`, base, []);
      add(`ours${n}`, ours, [root]);
      add(`theirs${n}`, theirs, [root]);
    }
    for (let n = 0; n < CRISS_CROSS; n++) {
      const random = createRandom(10_000 + n);
      const first = makeMergeCase(random);
      const root = add(`xbase${n}`, first.base, []);
      const left = add(`xleft${n}`, first.ours, [root]);
      const right = add(`xright${n}`, first.theirs, [root]);
      add(`xours${n}`, first.ours, [left, right]);
      add(`xtheirs${n}`, random() < 0.5 ? first.theirs : first.ours, [right, left]);
    }
    await repo.git(["fast-import", "--quiet"], { input: Buffer.concat(stream) });
    objects = await readAll(repo);
    refs = await readRefs(repo);
  }, 120_000);

  afterAll(() => repo.remove());

  async function compare(ours: string, theirs: string): Promise<"clean" | "conflict" | "deviation"> {
    const expected = await judge(repo, ours, theirs);
    const [a, b] = [refs.get(ours), refs.get(theirs)] as [Oid, Oid];
    const merged = await mergeCommits(
      objects,
      { ours: a, theirs: b },
      { oursName: ours, theirsName: theirs },
    );
    if (merged.kind !== "merged") throw new Error("no merge base");
    const paths = [...new Set(merged.conflicts.map(({ path }) => path))];
    const isDeviation =
      ours.startsWith("x") && merged.conflicts.some(({ type }) => type === "file-directory");
    if (isDeviation && expected.clean) return "deviation";
    expect({ ours, clean: paths.length === 0, paths: expected.clean ? paths : [] }).toEqual({
      ours,
      clean: expected.clean,
      paths: [],
    });
    if (expected.clean) expect([ours, merged.tree]).toEqual([ours, expected.tree]);
    return expected.clean ? "clean" : "conflict";
  }

  it(`are the same for ${CASES} random merges: clean ones in every byte, conflicts where git has them`, async () => {
    const seen = { clean: 0, conflict: 0, deviation: 0 };
    for (let n = 0; n < CASES; n++) seen[await compare(`ours${n}`, `theirs${n}`)]++;
    expect(Math.min(seen.clean, seen.conflict)).toBeGreaterThan(60);
  }, 300_000);

  it(`are the same for ${CRISS_CROSS} criss-cross merges`, async () => {
    const seen = { clean: 0, conflict: 0, deviation: 0 };
    for (let n = 0; n < CRISS_CROSS; n++) seen[await compare(`xours${n}`, `xtheirs${n}`)]++;
    expect(seen.clean).toBeGreaterThan(5);
    expect(seen.deviation).toBeLessThanOrEqual(DEVIATIONS_MAX);
  }, 120_000);
});
