import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { MountConflictError, MountError, type MountedFS } from "../../../sdk/index.ts";
import { createMemoryServer, type MemoryServer, seedRepo } from "./memory-client.ts";

let server: MemoryServer;
beforeEach(async () => {
  server = await createMemoryServer();
});

async function open(files: Readonly<Record<string, string>>, slug = "app"): Promise<MountedFS> {
  const cg = server.connect();
  await seedRepo(cg, slug, files);
  const fs = await cg.fs.mount({ repos: [{ slug, as: "/" }] });
  server.sent.length = 0;
  return fs;
}

const another = (slug = "app") => server.connect().fs.mount({ repos: [{ slug, as: "/" }] });
const requests = () => server.sent.map(({ method, path }) => `${method} ${path.replace("/v1/repos/", "")}`);

function numbered(count: number, prefix = "dir/"): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `${prefix}${index % 9}/${index}.txt`,
      `content of ${index}\n`,
    ]),
  );
}

describe("the requests of a commit", () => {
  test("of 50 writes are one", async () => {
    const fs = await open({ "a.txt": "a\n" });
    for (let index = 0; index < 50; index += 1) await fs.writeFile(`/gen/${index}.txt`, `${index}\n`);
    await fs.commit({ message: "fifty" });
    expect(requests()).toEqual(["POST app/commits"]);
  });

  test("of a moved directory of 1,000 files are one, without contents", async () => {
    const fs = await open(numbered(1_000));
    await fs.rename("/dir", "/moved");
    await fs.commit();
    expect(requests()).toEqual(["POST app/commits"]);
    expect(server.sent[0]?.body.length).toBeLessThan(300);
    expect((await (await another()).glob("moved/**")).length).toBe(1_000);
  });

  test("of 5,000 new files are one, and it is one commit", async () => {
    const fs = await open({ "a.txt": "a\n" });
    await fs.writeFiles(numbered(5_000, "/many/"));
    const before = (await server.connect().commits.list("app", { ref: "main" })).data?.commits.length ?? 0;
    server.sent.length = 0;
    await fs.commit();
    expect(requests()).toEqual(["POST app/commits/bulk"]);
    const after = (await server.connect().commits.list("app", { ref: "main" })).data?.commits.length;
    expect(after).toBe(before + 1);
    expect((await (await another()).glob("many/**")).length).toBe(5_000);
  });

  test("with contents beyond one request are one upload for each 32 MiB and the commit", async () => {
    const fs = await open({});
    const big = (byte: number) => new Uint8Array(9 * 1024 * 1024).fill(byte);
    for (let index = 0; index < 5; index += 1) await fs.writeFile(`/big/${index}`, big(65 + index));
    await fs.commit();
    expect(requests()).toEqual(["POST app/blobs", "POST app/commits"]);
    const read = await (await another()).readFile("/big/4", "binary");
    expect(Buffer.compare(read, big(69))).toBe(0);
  });

  test("of content that the server has had name it", async () => {
    const fs = await open({ "a.txt": "first version\n", "b.txt": "second\n" });
    await fs.writeFile("/a.txt", "another\n");
    await fs.commit();
    await fs.writeFile("/a.txt", "first version\n");
    await fs.writeFile("/copy.txt", "second\n");
    await fs.writeFile("/new-1.txt", "the same twice\n");
    await fs.writeFile("/new-2.txt", "the same twice\n");
    await fs.commit();
    const body = server.sent.at(-1)?.body ?? "";
    expect(body).not.toContain("first version");
    expect(body).not.toContain("second");
    expect(body.split("the same twice")).toHaveLength(2);
    const cold = await another();
    expect(await cold.readFile("/a.txt")).toBe("first version\n");
    expect(await cold.readFile("/new-2.txt")).toBe("the same twice\n");
  });

  test("beyond what one commit takes are none, and the limit is named", async () => {
    const fs = await open({});
    await fs.writeFiles(numbered(20_001, "/many/"));
    await expect(fs.commit()).rejects.toMatchObject({
      code: "E2BIG",
      message: expect.stringContaining("20000"),
    });
    expect(server.sent).toEqual([]);
  });
});

