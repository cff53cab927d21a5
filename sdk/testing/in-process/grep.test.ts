import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { serveFetch } from "../../../server/testing/git-http-server.ts";
import { git, hasGit, makeFolder } from "../../../server/testing/real-git.ts";
import type { GrepOptions, MountedFS } from "../../index.ts";
import { type CountingServer, createCountingServer, numberedFiles } from "./counting-client.ts";

let server: CountingServer;

beforeAll(async () => {
  server = await createCountingServer();
  await server.seed("many", numberedFiles(2_000));
});

async function mount(slug: string): Promise<MountedFS> {
  return await server.createClient().fs.mount({ repos: [{ slug }] });
}

async function placesOf(fs: MountedFS, pattern: string | RegExp, options?: GrepOptions): Promise<string[]> {
  return (await fs.grep(pattern, options)).map(({ path, line, content }) => `${path}:${line}:${content}`);
}

describe("grep of a mount", () => {
  it("costs one request over 2,000 files, and none once all is cached", async () => {
    const fs = await mount("many");
    const { value, requests } = await server.count(() => fs.grep("file number 1999", { context: 1 }));
    expect(value).toEqual([
      {
        path: "/many/src/9/file-1999.ts",
        line: 2,
        content: "// file number 1999",
        lineBytes: null,
        before: ["export const n = 1999;"],
        after: [],
      },
    ]);
    expect(requests).toEqual(["POST /repos/many/grep"]);
    await fs.readFiles(await fs.glob("src/3/**"));
    const cached = await server.count(() => fs.grep(/number 3$/, { globs: "src/3" }));
    expect(cached.value).toHaveLength(1);
    expect(cached.requests).toEqual([]);
  });

  it("sees unsaved changes, moves and removals, by one request", async () => {
    await server.seed("edited", {
      "a.txt": "needle a\n",
      "b.txt": "needle b\n",
      "dir/c.txt": "needle c\n",
      "dir/d.txt": "hay\n",
      "e.txt": "x\n",
    });
    const fs = await mount("edited");
    await fs.writeFile("/a.txt", "changed\nneedle new\n");
    await fs.rm("/b.txt");
    await fs.rename("/dir", "/moved");
    await fs.writeFile("/e.txt", "needle e");
    await fs.symlink("needle", "/link");
    const { value, requests } = await server.count(() => placesOf(fs, "needle"));
    expect(value).toEqual([
      "/edited/a.txt:2:needle new",
      "/edited/e.txt:1:needle e",
      "/edited/moved/c.txt:1:needle c",
    ]);
    expect(requests).toEqual(["POST /repos/edited/grep"]);
    expect(await placesOf(fs, "needle", { globs: "moved/*.txt" })).toEqual([
      "/edited/moved/c.txt:1:needle c",
    ]);
    expect(await placesOf(fs, "needle", { globs: "{moved,dir}/**" })).toEqual([
      "/edited/moved/c.txt:1:needle c",
    ]);
    expect(await placesOf(fs, "needle", { exclude: "moved" })).toHaveLength(2);
    expect(await placesOf(fs, "needle", { maxMatches: 1 })).toEqual(["/edited/a.txt:2:needle new"]);
  });

  it("reads one commit, whatever others commit", async () => {
    await server.seed("pinned", { "a.txt": "needle old\n" });
    const fs = await mount("pinned");
    await server.api.commit("pinned", [{ path: "a.txt", content: "needle new\n" }]);
    expect(await placesOf(fs, "needle")).toEqual(["/pinned/a.txt:1:needle old"]);
    await fs.refresh();
    expect(await placesOf(fs, "needle")).toEqual(["/pinned/a.txt:1:needle new"]);
  });

  it("keeps the first lines when only some are wanted, and follows answers that were cut short", async () => {
    await server.seed("long", { "a.txt": "needle\n".repeat(25_000), "b.txt": "needle\n" });
    const fs = await mount("long");
    const few = await server.count(() => fs.grep("needle", { maxMatches: 3 }));
    expect(few.value.map(({ line }) => line)).toEqual([1, 2, 3]);
    expect(few.requests).toHaveLength(1);
    const all = await server.count(() => fs.grep("needle"));
    expect(all.value).toHaveLength(25_001);
    expect(all.value.at(-1)?.path).toBe("/long/b.txt");
    expect(all.requests).toHaveLength(3);
  });

  it("finds nothing in a mount without a commit, and searches several repositories at once", async () => {
    await server.api.makeRepo("bare");
    await server.seed("other", { "x.txt": "needle x\n" });
    const fs = await server.createClient().fs.mount({ repos: [{ slug: "bare" }, { slug: "other" }] });
    await fs.writeFile("/bare/new.txt", "a needle\n");
    const { value, requests } = await server.count(() => placesOf(fs, "needle"));
    expect(value).toEqual(["/bare/new.txt:1:a needle", "/other/x.txt:1:needle x"]);
    expect(requests).toEqual(["POST /repos/other/grep"]);
    expect(await placesOf(fs, "needle", { globs: "/bare/**" })).toHaveLength(1);
  });

  it("refuses what cannot be searched, here as at the server", async () => {
    const fs = await mount("many");
    await expect(fs.grep(/(a)\1/)).rejects.toMatchObject({ code: "EINVAL", syscall: "grep" });
    await fs.readFile("/src/0/file-0.ts");
    await expect(fs.grep("(?=a)", { regex: true, globs: "src/0/file-0.ts" })).rejects.toMatchObject({
      code: "EINVAL",
    });
    await expect(fs.grep("")).rejects.toMatchObject({ code: "EINVAL" });
    await expect(fs.grep("a", { context: 11 })).rejects.toMatchObject({ code: "EINVAL" });
    await expect(fs.grep("a", { signal: AbortSignal.abort(new Error("stop")) })).rejects.toThrow("stop");
    expect(await placesOf(fs, /\u0066ile number 7$/i)).toHaveLength(1);
  });
});

