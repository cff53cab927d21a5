import { describe, expect, test } from "vitest";
import { createCoregitClient } from "../client.ts";
import { createFakeServer } from "../testing/fake-server.ts";
import { MemoryRemote, type SeedFile } from "../testing/memory-remote.ts";
import { createSharedBlobs } from "./blobs/content-source.ts";
import type { Remote } from "./kernel/remote.ts";
import type { MountOptions, MountRepo } from "./mount-options.ts";
import { openMount } from "./open-mount.ts";

function numbered(count: number): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`src/${index % 10}/${index}.ts`, `${index}`]),
  );
}

/** A client over HTTP whose requests are counted. */
async function makeCounted(files: Readonly<Record<string, SeedFile>>) {
  const remote = new MemoryRemote();
  const repo = await remote.create("app", files);
  const { fetch, seen } = createFakeServer(remote);
  const cg = createCoregitClient({ apiKey: "k", baseUrl: "http://server.test", fetch });
  const count = async (action: () => Promise<unknown>) => {
    seen.length = 0;
    await action();
    return seen.map(
      ({ method, path }) => `${method} ${path.split("?")[0]?.replace(/[0-9a-f]{40}/, "<commit>")}`,
    );
  };
  const mount = (options: Partial<MountOptions> = {}) =>
    cg.fs.mount({ repos: [{ slug: "app" }], ...options });
  return { remote, repo, seen, cg, count, mount };
}

async function mountMemory(
  remote: MemoryRemote,
  repos: readonly MountRepo[],
  overrides: Partial<Remote> = {},
) {
  Object.assign(remote, overrides);
  return await openMount(
    { repos },
    {
      remote,
      blobs: createSharedBlobs(remote, 1e8),
      now: () => Date.now(),
      createKey: () => crypto.randomUUID(),
    },
  );
}

