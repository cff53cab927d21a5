import { describe, expect, it } from "vitest";
import type { ByteString } from "../../git/bytes/text.ts";
import { applyEdits, type EditRule, findOverlap } from "./apply-edits.ts";

const MAX = 1_000;
const bytes = (text: string) => Buffer.from(text, "utf8").toString("latin1") as ByteString;
const replace = (old: string, next: string, count = 1): EditRule => ({
  kind: "replace",
  old,
  next,
  expect: { kind: "count", count },
});
const all = (old: string, next: string): EditRule => ({
  kind: "replace",
  old,
  next,
  expect: { kind: "all" },
});
const lines = (from: number, to: number, content: string): EditRule => ({ kind: "lines", from, to, content });

function apply(content: string, ...rules: EditRule[]): string {
  const result = applyEdits(bytes(content), rules, MAX);
  return result.kind === "edited"
    ? Buffer.from(result.content, "latin1").toString("utf8")
    : JSON.stringify(result);
}

describe("replacements", () => {
  it.each<[string, EditRule[], string]>([
    ["a b c", [replace("b", "B")], "a B c"],
    ["a b c", [replace("b", "")], "a  c"],
    ["a", [replace("a", "$& $1 $$ $`")], "$& $1 $$ $`"],
    ["a\r\nb\r\n", [replace("b", "B")], "a\r\nB\r\n"],
    ["é🦉é", [replace("🦉", "ü")], "éüé"],
    ["\ufeffa", [replace("a", "b")], "\ufeffb"],
    ["x x x", [replace("x", "y", 3)], "y y y"],
    ["x x x", [all("x", "y")], "y y y"],
    ["aaaa", [all("aa", "b")], "bb"],
    ["one", [replace("one", "two"), replace("two", "three")], "three"],
  ])("turns %j by %j into %j", (content, rules, expected) => {
    expect(apply(content, ...rules)).toBe(expected);
  });

  it.each<[string, EditRule, number]>([
    ["a", replace("b", ""), 0],
    ["a a", replace("a", ""), 2],
    ["aaa", replace("aa", ""), 2],
    ["a a a", replace("a", "", 2), 3],
    ["a", all("b", ""), 0],
  ])("fails on %j by %j: %d matches", (content, rule, matches) => {
    expect(applyEdits(bytes(content), [rule], MAX)).toMatchObject({ kind: "failed", index: 0, matches });
  });

  it("shows the lines where the text is, or where it nearly is", () => {
    const content = bytes(Array.from({ length: 50 }, (_, i) => `line ${i + 1} é`).join("\n"));
    const near = applyEdits(content, [replace("line 20 é\n  line 21", "")], MAX);
    expect(near).toMatchObject({ matches: 0 });
    expect(near.kind === "failed" && near.lines.map(({ line }) => line)).toEqual([
      17, 18, 19, 20, 21, 22, 23,
    ]);
    const twice = applyEdits(content, [replace("line 1", "")], MAX);
    expect(twice.kind === "failed" && twice.lines[0]).toEqual({ line: 1, text: "line 1 é" });
    expect(twice.kind === "failed" && twice.lines.length).toBeLessThanOrEqual(24);
  });

  it("says when only the line ends differ", () => {
    const result = applyEdits(bytes("a\r\nb\r\n"), [replace("a\nb", "c")], MAX);
    expect(result).toMatchObject({ message: expect.stringContaining("CRLF") });
  });

  it("does not build what passes the ceiling", () => {
    const result = applyEdits(bytes("x".repeat(900)), [all("x", "y".repeat(1_000_000))], MAX);
    expect(result).toEqual({ kind: "too-large", bytes: 900_000_000 });
    expect(applyEdits(bytes("a\n"), [lines(1, 1, "x".repeat(MAX))], MAX)).toMatchObject({
      kind: "too-large",
    });
  });
});

describe("line ranges", () => {
  it.each<[string, EditRule[], string]>([
    ["1\n2\n3\n", [lines(2, 2, "two")], "1\ntwo\n3\n"],
    ["1\n2\n3\n", [lines(2, 2, "two\n")], "1\ntwo\n3\n"],
    ["1\n2\n3\n", [lines(1, 3, "all")], "all\n"],
    ["1\n2\n3", [lines(3, 3, "three")], "1\n2\nthree"],
    ["1\n2\n3\n", [lines(2, 3, "")], "1\n"],
    ["1\r\n2\r\n", [lines(2, 2, "two")], "1\r\ntwo\r\n"],
    ["1\n2\n3\n", [lines(3, 3, "c"), lines(1, 1, "a\nA")], "a\nA\n2\nc\n"],
    ["1\n2\n", [replace("1", "1\n1.5"), lines(2, 2, "new")], "1\nnew\n2\n"],
    ["1\n2\n", [lines(2, 2, "new"), replace("1", "1\n1.5")], "1\nnew\n2\n"],
  ])("turns %j by %j into %j", (content, rules, expected) => {
    expect(apply(content, ...rules)).toBe(expected);
  });

  it("fail beyond the end, with the file's last lines", () => {
    expect(applyEdits(bytes("1\n2\n"), [lines(2, 3, "x")], MAX)).toMatchObject({
      kind: "failed",
      matches: null,
      lines: [
        { line: 1, text: "1" },
        { line: 2, text: "2" },
      ],
    });
    expect(applyEdits(bytes(""), [lines(1, 1, "x")], MAX)).toMatchObject({ kind: "failed", lines: [] });
  });

  it("may touch, but not share a line", () => {
    expect(findOverlap([lines(1, 2, ""), lines(3, 4, "")])).toBeNull();
    expect(findOverlap([lines(3, 4, ""), replace("a", "b"), lines(1, 3, "")])).toEqual([2, 0]);
  });
});

describe("other bytes", () => {
  it("are left as they are", () => {
    const content = "\xff\xfe\0key=1\xe9" as ByteString;
    expect(applyEdits(content, [replace("key=1", "kéy")], MAX)).toEqual({
      kind: "edited",
      content: "\xff\xfe\0k\xc3\xa9y\xe9",
    });
  });
});
