import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ApiError, MountConflictError, MountError } from "../../errors.ts";
import { type Fault, FaultyRemote } from "../../testing/faulty-remote.ts";
import type { MemoryRepo, SeedFile } from "../../testing/memory-remote.ts";
import { createSharedBlobs } from "../blobs/content-source.ts";
import type { MountOptions } from "../mount-options.ts";
import type { MountedFS } from "../mounted-fs.ts";
import { openMount } from "../open-mount.ts";

async function makeRemote(files: Readonly<Record<string, SeedFile>> = { "a.txt": "a\n", "b.txt": "b\n" }) {
  const remote = new FaultyRemote();
  const repo = await remote.create("app", files);
  const blobs = createSharedBlobs(remote, 1e7);
  const mount = (options: Partial<MountOptions> = {}): Promise<MountedFS> =>
    openMount(
      { repos: [{ slug: "app", as: "/" }], ...options },
      { remote, blobs, now: () => Date.now(), createKey: () => crypto.randomUUID() },
    );
  return { remote, repo, mount };
}

describe("a commit", () => {
  test("sends only what changed, with the blob that each change was made from", async () => {
    const { remote, repo, mount } = await makeRemote();
    const shas = Object.fromEntries(
      [...(repo.head("main")?.files ?? [])].map(([path, { sha }]) => [path, sha]),
    );
    const fs = await mount();
    await fs.writeFile("/a.txt", "new");
    await fs.writeFile("/c.txt", "c");
    await fs.rm("/b.txt");
    await fs.writeFile("/gone.txt", "never");
    await fs.rm("/gone.txt");
    await fs.commit({ message: "m", author: { name: "A", email: "a@x" } });
    expect(remote.sent[0]).toMatchObject({
      branch: "main",
      message: "m",
      author: { name: "A", email: "a@x" },
    });
    expect(remote.sent[0]?.changes).toMatchObject([
      { kind: "delete", path: "b.txt", ifMatch: shas["b.txt"] },
      { kind: "put", path: "a.txt", mode: null, ifMatch: shas["a.txt"] },
      { kind: "put", path: "c.txt", mode: "100644", ifMatch: null },
    ]);
  });

  test("of nothing, or of content that is as before, sends nothing", async () => {
    const { remote, mount } = await makeRemote();
    const fs = await mount();
    expect(await fs.commit()).toEqual({});
    await fs.writeFile("/a.txt", "a\n");
    await fs.chmod("/b.txt", 0o755);
    await fs.chmod("/b.txt", 0o644);
    await fs.mkdir("/empty");
    expect(await fs.status()).toEqual([]);
    expect(await fs.commit()).toEqual({});
    expect(remote.sent).toEqual([]);
  });

  test("names contents that the server has instead of sending them", async () => {
    const { remote, repo, mount } = await makeRemote();
    const fs = await mount();
    await fs.cp("/a.txt", "/copy.txt");
    await fs.rename("/b.txt", "/moved.txt");
    await fs.chmod("/a.txt", 0o755);
    await fs.commit();
    for (const change of remote.sent[0]?.changes ?? []) {
      if (change.kind === "put") expect(change.content).toHaveProperty("sha");
    }
    expect(repo.text("copy.txt")).toBe("a\n");
    expect(repo.text("moved.txt")).toBe("b\n");
  });

  test("of a moved directory of 1,000 files is one change, and so is moving it on", async () => {
    const files = Object.fromEntries(
      Array.from({ length: 1_000 }, (_, index) => [`dir/${index % 7}/${index}`, `${index}`]),
    );
    const { remote, repo, mount } = await makeRemote(files);
    const fs = await mount();
    await fs.mv("/dir", "/moved/here");
    expect(await fs.status()).toEqual([
      { repo: "app", path: "/moved/here", status: "renamed", from: "/dir" },
    ]);
    await fs.commit();
    await fs.mv("/moved/here", "/again");
    await fs.commit();
    expect(remote.sent.map(({ changes }) => changes)).toEqual([
      [{ kind: "move", path: "dir", newPath: "moved/here" }],
      [{ kind: "move", path: "moved/here", newPath: "again" }],
    ]);
    expect(repo.text("again/3/3")).toBe("3");
    expect(remote.listings).toBe(1);
  });

  test("of a moved directory with a change inside names its files, contents unsent", async () => {
    const { remote, repo, mount } = await makeRemote({ "dir/a": "a", "dir/b": "b", "dir/sub/c": "c" });
    const fs = await mount();
    await fs.mv("/dir", "/moved");
    await fs.writeFile("/moved/a", "A");
    await fs.commit();
    expect(
      Object.fromEntries([...(repo.head("main")?.files ?? [])].map(([path]) => [path, repo.text(path)])),
    ).toEqual({
      "moved/a": "A",
      "moved/b": "b",
      "moved/sub/c": "c",
    });
    const sent = remote.sent[0]?.changes.filter(
      (change) => change.kind === "put" && "bytes" in change.content,
    );
    expect(sent).toHaveLength(1);
  });

  test("never takes .git, which stays in the mount", async () => {
    const { remote, mount } = await makeRemote();
    const fs = await mount();
    await fs.writeFile("/.git/config", "[core]");
    await fs.writeFile("/sub/.git/HEAD", "ref");
    expect(await fs.status()).toEqual([]);
    await fs.commit();
    expect(remote.sent).toEqual([]);
    expect(await fs.readFile("/.git/config")).toBe("[core]");
    await expect(fs.writeFile("/.GIT/config", "x")).rejects.toMatchObject({ code: "EINVAL" });
  });

  test("takes more than 1,000 changes at once, and no file beyond its limit", async () => {
    const { remote, repo, mount } = await makeRemote();
    const fs = await mount();
    await fs.writeFiles(
      Object.fromEntries(Array.from({ length: 1_001 }, (_, index) => [`/many/${index}`, `${index}`])),
    );
    await fs.commit();
    expect(remote.sent).toHaveLength(1);
    expect(repo.text("many/1000")).toBe("1000");
    await expect(fs.writeFile("/big", new Uint8Array(10 * 1024 * 1024 + 1))).rejects.toMatchObject({
      code: "EFBIG",
    });
  });

  test("takes the state at its beginning; a write meanwhile stays unsaved", async () => {
    const { repo, mount } = await makeRemote();
    const fs = await mount();
    await fs.writeFile("/a.txt", "first");
    const commit = fs.commit();
    await fs.writeFile("/late.txt", "late");
    await commit;
    await fs.commit();
    expect(repo.text("a.txt")).toBe("first");
    expect(repo.text("late.txt")).toBe("late");
  });

  test("leaves empty directories in the mount, where git has none", async () => {
    const { mount } = await makeRemote({ "dir/only": "x" });
    const fs = await mount();
    await fs.mkdir("/empty");
    await fs.rm("/dir/only");
    await fs.commit();
    expect((await fs.stat("/empty")).type).toBe("folder");
    expect(await fs.readdir("/dir")).toEqual([]);
  });

  test("needs no listing when the mount's own ids are the server's, and one when others committed", async () => {
    const { remote, repo, mount } = await makeRemote();
    const fs = await mount();
    await fs.writeFile("/ü/ü.txt", "own");
    await fs.commit();
    expect(remote.listings).toBe(1);
    await repo.seed({ "theirs.txt": "t" });
    await fs.writeFile("/more.txt", "m");
    await fs.commit();
    expect(remote.listings).toBe(2);
    expect(await fs.readFile("/theirs.txt")).toBe("t");
  });

  test("is acknowledged although the listing after it fails; the next one catches up", async () => {
    const { remote, repo, mount } = await makeRemote();
    const fs = await mount();
    await repo.seed({ "theirs.txt": "t" });
    await fs.writeFile("/mine.txt", "m");
    remote.failListings = true;
    expect(await fs.commit()).toEqual({ app: repo.branches.get("main") });
    expect(await fs.readFile("/mine.txt")).toBe("m");
    remote.failListings = false;
    await fs.refresh();
    expect(await fs.status()).toEqual([]);
    expect(await fs.readFile("/theirs.txt")).toBe("t");
  });
});

