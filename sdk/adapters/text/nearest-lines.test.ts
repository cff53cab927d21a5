import { expect, test } from "vitest";
import { findNearestLines } from "./nearest-lines.ts";

const TEXT =
  "import a from 'a';\n\nexport const total = (net, vat) => net - net * vat;\nexport const sum = 1;\n}\n";

test.each([
  ["export const sum=1", [4, 3]],
  ["net * VAT", [3]],
  ["\n\nEXPORT CONST SUM = 1;\n", [4, 3]],
  ["function nothingLikeIt() {", []],
  ["}", []],
  ["", []],
])("%j is nearest to lines %j", (sought, lines) => {
  expect(findNearestLines(TEXT, sought).map(({ line }) => line)).toEqual(lines);
});

test("gives the best first, few, and long lines cut", () => {
  const text = Array.from({ length: 50 }, (_, n) => `const value${n} = ${"x".repeat(1_000)};`).join("\n");
  const near = findNearestLines(text, `const value7 = ${"x".repeat(1_000)}`);
  expect(near).toHaveLength(3);
  expect(near[0]?.line).toBe(8);
  expect(near[0]?.text).toHaveLength(400);
});
