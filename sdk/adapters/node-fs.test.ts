import * as stream from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import fastGlob from "fast-glob";
import { type GlobOptions, glob } from "glob";
import git from "isomorphic-git";
import { describe, expect, test } from "vitest";
import { mountCounted } from "../testing/counted-mount.ts";
import { toNodeFs } from "./node-fs.ts";

const FILES = {
  "README.md": "# Read me\n",
  "src/main.ts": "main\n",
  "src/deep/er/more.ts": "more\n",
  "src/.hidden.ts": "hidden\n",
  "docs/guide.md": "guide\n",
  latest: { mode: "120000", content: "docs" },
};

async function makeFs() {
  const counted = await mountCounted(FILES);
  return { ...counted, fs: toNodeFs(counted.mount, { stream }) };
}

describe("a mount as the fs module", () => {
  test("calls back with results and errors, whatever the arguments before", async () => {
    const { fs } = await makeFs();
    const { readFile, writeFile, mkdir, readdir, stat, exists } = fs;
    const call = (method: typeof readFile, ...args: unknown[]) => promisify(method as never)(...(args as []));
    await call(mkdir, "/new/deep", { recursive: true });
    await call(writeFile, "/new/deep/a.txt", "text", "utf8");
    expect(String(await call(readFile, "/new/deep/a.txt"))).toBe("text");
    expect(await call(readFile, "/new/deep/a.txt", "utf8")).toBe("text");
    expect(await call(readFile, "/new/deep/a.txt", { encoding: "hex" })).toBe("74657874");
    expect(await call(readdir, "/new")).toEqual(["deep"]);
    expect(await call(stat, "/new/deep/a.txt")).toMatchObject({ size: 4 });
    await expect(call(readFile, "/none")).rejects.toMatchObject({
      code: "ENOENT",
      syscall: "open",
      path: "/none",
    });
    expect(await new Promise((done) => exists("/new", done))).toBe(true);
    expect(await new Promise((done) => exists("/none", done))).toBe(false);
  });

  test("throws at once for a missing callback, and never falls back to the disk", async () => {
    const { fs } = await makeFs();
    expect(() => fs.readFile("/README.md")).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARG_TYPE" }),
    );
    expect(() => fs.readFileSync("/README.md")).toThrow(
      expect.objectContaining({ code: "ENOSYS", errno: -38, path: "/README.md" }),
    );
  });

  test("what a callback throws is not swallowed by the call", async () => {
    const { fs } = await makeFs();
    const caught = new Promise((done) => process.once("uncaughtException", done));
    const [listener] = process.listeners("uncaughtException").slice(-1);
    const others = process.listeners("uncaughtException").filter((other) => other !== listener);
    for (const other of others) process.off("uncaughtException", other);
    fs.stat("/README.md", () => {
      throw new Error("from the callback");
    });
    expect(await caught).toMatchObject({ message: "from the callback" });
    for (const other of others) process.on("uncaughtException", other);
  });

  test("streams in node's kind of streams", async () => {
    const { fs, mount } = await makeFs();
    const big = "0123456789".repeat(300_000);
    await pipeline(stream.Readable.from([big.slice(0, 7), big.slice(7)]), fs.createWriteStream?.("/big.txt"));
    expect((await mount.stat("/big.txt")).size).toBe(3_000_000);
    expect(await text(fs.createReadStream?.("/big.txt"))).toBe(big);
    expect(await text(fs.createReadStream?.("/big.txt", { start: 10, end: 12, encoding: "utf8" }))).toBe(
      "012",
    );
    await pipeline(stream.Readable.from(["more"]), fs.createWriteStream?.("/README.md", { flags: "a" }));
    expect(await mount.readFile("/README.md")).toBe("# Read me\nmore");
    await expect(text(fs.createReadStream?.("/none"))).rejects.toMatchObject({ code: "ENOENT" });
    await expect(
      pipeline(stream.Readable.from(["x"]), fs.createWriteStream?.("/README.md", { flags: "wx" })),
    ).rejects.toMatchObject({ code: "EEXIST" });
    expect(toNodeFs(mount).createReadStream).toBeUndefined();
  });

  test("glob walks it without a request", async () => {
    const { fs, seen } = await makeFs();
    const find = async (pattern: string, options: GlobOptions = {}) =>
      (await glob(pattern, { cwd: "/", fs: fs as unknown as NonNullable<GlobOptions["fs"]>, ...options }))
        .map((path) => String(path).replace(/^\//, "")) // glob writes paths below "/" with the slash.
        .sort();
    expect(await find("**/*.ts")).toEqual(["src/deep/er/more.ts", "src/main.ts"]);
    expect(await find("**/*.ts", { dot: true })).toEqual([
      "src/.hidden.ts",
      "src/deep/er/more.ts",
      "src/main.ts",
    ]);
    expect(await find("*", { mark: true })).toEqual(["README.md", "docs/", "latest", "src/"]);
    expect(await find("{docs,none}/*.md", { absolute: true })).toEqual(["docs/guide.md"]);
    expect(await find("**/*.md", { follow: true })).toEqual([
      "README.md",
      "docs/guide.md",
      "latest/guide.md",
    ]);
    expect(await find("usr/**")).toEqual([]);
    expect(seen.filter(({ path }) => !path.includes("blobs"))).toEqual([]);
  });

  test("fast-glob walks it", async () => {
    const { fs } = await makeFs();
    const find = (pattern: string, options: object = {}) =>
      fastGlob(pattern, { cwd: "/", fs: fs as unknown as NonNullable<fastGlob.Options["fs"]>, ...options });
    expect((await find("**/*.ts")).sort()).toEqual(["src/deep/er/more.ts", "src/main.ts"]);
    expect(await find("**/*.ts", { dot: true, stats: true, deep: 2 })).toMatchObject([
      { path: "src/.hidden.ts" },
      { path: "src/main.ts" },
    ]);
    expect((await find("**", { followSymbolicLinks: true })).includes("latest/guide.md")).toBe(true);
    expect(() => fastGlob.sync("**", { cwd: "/", fs: fs as never })).toThrow("no synchronous calls");
  });

  test("isomorphic-git works over the callback form", async () => {
    const { fs } = await makeFs();
    const { promises: _, ...callbacks } = fs;
    const repo = { fs: callbacks as unknown as Parameters<typeof git.init>[0]["fs"], dir: "/" };
    await git.init({ ...repo, defaultBranch: "main" });
    await git.add({ ...repo, filepath: "README.md" });
    const oid = await git.commit({ ...repo, message: "m", author: { name: "A", email: "a@example.com" } });
    expect((await git.log(repo)).map((entry) => entry.oid)).toEqual([oid]);
    expect(await git.statusMatrix({ ...repo, filepaths: ["README.md"] })).toEqual([["README.md", 1, 1, 1]]);
  });
});