describe("requests", () => {
  test("mount and first read are two; another read, a missing path and the listing are none", async () => {
    const { count, mount } = await makeCounted(numbered(300));
    let fs = await mount();
    expect(
      await count(async () => {
        fs = await mount();
        await fs.readFile("/app/src/0/0.ts");
      }),
    ).toEqual(["GET /tree/HEAD", "POST /blobs/batch"]);
    expect(await count(() => fs.readFile("/app/src/0/0.ts"))).toEqual([]);
    expect(await count(() => fs.exists("/app/none/at/all"))).toEqual([]);
    expect(
      await count(async () => {
        await fs.readdir("/app", { recursive: true });
        await fs.stat("/app/src/1/1.ts");
        await fs.glob(["**/*.ts", "!x"]);
      }),
    ).toEqual([]);
  });

  test("of 100 files at once are one, of 250 three, of equal reads one", async () => {
    const { count, mount } = await makeCounted(numbered(600));
    const fs = await mount();
    const paths = Object.keys(numbered(600)).map((path) => `/${path}`);
    expect(await count(() => fs.readFiles(paths.slice(0, 100)))).toHaveLength(1);
    expect(
      await count(() => Promise.all(paths.slice(100, 200).map((path) => fs.readFile(path)))),
    ).toHaveLength(1);
    expect(await count(() => fs.readFiles(paths.slice(200, 450)))).toHaveLength(3);
    const equal = Array.from({ length: 50 }, () => paths[500] ?? "");
    expect(await count(() => Promise.all(equal.map((path) => fs.promises.readFile(path))))).toHaveLength(1);
  });

  test("of reads behind layers of functions of different depth still are one", async () => {
    const { count, mount } = await makeCounted(numbered(20));
    const fs = await mount();
    const wrap = async (path: string, depth: number): Promise<string> =>
      depth === 0 ? await fs.readFile(path) : await wrap(path, depth - 1);
    const paths = Object.keys(numbered(20));
    const read = () =>
      Promise.all(
        paths.map(async (path, index) => {
          for (let turn = 0; turn < index % 4; turn += 1) await null;
          return await wrap(path, index % 5);
        }),
      );
    expect(await count(read)).toHaveLength(1);
  });

  test("of fifty writes and a commit are one", async () => {
    const { count, mount } = await makeCounted({ a: "a" });
    const fs = await mount();
    expect(
      await count(async () => {
        for (let index = 0; index < 50; index += 1) await fs.writeFile(`/w/${index}`, `${index}`);
        await fs.commit();
      }),
    ).toEqual(["POST /commits"]);
    expect(await count(() => fs.readFiles(["/w/1", "/w/2"]))).toEqual([]);
  });

  test("of another mount of the client are the listing alone for what is cached, on any branch", async () => {
    const { count, mount, repo } = await makeCounted({ a: "same", "dir/b": "other" });
    await (await mount()).readFiles(["/a", "/dir/b"]);
    await repo.seed({ a: null, "moved/a": "same", c: "new" }, "branch");
    expect(
      await count(async () => {
        const fs = await mount({ branch: "branch" });
        expect(await fs.readFile("/moved/a")).toBe("same");
        expect(await fs.readFile("/c")).toBe("new");
      }),
    ).toEqual(["GET /tree/branch", "POST /blobs/batch"]);
  });

  test("of a prefetch are one stream, and none when everything is there", async () => {
    const { count, mount } = await makeCounted(numbered(300));
    const fs = await mount();
    expect(
      await count(async () => {
        expect(await fs.prefetch("src/**/*.ts")).toEqual({ entries: 300, bytes: 790, capped: false });
      }),
    ).toEqual(["POST /prefetch"]);
    expect(await count(() => fs.prefetch(["src/**/*.ts", "src/1/*"]))).toEqual([]);
    expect(await count(() => fs.readFiles(Object.keys(numbered(300))))).toEqual([]);
    expect(fs.cacheStats()).toMatchObject({ hits: 300, misses: 0, entries: 300 });
  });

  test("are pages of the first commit for a listing beyond 10,000 entries", async () => {
    const { remote, count, mount, repo } = await makeCounted(numbered(45));
    remote.pageSize = 20;
    let fs = await mount();
    expect(
      await count(async () => {
        fs = await mount({ branch: "main" });
      }),
    ).toEqual(["GET /tree/main", "GET /tree/<commit>", "GET /tree/<commit>"]);
    expect(await fs.glob("**")).toHaveLength(repo.head("main")?.files.size ?? 0);
  });
});

describe("the cache", () => {
  test("can be switched off, and keeps to its bytes", async () => {
    const { count, mount } = await makeCounted({ a: "a", b: "b".repeat(2_000), c: "c".repeat(2_000) });
    const off = await mount({ cache: { enabled: false } });
    await off.readFile("/a");
    expect(await count(() => off.readFile("/a"))).toHaveLength(1);
    const small = await mount({ cache: { maxBytes: 5_000 } });
    await small.readFile("/b", "binary");
    await small.readFile("/c", "binary");
    expect(small.cacheStats()).toMatchObject({ entries: 2, maxBytes: 5_000 });
    await small.readFile("/a");
    expect(small.cacheStats().bytes).toBeLessThanOrEqual(5_000);
  });

  test("hands out copies: a caller cannot change what others read", async () => {
    const { mount } = await makeCounted({ a: "abc" });
    const fs = await mount();
    (await fs.readFile("/a", "binary")).fill(0);
    ((await fs.promises.readFile("/a")) as Uint8Array).fill(0);
    expect(await fs.readFile("/a")).toBe("abc");
    const bytes = new Uint8Array([1, 2, 3]);
    await fs.writeFile("/b", bytes);
    bytes.fill(0);
    expect(await fs.readFile("/b", "binary")).toEqual(new Uint8Array([1, 2, 3]));
  });
});

