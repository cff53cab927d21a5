import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { judgeMerges, type MergePair } from "../../bench/git-merges.ts";
import { type GitObjects, openGitObjects } from "../../bench/git-objects.ts";
import { type Comparison, compareMerge } from "../../bench/merge-judge.ts";
import { CATEGORY_NAMES, makeCategoryCase } from "../../testing/merge-categories.ts";
import { formatImport, type MergeCase, type MergeFiles, makeMergeCase } from "../../testing/random-merges.ts";
import { createRandom } from "../../testing/random-texts.ts";
import { hasGit, makeRepo, type RealRepo } from "../../testing/real-git.ts";

const RANDOM = 400;
const CRISS_CROSS = 120;
const PER_CATEGORY = 30;
const NO_DIRECTORY_RENAMES = ["merge.directoryRenames=false"];

/** Cases by category, in a repository of the real git. */
interface Corpus {
  readonly repo: RealRepo;
  readonly objects: GitObjects;
  readonly pairs: ReadonlyMap<string, readonly MergePair[]>;
}

/** Collects commits for one `git fast-import`. */
function createImport() {
  const stream: Buffer[] = [];
  const categories = new Map<string, number>();
  let mark = 0;
  const add = (ref: string, files: MergeFiles, parents: readonly number[]) => {
    mark++;
    stream.push(formatImport(ref, files, { parents, mark, seconds: 1_700_000_000 + mark }));
    return mark;
  };
  const next = (category: string) => {
    const n = categories.get(category) ?? 0;
    categories.set(category, n + 1);
    return `${category.replaceAll(/[ /]/g, "-")}/${n}`;
  };
  return {
    stream,
    categories,
    addPlain(category: string, { base, ours, theirs }: MergeCase) {
      const name = next(category);
      const root = add(`${name}/base`, base, []);
      add(`${name}/ours`, ours, [root]);
      add(`${name}/theirs`, theirs, [root]);
    },
    /** Two merge bases, which a merge of the two merges has to merge first. */
    addCrissCross(category: string, { base, ours, theirs }: MergeCase, isOther: boolean) {
      const name = next(category);
      const root = add(`${name}/base`, base, []);
      const left = add(`${name}/left`, ours, [root]);
      const right = add(`${name}/right`, theirs, [root]);
      add(`${name}/ours`, ours, [left, right]);
      add(`${name}/theirs`, isOther ? theirs : ours, [right, left]);
    },
  };
}

async function makeCorpus(): Promise<Corpus> {
  const made = createImport();
  for (let n = 0; n < RANDOM; n++) made.addPlain("random", makeMergeCase(createRandom(n + 1)));
  for (let n = 0; n < CRISS_CROSS; n++) {
    const random = createRandom(10_000 + n);
    made.addCrissCross("criss-cross", makeMergeCase(random), random() < 0.5);
  }
  for (const [index, name] of CATEGORY_NAMES.entries()) {
    for (let n = 0; n < PER_CATEGORY; n++) {
      const random = createRandom(100_000 + 1_000 * index + n);
      made.addPlain(name, makeCategoryCase(name, n, random));
    }
  }
  const repo = await makeRepo();
  await repo.git(["fast-import", "--quiet"], { input: Buffer.concat(made.stream) });
  const { text } = await repo.git(["for-each-ref", "--format=%(refname:short) %(objectname)"]);
  const refs = new Map(text.split("\n").map((line) => line.split(" ") as [string, string]));
  const pairs = new Map<string, MergePair[]>();
  for (const [category, count] of made.categories) {
    const name = category.replaceAll(/[ /]/g, "-");
    const tip = (n: number, side: string) => refs.get(`${name}/${n}/${side}`) ?? "";
    pairs.set(
      category,
      Array.from({ length: count }, (_, n) => ({ ours: tip(n, "ours"), theirs: tip(n, "theirs") })),
    );
  }
  return { repo, objects: openGitObjects(repo.dir), pairs };
}

describe.runIf(hasGit)("merges judged by git merge-tree", () => {
  let corpus: Corpus;
  beforeAll(async () => {
    corpus = await makeCorpus();
  }, 120_000);
  afterAll(async () => {
    corpus.objects.close();
    await corpus.repo.remove();
  });

  async function compareAll(category: string, config: readonly string[]): Promise<readonly Comparison[]> {
    const { repo, objects, pairs } = corpus;
    const merges = pairs.get(category) ?? [];
    const compared: Comparison[] = [];
    let next = 0;
    for await (const verdict of judgeMerges(repo.dir, merges, { config })) {
      const pair = merges[next++];
      // Of the random criss-cross merges, some make git end by an assertion of its own.
      if (pair && verdict) compared.push(await compareMerge(objects, pair, verdict));
    }
    return compared;
  }

  it.each([
    ["random", RANDOM, 60] as const,
    ["criss-cross", CRISS_CROSS, 10] as const,
    ...CATEGORY_NAMES.map((name) => [name, PER_CATEGORY, 0] as const),
  ])(
    "%s: the same trees, and the same conflicts at the same paths with the same text",
    async (category, count, atLeast) => {
      const compared = await compareAll(category, NO_DIRECTORY_RENAMES);
      expect(compared.filter(({ kind }) => kind === "different")).toEqual([]);
      const same = compared.flatMap((one) => (one.kind === "same" ? [one] : []));
      const clean = same.filter((one) => one.clean).length;
      const types = new Map<string, number>();
      for (const type of same.flatMap((one) => one.types)) types.set(type, (types.get(type) ?? 0) + 1);
      const told = [...types].map(([type, n]) => `${type} ${n}`).join(", ");
      console.log(
        `${category}: ${same.length} merges, ${clean} clean, ${same.length - clean} conflict (${told})`,
      );
      expect(same.length).toBeGreaterThanOrEqual(count - 1);
      expect(Math.min(clean, same.length - clean)).toBeGreaterThanOrEqual(atLeast);
    },
    120_000,
  );

  it("differ from git's default only where git guesses that a directory was renamed", async () => {
    const { repo, objects, pairs } = corpus;
    let guesses = 0;
    for (const merges of pairs.values()) {
      let next = 0;
      for await (const verdict of judgeMerges(repo.dir, merges)) {
        const pair = merges[next++];
        if (!pair || !verdict) continue;
        const compared = await compareMerge(objects, pair, verdict);
        if (compared.kind === "same") continue;
        guesses++;
        expect(
          verdict.messages.some(({ type }) => /directory rename|due to directory rename/.test(type)),
        ).toBe(true);
      }
    }
    expect(guesses).toBeGreaterThan(0);
  }, 120_000);
});
