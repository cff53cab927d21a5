import { describe, expect, test } from "vitest";
import { makeMemoryMount } from "../../../testing/memory-mount.ts";

const FILES = {
  "README.md": "# App\n",
  ".env": "",
  "src/a.ts": "a\n",
  "src/b.js": "b\n",
  "src/deep/c.ts": "c\n",
  "src/.hidden/d.ts": "d\n",
  "test/a.test.ts": "t\n",
  link: { mode: "120000", content: "src" },
};

async function globbed(pattern: string | string[], options?: object) {
  const { fs } = await makeMemoryMount(FILES);
  const found: unknown[] = [];
  for await (const path of fs.promises.glob(pattern, options as { cwd?: string })) found.push(path);
  return found.sort();
}

/** What Node 22.23 yields for the same files, asked by hand: Node 20, which the tests run on, has no glob. */
describe("glob", () => {
  test("matches files, directories and links, those with a dot only when it is written", async () => {
    expect(await globbed("*")).toEqual(["README.md", "link", "src", "test"]);
    expect(await globbed(".*")).toEqual([".env"]);
    expect(await globbed("src/*")).toEqual(["src/a.ts", "src/b.js", "src/deep"]);
    expect(await globbed("**/*.ts")).toEqual(["src/a.ts", "src/deep/c.ts", "test/a.test.ts"]);
    expect(await globbed("src/{a,b}.?s")).toEqual(["src/a.ts", "src/b.js"]);
    expect(await globbed("none/*")).toEqual([]);
    expect(await globbed("src/**")).toEqual(["src", "src/a.ts", "src/b.js", "src/deep", "src/deep/c.ts"]);
    expect(await globbed("src/*/")).toEqual(["src/deep"]);
    expect(await globbed("link/*")).toEqual(["link/a.ts", "link/b.js", "link/deep"]);
    expect(await globbed("**/.hidden/*")).toEqual(["src/.hidden/d.ts"]);
    expect(await globbed("/src/*.ts")).toEqual(["/src/a.ts"]);
  });

  test("takes several patterns, a directory to start at, and what to leave out", async () => {
    expect(await globbed(["*.md", "src/*.js", "*.md"])).toEqual(["README.md", "src/b.js"]);
    expect(await globbed("**/*.ts", { cwd: "/src" })).toEqual(["a.ts", "deep/c.ts"]);
    expect(
      await globbed("**/*.ts", { exclude: (path: string) => path === "src/deep" || path === "deep" }),
    ).toEqual(["src/a.ts", "test/a.test.ts"]);
    expect(await globbed("**/*.ts", { exclude: ["test/**"] })).toEqual(["src/a.ts", "src/deep/c.ts"]);
  });

  test("gives Dirents when asked", async () => {
    const [entry] = await globbed("src/*.js", { withFileTypes: true });
    expect(entry).toMatchObject({ name: "b.js", parentPath: "/src" });
    expect((entry as { isFile(): boolean }).isFile()).toBe(true);
  });

  test("rejects at its first step for a pattern that is none", async () => {
    await expect(globbed(7 as unknown as string)).rejects.toMatchObject({ code: "ERR_INVALID_ARG_TYPE" });
  });
});
