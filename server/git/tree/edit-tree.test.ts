import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMemoryObjects, type MemoryObjects } from "../../testing/memory-objects.ts";
import { hasGit, makeRepo } from "../../testing/real-git.ts";
import { type ByteString, byteStringToBytes, toByteString } from "../bytes/text.ts";
import { EMPTY_TREE_OID, type Oid } from "../hash/oid.ts";
import { hashObject } from "../hash/sha1.ts";
import { decodeTree, encodeTree, isDirectory } from "../object/tree.ts";
import { editTree, type TreeEdit } from "./edit-tree.ts";
import { listTree } from "./list-tree.ts";

const BLOB = hashObject("blob", Buffer.from("x"));
const OTHER = hashObject("blob", Buffer.from("y"));
const LINKED = "1234567890123456789012345678901234567890" as Oid;

const path = toByteString;
const put = (text: string, oid = BLOB, mode = "100644"): TreeEdit => ({
  path: path(text),
  entry: { mode, oid },
});
const drop = (text: string): TreeEdit => ({ path: path(text), entry: null });

async function apply(objects: MemoryObjects, root: Oid | null, edits: readonly TreeEdit[]): Promise<Oid> {
  const result = await editTree(objects, root, edits);
  if (result.kind === "blocked") throw new Error(`blocked: ${JSON.stringify(result)}`);
  objects.addAll(result.objects);
  return result.root;
}

async function files(objects: MemoryObjects, root: Oid): Promise<string[]> {
  const listed = await listTree(objects, root, { recursive: true });
  return listed.filter((entry) => !isDirectory(entry)).map((entry) => entry.path);
}

