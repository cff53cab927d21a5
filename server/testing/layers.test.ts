import { describe, expect, test } from "vitest";
import { checkFileCycles, checkFolderCycles } from "./house/cycles.ts";
import {
  checkCloudflareTypes,
  checkNodeModules,
  checkPackageRooms,
  checkSingleDoors,
  checkZodStaysOut,
} from "./house/doors.ts";
import { checkFileBudget, checkNames, MAX_FILE_LINES } from "./house/file-shape.ts";
import { checkLayers, LAYERS, type Violation } from "./house/layers.ts";
import { isTestFile, parseSourceFile, readSourceFiles, type SourceFile } from "./house/source-file.ts";

/** One line per violation, so that a failure reads as a list of things to do. */
function format(violations: readonly Violation[]): string {
  return violations
    .map(({ path, line, message }) => `${path}${line ? `:${line}` : ""} ${message}`)
    .join("\n");
}

const all = readSourceFiles(["sdk", "server"]);
const shipped = all.filter(({ path }) => !isTestFile(path));

describe("the house", () => {
  test("every import goes down the layer list", () => {
    expect(format(checkLayers(shipped))).toBe("");
  });

  test("no two files import each other in a ring", () => {
    expect(format(checkFileCycles(shipped))).toBe("");
  });

  test("no two folders import each other in a ring", () => {
    expect(format(checkFolderCycles(shipped))).toBe("");
  });

  test(`no file is longer than ${MAX_FILE_LINES} lines`, () => {
    expect(format(checkFileBudget(shipped))).toBe("");
  });

  test("a wrapped package has one importing file per side", () => {
    expect(format(checkSingleDoors(shipped))).toBe("");
  });

  test("every package stays in its rooms: hono in routing, zod in the contract", () => {
    expect(format(checkPackageRooms(shipped))).toBe("");
  });

  test("zod's code never reaches the SDK's bundle", () => {
    expect(format(checkZodStaysOut(shipped))).toBe("");
  });

  test("node: modules stay out of the SDK, and behind two doors in the engine", () => {
    expect(format(checkNodeModules(shipped))).toBe("");
  });

  test("the platform's types stay at the edge", () => {
    expect(format(checkCloudflareTypes(shipped))).toBe("");
  });

  test("no file or folder is a drawer", () => {
    expect(format(checkNames(all.map(({ path }) => path)))).toBe("");
  });

  test("examples use only what the packages publish", () => {
    const outside = readSourceFiles(["examples"]).flatMap(({ path, imports }) =>
      imports
        .filter(
          ({ specifier }) => /^(\.|sdk\/|server\/)/.test(specifier) && /(^|\/)(sdk|server)\//.test(specifier),
        )
        .map(({ specifier, line }) => ({ path, line, message: `reaches into ${specifier}` })),
    );
    expect(format(outside)).toBe("");
  });

  test("the layer list names only layers that it defines", () => {
    const names = new Set(LAYERS.map(({ name }) => name));
    expect(LAYERS.flatMap(({ may }) => may).filter((name) => !names.has(name))).toEqual([]);
  });
});

/** Made-up files, by path. */
function make(files: Readonly<Record<string, string>>): SourceFile[] {
  return Object.entries(files).map(([path, text]) => parseSourceFile(path, text));
}