describe("contents", () => {
  test("of every kind come back byte for byte, and so does what is committed", async () => {
    const all = Uint8Array.from({ length: 70_000 }, (_, index) => (index * 7) & 255);
    const odd = {
      "all.bin": all,
      "bom.txt": "\ufeffx",
      "cut.bin": new Uint8Array([0xf0, 0x9f, 0x98]),
      empty: "",
    };
    const { mount, repo } = await makeCounted(odd);
    const fs = await mount();
    expect(await fs.readFile("/all.bin", "binary")).toEqual(all);
    expect(await fs.readFile("/bom.txt")).toBe("\ufeffx");
    expect(await fs.readFile("/cut.bin", "binary")).toEqual(new Uint8Array([0xf0, 0x9f, 0x98]));
    expect(await fs.readFile("/empty")).toBe("");
    await fs.writeFiles({
      "/all2.bin": all,
      "/bom2.txt": "\ufeffx",
      "/nul": "a\0b",
      "/latin": new Uint8Array([0xe9]),
    });
    await fs.commit();
    expect(repo.head("main")?.files.get("all2.bin")?.bytes).toEqual(all);
    expect(repo.text("nul")).toBe("a\0b");
    expect(repo.head("main")?.files.get("bom2.txt")?.bytes).toEqual(new Uint8Array([0xef, 0xbb, 0xbf, 0x78]));
    expect(repo.head("main")?.files.get("latin")?.bytes).toEqual(new Uint8Array([0xe9]));
  });

  test("are read at one commit, whatever others do meanwhile", async () => {
    const { mount, repo } = await makeCounted({ a: "1", b: "1" });
    const fs = await mount();
    expect(await fs.readFile("/a")).toBe("1");
    await repo.seed({ a: "2", b: "2", c: "2" });
    expect(await fs.readFile("/b")).toBe("1");
    expect(await fs.exists("/c")).toBe(false);
    await fs.refresh();
    expect([...(await fs.readFiles(["/a", "/b", "/c"])).values()]).toEqual(["2", "2", "2"]);
  });

  test("that a refused request does not give are EACCES or EIO, with its cause", async () => {
    const { remote, cg } = await makeCounted({ a: "a" });
    const fs = await mountMemory(remote, [{ slug: "app" }], {
      readBlobs: () => Promise.reject(new Error("not an answer")),
    });
    await expect(fs.readFile("/a")).rejects.toThrow("not an answer");
    await expect(cg.fs.mount({ repos: [{ slug: "nothing" }] })).rejects.toMatchObject({
      code: "ENOENT",
      syscall: "mount",
      cause: { code: "NOT_FOUND" },
    });
  });
});