describe("editTree", () => {
  it("makes the empty tree, as an object, out of nothing", async () => {
    const result = await editTree(createMemoryObjects(), null, []);
    expect(result).toMatchObject({ kind: "edited", root: EMPTY_TREE_OID });
    expect(result.kind === "edited" && result.objects.map((object) => object.oid)).toEqual([EMPTY_TREE_OID]);
  });

  it("keeps the root and writes nothing when there is nothing to do", async () => {
    const objects = createMemoryObjects();
    const root = await apply(objects, null, [put("a/b"), put("c")]);
    for (const edits of [
      [],
      [put("a/b")],
      [drop("x")],
      [drop("a/b"), put("a/b")],
      [drop("c/d")],
      [drop("a/b/c")],
    ]) {
      expect(await editTree(objects, root, edits)).toEqual({ kind: "edited", root, objects: [] });
    }
  });

  it("turns a file into a directory and back, removals first", async () => {
    const objects = createMemoryObjects();
    const first = await apply(objects, null, [put("a"), put("z")]);
    const second = await apply(objects, first, [put("a/b/c"), drop("a")]);
    expect(await files(objects, second)).toEqual(["a/b/c", "z"]);
    expect(await apply(objects, second, [put("a"), drop("a/b/c")])).toBe(first);
    expect(await apply(objects, second, [put("a"), drop("a")])).toBe(first);
  });

  it("is blocked by what is in the way", async () => {
    const objects = createMemoryObjects();
    const root = await apply(objects, null, [put("a"), put("d/e/f"), put("d/e/g")]);
    const cases: [TreeEdit[], object][] = [
      [[put("a/b/c")], { path: "a/b/c", at: "a", by: "file" }],
      [[put("d")], { path: "d", at: "d", by: "directory" }],
      [[put("d/e/f/g")], { path: "d/e/f/g", at: "d/e/f", by: "file" }],
      [[drop("d/e/f"), put("d/e")], { path: "d/e", at: "d/e", by: "directory" }],
      [[put("n/m"), put("n")], { path: "n", at: "n", by: "directory" }],
      [[put("n"), put("n/m")], { path: "n/m", at: "n", by: "file" }],
      [[put("d", root, "40000")], { path: "d", at: "d", by: "directory" }],
      [[put("a", root, "40000")], { path: "a", at: "a", by: "file" }],
    ];
    for (const [edits, expected] of cases) {
      expect(await editTree(objects, root, edits)).toEqual({ kind: "blocked", ...expected });
    }
    expect(await editTree(objects, root, [drop("d/e/f"), drop("d/e/g"), put("d")])).toMatchObject({
      kind: "edited",
    });
  });

  it("lets empty directories vanish, up to the root", async () => {
    const objects = createMemoryObjects();
    const root = await apply(objects, null, [put("a/b/c/d"), put("a/x")]);
    expect(await files(objects, await apply(objects, root, [drop("a/b/c/d")]))).toEqual(["a/x"]);
    expect(await apply(objects, root, [drop("a/b/c/d"), drop("a/x")])).toBe(EMPTY_TREE_OID);
    expect(await apply(objects, root, [drop("a/x"), put("n", EMPTY_TREE_OID, "40000"), drop("a")])).toBe(
      EMPTY_TREE_OID,
    );
  });

  it("forgets a folder that was changed and then removed or replaced", async () => {
    const objects = createMemoryObjects();
    const root = await apply(objects, null, [put("a/b/c"), put("a/b/d"), put("z")]);
    expect(await files(objects, await apply(objects, root, [drop("a/b/c"), drop("a")]))).toEqual(["z"]);
    expect(await files(objects, await apply(objects, root, [drop("a/b/c"), drop("a"), put("a")]))).toEqual([
      "a",
      "z",
    ]);
    const again = await apply(objects, root, [drop("a/b/c"), drop("a"), put("a/b/e")]);
    expect(await files(objects, again)).toEqual(["a/b/e", "z"]);
  });

  it("moves a subtree by its id without reading it, and edits inside it", async () => {
    const objects = createMemoryObjects();
    const root = await apply(objects, null, [put("a/b/c"), put("a/d"), put("z")]);
    const subtree = decodeTree(objects.objects.get(root)?.data ?? new Uint8Array())[0]?.oid as Oid;
    objects.resetCounts();
    const moved = await apply(objects, root, [drop("a"), put("n/m", subtree, "40000")]);
    expect(objects.counts.oids).toEqual([root]);
    expect(await files(objects, moved)).toEqual(["n/m/b/c", "n/m/d", "z"]);
    const edited = await apply(objects, root, [
      put("n", subtree, "040000"),
      put("n/b/e"),
      put("n/b/c", OTHER),
    ]);
    expect(await files(objects, edited)).toEqual(["a/b/c", "a/d", "n/b/c", "n/b/e", "n/d", "z"]);
    expect(edited).toBe(
      await apply(objects, null, [
        put("a/b/c"),
        put("a/d"),
        put("z"),
        put("n/b/c", OTHER),
        put("n/b/e"),
        put("n/d"),
      ]),
    );
  });

  it("reads and writes only trees along the changed paths, one read a level", async () => {
    const objects = createMemoryObjects();
    const many: TreeEdit[] = [];
    for (let i = 0; i < 30; i++)
      for (let j = 0; j < 30; j++) many.push(put(`d${i}/e${j}/f`), put(`d${i}/g${j}`, OTHER));
    const root = await apply(objects, null, many);
    objects.resetCounts();
    const edits = [put("d3/e4/f", OTHER), put("d3/new"), drop("d7/e1/f"), put("top"), put("n/e/w")];
    const result = await editTree(objects, root, edits);
    expect(objects.counts.calls).toBe(3);
    // The root, d3, d7 (equal trees have one id: d3 is d7), and e4, e1, which are equal too.
    expect(new Set(objects.counts.oids).size).toBe(3);
    expect(objects.counts.oids.length).toBe(3);
    // The root, d3, d3/e4, d7, n, n/e.
    expect(result.kind === "edited" && result.objects.length).toBe(6);
    expect(result.kind === "edited" && result.objects.at(-1)?.oid).toBe(
      result.kind === "edited" && result.root,
    );
  });

  it("keeps odd entries of old trees as they are, also above a change that cancels out", async () => {
    const objects = createMemoryObjects();
    const inner = objects.add("tree", encodeTree([{ mode: "100664", name: path("old"), oid: BLOB }]));
    const data = encodeTree([
      { mode: "040000", name: path("dir"), oid: inner },
      { mode: "040000", name: path("other"), oid: inner },
    ]);
    const root = objects.add("tree", data);
    expect(await apply(objects, root, [drop("dir/old"), put("dir/old", BLOB, "100664")])).toBe(root);
    const changed = await apply(objects, root, [put("dir/new")]);
    const listed = await listTree(objects, changed, { recursive: true });
    expect(listed.map((entry) => [entry.path, entry.mode])).toEqual([
      ["dir", "40000"],
      ["dir/new", "100644"],
      ["dir/old", "100664"],
      ["other", "040000"],
      ["other/old", "100664"],
    ]);
  });

  it("refuses to put something under a name that git refuses, and removes such a name", async () => {
    const objects = createMemoryObjects();
    const root = objects.add("tree", encodeTree([{ mode: "100644", name: path(".GIT"), oid: BLOB }]));
    for (const bad of ["", ".git", "a//b", "a/", "/a", "a/../b", "a/.Git/x", "a\0b"]) {
      await expect(editTree(objects, root, [put(bad)])).rejects.toMatchObject({ code: "invalid-path" });
    }
    expect(await apply(objects, root, [drop(".GIT")])).toBe(EMPTY_TREE_OID);
  });

  it("says so when a tree is missing or is not a tree", async () => {
    const objects = createMemoryObjects();
    const blob = objects.add("blob", "x");
    await expect(editTree(objects, LINKED, [put("a")])).rejects.toMatchObject({ code: "missing-object" });
    await expect(editTree(objects, blob, [put("a")])).rejects.toMatchObject({ code: "wrong-type" });
  });

  it("goes as deep as a path can", async () => {
    const objects = createMemoryObjects();
    const deep = Array.from({ length: 2_000 }, () => "d").join("/");
    const root = await apply(objects, null, [put(deep)]);
    expect(await files(objects, root)).toEqual([deep]);
    expect(await apply(objects, root, [drop(deep)])).toBe(EMPTY_TREE_OID);
  });
});

