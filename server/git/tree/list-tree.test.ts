import { describe, expect, it } from "vitest";
import { createMemoryObjects, type MemoryObjects } from "../../testing/memory-objects.ts";
import { hasGit, makeRepo } from "../../testing/real-git.ts";
import { type ByteString, byteStringFromBytes, toByteString } from "../bytes/text.ts";
import { EMPTY_TREE_OID, type Oid } from "../hash/oid.ts";
import { encodeTree, entryKind } from "../object/tree.ts";
import { editTree } from "./edit-tree.ts";
import { findEntries } from "./find-entries.ts";
import { findEntry } from "./find-entry.ts";
import { listTree } from "./list-tree.ts";

const path = toByteString;
const PATHS = [
  "a",
  "a.b/c",
  "a0",
  "b/a/x",
  "b/a/y",
  "b/a.x",
  "b/z z",
  "é/日本/😀",
  "README.md",
  "lib/x",
  "src/deep/er/x",
];

async function plant(objects: MemoryObjects, paths: readonly string[]): Promise<Oid> {
  const blob = objects.add("blob", "x");
  const edits = paths.map((text) => ({ path: path(text), entry: { mode: "100644", oid: blob } }));
  const result = await editTree(objects, null, edits);
  if (result.kind === "blocked") throw new Error("blocked");
  objects.addAll(result.objects);
  return result.root;
}

describe("findEntries", () => {
  it("finds files and directories, leaves out what is not there, and reads each tree once", async () => {
    const objects = createMemoryObjects();
    const root = await plant(objects, PATHS);
    objects.resetCounts();
    const asked = [
      "a",
      "b",
      "b/a/x",
      "b/a/y",
      "b/q",
      "a/b",
      "nope/x",
      "é/日本/😀",
      "b/a/x",
      "src/deep/er/x/y",
      "b//a",
      "b/",
    ];
    const found = await findEntries(objects, root, asked.map(path));
    expect([...found.keys()].sort()).toEqual(["a", "b", "b/a/x", "b/a/y", "é/日本/😀"].map(path).sort());
    expect(found.get(path("b"))).toMatchObject({ name: "b", mode: "40000" });
    expect(found.get(path("é/日本/😀"))).toMatchObject({ name: path("😀"), mode: "100644" });
    expect(objects.counts.calls).toBe(4);
    expect(new Set(objects.counts.oids).size).toBe(objects.counts.oids.length);
  });

  it("gives the root for the empty path, without a read", async () => {
    const objects = createMemoryObjects();
    const root = await plant(objects, PATHS);
    objects.resetCounts();
    expect(await findEntry(objects, root, path(""))).toEqual({ mode: "40000", name: "", oid: root });
    expect(objects.counts.calls).toBe(0);
  });

  it("finds every one of two paths that lead to one tree (equal content is one object)", async () => {
    const objects = createMemoryObjects();
    const root = await plant(objects, ["x/s/f", "y/s/f", "y/s/g/h"]);
    const found = await findEntries(objects, root, ["x/s/f", "y/s/f", "y/s/g/h"].map(path));
    expect(found.size).toBe(3);
  });

  it("knows the empty tree without a store, and says when a tree is missing or is not one", async () => {
    const objects = createMemoryObjects();
    expect(await findEntry(objects, EMPTY_TREE_OID, path("a"))).toBeNull();
    await expect(findEntry(objects, "1".repeat(40) as Oid, path("a"))).rejects.toMatchObject({
      code: "missing-object",
    });
    const blob = objects.add("blob", "x");
    await expect(findEntry(objects, blob, path("a"))).rejects.toMatchObject({ code: "wrong-type" });
  });

  it("does not go into a gitlink", async () => {
    const objects = createMemoryObjects();
    const root = objects.add(
      "tree",
      encodeTree([{ mode: "160000", name: path("sub"), oid: "1".repeat(40) as Oid }]),
    );
    expect(await findEntry(objects, root, path("sub/x"))).toBeNull();
    expect(await listTree(objects, root, { recursive: true })).toHaveLength(1);
  });
});