describe("a commit whose answer was lost", () => {
  test.each(["lost-answer", "failed-after", "cut"] as const)(
    "by %s is settled first: nothing lands twice, nothing is taken for somebody else's",
    async (fault) => {
      const { remote, repo, mount } = await makeRemote();
      const fs = await mount();
      await fs.writeFile("/a.txt", "one");
      remote.faults.push(fault);
      await expect(fs.commit()).rejects.toMatchObject({ code: "EIO", cause: expect.any(ApiError) });
      await fs.writeFile("/a.txt", "two");
      await fs.writeFile("/c.txt", "three");
      await fs.commit();
      expect(repo.text("a.txt")).toBe("two");
      expect(repo.text("c.txt")).toBe("three");
      expect(repo.commits.size).toBe(3);
      expect(remote.sent[0]?.idempotencyKey).toBe(remote.sent[1]?.idempotencyKey);
      expect(await fs.status()).toEqual([]);
    },
  );

  test("is unsaved work for unmount, and not sent again after a discard", async () => {
    const { remote, repo, mount } = await makeRemote();
    const fs = await mount();
    await fs.writeFile("/a.txt", "one");
    remote.faults.push("cut");
    await expect(fs.commit()).rejects.toThrow(MountError);
    await expect(fs.unmount()).rejects.toMatchObject({ code: "EBUSY" });
    await fs.discard();
    await fs.unmount();
    expect(repo.text("a.txt")).toBe("a\n");
    expect(remote.sent).toHaveLength(1);
  });
});