describe("a file that two mounts change", () => {
  const lines = (first: string, last: string) => `${first}\n${"middle\n".repeat(9)}${last}\n`;

  test("in different places is merged, and the mount reads what came of it", async () => {
    const ours = await open({ "a.txt": lines("one", "two"), "run.sh": "#!/bin/sh\n" });
    const theirs = await another();
    await theirs.writeFile("/a.txt", lines("ONE", "two"));
    await theirs.chmod("/run.sh", 0o755);
    await theirs.commit();
    await ours.writeFile("/a.txt", lines("one", "TWO"));
    await ours.appendFile("/run.sh", "echo\n");
    server.sent.length = 0;
    await ours.commit();
    // One listing for what others brought.
    expect(server.sent.map(({ method }) => method)).toEqual(["POST", "GET"]);
    expect(await ours.readFile("/a.txt")).toBe(lines("ONE", "TWO"));
    expect((await ours.stat("/run.sh")).mode).toBe("100755");
    expect(await ours.status()).toEqual([]);
  });

  test("in one place is a conflict with all three versions, and the work is kept", async () => {
    const ours = await open({ "a.txt": lines("one", "two"), "gone.txt": "x\n" });
    const theirs = await another();
    await theirs.writeFile("/a.txt", lines("THEIRS", "two"));
    await theirs.rm("/gone.txt");
    await theirs.commit();
    await ours.writeFile("/a.txt", lines("OURS", "two"));
    await ours.writeFile("/gone.txt", "y\n");
    await ours.writeFile("/other.txt", "o\n");
    const error = await ours.commit().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(MountConflictError);
    if (!(error instanceof MountConflictError)) return;
    const [text, gone] = error.conflicts;
    expect(text).toMatchObject({ path: "/a.txt", type: "content" });
    expect(await text?.base.text()).toBe(lines("one", "two"));
    expect(await text?.ours.text()).toBe(lines("OURS", "two"));
    expect(await text?.theirs.text()).toBe(lines("THEIRS", "two"));
    expect(text?.merged).toContain("<<<<<<< ours\nOURS\n=======\nTHEIRS\n>>>>>>> theirs\n");
    expect(gone).toMatchObject({ path: "/gone.txt", type: "modify-delete", merged: null });
    expect(await gone?.theirs.text()).toBeNull();
    expect((await ours.status()).map(({ path }) => path)).toEqual(["/a.txt", "/gone.txt", "/other.txt"]);
    expect(await ours.readFile("/a.txt")).toBe(lines("OURS", "two"));
  });

  test.each([
    ["ours", "OURS"],
    ["theirs", "THEIRS"],
    ["a function", "BOTH"],
  ])("is resolved by %s in three requests", async (how, expected) => {
    const ours = await open({ "a.txt": "one\n", "b.txt": "b\n" });
    const theirs = await another();
    await theirs.writeFile("/a.txt", "THEIRS\n");
    await theirs.writeFile("/c.txt", "c\n");
    await theirs.commit();
    await ours.writeFile("/a.txt", "OURS\n");
    await ours.writeFile("/b.txt", "B\n");
    server.sent.length = 0;
    const onConflict = how === "a function" ? () => "BOTH\n" : (how as "ours" | "theirs");
    await ours.commit({ onConflict });
    expect(server.sent.map(({ method }) => method)).toEqual(["POST", "GET", "POST"]);
    expect(await ours.readFile("/a.txt")).toBe(`${expected}\n`);
    expect(await ours.status()).toEqual([]);
    const cold = await another();
    expect(new Map(await cold.readFiles(["/a.txt", "/b.txt", "/c.txt"]))).toEqual(
      new Map([
        ["/a.txt", `${expected}\n`],
        ["/b.txt", "B\n"],
        ["/c.txt", "c\n"],
      ]),
    );
  });

  test("is deleted by a function that gives null, and taken over when all is theirs", async () => {
    const ours = await open({ "a.txt": "one\n" });
    const theirs = await another();
    await theirs.writeFile("/a.txt", "THEIRS\n");
    await theirs.writeFile("/new.txt", "theirs\n");
    await theirs.commit();
    await ours.writeFile("/a.txt", "OURS\n");
    await ours.writeFile("/new.txt", "ours\n");
    await ours.commit({ onConflict: ({ path }) => (path === "/a.txt" ? null : "theirs") });
    expect(await ours.glob("**")).toEqual(["/new.txt"]);
    expect(await (await another()).readFile("/new.txt")).toBe("theirs\n");
  });

  test("is not overwritten by a resolution that has not seen the newest version", async () => {
    const ours = await open({ "a.txt": "one\n" });
    const theirs = await another();
    const push = async (text: string) => {
      await theirs.writeFile("/a.txt", text);
      await theirs.commit();
    };
    await push("two\n");
    await ours.writeFile("/a.txt", "OURS\n");
    const seen: (string | null)[] = [];
    await ours.commit({
      onConflict: async (conflict) => {
        seen.push(await conflict.theirs.text());
        if (seen.length === 1) await push("three\n");
        return `OURS over ${await conflict.theirs.text()}`;
      },
    });
    expect(seen).toEqual(["two\n", "three\n"]);
    expect(await (await another()).readFile("/a.txt")).toBe("OURS over three\n");
  });

  test("is settled by writing the resolved file, with a refresh before or without", async () => {
    for (const refresh of [true, false]) {
      const slug = `app-${refresh}`;
      const ours = await open({ "a.txt": "one\n" }, slug);
      const theirs = await another(slug);
      await theirs.writeFile("/a.txt", "THEIRS\n");
      await theirs.commit();
      await ours.writeFile("/a.txt", "OURS\n");
      await expect(ours.commit()).rejects.toThrow(MountConflictError);
      if (refresh) await ours.refresh();
      await expect(ours.commit()).rejects.toThrow(MountConflictError);
      await ours.writeFile("/a.txt", "RESOLVED\n");
      await ours.commit();
      expect(await (await another(slug)).readFile("/a.txt")).toBe("RESOLVED\n");
    }
  });

  test("stays a conflict after a refresh that came before anybody knew, and is merged when it can be", async () => {
    const ours = await open({ "a.txt": "one\n", "b.txt": lines("one", "two") });
    const theirs = await another();
    await theirs.writeFile("/a.txt", "THEIRS\n");
    await theirs.writeFile("/b.txt", lines("ONE", "two"));
    await theirs.commit();
    await ours.writeFile("/a.txt", "OURS\n");
    await ours.writeFile("/b.txt", lines("one", "TWO"));
    await ours.refresh();
    await ours.writeFile("/a.txt", "OURS again\n");
    const error = await ours.commit().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "ECONFLICT", conflicts: [{ path: "/a.txt", type: "content" }] });
    await ours.discard(["/a.txt"]);
    await ours.commit();
    expect(await ours.readFile("/b.txt")).toBe(lines("ONE", "TWO"));
    expect(await ours.readFile("/a.txt")).toBe("THEIRS\n");
  });

  test("in both modes and contents keeps each change", async () => {
    const ours = await open({ "a.sh": lines("one", "two") });
    const theirs = await another();
    await theirs.chmod("/a.sh", 0o755);
    await theirs.edit("/a.sh", { old: "one", new: "ONE" });
    await theirs.commit();
    await ours.edit("/a.sh", { old: "two", new: "TWO" });
    await ours.refresh();
    await ours.commit();
    const cold = await another();
    expect([await cold.readFile("/a.sh"), (await cold.stat("/a.sh")).mode]).toEqual([
      lines("ONE", "TWO"),
      "100755",
    ]);
  });
});

