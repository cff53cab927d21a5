import { describe, expect, test } from "vitest";
import { createCoregitClient } from "../client.ts";
import { MountConflictError, MountReadOnlyError } from "../errors.ts";
import { createFakeServer } from "../testing/fake-server.ts";
import { MemoryRemote, type SeedFile } from "../testing/memory-remote.ts";
import type { MountOptions } from "./mount-options.ts";

async function makeServer(files?: Readonly<Record<string, SeedFile>>) {
  const remote = new MemoryRemote();
  const repo = await remote.create("app", files);
  const server = createFakeServer(remote);
  const cg = createCoregitClient({ apiKey: "k", baseUrl: "http://server.test", fetch: server.fetch });
  const mount = (options: Partial<MountOptions> = {}) =>
    cg.fs.mount({ repos: [{ slug: "app" }], ...options });
  return { remote, repo, server, cg, mount };
}

const FILES = {
  "README.md": "# App\n",
  "run.sh": { mode: "100755", content: "#!/bin/sh\n" },
  "src/a.ts": "a\n",
  "src/b.ts": "b\n",
  "src/deep/c.ts": "c\n",
  link: { mode: "120000", content: "src/a.ts" },
};

describe("reading", () => {
  test("gives text by default and bytes when asked", async () => {
    const { mount } = await makeServer(FILES);
    const fs = await mount();
    expect(await fs.readFile("/app/README.md")).toBe("# App\n");
    expect(await fs.readFile("/README.md")).toBe("# App\n");
    expect(await fs.readFile("/README.md", { encoding: "binary" })).toEqual(
      new TextEncoder().encode("# App\n"),
    );
  });

  test("lists with true sizes, modes, ids and mount paths", async () => {
    const { mount, repo } = await makeServer(FILES);
    const fs = await mount();
    const items = await fs.readdir("/app");
    expect(items.map((item) => item.name)).toEqual(["README.md", "link", "run.sh", "src"]);
    expect(items[0]).toEqual({
      name: "README.md",
      path: "/app/README.md",
      type: "file",
      sha: repo.head("main")?.files.get("README.md")?.sha,
      mode: "100644",
      size: 6,
    });
    expect(items[3]).toMatchObject({ type: "folder", mode: "040000", size: 0 });
  });

  test("stat tells type, size, mode and the commit's time; lstat sees the link itself", async () => {
    const { mount, repo } = await makeServer(FILES);
    const fs = await mount();
    const mtime = new Date(repo.head("main")?.atMs ?? 0);
    expect(await fs.stat("/app/run.sh")).toMatchObject({ type: "file", size: 10, mode: "100755", mtime });
    expect(await fs.stat("/app/link")).toMatchObject({ type: "file", size: 2, mode: "100644" });
    expect(await fs.lstat("/app/link")).toMatchObject({ type: "symlink", mode: "120000" });
    expect(await fs.stat("/app/src")).toMatchObject({ type: "folder", mode: "040000" });
  });
});

