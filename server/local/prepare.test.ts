import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isBuilt, isInstalled } from "./prepare.mjs";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "coregit-prepare-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Writes a file; `age` in seconds. */
function put(path: string, age = 0, text = ""): void {
  const full = join(root, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, text);
  const time = Date.now() / 1_000 - age;
  utimesSync(full, time, time);
}

function putLock(path: string, packages: Readonly<Record<string, unknown>>): void {
  put(path, 0, JSON.stringify({ packages }));
}

describe("isInstalled", () => {
  const wanted = {
    "": {},
    sdk: {},
    "node_modules/a": { version: "1.0.0" },
    "sdk/node_modules/b": { version: "2.0.0" },
    "node_modules/other-platform": { version: "1.0.0", optional: true },
  };

  beforeEach(() => {
    putLock("package-lock.json", wanted);
    put("node_modules/a/package.json");
    put("sdk/node_modules/b/package.json");
  });

  test("is false on a bare clone", () => {
    expect(isInstalled(root)).toBe(false);
  });

  test("is true when every package is there, those of other platforms excepted", () => {
    const { "node_modules/other-platform": _, ...present } = wanted;
    putLock("node_modules/.package-lock.json", present);
    expect(isInstalled(root)).toBe(true);
  });

  test("is false when the lock file has moved on", () => {
    putLock("node_modules/.package-lock.json", { ...wanted, "node_modules/a": { version: "0.9.0" } });
    expect(isInstalled(root)).toBe(false);
  });

  test("is false when a package was deleted by hand", () => {
    putLock("node_modules/.package-lock.json", wanted);
    rmSync(join(root, "sdk/node_modules"), { recursive: true });
    expect(isInstalled(root)).toBe(false);
  });
});

describe("isBuilt", () => {
  beforeEach(() => {
    for (const file of ["package-lock.json", "tsconfig.json"]) put(file, 100);
    put("sdk/index.ts", 100);
    put("server/git/errors.ts", 100);
    utimesSync(join(root, "server/git"), 0, 0);
    for (const file of ["index.js", "mount.js", "contract/index.js"]) put(`sdk/dist/${file}`, 50);
    for (const file of [
      "index.js",
      "worker/index.js",
      "worker/kernel.wasm",
      "local/start-local.js",
      "local/cli.js",
    ]) {
      put(`server/dist/${file}`, 50);
    }
  });

  test("is true when every output is newer than every source", () => {
    expect(isBuilt(root)).toBe(true);
  });

  test("is false when an output is missing", () => {
    rmSync(join(root, "server/dist/worker/index.js"));
    expect(isBuilt(root)).toBe(false);
  });

  test("is false when a source or the lock file is newer", () => {
    put("server/git/errors.ts", 10);
    expect(isBuilt(root)).toBe(false);
    put("server/git/errors.ts", 100);
    expect(isBuilt(root)).toBe(true);
    put("package-lock.json", 10);
    expect(isBuilt(root)).toBe(false);
  });

  test("is false when a source was deleted since", () => {
    rmSync(join(root, "server/git/errors.ts"));
    expect(isBuilt(root)).toBe(false);
  });

  test("looks at no tests and no benches", () => {
    put("server/a.test.ts");
    put("server/testing/b.ts");
    put("server/bench/c.ts");
    expect(isBuilt(root)).toBe(true);
  });
});
