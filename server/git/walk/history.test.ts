import { describe, expect, it } from "vitest";
import { createMemoryObjects, type MemoryObjects } from "../../testing/memory-objects.ts";
import {
  createRandom,
  type HistoryShape,
  makeRandomHistory,
  readAllObjects,
} from "../../testing/random-history.ts";
import { hasGit, makeRepo, type RealRepo } from "../../testing/real-git.ts";
import { type ByteString, toByteString } from "../bytes/text.ts";
import { EMPTY_TREE_OID, type Oid } from "../hash/oid.ts";
import { encodeCommit } from "../object/commit.ts";
import { type HistoryQuery, walkHistory } from "./history.ts";
import { findMergeBases, isAncestor } from "./merge-base.ts";
import { walkPathHistory } from "./path-history.ts";

const SHAPES: readonly HistoryShape[] = [
  { seed: 1, commits: 120, dates: "rising" },
  { seed: 2, commits: 120, dates: "equal" },
  { seed: 3, commits: 120, dates: "skewed" },
  { seed: 4, commits: 120, dates: "equal", merges: 60 },
  { seed: 5, commits: 120, dates: "skewed", merges: 50 },
];

async function collect(entries: AsyncIterable<{ oid: Oid }>): Promise<Oid[]> {
  const oids: Oid[] = [];
  for await (const { oid } of entries) oids.push(oid);
  return oids;
}

async function withHistory(
  shape: HistoryShape,
  check: (repo: RealRepo, objects: MemoryObjects, commits: readonly Oid[]) => Promise<void>,
): Promise<void> {
  await using repo = await makeRepo();
  const commits = await makeRandomHistory(repo, shape);
  await check(repo, createMemoryObjects(await readAllObjects(repo)), commits);
}

async function lines(repo: RealRepo, args: readonly string[]): Promise<string[]> {
  const { text } = await repo.git(args, { allowFailure: true });
  return text === "" ? [] : text.split("\n");
}

describe.runIf(hasGit)("compared with real git on random histories", () => {
  it.each(SHAPES)("walkHistory gives git log, seed $seed", async (shape) => {
    await withHistory(shape, async (repo, objects, commits) => {
      const random = createRandom(shape.seed + 100);
      const some = (count: number) =>
        Array.from({ length: count }, () => commits[random(commits.length)] as Oid);
      for (let round = 0; round < 12; round++) {
        const query: HistoryQuery = {
          from: some(1 + random(3)),
          hide: round % 3 === 0 ? [] : some(1 + random(2)),
        };
        const args = ["rev-list", ...query.from, ...(query.hide ?? []).map((oid) => `^${oid}`)];
        expect(await collect(walkHistory(objects, query))).toEqual(await lines(repo, args));
      }
      const all = await collect(walkHistory(objects, { from: [commits.at(-1) as Oid] }));
      expect(all).toEqual(await lines(repo, ["log", "--format=%H", commits.at(-1) as Oid]));
    });
  });

  it.each(SHAPES)("walkPathHistory gives git log -- path, seed $seed", async (shape) => {
    await withHistory(shape, async (repo, objects, commits) => {
      const from = [commits.at(-1) as Oid];
      const paths = ["a", "c.txt", "lib", "lib/x", "lib/in", "lib/in/z", "src/in/z", "é", "nope", "a/b", "."];
      for (const path of paths) {
        const ours = walkPathHistory(objects, { from, path: toByteString(path === "." ? "" : path) });
        expect(await collect(ours), path).toEqual(await lines(repo, ["rev-list", ...from, "--", path]));
      }
    });
  });

  it.each(SHAPES)("isAncestor and findMergeBases give git merge-base, seed $seed", async (shape) => {
    await withHistory(shape, async (repo, objects, commits) => {
      const random = createRandom(shape.seed + 200);
      for (let round = 0; round < 25; round++) {
        const a = commits[random(commits.length)] as Oid;
        const b = commits[random(commits.length)] as Oid;
        const bases = await findMergeBases(objects, a, b);
        expect([...bases].sort()).toEqual((await lines(repo, ["merge-base", "--all", a, b])).sort());
        const { status } = await repo.git(["merge-base", "--is-ancestor", a, b], { allowFailure: true });
        expect(await isAncestor(objects, a, b)).toBe(status === 0);
      }
    });
  });
});

