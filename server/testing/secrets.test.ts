import { describe, expect, test } from "vitest";
import { equalHashes, hashSecret } from "../services/org-keys.ts";
import { checkSecretComparisons, findSecretComparisons } from "./house/secret-comparisons.ts";
import { isTestFile, readSourceFiles } from "./house/source-file.ts";

test("no secret, and no hash of one, is compared by anything but equalHashes", () => {
  const shipped = readSourceFiles(["server"]).filter(({ path }) => !isTestFile(path));
  expect(shipped.length).toBeGreaterThan(100);
  expect(checkSecretComparisons(shipped.map(({ path }) => path))).toEqual([]);
});

describe("the check itself", () => {
  const found = (code: string) => findSecretComparisons("server/x.ts", code).length;

  test.each([
    "if (row.hash === hash) {}",
    "if (secretHash !== stored) {}",
    "const same = hashSecret(key) == known;",
    "if (request.signature === expected) {}",
    'sql.exec("SELECT id FROM keys WHERE hash = ?", hash);',
    "sql.exec(`SELECT id FROM tokens WHERE secret=? AND revoked = 0`);",
  ])("finds %s", (code) => {
    expect(found(code)).toBe(1);
  });

  test.each([
    "if (adminKeyHash === null) {}",
    'if (credential.kind === "token") {}',
    "if (typeof token === kind) {}",
    "if (equalHashes(row.hash, hash)) {}",
    'sql.exec("SELECT id FROM keys WHERE lookup = ?", prefix);',
    "if (token === undefined) {}",
  ])("lets %s pass", (code) => {
    expect(found(code)).toBe(0);
  });
});

describe("equalHashes", () => {
  const hash = hashSecret("right");

  test("is true of the same hash alone, and of nothing that is no hash", () => {
    expect(equalHashes(hash, hashSecret("right"))).toBe(true);
    expect(equalHashes(hash, hashSecret("wrong"))).toBe(false);
    for (const other of ["", hash.slice(2), `${hash}00`, "zz".repeat(32)]) {
      expect([equalHashes(hash, other), equalHashes(other, other)]).toEqual([false, false]);
    }
  });
});