describe("snapshots", () => {
  test("come back as unsaved changes, after commits too, and leave others' work alone", async () => {
    const fs = await open({ "a.txt": "one\n", "b.txt": "b\n" });
    await fs.writeFile("/a.txt", "tried\n");
    await fs.mkdir("/empty");
    await fs.snapshot("before");
    expect(server.sent).toEqual([]);
    await fs.writeFile("/a.txt", "worse\n");
    await fs.rm("/b.txt");
    await fs.writeFile("/more.txt", "m\n");
    await fs.commit();
    const theirs = await another();
    await theirs.writeFile("/theirs.txt", "t\n");
    await theirs.commit();
    await fs.refresh();
    expect(await fs.restore("before")).toEqual({ kept: null });
    expect(await fs.readFile("/a.txt")).toBe("tried\n");
    expect(await fs.glob("**")).toEqual(["/a.txt", "/b.txt", "/theirs.txt"]);
    expect((await fs.stat("/empty")).type).toBe("folder");
    expect((await fs.status()).map(({ path, status }) => `${status} ${path}`)).toEqual([
      "modified /a.txt",
      "added /b.txt",
      "deleted /more.txt",
    ]);
    await fs.commit();
    expect(await (await another()).glob("**")).toEqual(["/a.txt", "/b.txt", "/theirs.txt"]);
  });

  test("keep unsaved work that a restore replaces, unless it is forced", async () => {
    const fs = await open({ "a.txt": "one\n" });
    await fs.snapshot("clean");
    await fs.writeFile("/a.txt", "work\n");
    const { kept } = await fs.restore("clean");
    expect(kept).toBe("before-clean-1");
    expect(await fs.readFile("/a.txt")).toBe("one\n");
    await fs.restore(kept ?? "");
    expect(await fs.readFile("/a.txt")).toBe("work\n");
    expect(await fs.restore("clean", { force: true })).toEqual({ kept: null });
    expect(await fs.snapshots()).toEqual(["clean", "before-clean-1"]);
    await fs.dropSnapshot("clean");
    await expect(fs.restore("clean")).rejects.toMatchObject({ code: "ENOENT" });
    await expect(fs.snapshot("before-clean-1")).rejects.toMatchObject({ code: "EEXIST" });
  });

  test("taken before others changed the same file conflict instead of undoing them", async () => {
    const fs = await open({ "a.txt": "one\n" });
    await fs.snapshot("start");
    await fs.writeFile("/a.txt", "two\n");
    await fs.commit();
    const theirs = await another();
    await theirs.writeFile("/a.txt", "three\n");
    await theirs.commit();
    await fs.refresh();
    await fs.restore("start");
    expect(await fs.readFile("/a.txt")).toBe("one\n");
    await expect(fs.commit()).rejects.toThrow(MountConflictError);
    expect(await (await another()).readFile("/a.txt")).toBe("three\n");
  });
});