/** Commits in a line, oldest first; `seconds(i)` dates them. */
function plantLine(objects: MemoryObjects, length: number, seconds = (i: number) => i): Oid[] {
  const line: Oid[] = [];
  const person = { name: "C" as ByteString, email: "c@example.com" as ByteString, zone: "+0000" };
  for (let i = 0; i < length; i++) {
    const identity = { ...person, seconds: 1_000_000_000 + seconds(i) };
    const parents = i > 0 ? [line[i - 1] as Oid] : [];
    const commit = { tree: EMPTY_TREE_OID, parents, author: identity, committer: identity, extra: [] };
    line.push(objects.add("commit", encodeCommit({ ...commit, message: `${i}\n` as ByteString })));
  }
  return line;
}

describe("long and broken histories", () => {
  describe("of 100,000 commits in a line", () => {
    const objects = createMemoryObjects();
    const line = plantLine(objects, 100_000);
    const [root, tip] = [line[0] as Oid, line.at(-1) as Oid];

    it("are walked without recursion", async () => {
      expect(await collect(walkHistory(objects, { from: [tip] }))).toHaveLength(100_000);
    });

    it("are walked up to what is hidden", async () => {
      expect(await collect(walkHistory(objects, { from: [tip], hide: [root] }))).toHaveLength(99_999);
    });

    it("are searched for a path", async () => {
      expect(await collect(walkPathHistory(objects, { from: [tip], path: toByteString("x") }))).toEqual([]);
    });

    it("have ancestors and merge bases", async () => {
      expect(await isAncestor(objects, root, tip)).toBe(true);
      expect(await isAncestor(objects, tip, root)).toBe(false);
      expect(await findMergeBases(objects, root, tip)).toEqual([root]);
    });
  });

  it("reads no more than it gives, but for a few commits ahead", async () => {
    const objects = createMemoryObjects();
    const line = plantLine(objects, 1_000);
    objects.resetCounts();
    const walk = walkHistory(objects, { from: [line.at(-1) as Oid] });
    for (let i = 0; i < 20; i++) await walk.next();
    expect(objects.counts.oids.length).toBeLessThanOrEqual(21);
  });

  it("reads parents of waiting commits in the same call", async () => {
    const objects = createMemoryObjects();
    const tips = Array.from(
      { length: 64 },
      (_, i) => plantLine(objects, 50, (at) => at * 64 + i).at(-1) as Oid,
    );
    objects.resetCounts();
    expect(await collect(walkHistory(objects, { from: tips }))).toHaveLength(64 * 50);
    expect(objects.counts.calls).toBeLessThan(300);
    expect(new Set(objects.counts.oids).size).toBe(objects.counts.oids.length);
  });

  it("finds an ancestor that claims to be newer than its descendants", async () => {
    const objects = createMemoryObjects();
    const line = plantLine(objects, 50, (i) => 1_000 - i);
    expect(await isAncestor(objects, line[3] as Oid, line[40] as Oid)).toBe(true);
    expect(await isAncestor(objects, line[40] as Oid, line[3] as Oid)).toBe(false);
    expect(await findMergeBases(objects, line[10] as Oid, line[30] as Oid)).toEqual([line[10]]);
  });

  it("says which commit is missing, and what is not a commit", async () => {
    const objects = createMemoryObjects();
    const line = plantLine(objects, 10);
    objects.objects.delete(line[5] as Oid);
    const all = collect(walkHistory(objects, { from: [line[9] as Oid] }));
    await expect(all).rejects.toMatchObject({ code: "missing-object", data: { oid: line[5] } });
    const blob = objects.add("blob", "x");
    await expect(collect(walkHistory(objects, { from: [blob] }))).rejects.toMatchObject({
      code: "wrong-type",
    });
    await expect(isAncestor(objects, line[0] as Oid, blob)).rejects.toMatchObject({ code: "wrong-type" });
    // What is hidden need not be whole: only its tip matters here.
    expect(
      await collect(walkHistory(objects, { from: [line[9] as Oid], hide: [line[6] as Oid] })),
    ).toHaveLength(3);
  });

  it("has no common ancestor for unrelated histories", async () => {
    const objects = createMemoryObjects();
    const left = plantLine(objects, 5);
    const right = plantLine(objects, 5, (i) => i + 7);
    expect(await findMergeBases(objects, left[4] as Oid, right[4] as Oid)).toEqual([]);
    expect(await findMergeBases(objects, left[4] as Oid, left[4] as Oid)).toEqual([left[4]]);
  });
});
