import { describe, expect, it } from "vitest";
import { hasGit, makeRepo } from "../../testing/real-git.ts";
import { compilePattern, type Pattern } from "./line-matcher.ts";

function linesOf(
  content: Uint8Array | string,
  pattern: Partial<Pattern> & { readonly text: string },
): number[] {
  const compiled = compilePattern({ isRegex: false, ignoreCase: false, word: false, ...pattern });
  if (compiled.kind === "refused") throw new Error(compiled.reason);
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  return Array.from(compiled.matcher.find(bytes), ({ line }) => line);
}

function reasonOf(text: string): string | null {
  const compiled = compilePattern({ text, isRegex: true, ignoreCase: false, word: false });
  return compiled.kind === "refused" ? compiled.reason : null;
}

describe("patterns", () => {
  it("match every one of consecutive lines", () => {
    expect(linesOf("a1\na2\na3\n", { text: "a" })).toEqual([1, 2, 3]);
    expect(linesOf("a1\na2\na3\n", { text: "a\\d", isRegex: true })).toEqual([1, 2, 3]);
    expect(linesOf("a1\nA2\na3\n", { text: "A", ignoreCase: true })).toEqual([1, 2, 3]);
  });

  it("see a last line without a break, and none behind the last break", () => {
    expect(linesOf("x\n\ny", { text: "^", isRegex: true })).toEqual([1, 2, 3]);
    expect(linesOf("x\n\ny\n", { text: "^$", isRegex: true })).toEqual([2]);
    expect(linesOf("", { text: "^", isRegex: true })).toEqual([]);
  });

  it("find text among bytes that are not UTF-8", () => {
    const content = Buffer.concat([Buffer.from("caf\xe9 one\n", "latin1"), Buffer.from("café two\n")]);
    expect(linesOf(content, { text: "one" })).toEqual([1]);
    expect(linesOf(content, { text: "ONE", ignoreCase: true })).toEqual([1]);
    expect(linesOf(content, { text: "café" })).toEqual([2]);
    expect(linesOf(content, { text: "CAFÉ", ignoreCase: true })).toEqual([2]);
  });

  it("take linear time whatever the expression", () => {
    const evil = `${"a".repeat(100_000)}\n`;
    expect(linesOf(evil, { text: "(a|a)*b", isRegex: true })).toEqual([]);
    expect(linesOf(evil, { text: "(a+)+$x", isRegex: true, ignoreCase: true })).toEqual([]);
    expect(
      linesOf(`${"a-".repeat(50_000)}b\n`, { text: "[a-]*c|-.*a", isRegex: true, word: true }),
    ).toBeDefined();
  });

  it("are refused by the name of what they hold", () => {
    expect(reasonOf("(a)\\1")).toMatch("backreferences");
    expect(reasonOf("a(?=b)")).toMatch("lookahead");
    expect(reasonOf("(?<!a)b")).toMatch("lookbehind");
    expect(reasonOf("(?>a)")).toMatch("atomic");
    expect(reasonOf("a++")).toMatch("possessive");
    expect(reasonOf("a(")).toMatch("missing closing");
    expect(reasonOf("a\nb")).toMatch("line break");
    expect(reasonOf("(a{300}){3}(b{300}){3}(c{300}){3}")).toMatch("too large");
    expect(reasonOf("a\\\\1")).toBeNull();
  });
});

const CORPUS: readonly string[] = [
  "foo bar\nfoobar\nfoo_bar\nbar foo\n-foo-\nfoofoo foo\n",
  "Foo\nFOO bar\nfOo\n",
  "a.b\naxb\na+b\n(a)\n",
  "crlf foo\r\nfoo\r\n\r\nend foo\r",
  "foo-barx\nfoo-bar\nab c\nabc a\n",
  "\n\nfoo\n\n",
  "no break at the end foo",
  "ünï foo\nfooé\néfoo\nÜNÏ\n",
];

describe.runIf(hasGit)("the same lines as git grep (skipped without git)", () => {
  /** git 2.39 tells of a line behind the last break of a file when an expression matches nothing at all there. */
  const isLine = (place: string) => {
    const [file = "", line = ""] = place.split(":");
    const content = CORPUS[Number.parseInt(file, 10)] ?? "";
    return Number(line) <= content.replace(/\n$/, "").split("\n").length;
  };
  const PATTERNS: readonly string[] = [
    "foo",
    "bar",
    "a",
    "o b",
    "a.b",
    "(a)",
    "fo+",
    "^foo",
    "foo$",
    "fo*|bar",
    "[fb]oo",
    "a|ab",
    "foo|foo-bar",
    "^$",
    "o{2}",
    "(foo)+",
    "x?",
    "é",
  ];
  it.each([
    { isRegex: false, ignoreCase: false, word: false },
    { isRegex: false, ignoreCase: true, word: false },
    { isRegex: false, ignoreCase: false, word: true },
    { isRegex: true, ignoreCase: false, word: false },
    { isRegex: true, ignoreCase: true, word: false },
    { isRegex: true, ignoreCase: false, word: true },
    { isRegex: true, ignoreCase: true, word: true },
  ])("%o", async (options) => {
    await using repo = await makeRepo();
    const { writeFile } = await import("node:fs/promises");
    for (const [index, content] of CORPUS.entries()) await writeFile(`${repo.dir}/${index}.txt`, content);
    await repo.git(["add", "."]);
    await repo.git(["commit", "-qm", "corpus"]);
    for (const text of PATTERNS) {
      const flags = [
        options.isRegex ? "-E" : "-F",
        ...(options.ignoreCase ? ["-i"] : []),
        ...(options.word ? ["-w"] : []),
      ];
      const judged = await repo.git(["grep", "-n", "--no-color", ...flags, "-e", text, "HEAD"], {
        allowFailure: true,
        env: { LC_ALL: "C.UTF-8" },
      });
      const expected = judged.stdout
        .toString()
        .split("\n")
        .filter(Boolean)
        .map((line) => line.split(":").slice(1, 3).join(":"))
        .filter(isLine);
      const found = CORPUS.flatMap((content, index) =>
        linesOf(content, { text, ...options }).map((line) => `${index}.txt:${line}`),
      );
      expect(found, `${flags.join(" ")} ${text}`).toEqual(expected);
    }
  });
});
