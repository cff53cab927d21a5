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
import { encodeTag } from "../object/tag.ts";
import { encodeTree } from "../object/tree.ts";
import { editTree, type TreeEdit } from "../tree/edit-tree.ts";
import { collectReachable, findMissing } from "./reachable.ts";

const SHAPES: readonly HistoryShape[] = [
  { seed: 11, commits: 100, dates: "rising" },
  { seed: 12, commits: 100, dates: "equal", merges: 50 },
  { seed: 13, commits: 100, dates: "skewed", merges: 40 },
];

const person = {
  name: "C" as ByteString,
  email: "c@example.com" as ByteString,
  seconds: 1_700_000_000,
  zone: "+0000",
};

async function listObjects(repo: RealRepo, args: readonly string[]): Promise<Set<string>> {
  const { text } = await repo.git(["rev-list", "--objects", "--no-object-names", ...args]);
  return new Set(text === "" ? [] : text.split("\n"));
}

describe.runIf(hasGit)("collectReachable compared with git rev-list --objects", () => {
  it.each(SHAPES)("gives all that the other side lacks and little else, seed $seed", async (shape) => {
    await using repo = await makeRepo();
    const commits = await makeRandomHistory(repo, shape);
    await repo.git(["tag", "-a", "-m", "t", "v1", commits[60] as Oid]);
    await repo.git(["tag", "-a", "-m", "t", "v2", "v1"]);
    const tag = (await repo.git(["rev-parse", "v2"])).text as Oid;
    const objects = createMemoryObjects(await readAllObjects(repo));
    const random = createRandom(shape.seed);
    const some = (count: number) =>
      Array.from({ length: count }, () => commits[random(commits.length)] as Oid);
    let ours = 0;
    let exact = 0;
    for (let round = 0; round < 20; round++) {
      const wants = [...some(1 + random(3)), ...(round % 4 === 0 ? [tag] : [])];
      const haves = round % 5 === 0 ? [] : [...some(1 + random(3)), ...(round % 7 === 0 ? [tag] : [])];
      const found = await collectReachable(objects, { wants, haves: [...haves, "f".repeat(40) as Oid] });
      const oids = new Set<string>(found.map((object) => object.oid));
      expect(oids.size).toBe(found.length);
      for (const { oid, type } of found) expect(objects.objects.get(oid)?.type).toBe(type);
      const wanted = await listObjects(repo, wants);
      const had = haves.length > 0 ? await listObjects(repo, haves) : new Set();
      const lacking = [...wanted].filter((oid) => !had.has(oid));
      expect(lacking.filter((oid) => !oids.has(oid))).toEqual([]);
      expect([...oids].filter((oid) => !wanted.has(oid))).toEqual([]);
      if (haves.length === 0) expect(oids.size).toBe(wanted.size);
      ours += oids.size;
      exact += lacking.length;
      const order = { commit: 0, tag: 1, tree: 2, blob: 3 };
      const ranks = found.map((object) => order[object.type]);
      expect(ranks).toEqual([...ranks].sort());
    }
    expect(ours).toBeLessThan(exact * 1.15);
  });

  it.each(SHAPES)("findMissing finds each object that was taken away, seed $seed", async (shape) => {
    await using repo = await makeRepo();
    const commits = await makeRandomHistory(repo, shape);
    const all = await readAllObjects(repo);
    const random = createRandom(shape.seed);
    const [tip, old] = [commits.at(-1) as Oid, commits[50] as Oid];
    const lacking = [...(await listObjects(repo, [tip, `^${old}`]))] as Oid[];
    const known = await listObjects(repo, [old]);
    expect(await findMissing(createMemoryObjects(all), [tip], { known: [old] })).toEqual([]);
    for (let round = 0; round < 30; round++) {
      const gone = lacking[random(lacking.length)] as Oid;
      if (known.has(gone)) continue;
      const objects = createMemoryObjects(all.filter((object) => object.oid !== gone));
      expect(await findMissing(objects, [tip], { known: [old, "e".repeat(40) as Oid] })).toEqual([gone]);
      expect(await findMissing(objects, [tip], { known: [] })).toContain(gone);
    }
  });
});