describe("writing", () => {
  test("is seen by every read before a commit", async () => {
    const { mount } = await makeServer(FILES);
    const fs = await mount();
    await fs.writeFile("/app/new/file.txt", "hello");
    await fs.rm("/app/src/a.ts");
    expect(await fs.readFile("/app/new/file.txt")).toBe("hello");
    expect((await fs.stat("/app/new/file.txt")).size).toBe(5);
    expect(await fs.exists("/app/src/a.ts")).toBe(false);
    expect(await fs.glob("**/*")).toEqual([
      "/app/README.md",
      "/app/link",
      "/app/new/file.txt",
      "/app/run.sh",
      "/app/src/b.ts",
      "/app/src/deep/c.ts",
    ]);
    expect(await fs.status()).toEqual([
      { repo: "app", path: "/app/new/file.txt", status: "added" },
      { repo: "app", path: "/app/src/a.ts", status: "deleted" },
    ]);
  });

  test("becomes one commit with git's own ids", async () => {
    const { mount, repo, server } = await makeServer(FILES);
    const fs = await mount({ branch: "main" });
    await fs.writeFile("/app/README.md", "# Better\n");
    await fs.chmod("/app/src/b.ts", 0o755);
    await fs.symlink("README.md", "/app/readme-link");
    await fs.mv("/app/src/deep", "/app/lib");
    const { app } = await fs.commit({ message: "Change" });
    expect(app).toBe(repo.head("main")?.sha);
    expect(await fs.status()).toEqual([]);
    const modes = Object.fromEntries(
      [...(repo.head("main")?.files ?? [])].map(([path, file]) => [path, file.mode]),
    );
    expect(modes).toEqual({
      "README.md": "100644",
      "run.sh": "100755",
      "src/a.ts": "100644",
      "src/b.ts": "100755",
      "lib/c.ts": "100644",
      link: "120000",
      "readme-link": "120000",
    });
    expect(server.seen.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "GET /tree/HEAD?recursive=true".replace("HEAD", "main"),
      "POST /commits",
    ]);
  });

  test("on the unborn branch of an empty repository makes its first commit", async () => {
    const { mount, repo } = await makeServer();
    const fs = await mount();
    expect(await fs.readdir("/")).toEqual([]);
    await fs.writeFile("/a/b.txt", "first");
    await fs.commit({ message: "First" });
    expect(repo.text("a/b.txt")).toBe("first");
    expect(await fs.readFile("/a/b.txt")).toBe("first");
  });

  test("is refused on a read-only mount and on a repository mounted at a ref", async () => {
    const { mount, repo } = await makeServer(FILES);
    const readOnly = await mount({ mode: "ro" });
    await expect(readOnly.writeFile("/app/x", "y")).rejects.toThrow(MountReadOnlyError);
    const pinned = await mount({ repos: [{ slug: "app", ref: repo.head("main")?.sha ?? "" }] });
    await expect(pinned.writeFile("/app/x", "y")).rejects.toMatchObject({ code: "EROFS", errno: -30 });
  });
});

describe("other writers", () => {
  test("of other files are merged: the mount moves to the commit that holds both", async () => {
    const { mount, repo } = await makeServer(FILES);
    const fs = await mount();
    await fs.writeFile("/app/mine.txt", "mine");
    await repo.seed({ "theirs.txt": "theirs", "README.md": "# Theirs\n" });
    expect(await fs.exists("/app/theirs.txt")).toBe(false);
    await fs.commit();
    expect(await fs.readFile("/app/theirs.txt")).toBe("theirs");
    expect(await fs.readFile("/app/README.md")).toBe("# Theirs\n");
    expect(repo.text("mine.txt")).toBe("mine");
  });

  test("of the same file are a conflict that names both versions and keeps what is unsaved", async () => {
    const { mount, repo } = await makeServer(FILES);
    const fs = await mount();
    const baseSha = (await fs.stat("/app/README.md")).sha;
    await fs.writeFile("/app/README.md", "# Mine\n");
    await fs.writeFile("/app/other.txt", "other");
    await repo.seed({ "README.md": "# Theirs\n" });
    const currentSha = repo.head("main")?.files.get("README.md")?.sha;
    const error = await fs.commit().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(MountConflictError);
    expect(error).toMatchObject({
      code: "ECONFLICT",
      errno: -1024,
      path: "/app/README.md",
      baseSha,
      currentSha,
    });
    expect(await fs.readFile("/app/README.md")).toBe("# Mine\n");
    await fs.refresh();
    await expect(fs.commit()).rejects.toMatchObject({ code: "ECONFLICT", baseSha, currentSha });
    await fs.discard(["/app/README.md"]);
    expect(await fs.readFile("/app/README.md")).toBe("# Theirs\n");
    await fs.commit();
    expect(repo.text("other.txt")).toBe("other");
    expect(repo.text("README.md")).toBe("# Theirs\n");
  });
});
