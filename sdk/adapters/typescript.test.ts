import { createSystem, createVirtualTypeScriptEnvironment } from "@typescript/vfs";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { mountCounted } from "../testing/counted-mount.ts";
import { createSnapshotFileSystem, toMap, toRecord } from "./typescript.ts";

/** Enough of the standard library for the project below; the real one is 2 MB. */
const LIB = `
interface Array<T> { length: number; [n: number]: T }
interface Boolean {} interface CallableFunction {} interface Function {} interface IArguments {}
interface NewableFunction {} interface Number {} interface Object {} interface RegExp {} interface String {}
`;

const PROJECT = {
  "src/sum.ts": "export function sum(a: number, b: number): number { return a + b; }\n",
  "src/main.ts": 'import { sum } from "./sum";\nexport const total: number = sum(1, 2);\n',
  "README.md": "# not TypeScript\n",
};

const OPTIONS: ts.CompilerOptions = { noLib: true, strict: true, module: ts.ModuleKind.ESNext };

function check(files: Map<string, string>): string[] {
  const system = createSystem(new Map([...files, ["/lib.d.ts", LIB]]));
  const roots = [...files.keys(), "/lib.d.ts"];
  const { languageService } = createVirtualTypeScriptEnvironment(system, roots, ts, OPTIONS);
  return roots
    .flatMap((path) => languageService.getSemanticDiagnostics(path))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
}

describe("a snapshot for TypeScript", () => {
  test("is type-checked by @typescript/vfs, unsaved changes included", async () => {
    const { mount } = await mountCounted(PROJECT);
    const before = await toMap(mount, "**/*.ts");
    expect([...before.keys()]).toEqual(["/src/main.ts", "/src/sum.ts"]);
    expect(check(before)).toEqual([]);
    await mount.writeFile(
      "/src/sum.ts",
      "export function sum(a: string, b: string): string { return a + b; }\n",
    );
    expect(check(await toMap(mount, "**/*.ts"))).toEqual([
      "Type 'string' is not assignable to type 'number'.",
      "Argument of type 'number' is not assignable to parameter of type 'string'.",
    ]);
    expect(before.get("/src/sum.ts")).toBe(PROJECT["src/sum.ts"]);
  });

  test("costs one request for 300 files, and none when it is taken again", async () => {
    const files = Object.fromEntries(
      Array.from({ length: 300 }, (_, index) => [`src/${index}.ts`, `export const n = ${index};\n`]),
    );
    const { mount, seen } = await mountCounted(files);
    expect((await toMap(mount, ["src/**/*.ts"])).size).toBe(300);
    expect(seen).toHaveLength(1);
    expect(Object.keys(await toRecord(mount, ["src/**/*.ts"], { root: "/project" }))[0]).toBe(
      "/project/src/0.ts",
    );
    expect(seen).toHaveLength(1);
  });

  test("reads through links, leaves out those that lead nowhere, and refuses more than it may hold", async () => {
    const { mount } = await mountCounted({
      "a.ts": "export {};\n",
      "link.ts": { mode: "120000", content: "a.ts" },
      "broken.ts": { mode: "120000", content: "gone.ts" },
      "loop.ts": { mode: "120000", content: "loop.ts" },
    });
    expect([...(await toMap(mount, "*.ts"))]).toEqual([
      ["/a.ts", "export {};\n"],
      ["/link.ts", "export {};\n"],
    ]);
    await expect(toMap(mount, "*.ts", { maxBytes: 20 })).rejects.toMatchObject({
      code: "E2BIG",
      message: "E2BIG: 22 bytes match, a snapshot takes 20, snapshot",
    });
  });

  test("answers TypeScript 7's questions without waiting", async () => {
    const { mount } = await mountCounted(PROJECT);
    const fs = createSnapshotFileSystem(await toMap(mount, "**"));
    expect(fs.readFile("/src/main.ts")).toBe(PROJECT["src/main.ts"]);
    expect([fs.readFile("/src/none.ts"), fs.fileExists("/src"), fs.fileExists("/README.md")]).toEqual([
      null,
      false,
      true,
    ]);
    expect([fs.directoryExists("/"), fs.directoryExists("/src/"), fs.directoryExists("/none")]).toEqual([
      true,
      true,
      false,
    ]);
    expect(fs.getAccessibleEntries("/")).toEqual({ files: ["README.md"], directories: ["src"] });
    expect(fs.getAccessibleEntries("/src")).toEqual({ files: ["main.ts", "sum.ts"], directories: [] });
    expect(fs.getAccessibleEntries("/none")).toEqual({ files: [], directories: [] });
  });
});