/** Names that sort around "/", share prefixes, hold spaces, quotes, non-ASCII text and bytes that are not UTF-8. */
const SEGMENTS = [
  "a",
  "a.b",
  "a-",
  "a0",
  "a b",
  "ab",
  "A",
  "é",
  "日本",
  "😀",
  "\xff\xfe",
  '"q"',
  "b",
  "b\n",
  "z",
].map((text) => (text === "\xff\xfe" ? (text as ByteString) : path(text)));
const ENTRIES = [
  { mode: "100644", oid: BLOB },
  { mode: "100644", oid: OTHER },
  { mode: "100755", oid: BLOB },
  { mode: "120000", oid: OTHER },
  { mode: "160000", oid: LINKED },
];

const pathArbitrary = fc
  .array(fc.constantFrom(...SEGMENTS), { minLength: 1, maxLength: 5 })
  .map((segments) => segments.join("/") as ByteString);
const editArbitrary = fc.record({
  path: pathArbitrary,
  entry: fc.option(fc.constantFrom(...ENTRIES), { freq: 2 }),
});
const sequenceArbitrary = fc.array(fc.array(editArbitrary, { maxLength: 12 }), {
  minLength: 1,
  maxLength: 12,
});

type Model = Map<string, { readonly mode: string; readonly oid: Oid }>;

/** The same edits on a flat list of files; null = blocked. */
function applyToModel(model: Model, edits: readonly TreeEdit[]): Model | null {
  const next = new Map(model);
  for (const edit of edits) {
    if (edit.entry) continue;
    for (const file of next.keys())
      if (file === edit.path || file.startsWith(`${edit.path}/`)) next.delete(file);
  }
  for (const { path: target, entry } of edits) {
    if (!entry) continue;
    for (const file of next.keys()) {
      if (file.startsWith(`${target}/`) || target.startsWith(`${file}/`)) return null;
    }
    next.set(target, entry);
  }
  return next;
}

function quote(name: string): string {
  const escaped = [...byteStringToBytes(name as ByteString)].map(
    (byte) => `\\${byte.toString(8).padStart(3, "0")}`,
  );
  return `"${escaped.join("")}"`;
}

describe.runIf(hasGit)("editTree compared with git fast-import", () => {
  it("makes git's trees for random sequences of edits", async () => {
    const stream: string[] = ["blob\ndata 1\nx\nblob\ndata 1\ny\n"];
    const roots: Oid[] = [];
    let blocked = 0;
    for (const sequence of fc.sample(sequenceArbitrary, { numRuns: 150, seed: 20261121 })) {
      const objects = createMemoryObjects();
      let root: Oid | null = null;
      let model: Model = new Map();
      for (const edits of sequence) {
        const next = applyToModel(model, edits);
        const result = await editTree(objects, root, edits);
        expect(result.kind).toBe(next ? "edited" : "blocked");
        if (!next || result.kind === "blocked") {
          blocked++;
          continue;
        }
        objects.addAll(result.objects);
        for (const object of result.objects) expect(object.oid).toBe(hashObject(object.type, object.data));
        model = next;
        root = result.root;
        roots.push(root);
        stream.push(
          "commit refs/heads/main\ncommitter C <c@example.com> 1700000000 +0000\ndata 0\ndeleteall\n",
        );
        for (const [file, { mode, oid }] of model) stream.push(`M ${mode} ${oid} ${quote(file)}\n`);
      }
    }
    await using repo = await makeRepo();
    await repo.git(["fast-import", "--quiet"], { input: stream.join("") });
    const theirs = (await repo.git(["log", "--reverse", "--format=%T", "main"])).text.split("\n");
    expect(roots).toEqual(theirs);
    expect(roots.length).toBeGreaterThan(400);
    expect(blocked).toBeGreaterThan(50);
  });
});
