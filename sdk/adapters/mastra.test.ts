import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  createWorkspaceTools,
  LocalFilesystem,
  type MastraFilesystem,
  StaleFileError,
  Workspace,
} from "@mastra/core/workspace";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { assertSeeded } from "../testing/assert-seeded.ts";
import { mountCounted } from "../testing/counted-mount.ts";
import { MountFilesystem } from "./mastra.ts";

type Step = readonly [name: string, ...args: unknown[]];

const FILES: Readonly<Record<string, string>> = {
  "a.txt": "one\ntwo\n",
  "b.md": "# two\n",
  "src/main.ts": "const one = 1;\n",
  "src/deep/er.ts": "two\n",
};

let folder: string;
let runs = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "coregit-mastra-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function makePair() {
  runs += 1;
  const basePath = join(folder, String(runs));
  for (const [path, content] of Object.entries(FILES)) {
    await mkdir(dirname(join(basePath, path)), { recursive: true });
    await writeFile(join(basePath, path), content);
  }
  await symlink("src", join(basePath, "link"));
  const { mount } = await mountCounted({ ...FILES, link: { mode: "120000", content: "src" } });
  return { mount, subject: new MountFilesystem(mount), oracle: new LocalFilesystem({ basePath }) };
}

/** A result or an error's class and code; times and directory sizes are the disk's own. */
async function outcomeOf(filesystem: MastraFilesystem, [name, ...args]: Step): Promise<string> {
  const call = (filesystem as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>)[name];
  try {
    const value = await call?.apply(filesystem, args);
    if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString("hex")}`;
    if (Array.isArray(value)) return JSON.stringify(value.sort((a, b) => (a.name < b.name ? -1 : 1)));
    if (typeof value !== "object" || value === null) return String(value);
    const { name: entry, path, type, size } = value as Record<string, unknown>;
    return JSON.stringify({
      name: entry === String(runs) ? "" : entry,
      path,
      type,
      size: type === "file" ? size : 0,
    });
  } catch (error) {
    const failure = error as Error & { readonly code?: string };
    const kind = failure.constructor.name;
    // A path through a file fails before Mastra looks at it there, with the system's own error.
    if (failure.code === "ENOTDIR") return "ENOTDIR";
    return `${/^(Error|Mount\w+)$/.test(kind) ? "Error" : kind} ${failure.code}`;
  }
}

const path = fc.constantFrom(
  ...[
    "a.txt",
    "b.md",
    "src",
    "src/main.ts",
    "src/deep",
    "src/deep/er.ts",
    "new.txt",
    "new/deep/x.txt",
    "a.txt/below",
  ],
  ...["missing/x", "./src/../b.md", "../outside", "link/main.ts", "."],
);
const text = fc.constantFrom("", "one\n", "ä\ntwo");
const flags = fc.record(
  { recursive: fc.boolean(), force: fc.boolean() },
  { requiredKeys: [], noNullPrototype: true },
);
const copyFlags = fc.record(
  { recursive: fc.boolean(), overwrite: fc.boolean() },
  { requiredKeys: [], noNullPrototype: true },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(fc.constant("readFile"), path),
  fc.tuple(fc.constant("readFile"), path, fc.constant({ encoding: "utf-8" })),
  fc.tuple(fc.constant("writeFile"), path, text),
  fc.tuple(fc.constant("writeFile"), path, text, copyFlags),
  fc.tuple(fc.constant("appendFile"), path, text),
  fc.tuple(fc.constant("deleteFile"), path, flags),
  fc.tuple(fc.constant("copyFile"), path, path, copyFlags),
  fc.tuple(fc.constant("moveFile"), path, path),
  fc.tuple(fc.constant("mkdir"), path, flags),
  fc.tuple(fc.constant("rmdir"), path, flags),
  fc.tuple(fc.constant("readdir"), path),
  fc.tuple(
    fc.constant("readdir"),
    path,
    fc.record(
      { recursive: fc.boolean(), maxDepth: fc.nat(2), extension: fc.constantFrom(".ts", "md") },
      { requiredKeys: [], noNullPrototype: true },
    ),
  ),
  fc.tuple(fc.constant("exists"), path),
  fc.tuple(fc.constant("stat"), path),
);

/** Calls whose outcome here is meant to be another one, or where the disk's depends on chance. */
function isDifferent([name, from, to]: Step): string | null {
  if (typeof from !== "string") return null;
  if (name === "exists" && from === "a.txt/below") return "nothing is there: false, not an error";
  const below = typeof to === "string" && (to === from || to.startsWith(`${from}/`));
  if ((name === "copyFile" || name === "moveFile") && (below || from === "." || to === ".")) {
    return "a directory copied into itself grows there until a name is too long; here it is EINVAL at once";
  }
  if (name === "copyFile" && ["src", "src/deep"].includes(from)) return "trees meet files half way there";
  if (name === "rmdir" && from === ".") return "the root of a mount cannot be removed";
  return null;
}

describe("a Mastra filesystem over a mount", () => {
  test("does what LocalFilesystem does, in random sequences", async () => {
    const property = fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 12 }), async (steps) => {
      const { subject, oracle } = await makePair();
      for (const one of steps) {
        if (isDifferent(one) !== null) continue;
        const expected = await outcomeOf(oracle, one);
        expect(await outcomeOf(subject, one), JSON.stringify(one)).toBe(expected);
      }
    });
    await assertSeeded(property, 100);
  });

  test("a stale write is refused, and only a stale one", async () => {
    const { mount, subject } = await makePair();
    const read = (await subject.stat("a.txt")).modifiedAt;
    await subject.writeFile("a.txt", "mine\n", { expectedMtime: read });
    await expect(subject.writeFile("a.txt", "late\n", { expectedMtime: read })).rejects.toBeInstanceOf(
      StaleFileError,
    );
    const after = (await subject.stat("a.txt")).modifiedAt;
    // Two writes within one millisecond are two times; a commit, which touches every time of a mount, is none.
    await Promise.all([subject.writeFile("a.txt", "x\n"), subject.writeFile("a.txt", "y\n")]);
    const last = (await subject.stat("a.txt")).modifiedAt;
    expect(last.getTime()).toBeGreaterThan(after.getTime());
    const other = (await subject.stat("b.md")).modifiedAt;
    await mount.commit();
    await mount.refresh();
    expect((await subject.stat("a.txt")).modifiedAt).toEqual(last);
    expect((await subject.stat("b.md")).modifiedAt).toEqual(other);
    await subject.writeFile("a.txt", "fresh\n", { expectedMtime: last });
    await subject.writeFile("gone.txt", "new\n", { expectedMtime: last });
  });

  test("sees what another writer committed as a change of that file alone", async () => {
    const { mount, repo } = await mountCounted({ "a.txt": "1\n", "b.txt": "1\n" });
    const filesystem = new MountFilesystem(mount);
    const times = async () => [
      (await filesystem.stat("a.txt")).modifiedAt,
      (await filesystem.stat("b.txt")).modifiedAt,
    ];
    const [a, b] = await times();
    await repo.seed({ "a.txt": "2\n" });
    await mount.refresh();
    const [newA, newB] = await times();
    expect([newA?.getTime() !== a?.getTime(), newB?.getTime() === b?.getTime()]).toEqual([true, true]);
    await expect(filesystem.writeFile("a.txt", "x", { expectedMtime: a as Date })).rejects.toBeInstanceOf(
      StaleFileError,
    );
  });

  test("refuses writes by Mastra's own error over a read-only mount", async () => {
    const { mount } = await mountCounted({ a: "1" }, { mode: "ro" });
    const filesystem = new MountFilesystem(mount);
    expect(filesystem.readOnly).toBe(true);
    await expect(filesystem.writeFile("a", "2")).rejects.toMatchObject({ code: "READ_ONLY" });
    await expect(filesystem.deleteFile("a")).rejects.toMatchObject({ code: "READ_ONLY" });
  });

  test("searches 300 files with one request, and leaves to Mastra what RE2 cannot", async () => {
    const files = Object.fromEntries(
      Array.from({ length: 300 }, (_, index) => [`src/${index}.ts`, `// n${index} ä\n`]),
    );
    const { mount, seen } = await mountCounted({ ...files, "src/.hidden.ts": "n29", "pic.png": "n29" });
    const filesystem = new MountFilesystem(mount);
    const ask = { path: "/", pattern: "N29\\d?", caseSensitive: false, includeHidden: false };
    const found = await filesystem.grep({ ...ask, contextLines: 1 });
    expect(found).toHaveLength(11);
    expect(found[0]).toEqual({
      path: "src/29.ts",
      matches: [{ line: 1, column: 3, text: "// n29 ä", before: [], after: [] }],
    });
    expect(seen).toHaveLength(1);
    expect(await filesystem.grep({ ...ask, maxTotalMatches: 2 })).toHaveLength(2);
    // What is not saved is searched too, at the same price.
    await mount.writeFile("/src/29.ts", "no\nn29\nN29\n");
    seen.length = 0;
    const edited = await filesystem.grep({ ...ask, path: "src", maxCountPerFile: 1 });
    expect(edited[0]).toEqual({ path: "29.ts", matches: [{ line: 2, column: 0, text: "n29" }] });
    expect(edited).toHaveLength(11);
    expect(seen.map(({ path }) => path)).toEqual(["/grep"]);
    expect(await filesystem.grep({ ...ask, includeHidden: true })).toHaveLength(12);
    for (const refused of [{ pattern: "(?=x)y" }, { contextLines: 11 }, { pattern: "" }]) {
      await expect(filesystem.grep({ ...ask, ...refused })).rejects.toMatchObject({
        name: "UnsupportedGrepPatternError",
      });
    }
  });

  test("a workspace's tools work on it", async () => {
    const { mount, repo } = await mountCounted({ "src/main.ts": "const one = 1;\n" });
    const workspace = new Workspace({ filesystem: new MountFilesystem(mount) });
    await workspace.init();
    const tools = (await createWorkspaceTools(workspace)) as unknown as Record<
      string,
      { execute(input: object, context: object): Promise<unknown> }
    >;
    const call = async (name: string, input: object) =>
      String(await tools[`mastra_workspace_${name}`]?.execute(input, { workspace }));
    expect(await call("list_files", { path: "/" })).toContain("main.ts");
    expect(await call("read_file", { path: "/src/main.ts" })).toContain("const one = 1;");
    await call("write_file", { path: "/docs/plan.md", content: "- one\n" });
    await call("edit_file", { path: "/docs/plan.md", old_string: "one", new_string: "two" });
    expect(await call("grep", { pattern: "two", path: "/" })).toContain("docs/plan.md");
    await call("mkdir", { path: "/empty" });
    await call("delete", { path: "/src/main.ts" });
    await workspace.destroy();
    await mount.commit({ message: "What the agent did" });
    expect([...(repo.head("main")?.files.keys() ?? [])]).toEqual(["docs/plan.md"]);
    expect(repo.text("docs/plan.md")).toBe("- two\n");
  });
});