async function plant(objects: MemoryObjects, root: Oid | null, edits: readonly TreeEdit[]): Promise<Oid> {
  const result = await editTree(objects, root, edits);
  if (result.kind === "blocked") throw new Error("blocked");
  objects.addAll(result.objects);
  return result.root;
}

function commit(objects: MemoryObjects, tree: Oid, parents: readonly Oid[] = [], later = 0): Oid {
  const identity = { ...person, seconds: person.seconds + later };
  const message = `at ${later}` as ByteString;
  return objects.add(
    "commit",
    encodeCommit({ tree, parents, author: identity, committer: identity, extra: [], message }),
  );
}

describe("the cost of a fetch", () => {
  async function plantLarge(objects: MemoryObjects): Promise<Oid> {
    const edits: TreeEdit[] = [];
    for (let i = 0; i < 2_000; i++) {
      const oid = objects.add("blob", `${i}`);
      edits.push({ path: toByteString(`d${i % 20}/e${i % 7}/f${i}`), entry: { mode: "100644", oid } });
    }
    return plant(objects, null, edits);
  }

  it("is that of the difference, not of the repository", async () => {
    const objects = createMemoryObjects();
    const tree = await plantLarge(objects);
    const old = commit(objects, tree);
    const path = toByteString("d3/e4/new");
    const entry = { mode: "100644", oid: objects.add("blob", "new") };
    const tip = commit(objects, await plant(objects, tree, [{ path, entry }]), [old], 1);
    objects.resetCounts();
    expect(await collectReachable(objects, { wants: [tip], haves: [old] })).toHaveLength(5);
    // Two commits, and both sides' trees at the root, d3 and d3/e4.
    expect(objects.counts.oids.length).toBe(8);
    objects.resetCounts();
    expect(await findMissing(objects, [tip], { known: [old] })).toEqual([]);
    expect(objects.counts.oids.length).toBe(8);
  });

  it("does not send what moved, whether up or down", async () => {
    const objects = createMemoryObjects();
    const tree = await plantLarge(objects);
    const old = commit(objects, tree);
    const moved = (objects.objects.get(tree)?.data ?? new Uint8Array()).slice(-20);
    const oid = Buffer.from(moved).toString("hex") as Oid;
    const down = await plant(objects, tree, [
      { path: toByteString("d9"), entry: null },
      { path: toByteString("deep/er/d9"), entry: { mode: "40000", oid } },
    ]);
    const downTip = commit(objects, down, [old], 1);
    expect(await collectReachable(objects, { wants: [downTip], haves: [old] })).toHaveLength(4);
    const up = commit(objects, await plant(objects, tree, []), [downTip], 2);
    // Back up: the other side is seen to have d9 only below, after it was entered here.
    expect(await collectReachable(objects, { wants: [up], haves: [downTip] })).toHaveLength(2);
  });

  it("does not send a branch again that was rewritten", async () => {
    const objects = createMemoryObjects();
    const tree = await plantLarge(objects);
    const first = commit(objects, tree, [], 1);
    const again = commit(objects, tree, [], 2);
    expect(await collectReachable(objects, { wants: [again], haves: [first] })).toEqual([
      { oid: again, type: "commit" },
    ]);
  });

  it("reads a history in few calls", async () => {
    const objects = createMemoryObjects();
    let tree = await plantLarge(objects);
    let tip = commit(objects, tree);
    for (let i = 0; i < 300; i++) {
      const entry = { mode: "100644", oid: objects.add("blob", `new ${i}`) };
      tree = await plant(objects, tree, [{ path: toByteString(`d${i % 20}/e${i % 7}/x${i}`), entry }]);
      tip = commit(objects, tree, [tip], i + 1);
    }
    objects.resetCounts();
    const found = await collectReachable(objects, { wants: [tip], haves: [] });
    expect(found.length).toBe(objects.objects.size);
    // One call for each commit in a line, then one a level of the trees.
    expect(objects.counts.calls).toBeLessThan(310);
  });
});

