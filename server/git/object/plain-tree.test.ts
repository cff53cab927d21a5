import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ByteString } from "../bytes/text.ts";
import { EMPTY_TREE_OID, type Oid, ZERO_OID } from "../hash/oid.ts";
import { isPlainTree } from "./plain-tree.ts";
import { compareTreeEntries, encodeTree, type TreeEntry } from "./tree.ts";
import { inspectClosely, inspectTree } from "./verify-tree.ts";

function entry(name: string, mode = "100644", oid: Oid = EMPTY_TREE_OID): TreeEntry {
  return { mode, name: name as ByteString, oid }; // ASCII
}

describe("isPlainTree", () => {
  it("knows the trees of an ordinary program", () => {
    const entries = ["a", "b.ts", "b", "file-1", "file-10", "file-2"].map((name) => entry(name));
    const all = [
      ...entries,
      entry("src", "40000"),
      entry("x", "100755"),
      entry("y", "120000"),
      entry("z", "160000"),
    ];
    expect(isPlainTree(encodeTree(all.sort(compareTreeEntries)))).toBe(true);
    expect(isPlainTree(new Uint8Array(0))).toBe(true);
  });

  it.each([
    [".git", [entry(".git", "40000")]],
    ["a short name of it", [entry("GIT~1", "40000")]],
    [".gitmodules as a link", [entry(".gitmodules", "120000")]],
    ["letters that a filesystem drops", [entry("\xe2\x80\x8c.git")]],
    ["a backslash", [entry("a\\.git")]],
    ["a path", [entry("a/b")]],
    ["a null id", [entry("a", "100644", ZERO_OID)]],
    ["a padded mode", [entry("a", "040000")]],
    ["an unusual mode", [entry("a", "100664")]],
    ["the wrong order", [entry("b"), entry("a")]],
    ["a directory before the file that it follows", [entry("a", "40000"), entry("a.c")]],
    ["a name twice", [entry("a"), entry("a")]],
    ["a file and a directory of one name", [entry("a"), entry("a", "40000")]],
    ["the same with a name between", [entry("a"), entry("a.b"), entry("a", "40000")]],
    ["no name", [entry("")]],
  ])("leaves %s to the close look", (_, entries) => {
    expect(isPlainTree(encodeTree(entries))).toBe(false);
  });

  it("leaves trees that are cut off anywhere to the close look", () => {
    const data = encodeTree([entry("a"), entry("bc", "40000")]);
    for (let length = 1; length < data.length; length++) {
      if (length !== 29) expect(isPlainTree(data.subarray(0, length)), String(length)).toBe(false);
    }
  });

  it("calls nothing plain that has a fault", () => {
    const name = fc.stringMatching(/^[.gG~a-b/\\]{1,4}$/);
    const mode = fc.constantFrom("100644", "100755", "120000", "160000", "40000", "040000", "100664", "0");
    const oid = fc.constantFrom(EMPTY_TREE_OID, ZERO_OID, "00000000000000000000000000000000000000ff" as Oid);
    const tree = fc.array(fc.record({ name, mode, oid }), { maxLength: 5 });
    let plain = 0;
    fc.assert(
      fc.property(tree, fc.boolean(), (entries, sorted) => {
        const list = entries.map((each) => entry(each.name, each.mode, each.oid));
        const data = encodeTree(sorted ? list.sort(compareTreeEntries) : list);
        expect(inspectTree(data)).toEqual(inspectClosely(data));
        if (isPlainTree(data)) plain++;
      }),
      { numRuns: 5_000, seed: 9 },
    );
    expect(plain).toBeGreaterThan(100);
  });
});
