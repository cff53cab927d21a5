import { describe, expect, test } from "vitest";
import { applyEdits, EditFailed, type FileEdit } from "./apply-edits.ts";
import { fromByteText, toByteText } from "./byte-text.ts";

function edit(text: string | Uint8Array, ...edits: FileEdit[]): string {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  return new TextDecoder().decode(fromByteText(applyEdits(toByteText(bytes), edits).content));
}

function failure(text: string, ...edits: FileEdit[]): EditFailed {
  try {
    edit(text, ...edits);
  } catch (error) {
    if (error instanceof EditFailed) return error;
    throw error;
  }
  throw new Error("the edit was made");
}

describe("an edit", () => {
  test("replaces a text that is there once, and no pattern is read into it", () => {
    expect(edit("a $& b\n", { old: "$&", new: "$1 €" })).toBe("a $1 € b\n");
  });

  test("takes several places only when it says how many, or all", () => {
    expect(edit("x x x", { old: "x", new: "y", count: 3 })).toBe("y y y");
    expect(edit("x x x", { old: "x", new: "y", all: true })).toBe("y y y");
    expect(failure("x\nx\nx\n", { old: "x", new: "y" })).toMatchObject({
      message: expect.stringContaining("in 3 places (lines 1, 2, 3)"),
      failure: { edit: 0, matches: 3, lines: [1, 2, 3] },
    });
    expect(failure("x x", { old: "x", new: "y", count: 3 }).message).toContain("not in 3");
    expect(failure("aaa", { old: "aa", new: "b" }).failure.matches).toBe(2);
  });

  test("comes after those before it, and ranges after texts", () => {
    const edits: FileEdit[] = [
      { range: [1, 1], content: "first" },
      { old: "a", new: "b" },
      { old: "b", new: "c\nd" },
    ];
    expect(edit("a\n2\n3\n", ...edits)).toBe("first\nd\n2\n3\n");
  });

  test("is all or nothing, and names which one failed", () => {
    expect(failure("a\n", { old: "a", new: "b" }, { old: "zz", new: "y" }).failure.edit).toBe(1);
    expect(failure("a\n", { range: [2, 2], content: "x" }).message).toContain(
      "lines 2 to 2 of a file that has 1",
    );
    expect(
      failure("a\nb\n", { range: [1, 2], content: "x" }, { range: [2, 2], content: "y" }).message,
    ).toContain("in another range too");
    for (const bad of [
      { old: "", new: "x" },
      { old: "a", new: "a" },
      { old: "a", new: "b", count: 0 },
    ]) {
      expect(failure("a\n", bad)).toBeInstanceOf(EditFailed);
    }
  });

  test("keeps the byte order mark, line ends and bytes that are not UTF-8", () => {
    const bytes = Uint8Array.of(0xef, 0xbb, 0xbf, 0x61, 0x0d, 0x0a, 0xe9, 0x62, 0x0d, 0x0a);
    const { content } = applyEdits(toByteText(bytes), [
      { old: "a", new: "A" },
      { range: [2, 2], content: "two" },
    ]);
    expect(fromByteText(content)).toEqual(
      Uint8Array.of(0xef, 0xbb, 0xbf, 0x41, 0x0d, 0x0a, 0x74, 0x77, 0x6f, 0x0d, 0x0a),
    );
    expect(applyEdits(toByteText(bytes), [{ old: "a", new: "A" }]).content.charCodeAt(6)).toBe(0xe9);
  });

  test("that matches nothing shows the lines most like it, and what differs", () => {
    const text = "function one() {\n  return 1;\n}\n\nfunction two() {\n    return 2;\n}\n";
    expect(failure(text, { old: "function two() {\n  return 2;\n}", new: "" }).failure).toMatchObject({
      matches: 0,
      nearest: { from: 5, to: 7, text: "function two() {\n    return 2;\n}", difference: "whitespace" },
    });
    expect(failure(text, { old: "function Two() {", new: "" }).failure.nearest).toMatchObject({
      from: 5,
      difference: "case",
    });
    expect(failure("a\r\nb\r\n", { old: "a\nb", new: "" }).failure.nearest?.difference).toBe("line ends");
    expect(failure(text, { old: "  return 3;", new: "" }).failure.nearest).toMatchObject({
      from: 2,
      difference: null,
    });
    expect(failure(text, { old: "@@@@", new: "" }).failure.nearest).toBeNull();
    expect(failure("", { old: "x", new: "y" }).failure).toMatchObject({ matches: 0, nearest: null });
  });
});
