import { describe, expect, it } from "vitest";
import { createGlobMatcher } from "./glob.ts";

const matches = (glob: string, path: string) => createGlobMatcher([glob]).matches(path);

describe("globs", () => {
  it.each([
    ["src/**/*.ts", "src/a.ts", true],
    ["src/**/*.ts", "src/deep/er/a.ts", true],
    ["src/**/*.ts", "src/a.tsx", false],
    ["src/**/*.ts", "lib/src/a.ts", false],
    ["src/**/*.ts", "srcx/a.ts", false],
    ["**/x", "x", true],
    ["**/x", "a/b/x", true],
    ["**/x", "ax", false],
    ["**/x", "x/a", false],
    ["a/**", "a/b", true],
    ["a/**", "a/b/c", true],
    ["a/**", "a", false],
    ["a/**/b", "a/b", true],
    ["a/**/b", "a/x/y/b", true],
    ["a/**/b", "ab", false],
    ["**/**/x", "x", true],
    ["**", "any/thing", true],
    ["**", ".hidden", true],
    ["**.ts", "a/b.ts", true],
    ["a**z", "a/b/z", true],
    ["a**z", "az", true],
    ["***", "a/b", true],
    ["*", "a", true],
    ["*", "a/b", false],
    ["*.json", "package.json", true],
    ["*.json", "a/package.json", false],
    ["*", ".env", true],
    ["a*b*c", "aXXbYYc", true],
    ["a*b*c", "aXXcYYb", false],
    ["a/*/c", "a/b/c", true],
    ["a/*/c", "a/b/d/c", false],
    ["*a*a*a*b", `${"a".repeat(500)}`, false],
    ["?", "é", true],
    ["?", "🦉", true],
    ["??", "🦉", false],
    ["?", "/", false],
    ["a?c", "abc", true],
    ["a?c", "ac", false],
    ["[ab]", "a", false],
    ["[ab]", "[ab]", true],
    ["{a,b}", "a", false],
    ["{a,b}", "{a,b}", true],
    ["a\\*", "a\\xyz", true],
    ["日本/*", "日本/語", true],
    ["", "a", false],
  ])("%s and %s: %s", (glob, path, expected) => {
    expect(matches(glob, path)).toBe(expected);
  });

  it("match when any of them does, whatever the order of the paths", () => {
    const matcher = createGlobMatcher(["src/**/*.ts", "package.json", "docs/*"]);
    const paths = [
      "docs/a",
      "docs/deep/a",
      "package.json",
      "src/a.ts",
      "src/deep/b.ts",
      "src/deep/b.js",
      "docs/b",
      "a",
    ];
    expect(paths.filter((path) => matcher.matches(path))).toEqual([
      "docs/a",
      "package.json",
      "src/a.ts",
      "src/deep/b.ts",
      "docs/b",
    ]);
  });

  it("agree with a regular expression on random cases", () => {
    let seed = 7;
    const next = (n: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((seed / 2_147_483_648) * n);
    };
    const word = (alphabet: readonly string[], length: number) =>
      Array.from({ length }, () => alphabet[next(alphabet.length)]).join("");
    let hits = 0;
    for (let i = 0; i < 5_000; i++) {
      const glob = word(["a", "b", "/", "*", "**/", "**", "?"], 1 + next(7));
      const path =
        word(["a", "b", "/"], 1 + next(8))
          .replace(/\/+/g, "/")
          .replace(/^\/|\/$/g, "") || "a";
      const expected = toRegExp(glob).test(path);
      if (expected) hits++;
      expect([glob, path, matches(glob, path)]).toEqual([glob, path, expected]);
    }
    expect(hits).toBeGreaterThan(200);
  });

  it("take work in proportion to the path, and stop at a ceiling", () => {
    const path = "a/".repeat(1_000).concat("a");
    for (const glob of ["**/a/".repeat(200), "*a".repeat(500), `${"**/".repeat(340)}b`, "**a".repeat(340)]) {
      expect(createGlobMatcher([`${glob}nope`], 3_000_000).matches(path)).toBe(false);
    }
    const matcher = createGlobMatcher([`**${"?".repeat(1_000)}`], 100_000);
    expect(() => matcher.matches("a".repeat(4_000))).toThrow(
      expect.objectContaining({ code: "limit-exceeded" }),
    );
  });
});

/** The same rules as a regular expression: fine for short paths, a trap for long ones. */
function toRegExp(glob: string): RegExp {
  let source = "";
  for (let at = 0; at < glob.length; ) {
    const stars = /^\*+/.exec(glob.slice(at))?.[0].length ?? 0;
    if (stars === 2 && glob[at + 2] === "/" && (at === 0 || glob[at - 1] === "/")) {
      source += "(?:.*/)?";
      at += 3;
    } else if (stars > 0) {
      source += stars === 1 ? "[^/]*" : ".*";
      at += stars;
    } else {
      source += glob[at] === "?" ? "[^/]" : glob[at];
      at++;
    }
  }
  return new RegExp(`^${source}$`);
}