describe("commit modes", () => {
  test("on-exec commits after a command, and only then", async () => {
    await seedRepo(server.connect(), "app", { "a.txt": "a\n" });
    const fs = await server.connect().fs.mount({ repos: [{ slug: "app", as: "/" }], commitMode: "on-exec" });
    await fs.writeFile("/a.txt", "b\n");
    expect(await (await another()).readFile("/a.txt")).toBe("a\n");
    await expect(fs.unmount()).rejects.toMatchObject({ code: "EBUSY" });
    await fs.unmount({ onUnsaved: "commit" });
    expect(await (await another()).readFile("/a.txt")).toBe("b\n");
    await expect(fs.readFile("/a.txt")).rejects.toMatchObject({ code: "EBADF" });
  });

  test("a write that comes while the mount is unmounting is not lost", async () => {
    const fs = await open({ "a.txt": "a\n" });
    await fs.writeFile("/a.txt", "b\n");
    const unmounted = fs.unmount({ onUnsaved: "commit" });
    await fs.writeFile("/late.txt", "late\n");
    await unmounted;
    expect(await (await another()).readFile("/late.txt")).toBe("late\n");
  });

  test("a repository that is not in the mount is named", async () => {
    const fs = await open({ "a.txt": "a\n" });
    await expect(fs.commit({ repos: ["typo"] })).rejects.toThrow(MountError);
  });

  test("discard waits for a commit under way and does not undo it", async () => {
    const fs = await open({ "a.txt": "a\n" });
    await fs.writeFile("/a.txt", "b\n");
    const commit = fs.commit();
    await fs.discard();
    await commit;
    expect(await fs.status()).toEqual([]);
    expect(await fs.readFile("/a.txt")).toBe("b\n");
  });
});