describe("a commit that names content by its id", () => {
  test("sends it when the server no longer has it", async () => {
    const { remote, repo, mount } = await makeRemote({ "a.txt": "first\n" });
    const fs = await mount();
    await fs.writeFile("/a.txt", "second\n");
    await fs.commit();
    // History is rewritten: the first version is gone.
    for (const [sha, commit] of repo.commits) if (commit.parent === null) repo.commits.delete(sha);
    await fs.writeFile("/a.txt", "first\n");
    await fs.commit();
    expect(repo.text("a.txt")).toBe("first\n");
    const contents = remote.sent.slice(1).map(({ changes }) => changes[0]);
    expect(contents).toMatchObject([
      { content: { sha: expect.any(String) } },
      { content: { bytes: expect.anything() } },
    ]);
  });

  test("keeps the first commit's key when the key's owner may no longer write", async () => {
    const { remote, repo, mount } = await makeRemote();
    const fs = await mount();
    await fs.writeFile("/a.txt", "one");
    remote.faults.push("lost-answer", "forbidden");
    await expect(fs.commit()).rejects.toMatchObject({ code: "EIO" });
    await expect(fs.commit()).rejects.toMatchObject({ code: "EACCES" });
    await fs.commit();
    expect(new Set(remote.sent.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
    expect(repo.commits.size).toBe(2);
    expect(await fs.status()).toEqual([]);
  });
});

describe("refresh", () => {
  test("keeps unsaved changes over what others changed elsewhere, directories included", async () => {
    const { repo, mount } = await makeRemote({ "dir/a": "a", "dir/b": "b", "dir/c": "c" });
    const fs = await mount();
    await fs.rm("/dir", { recursive: true });
    await fs.writeFile("/mine", "m");
    await repo.seed({ "dir/new": "n", "dir/b": null, other: "o" });
    await fs.refresh();
    expect(await fs.glob("**")).toEqual(["/dir/new", "/mine", "/other"]);
    await fs.commit();
    expect([...(repo.head("main")?.files.keys() ?? [])].sort()).toEqual(["dir/new", "mine", "other"]);
  });

  test("does not turn an overwritten change of others into a silent loss", async () => {
    const { repo, mount } = await makeRemote();
    const fs = await mount();
    await fs.rm("/a.txt");
    await fs.writeFile("/b.txt", "mine");
    await repo.seed({ "a.txt": "theirs", "b.txt": null });
    await fs.refresh();
    const error = await fs.commit().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(MountConflictError);
    expect((error as MountConflictError).conflicts.map(({ path }) => path).sort()).toEqual([
      "/a.txt",
      "/b.txt",
    ]);
    expect(repo.text("a.txt")).toBe("theirs");
  });

  test("does not bring back what others deleted beside a change of ours", async () => {
    const { repo, mount } = await makeRemote({ "dir/a": "a", "dir/b": "b" });
    const fs = await mount();
    await fs.writeFile("/dir/mine", "m");
    await repo.seed({ "dir/a": null, "dir/b": null, x: "x" });
    await fs.refresh();
    expect(await fs.glob("**")).toEqual(["/dir/mine", "/x"]);
    expect(await fs.status()).toEqual([{ repo: "app", path: "/dir/mine", status: "added" }]);
  });
});

describe("two mounts that race on one branch over a bad network", () => {
  type Files = Readonly<Record<string, string>>;

  /** A mount, and what a person at it would know. */
  interface Writer {
    readonly fs: MountedFS;
    /** What each path held where the mount's unsaved changes were made from. */
    base: Record<string, string | undefined>;
    /** An answer was lost, so the branch may hold its writes without its knowing. */
    unsure: boolean;
  }

  const step = fc.record({
    who: fc.constantFrom(0, 1),
    file: fc.integer({ min: 0, max: 3 }),
    action: fc.constantFrom("write", "write", "remove", "commit", "commit", "refresh", "discard"),
    fault: fc.constantFrom<Fault>(null, null, null, null, "cut", "lost-answer", "failed-after"),
  });

  async function contentOf(fs: MountedFS): Promise<Files> {
    return Object.fromEntries(await fs.readFiles(await fs.glob("**")));
  }

  function headOf(repo: MemoryRepo): Files {
    const paths = [...(repo.head("main")?.files.keys() ?? [])];
    return Object.fromEntries(paths.map((path) => [`/${path}`, repo.text(path) ?? ""]));
  }

  /** Commits or refreshes and checks what either must keep, whether it succeeds or not. */
  async function synchronise(writer: Writer, action: "commit" | "refresh", repo: MemoryRepo): Promise<void> {
    const { fs } = writer;
    const before = headOf(repo);
    const mine = await contentOf(fs);
    const unsaved = (await fs.status()).map(({ path }) => path);
    const error = await (action === "commit" ? fs.commit() : fs.refresh()).then(
      () => null,
      (reason: unknown) => reason,
    );
    const [after, head] = [await contentOf(fs), headOf(repo)];
    for (const path of unsaved) expect(after[path]).toBe(mine[path]);
    if (error !== null) {
      expect(error).toBeInstanceOf(MountError);
      expect(["ECONFLICT", "EIO"]).toContain((error as MountError).code);
      writer.unsure ||= (error as MountError).code === "EIO";
      return;
    }
    if (action === "refresh") {
      const kept = unsaved.map((path) => [path, writer.base[path]]);
      writer.base = { ...head, ...Object.fromEntries(kept) };
      return;
    }
    for (const path of unsaved) {
      expect(head[path]).toBe(mine[path]);
      // Nobody's work was overwritten unseen.
      if (!writer.unsure) expect([writer.base[path], mine[path]]).toContain(before[path]);
    }
    writer.base = { ...head };
    writer.unsure = false;
  }

  /** Every content is written once, so one that comes back after it was replaced has been applied twice. */
  function listRepeatedWrites(repo: MemoryRepo): readonly string[] {
    const repeated: string[] = [];
    const ended = new Set<string>();
    let previous: Files = {};
    for (const { files } of repo.commits.values()) {
      const now = Object.fromEntries([...files].map(([path, { sha }]) => [path, sha]));
      for (const [path, sha] of Object.entries(previous)) if (now[path] !== sha) ended.add(`${path} ${sha}`);
      for (const [path, sha] of Object.entries(now)) if (ended.has(`${path} ${sha}`)) repeated.push(path);
      previous = now;
    }
    return repeated;
  }

  test("lose no acknowledged write, apply none twice, overwrite nothing unseen", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
        const { remote, repo, mount } = await makeRemote({ f0: "0", f1: "1" });
        const open = async (): Promise<Writer> => ({
          fs: await mount(),
          base: { ...headOf(repo) },
          unsure: false,
        });
        const writers = [await open(), await open()] as const;
        for (const [index, { who, file, action, fault }] of steps.entries()) {
          const writer = writers[who];
          const path = `/f${file}`;
          if (fault !== null) remote.faults.push(fault);
          if (action === "write") await writer.fs.writeFile(path, `step ${index}`);
          else if (action === "remove") await writer.fs.rm(path, { force: true });
          else if (action === "discard") {
            await writer.fs.discard([path]);
            writer.base[path] = (await contentOf(writer.fs))[path];
          } else await synchronise(writer, action, repo);
          remote.faults.length = 0;
        }
        for (const { fs } of writers) {
          await fs.discard();
          await fs.refresh();
          expect(await contentOf(fs)).toEqual(headOf(repo));
        }
        expect(listRepeatedWrites(repo)).toEqual([]);
      }),
      { numRuns: 300, seed: 20260101 },
    );
  });
});