describe("listTree", () => {
  it.runIf(hasGit)("lists what git ls-tree -r -t lists, odd modes and names included", async () => {
    await using repo = await makeRepo();
    const blob = (await repo.git(["hash-object", "-w", "--stdin"], { input: "x" })).text as Oid;
    const objects = createMemoryObjects();
    objects.add("blob", "x");
    const odd = objects.add(
      "tree",
      encodeTree([
        { mode: "100664", name: path("a"), oid: blob },
        { mode: "120000", name: path("b\n"), oid: blob },
        { mode: "160000", name: path("c"), oid: blob },
        { mode: "100755", name: byteStringFromBytes(new Uint8Array([0xff, 0xfe])), oid: blob },
      ]),
    );
    const inner = await plant(objects, PATHS);
    const root = objects.add(
      "tree",
      encodeTree([
        { mode: "40000", name: path("in"), oid: inner },
        { mode: "40000", name: path("odd"), oid: odd },
        { mode: "040000", name: path("odd too"), oid: odd },
      ]),
    );
    for (const { oid, type, data } of objects.objects.values()) {
      const written = await repo.git(["hash-object", "-w", "-t", type, "--stdin", "--literally"], {
        input: data,
      });
      expect(written.text).toBe(oid);
    }
    const kinds = { directory: "tree", file: "blob", symlink: "blob", gitlink: "commit" };
    for (const [args, options] of [
      [["-r", "-t", root], { recursive: true }],
      [[root], { recursive: false }],
    ] as const) {
      const theirs = byteStringFromBytes((await repo.git(["ls-tree", "-z", ...args])).stdout);
      const ours = (await listTree(objects, root, options)).map((entry) => {
        const mode = Number.parseInt(entry.mode, 8);
        // ls-tree shows modes as git understands them: 100664 is 100644.
        const shown =
          entryKind(entry) === "file" ? (mode & 0o100 ? "100755" : "100644") : entry.mode.padStart(6, "0");
        return `${shown} ${kinds[entryKind(entry)]} ${entry.oid}\t${entry.path}\0`;
      });
      expect(ours.join("")).toBe(theirs);
    }
  });

  it("lists below a prefix, with full paths", async () => {
    const objects = createMemoryObjects();
    const root = await plant(objects, PATHS);
    const list = async (prefix: string, recursive: boolean) =>
      (await listTree(objects, root, { recursive, prefix: path(prefix) })).map((entry) => entry.path);
    expect(await list("b", false)).toEqual(["b/a.x", "b/a", "b/z z"]);
    expect(await list("b", true)).toEqual(["b/a.x", "b/a", "b/a/x", "b/a/y", "b/z z"]);
    expect(await list("b/a", true)).toEqual(["b/a/x", "b/a/y"]);
    expect(await list("a", true)).toEqual([]);
    expect(await list("nope", false)).toEqual([]);
  });

  it("reads once a level, each tree once", async () => {
    const objects = createMemoryObjects();
    const root = await plant(objects, ["a/s/f", "b/s/f", "c/t/s/f"]);
    objects.resetCounts();
    expect(await listTree(objects, root, { recursive: true })).toHaveLength(10);
    // The root; a (= b = c/t) and c; s. What c/t holds is known by then.
    expect(objects.counts.calls).toBe(3);
    expect(new Set(objects.counts.oids).size).toBe(objects.counts.oids.length);
  });

  it("stops at its ceiling, also when few objects make many paths", async () => {
    const objects = createMemoryObjects();
    let oid = objects.add("blob", "x");
    let mode = "100644";
    for (let level = 0; level < 30; level++) {
      const names = Array.from({ length: 10 }, (_, i) => `${i}` as ByteString);
      oid = objects.add("tree", encodeTree(names.map((name) => ({ mode, name, oid }))));
      mode = "40000";
    }
    await expect(listTree(objects, oid, { recursive: true, maxEntries: 5_000 })).rejects.toMatchObject({
      code: "limit-exceeded",
    });
    expect(await listTree(objects, oid, { recursive: false, maxEntries: 10 })).toHaveLength(10);
  });

  it("stops at directories nested without end", async () => {
    const objects = createMemoryObjects();
    let oid = objects.add(
      "tree",
      encodeTree([{ mode: "100644", name: path("f"), oid: objects.add("blob", "x") }]),
    );
    for (let level = 0; level < 5_000; level++) {
      oid = objects.add("tree", encodeTree([{ mode: "40000", name: path("d"), oid }]));
    }
    await expect(listTree(objects, oid, { recursive: true })).rejects.toMatchObject({
      code: "limit-exceeded",
    });
  });
});