describe("odd trees", () => {
  test("read as written at once, after the commit and from a cold mount", async () => {
    const fs = await open({ file: "f\n", "folder/x": "x\n", "Case.txt": "c\n", "deep/only": "o\n" });
    const deep = `${"d/".repeat(1_000)}leaf`;
    const long = "n".repeat(255);
    await fs.rm("/file");
    await fs.writeFile("/file/inside", "now a folder\n");
    await fs.rm("/folder", { recursive: true });
    await fs.writeFile("/folder", "now a file\n");
    await fs.rename("/Case.txt", "/case.txt");
    await fs.writeFile(`/${deep}`, "deep\n");
    await fs.writeFile(`/${long}`, "long\n");
    await fs.cp("/deep", "/copied", { recursive: true });
    await fs.rename("/deep", "/renamed");
    const expected = ["case.txt", "copied/only", deep, "file/inside", "folder", long, "renamed/only"]
      .map((path) => `/${path}`)
      .sort();
    expect(await fs.glob("**")).toEqual(expected);
    await fs.commit();
    expect(await fs.status()).toEqual([]);
    expect(await fs.glob("**")).toEqual(expected);
    const cold = await another();
    expect(await cold.glob("**")).toEqual(expected);
    expect(await cold.readFile(`/${deep}`)).toBe("deep\n");
    await expect(fs.writeFile(`/${"n".repeat(256)}`, "x")).rejects.toMatchObject({ code: "ENAMETOOLONG" });
  });

  test("a directory that is moved while a part of it is copied is committed as it is", async () => {
    const fs = await open({ "a/sub/1": "1\n", "a/2": "2\n" });
    await fs.cp("/a/sub", "/copy", { recursive: true });
    await fs.rename("/a", "/b");
    await fs.commit();
    expect(await (await another()).glob("**")).toEqual(["/b/2", "/b/sub/1", "/copy/1"]);
  });
});

describe("several files at once", () => {
  test("are written all or none", async () => {
    const fs = await open({ "a.txt": "a\n" });
    const bad = fs.writeFiles([
      { path: "/new/1", content: "1" },
      { path: "/a.txt/below", content: "2" },
    ]);
    await expect(bad).rejects.toMatchObject({ code: "ENOTDIR" });
    await expect(fs.writeFiles({ "/x": "1", x: "2" })).rejects.toMatchObject({ code: "EINVAL" });
    expect(await fs.status()).toEqual([]);
    expect(await fs.exists("/new")).toBe(false);
    await fs.writeFiles({ "/new/1": "1", "/new/deep/2": "2" });
    expect((await fs.status()).length).toBe(2);
  });
});

const hasGit = (() => {
  try {
    execFileSync("git", ["--version"]);
    return true;
  } catch {
    return false;
  }
})();