describe("a part of a file", () => {
  /** Megabytes are compared as such: a diff of them would take minutes. */
  const isEqualTo = (wanted: Uint8Array) => (bytes: Uint8Array) => Buffer.compare(bytes, wanted) === 0;
  const LARGE = Uint8Array.from({ length: 3_000_000 }, (_, index) => (index >> 8) & 255);

  test("includes both ends and is cut to the file", async () => {
    const { mount } = await makeCounted({ a: "0123456789" });
    const fs = await mount();
    const text = async (start: number, end: number) =>
      new TextDecoder().decode(await fs.readFileRange("/a", start, end));
    expect(await text(2, 4)).toBe("234");
    expect(await text(8, 100)).toBe("89");
    expect(await text(10, 12)).toBe("");
    await expect(fs.readFileRange("/a", 3, 2)).rejects.toMatchObject({ code: "EINVAL" });
    await expect(fs.readFileRange("/none", 0, 2)).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("of a large one is fetched alone and not kept", async () => {
    const { mount, count } = await makeCounted({ large: LARGE });
    const fs = await mount();
    const requests = await count(async () => {
      expect(await fs.readFileRange("/large", 1_000_000, 1_000_009)).toEqual(
        LARGE.slice(1_000_000, 1_000_010),
      );
    });
    expect(requests).toEqual(["GET /raw/<commit>/large"]);
    expect(fs.cacheStats().entries).toBe(0);
  });

  test("streams from any place, unsaved content too, and stops when it is cancelled", async () => {
    const { mount } = await makeCounted({ large: LARGE, small: "0123456789" });
    const fs = await mount();
    await fs.writeFile("/mine", "abcdef");
    const read = async (path: string, options = {}) =>
      new Uint8Array(await new Response(fs.createReadStream(path, options)).arrayBuffer());
    expect(await read("/large", { start: 5, end: 2_500_000 })).toSatisfy(
      isEqualTo(LARGE.slice(5, 2_500_001)),
    );
    expect(await read("/large")).toSatisfy(isEqualTo(LARGE));
    expect(new TextDecoder().decode(await read("/small", { start: 8 }))).toBe("89");
    expect(new TextDecoder().decode(await read("/mine", { end: 2 }))).toBe("abc");
    await expect(read("/none")).rejects.toMatchObject({ code: "ENOENT" });
    const reader = fs.createReadStream("/large").getReader();
    await reader.read();
    await reader.cancel();
  });

  test("goes on where a broken connection left it", async () => {
    const remote = new MemoryRemote();
    await remote.create("app", { large: LARGE });
    const starts: number[] = [];
    const fs = await mountMemory(remote, [{ slug: "app" }], {
      async openBlob(_, { range }) {
        const { start, end } = range ?? { start: 0, end: LARGE.length - 1 };
        starts.push(start);
        const last = starts.length > 2 ? end : start + 999_999;
        let sent = false;
        return new ReadableStream({
          pull(controller) {
            if (!sent) controller.enqueue(LARGE.slice(start, last + 1));
            else if (last === end) controller.close();
            else controller.error(new TypeError("connection reset"));
            sent = true;
          },
        });
      },
    });
    const bytes = new Uint8Array(await new Response(fs.createReadStream("/large")).arrayBuffer());
    expect(bytes).toSatisfy(isEqualTo(LARGE));
    expect(starts).toEqual([0, 1_000_000, 2_000_000]);
  });
});

describe("several repositories", () => {
  async function mountTwo() {
    const remote = new MemoryRemote();
    const one = await remote.create("one", { "a.ts": "1", "dir/x": "x" });
    const two = await remote.create("two", { "a.ts": "2" });
    return { one, two, fs: await mountMemory(remote, [{ slug: "one" }, { slug: "two" }]) };
  }

  test("lie beside each other, each under its name", async () => {
    const { fs } = await mountTwo();
    expect((await fs.readdir("/")).map(({ path, type }) => [path, type])).toEqual([
      ["/one", "folder"],
      ["/two", "folder"],
    ]);
    expect([...(await fs.readFiles(["/one/a.ts", "/two/a.ts", "/a.ts"])).values()]).toEqual(["1", "2"]);
    expect(await fs.glob("**/*.ts")).toEqual(["/one/a.ts", "/two/a.ts"]);
    expect(await fs.glob(["/two/**", "o*/dir/*"])).toEqual(["/one/dir/x", "/two/a.ts"]);
    expect((await fs.readdir("/", { recursive: true })).map(({ path }) => path)).toEqual([
      "/one",
      "/one/a.ts",
      "/one/dir",
      "/one/dir/x",
      "/two",
      "/two/a.ts",
    ]);
  });

  test("commit on their own, and what lies above them cannot be written", async () => {
    const { fs, one, two } = await mountTwo();
    await fs.writeFile("/one/new", "1");
    await fs.writeFile("/two/new", "2");
    expect(await fs.commit({ repos: ["two"] })).toEqual({ two: two.branches.get("main") });
    expect(one.text("new")).toBeNull();
    expect(await fs.commit()).toEqual({ one: one.branches.get("main") });
    await expect(fs.writeFile("/three", "x")).rejects.toMatchObject({ code: "EROFS" });
    await expect(fs.rm("/one", { recursive: true })).rejects.toMatchObject({ code: "EBUSY" });
    await expect(fs.rename("/one/new", "/two/other")).rejects.toMatchObject({ code: "EXDEV" });
    await fs.cp("/one/dir", "/two/copied", { recursive: true });
    await fs.commit();
    expect(two.text("copied/x")).toBe("x");
  });

  test("a link may lead from one into the other", async () => {
    const { fs } = await mountTwo();
    await fs.symlink("../two/a.ts", "/one/link");
    await fs.symlink("/two", "/one/all");
    expect(await fs.readFile("/one/link")).toBe("2");
    expect(await fs.readFile("/one/all/a.ts")).toBe("2");
  });

  test("of one name need another one, and ten are the limit", async () => {
    const remote = new MemoryRemote();
    await remote.create("app", { a: "1" });
    await remote.create("ns/app", { a: "2" });
    const repos = [{ slug: "app" }, { slug: "app", namespace: "ns" }];
    await expect(mountMemory(remote, repos)).rejects.toMatchObject({ code: "EINVAL" });
    const fs = await mountMemory(remote, [{ slug: "app" }, { slug: "app", namespace: "ns", as: "other" }]);
    expect(await fs.readFile("/other/a")).toBe("2");
    await expect(mountMemory(remote, [])).rejects.toMatchObject({ code: "EINVAL" });
    const eleven = Array.from({ length: 11 }, (_, index) => ({ slug: "app", as: `m${index}` }));
    await expect(mountMemory(remote, eleven)).rejects.toMatchObject({ code: "EINVAL" });
  });
});

describe("a repository with an entry that is called like it", () => {
  test("is meant by the documented form; the entry is one level down", async () => {
    const remote = new MemoryRemote();
    await remote.create("app", { "app/inner": "inner", top: "top" });
    const fs = await mountMemory(remote, [{ slug: "app" }]);
    expect(await fs.readFile("/app/top")).toBe("top");
    expect(await fs.readFile("/app/app/inner")).toBe("inner");
    const plain = await mountMemory(remote, [{ slug: "app", as: "/" }]);
    expect(await plain.readFile("/app/inner")).toBe("inner");
  });
});

describe("links", () => {
  test("of a listing are read together, once, when the first of them is met", async () => {
    const link = (content: string) => ({ mode: "120000", content });
    const { mount, count } = await makeCounted({
      "real/file": "content",
      l1: link("real"),
      l2: link("l1/file"),
      "real/up": link("../l2"),
      self: link("self"),
    });
    const fs = await mount();
    expect(await count(() => fs.stat("/l1/up"))).toEqual(["POST /blobs/batch"]);
    expect(await count(() => fs.stat("/l2"))).toEqual([]);
    expect(await fs.readFile("/l1/up")).toBe("content");
    expect(await fs.promises.realpath("/l1/up")).toBe("/app/real/file");
    await expect(fs.stat("/self")).rejects.toMatchObject({ code: "ELOOP" });
    expect(await fs.readlink("/l2")).toBe("l1/file");
  });
});

describe("a submodule", () => {
  test("is an empty directory that takes nothing, and stays what it is in a commit", async () => {
    const { mount, repo } = await makeCounted({ mod: { mode: "160000", content: "a commit" }, a: "a" });
    const fs = await mount();
    expect(await fs.readdir("/mod")).toEqual([]);
    expect(await fs.stat("/mod")).toMatchObject({ type: "folder", mode: "160000" });
    await expect(fs.writeFile("/mod/x", "x")).rejects.toMatchObject({ code: "EROFS" });
    await fs.writeFile("/a", "b");
    await fs.rename("/mod", "/moved");
    await fs.commit();
    expect(repo.head("main")?.files.get("moved")?.mode).toBe("160000");
  });
});

describe("an ended mount", () => {
  test("refuses every call with EBADF", async () => {
    const { mount } = await makeCounted({ a: "a" });
    const fs = await mount();
    await fs.unmount();
    await fs.unmount();
    await expect(fs.readFile("/a")).rejects.toMatchObject({ code: "EBADF" });
    await expect(fs.writeFile("/a", "b")).rejects.toMatchObject({ code: "EBADF" });
    await expect(fs.glob("**")).rejects.toMatchObject({ code: "EBADF" });
    await expect(fs.commit()).rejects.toMatchObject({ code: "EBADF" });
    await expect(fs.exists("/a")).rejects.toMatchObject({ code: "EBADF" });
  });
});