const NAMES = [
  "a.txt",
  "a/b.txt",
  "a-b.txt",
  "dir/x.ts",
  "dir/y.ts",
  "dir/sub/z.md",
  "é.txt",
  "\u{1f600}.txt",
  "\uffee.txt",
];
const CONTENTS = [
  "needle\n",
  "hay\nneedle one\nneedle two\n",
  "Needle",
  "x needle_y\r\nneedle\r\n",
  "",
  "\n\n",
  "bin\0needle\n",
  "caf\xe9 needle\n",
];
type Edit = readonly ["write" | "remove" | "move" | "moveDirectory" | "executable", string, string];

async function apply(fs: MountedFS, [kind, name, other]: Edit): Promise<void> {
  const attempt =
    kind === "write"
      ? fs.promises.writeFile(`/${name}`, Buffer.from(other, "latin1"))
      : kind === "remove"
        ? fs.rm(`/${name}`)
        : kind === "executable"
          ? fs.chmod(`/${name}`, 0o755)
          : fs.rename(kind === "move" ? `/${name}` : "/dir", kind === "move" ? `/${other}` : `/${other}-dir`);
  // A random edit may make no sense where it comes; then it changes nothing.
  await attempt.catch((error: unknown) => {
    if (!(error instanceof Error && "errno" in error)) throw error;
  });
}

describe.runIf(hasGit)("random edits (skipped without git)", () => {
  it("give before the commit what grep gives after it, in a cold mount, and what git grep gives in a clone", {
    timeout: 180_000,
  }, async () => {
    const http = await serveFetch(async (request) => server.api.memory.app.fetch(request));
    let run = 0;
    const name = fc.constantFrom(...NAMES);
    const edit: fc.Arbitrary<Edit> = fc.oneof(
      fc.tuple(fc.constant("write" as const), name, fc.constantFrom(...CONTENTS)),
      fc.tuple(fc.constantFrom("remove", "move", "moveDirectory", "executable"), name, name),
    );
    const patterns: readonly (readonly [string | RegExp, GrepOptions, readonly string[]])[] = [
      ["needle", {}, ["-F"]],
      ["needle", { ignoreCase: true, word: true }, ["-F", "-i", "-w"]],
      [/^(need|x ).*e/, {}, ["-E"]],
    ];
    try {
      const base = Object.fromEntries(NAMES.slice(0, 6).map((path, index) => [path, CONTENTS[index] ?? ""]));
      await fc.assert(
        fc.asyncProperty(
          fc.array(edit, { minLength: 1, maxLength: 8 }),
          fc.boolean(),
          async (edits, warm) => {
            run += 1;
            const slug = `random-${run}`;
            await server.seed(slug, base);
            const fs = await mount(slug);
            if (warm) await fs.readFiles(["/a.txt", "/dir/x.ts"]);
            for (const one of edits) await apply(fs, one);
            const before = await Promise.all(
              patterns.map(([pattern, options]) => placesOf(fs, pattern, options)),
            );
            await fs.commit({ message: "edits" });
            const cold = await mount(slug);
            const folder = join(await makeFolder(), "clone");
            const url = http.url.replace("http://", `http://x:${server.api.apiKey}@`);
            await promisify(execFile)("git", ["clone", "-q", `${url}/acme/${slug}.git`, folder]);
            for (const [index, [pattern, options, flags]] of patterns.entries()) {
              expect(await placesOf(fs, pattern, options)).toEqual(before[index]);
              expect(await placesOf(cold, pattern, options)).toEqual(before[index]);
              const text = typeof pattern === "string" ? pattern : pattern.source;
              const judged = await git(["grep", "-n", "-I", "-z", ...flags, "-e", text, "HEAD"], {
                cwd: folder,
                allowFailure: true,
                env: { LC_ALL: "C.UTF-8" },
              });
              const expected = judged.stdout.toString().split("\n").filter(Boolean);
              expect(before[index]).toEqual(
                expected.map((line) => line.replace(/^HEAD:/, `/${slug}/`).replaceAll("\0", ":")),
              );
            }
          },
        ),
        { numRuns: 25 },
      );
    } finally {
      await http.close();
    }
  });
});