/** Checks a diff out of the box: real git applies it to the old tree, and has the new one. */
describe.runIf(hasGit)("diff, with git installed", () => {
  test("is taken by git apply and gives the tree that the commit gives", async () => {
    const fs = await open({
      "mod.txt": "one\ntwo\nthree\n",
      "no-end.txt": "last line without end",
      "gone.txt": "gone\n",
      "crlf.txt": "a\r\nb\r\n",
      "dir/1.txt": "one\n",
      "dir/2.txt": "two\n",
      "run.sh": "#!/bin/sh\n",
      "to-link": "plain\n",
      swap: "file\n",
      "empty.txt": "",
    });
    const bytes = (count: number, step: number) =>
      Uint8Array.from({ length: count }, (_, at) => (at * step) % 256);
    await fs.writeFile("/bin.dat", bytes(1_000, 7));
    await fs.symlink("mod.txt", "/link");
    await fs.commit();
    const work = await mkdtemp(join(tmpdir(), "mount-diff-"));
    const git = (...args: string[]) => execFileSync("git", args, { cwd: work, encoding: "utf8" });
    await checkOut(fs, work);
    git("init", "-q");
    git("config", "core.autocrlf", "false");
    git("add", "-A");
    await fs.edit("/mod.txt", { old: "two", new: "zwei €" });
    await fs.writeFile("/no-end.txt", "last line without end\nand another");
    await fs.rm("/gone.txt");
    await fs.edit("/crlf.txt", { old: "b", new: "B" });
    await fs.rename("/dir", "/moved here");
    await fs.rename("/empty.txt", "/still-empty.txt");
    await fs.chmod("/run.sh", 0o755);
    await fs.rm("/to-link");
    await fs.symlink("run.sh", "/to-link");
    await fs.rm("/swap");
    await fs.writeFile("/swap/inside.txt", "inside\n");
    await fs.writeFile("/bin.dat", bytes(1_003, 11));
    await fs.writeFile("/latin.txt", Uint8Array.of(0x63, 0xe9, 0x0a));
    await fs.writeFile('/ünï "quoted"\ttab\\.txt', "odd name\n");
    await fs.rename("/mod.txt", "/renamed mod.txt");
    await fs.unlink("/link");
    await fs.symlink("renamed mod.txt", "/link");
    const patch = await fs.diff();
    expect(patch).toContain("rename from dir/1.txt\nrename to moved here/1.txt\n");
    execFileSync("git", ["apply", "--index", "-"], { cwd: work, input: patch });
    const tree = git("write-tree").trim();
    await fs.commit();
    const head = (await server.connect().commits.list("app", { ref: "main", limit: 1 })).data?.commits[0]
      ?.sha;
    const landed = (await server.connect().commits.get("app", head ?? "")).data?.tree;
    expect(tree).toBe(landed);
    expect(await fs.diff()).toBe("");
    await rm(work, { recursive: true });
  });

  test("shows only the paths and repositories asked for", async () => {
    const cg = server.connect();
    await seedRepo(cg, "one", { "a.txt": "a\n", "dir/b.txt": "b\n" });
    await seedRepo(cg, "two", { "c.txt": "c\n" });
    const fs = await cg.fs.mount({ repos: [{ slug: "one" }, { slug: "two" }] });
    await fs.writeFile("/one/a.txt", "A\n");
    await fs.writeFile("/one/dir/b.txt", "B\n");
    await fs.writeFile("/two/c.txt", "C\n");
    const names = (patch: string) => [...patch.matchAll(/^\+\+\+ b\/(.*)$/gm)].map(([, name]) => name);
    expect(names(await fs.diff()).sort()).toEqual(["one/a.txt", "one/dir/b.txt", "two/c.txt"]);
    expect(names(await fs.diff({ repos: ["one"], paths: ["/one/dir"] }))).toEqual(["dir/b.txt"]);
    await expect(fs.diff({ repos: ["three"] })).rejects.toMatchObject({ code: "ENOENT" });
  });
});

/** Writes a mount's files into a folder, links and modes included. */
async function checkOut(fs: MountedFS, folder: string): Promise<void> {
  const node = await import("node:fs/promises");
  for (const path of await fs.glob("**")) {
    const stat = await fs.lstat(path);
    await node.mkdir(join(folder, path, ".."), { recursive: true });
    if (stat.type === "symlink") await node.symlink(await fs.readlink(path), join(folder, path));
    else {
      const mode = stat.mode === "100755" ? 0o755 : 0o644;
      await node.writeFile(join(folder, path), await fs.readFile(path, "binary"), { mode });
    }
  }
}
