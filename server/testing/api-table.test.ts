import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { contract } from "../../sdk/contract/index.ts";
import { formatApiDocument } from "./api-table.ts";
import { REPOSITORY_ROOT } from "./house/source-file.ts";

test("docs/api.md is what the contract says; run `npm run docs:api` when it is not", () => {
  expect(readFileSync(join(REPOSITORY_ROOT, "docs/api.md"), "utf8")).toBe(formatApiDocument());
});

test("the document has every endpoint once, and none outside the groups", () => {
  const headings = [...formatApiDocument().matchAll(/^### `(.+)`$/gm)].map(([, key]) => key);
  expect(headings.sort()).toEqual(Object.keys(contract).sort());
  expect(formatApiDocument()).not.toContain("## Other");
});