describe("odd tips", () => {
  it("takes tags of tags, trees and blobs as wants and haves", async () => {
    const objects = createMemoryObjects();
    const blob = objects.add("blob", "x");
    const tree = await plant(objects, null, [
      { path: toByteString("a/b"), entry: { mode: "100644", oid: blob } },
    ]);
    const tag = (target: Oid, targetType: "blob" | "tag") =>
      objects.add(
        "tag",
        encodeTag({
          target,
          targetType,
          name: "t" as ByteString,
          tagger: person,
          extra: [],
          message: "" as ByteString,
        }),
      );
    const inner = tag(blob, "blob");
    const outer = tag(inner, "tag");
    const types = async (wants: Oid[], haves: Oid[]) =>
      (await collectReachable(objects, { wants, haves })).map((object) => object.type);
    expect(await types([outer], [])).toEqual(["tag", "tag", "blob"]);
    expect(await types([outer], [inner])).toEqual(["tag"]);
    expect(await types([outer], [blob])).toEqual(["tag", "tag"]);
    expect(await types([outer, tree, blob], [])).toEqual(["tag", "tag", "tree", "tree", "blob"]);
    expect(await types([outer, tree], [tree])).toEqual(["tag", "tag", "blob"]);
    expect(await types([outer, tree], [outer])).toEqual(["tree", "tree"]);
    expect(await types([], [outer])).toEqual([]);
    objects.objects.delete(blob);
    expect(await findMissing(objects, [outer], { known: [] })).toEqual([blob]);
  });

  it("passes over gitlinks and knows the empty tree", async () => {
    const objects = createMemoryObjects();
    const linked = objects.add(
      "tree",
      encodeTree([{ mode: "160000", name: toByteString("s"), oid: "1".repeat(40) as Oid }]),
    );
    const tip = commit(objects, linked, [commit(objects, EMPTY_TREE_OID)], 1);
    expect(await findMissing(objects, [tip], { known: [] })).toEqual([]);
    expect((await collectReachable(objects, { wants: [tip], haves: [] })).length).toBe(4);
  });

  it("refuses an object that is used as what it is not", async () => {
    const objects = createMemoryObjects();
    const blob = objects.add("blob", "x");
    const entry = (mode: string, oid: Oid) => [{ mode, name: toByteString("a"), oid }];
    const blobAsTree = objects.add("tree", encodeTree(entry("40000", blob)));
    const treeAsBlob = objects.add("tree", encodeTree(entry("100644", blobAsTree)));
    const blobAsRoot = commit(objects, blob);
    const blobAsParent = commit(objects, EMPTY_TREE_OID, [blob]);
    for (const tip of [commit(objects, blobAsTree), commit(objects, treeAsBlob), blobAsRoot, blobAsParent]) {
      await expect(findMissing(objects, [tip], { known: [] })).rejects.toMatchObject({ code: "wrong-type" });
    }
    const liar = encodeTag({
      target: blob,
      targetType: "commit",
      name: "t" as ByteString,
      tagger: person,
      extra: [],
      message: "" as ByteString,
    });
    const tip = objects.add("tag", liar);
    await expect(findMissing(objects, [tip], { known: [] })).rejects.toMatchObject({ code: "wrong-type" });
  });

  it("says what is missing, and stops at its ceiling", async () => {
    const objects = createMemoryObjects();
    const none = "2".repeat(40) as Oid;
    await expect(collectReachable(objects, { wants: [none], haves: [] })).rejects.toMatchObject({
      code: "missing-object",
    });
    expect(await findMissing(objects, [none], { known: [] })).toEqual([none]);
    const tip = commit(objects, none);
    await expect(collectReachable(objects, { wants: [tip], haves: [] })).rejects.toMatchObject({
      code: "missing-object",
    });
    const edits = Array.from({ length: 100 }, (_, i) => ({
      path: toByteString(`${i}`),
      entry: { mode: "100644", oid: objects.add("blob", `${i}`) },
    }));
    const large = commit(objects, await plant(objects, null, edits));
    const query = { wants: [large], haves: [], maxObjects: 50 };
    await expect(collectReachable(objects, query)).rejects.toMatchObject({ code: "limit-exceeded" });
  });
});
