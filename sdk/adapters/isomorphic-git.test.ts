import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import git from "isomorphic-git";
import http from "isomorphic-git/http/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../../server/testing/end-to-end/local-server.ts";
import { hasGit, git as realGit } from "../../server/testing/real-git.ts";
import { createCoregitClient } from "../client.ts";
import type { MountedFS } from "../mount/mounted-fs.ts";
import { mountCounted } from "../testing/counted-mount.ts";

/** Who commits; a mount is no `FsClient` by its types, because those have node's Buffer. */
const author = { name: "Ada", email: "ada@example.com", timestamp: 1_767_225_600, timezoneOffset: 0 };

function repoOf(mount: MountedFS, dir = "/") {
  return { fs: mount as unknown as Parameters<typeof git.init>[0]["fs"], dir };
}

describe("isomorphic-git in a mount", () => {
  test("branches, commits, merges and sees what changed", async () => {
    const { mount } = await mountCounted({
      "a.txt": "one\n",
      "bin/run": { mode: "100755", content: "#!/bin/sh\n" },
    });
    const repo = repoOf(mount);
    await git.init({ ...repo, defaultBranch: "main" });
    await git.add({ ...repo, filepath: ["a.txt", "bin/run"] });
    const first = await git.commit({ ...repo, author, message: "first" });
    await git.branch({ ...repo, ref: "topic", checkout: true });
    await mount.writeFile("/topic.txt", "topic\n");
    expect(await git.status({ ...repo, filepath: "topic.txt" })).toBe("*added");
    await git.add({ ...repo, filepath: "topic.txt" });
    await git.commit({ ...repo, author, message: "topic" });
    await git.checkout({ ...repo, ref: "main" });
    expect(await mount.exists("/topic.txt")).toBe(false);
    await mount.writeFile("/a.txt", "two\n");
    expect(await git.statusMatrix(repo)).toEqual([
      ["a.txt", 1, 2, 1],
      ["bin/run", 1, 1, 1],
    ]);
    await git.add({ ...repo, filepath: "a.txt" });
    await git.commit({ ...repo, author, message: "two" });
    const merge = await git.merge({ ...repo, author, ours: "main", theirs: "topic", message: "merge" });
    await git.checkout({ ...repo, ref: "main" });
    expect(await mount.readFile("/topic.txt")).toBe("topic\n");
    const log = await git.log(repo);
    expect([log[0]?.oid, log[0]?.commit.parent.length, log.at(-1)?.oid]).toEqual([merge.oid, 2, first]);
    expect((await mount.lstat("/bin/run")).mode).toBe("100755");
  });

  test("its own .git stays in the mount: a commit of the mount takes the working tree alone", async () => {
    const { mount, repo } = await mountCounted({ "a.txt": "one\n" });
    await git.init({ ...repoOf(mount), defaultBranch: "main" });
    await mount.writeFile("/b.txt", "two\n");
    await git.add({ ...repoOf(mount), filepath: "b.txt" });
    await git.commit({ ...repoOf(mount), author, message: "inside" });
    expect((await mount.status()).map(({ path }) => path)).toEqual(["/b.txt"]);
    await mount.commit({ message: "outside" });
    expect([...(repo.head("main")?.files.keys() ?? [])].sort()).toEqual(["a.txt", "b.txt"]);
    expect((await git.log(repoOf(mount))).map(({ commit }) => commit.message)).toEqual(["inside\n"]);
  });
});

describe.runIf(hasGit)("isomorphic-git against the server and the real git (needs git)", () => {
  let server: TestServer;
  let folder: string;
  beforeAll(async () => {
    server = await startTestServer();
    folder = await mkdtemp(join(tmpdir(), "coregit-iso-"));
  });
  afterAll(async () => {
    await server?.stop();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });
  const run = async (...args: string[]) => (await realGit(args, { cwd: folder })).text;

  test("clones into a mount, commits there, pushes, and git finds nothing wrong", async () => {
    const cg = createCoregitClient({ apiKey: server.local.apiKey, baseUrl: server.local.url });
    for (const slug of ["origin", "desk"]) expect((await cg.repos.create({ slug })).error).toBeNull();
    const changes = [
      { path: "a.txt", content: "one\n" },
      { path: "dir/ä.txt", content: "two\n" },
      { path: "bin/run", content: "#!/bin/sh\n", mode: "100755" as const },
      { path: "link", content: "a.txt", mode: "120000" as const },
    ];
    expect(
      (await cg.commits.create("origin", { branch: "main", message: "files", changes })).error,
    ).toBeNull();

    const mount = await cg.fs.mount({ repos: [{ slug: "desk", as: "/" }], commitMode: "manual" });
    const url = `${server.local.url}/${server.local.org}/origin.git`;
    const onAuth = () => ({ username: "x", password: server.local.apiKey });
    const repo = repoOf(mount, "/work");
    await git.clone({ ...repo, http, url, onAuth });
    expect(await mount.promises.readlink("/work/link")).toBe("a.txt");
    expect((await git.statusMatrix(repo)).every(([, ...state]) => state.join("") === "111")).toBe(true);

    await mount.writeFile("/work/dir/new.txt", "new\n");
    await git.add({ ...repo, filepath: "dir/new.txt" });
    const oid = await git.commit({ ...repo, author, message: "from a mount" });
    const tree = (await git.readCommit({ ...repo, oid })).commit.tree;
    expect(await git.push({ ...repo, http, url, onAuth, ref: "main" })).toMatchObject({ ok: true });

    await run("clone", "--quiet", url.replace("://", `://x:${server.local.apiKey}@`), "clone");
    expect(await run("-C", "clone", "fsck", "--strict", "--full")).toBe("");
    expect(await run("-C", "clone", "rev-parse", "HEAD", "HEAD^{tree}")).toBe(`${oid}\n${tree}`);
    expect(await run("-C", "clone", "status", "--porcelain")).toBe("");
    // The mount has the same files, so its commit has the same tree.
    expect((await mount.stat("/work")).sha).toBe(tree);
    await mount.unmount({ onUnsaved: "discard" });
  });
});