describe("the checker sees", () => {
  test("an import that goes up", () => {
    const bad = make({ "server/git/tree/a.ts": `import { x } from "../../services/b.ts";` });
    expect(format(checkLayers(bad))).toContain("server/git/tree/a.ts:1 git/tree may not import services");
  });

  test("siblings that import each other: stores and services, tree and walk", () => {
    const bad = make({
      "server/stores/a.ts": `import "../services/b.ts";`,
      "server/services/b.ts": `import "../stores/a.ts";`,
      "server/git/tree/c.ts": `import "../walk/d.ts";`,
      "server/git/walk/d.ts": `import "../tree/c.ts";`,
    });
    expect(checkLayers(bad).map(({ path }) => path)).toEqual([
      "server/stores/a.ts",
      "server/services/b.ts",
      "server/git/tree/c.ts",
    ]);
  });

  test("type imports, re-exports, import() and import types as edges", () => {
    const bad = make({
      "sdk/mount/a.ts": [
        `import type { A } from "../http/a.ts";`,
        `export { b } from "../resources/b.ts";`,
        `const c = await import("../../server/index.ts");`,
        `type D = import("../client.ts").D;`,
      ].join("\n"),
    });
    expect(checkLayers(bad).map(({ line }) => line)).toEqual([1, 2, 3, 4]);
  });

  test("the SDK reaching into the server, and the server into more than the contract", () => {
    const bad = make({
      "sdk/http/a.ts": `import "../../server/git/errors.ts";`,
      "server/routes/b.ts": `import "../../sdk/http/request.ts";`,
      "server/routes/c.ts": `import "../../sdk/contract/errors.ts";`,
    });
    expect(checkLayers(bad).map(({ path }) => path)).toEqual(["sdk/http/a.ts", "server/routes/b.ts"]);
  });

  test("a file that has no layer", () => {
    expect(format(checkLayers(make({ "server/git/odd/a.ts": "" })))).toContain("belongs to no layer");
  });

  test("a ring of files, once, in order", () => {
    const bad = make({
      "sdk/http/a.ts": `import "./b.ts";`,
      "sdk/http/b.ts": `import type { C } from "./c.ts";`,
      "sdk/http/c.ts": `import "./a.ts";`,
      "sdk/http/d.ts": `import "./a.ts";`,
    });
    expect(format(checkFileCycles(bad))).toBe(
      "sdk/http/a.ts import cycle: sdk/http/a.ts → sdk/http/b.ts → sdk/http/c.ts → sdk/http/a.ts",
    );
  });

  test("a ring of folders without a ring of files", () => {
    const bad = make({
      "server/git/x/a.ts": `import "../y/b.ts";`,
      "server/git/y/b.ts": "",
      "server/git/y/c.ts": `import "../x/d.ts";`,
      "server/git/x/d.ts": "",
    });
    expect(checkFileCycles(bad)).toEqual([]);
    expect(format(checkFolderCycles(bad))).toContain("server/git/x → server/git/y → server/git/x");
  });

  test("floor files as places of their own, not as a ring with their folder", () => {
    const good = make({
      "server/git/ports.ts": `import "./object/a.ts";`,
      "server/git/object/a.ts": `import "../errors.ts";`,
      "server/git/errors.ts": "",
    });
    expect(checkFolderCycles(good)).toEqual([]);
  });

  test("a file over its budget, the contract excepted", () => {
    const long = "\n".repeat(MAX_FILE_LINES + 1);
    const bad = make({ "server/services/a.ts": long, "sdk/contract/b.ts": long });
    expect(format(checkFileBudget(bad))).toBe(
      "server/services/a.ts 401 lines; the budget is 400: split it by subject",
    );
    expect(checkFileBudget(make({ "server/services/a.ts": "\n".repeat(MAX_FILE_LINES) }))).toEqual([]);
  });

  test("a second door, counted per side", () => {
    const bad = make({
      "sdk/mount/cache.ts": `import { LRUCache } from "lru-cache";`,
      "server/stores/cache.ts": `import { LRUCache } from "lru-cache";`,
      "server/stores/other.ts": `import type { LRUCache } from "lru-cache";`,
    });
    expect(format(checkSingleDoors(bad))).toBe(
      "server/stores/other.ts second door to lru-cache: only server/stores/cache.ts may import it",
    );
  });

  test("hono in a service, zod in a route, a package nobody declared", () => {
    const bad = make({
      "server/services/a.ts": `import { Hono } from "hono/tiny";`,
      "server/routes/b.ts": `import type { z } from "zod";`,
      "server/routes/c.ts": `import x from "@scope/left-pad/x";`,
      "server/routes/d.ts": `import { Hono } from "hono";`,
    });
    expect(checkPackageRooms(bad).map(({ message }) => message)).toEqual([
      "hono may only be imported in server/routes/, server/middleware/, server/wiring.ts",
      "zod may only be imported in sdk/contract/, sdk/adapters/",
      "unknown package @scope/left-pad: give it a room",
    ]);
  });

  test("zod's schemas in middleware, but not its types", () => {
    const types = make({ "server/middleware/a.ts": `import type { z } from "zod";` });
    const code = make({ "server/middleware/a.ts": `import { z } from "zod";` });
    expect(checkPackageRooms(types)).toEqual([]);
    expect(format(checkPackageRooms(code))).toContain("zod may only be imported in sdk/contract/");
  });

  test("zod in the SDK's bundle through a value import, but not through a type import", () => {
    const contract = { "sdk/contract/a.ts": `import { z } from "zod";` };
    const typed = make({ ...contract, "sdk/index.ts": `import type { A } from "./contract/a.ts";` });
    const valued = make({ ...contract, "sdk/index.ts": `import { type A } from "./contract/a.ts";` });
    expect(checkZodStaysOut(typed)).toEqual([]);
    expect(format(checkZodStaysOut(valued))).toContain("zod reaches the bundle of sdk/index.ts");
  });

  test("node: in the SDK and in the engine, but not behind the doors or in a test", () => {
    const bad = make({
      "sdk/http/a.ts": `import { Buffer } from "node:buffer";`,
      "server/git/pack/b.ts": `import { inflateSync } from "node:zlib";`,
      "server/git/bytes/zlib.ts": `import { inflateSync } from "node:zlib";`,
      "server/local/c.ts": `import "node:fs";`,
    });
    expect(checkNodeModules(bad).map(({ path }) => path)).toEqual(["sdk/http/a.ts", "server/git/pack/b.ts"]);
    expect(isTestFile("sdk/http/a.test.ts") && isTestFile("server/testing/b.ts")).toBe(true);
  });

  test("platform types in a service, but not a name of our own that looks alike", () => {
    const bad = make({
      "server/services/a.ts": "function f(bucket: R2Bucket, state: DurableObjectState) {}",
      "server/services/b.ts": `import { DurableObject } from "cloudflare:workers";`,
      "server/services/c.ts": "interface R2Thing {}\nfunction f(x: R2Thing) {}",
      "server/stores/r2-files.ts": "function f(bucket: R2Bucket) {}",
      "server/stores/memory-files.ts": "function f(bucket: R2Bucket) {}",
    });
    expect(checkCloudflareTypes(bad).map(({ path, line }) => `${path}:${line}`)).toEqual([
      "server/services/a.ts:1",
      "server/services/a.ts:1",
      "server/services/b.ts:1",
      "server/stores/memory-files.ts:1",
    ]);
  });

  test("drawers by any of their names, and not words that contain them", () => {
    const bad = ["sdk/utils.ts", "server/git/tree-helpers.ts", "server/common/a.ts", "server/key-manager.ts"];
    expect(checkNames(bad).map(({ path }) => path)).toEqual(bad);
    expect(checkNames(["server/git/commons.ts", "server/git/utility-pole.ts"])).toEqual([]);
  });
});
