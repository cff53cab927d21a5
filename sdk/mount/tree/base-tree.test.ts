import { expect, test } from "vitest";
import { BaseTree } from "./base-tree.ts";

const COMMIT = { commitSha: "c".repeat(40), committedAtMs: 0, treeSha: "d".repeat(40) };
const file = (path: string) => ({ path, sha: "f".repeat(40), mode: "100644", size: 1 });

test("a listing that leaves out directories, in any order, is the same tree as one that names them", () => {
  const paths = Array.from({ length: 60 }, (_, i) => `a/b${i % 7}/c${i % 3}/file-${i}`);
  const tree = new BaseTree([...paths].reverse().map(file), COMMIT);
  const found: string[] = [];
  const walk = (row: number) => {
    for (const child of tree.childrenOf(row)) {
      if (tree.modeAt(child) === 0o040000) walk(child);
      else found.push(tree.pathAt(child));
    }
  };
  walk(0);
  expect(found.sort()).toEqual([...paths].sort());
  expect([...tree.childrenOf(0)].map((row) => tree.pathAt(row))).toEqual(["a"]);
  expect(tree.endAt(0)).toBe(tree.size + 1);
});
