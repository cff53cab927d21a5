/** Fetching with stock git, over real sockets, in all three protocol versions. */
import { createHash } from "node:crypto";
import { afterEach, describe, expect, test } from "vitest";
import { type GitServer, startGitServer } from "../testing/git-server.ts";
import { git, hasGit, makeFolder, makeRepo, type RealRepo } from "../testing/real-git.ts";

const servers: GitServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    expect(server.failures).toEqual([]);
    await server.close();
  }
});

async function serve(repo?: RealRepo, options?: Parameters<typeof startGitServer>[0]): Promise<GitServer> {
  const server = await startGitServer(options);
  servers.push(server);
  if (repo) await server.importRepo(repo.dir);
  return server;
}

async function cloneInto(server: GitServer, version: number, args: readonly string[] = []): Promise<string> {
  const dir = `${await makeFolder()}/clone`;
  await git(["-c", `protocol.version=${version}`, "clone", "-q", ...args, server.url, dir]);
  return dir;
}

async function commitFile(repo: RealRepo, path: string, content: string): Promise<void> {
  await repo.git([
    "update-index",
    "--add",
    "--cacheinfo",
    `100644,${await writeBlob(repo, content)},${path}`,
  ]);
  await repo.git(["commit", "-q", "-m", `write ${path}`]);
}

async function writeBlob(repo: RealRepo, content: string): Promise<string> {
  return (await repo.git(["hash-object", "-w", "--stdin"], { input: content })).text;
}

/** Many commits at once: a file per commit, on `branch`. */
async function importHistory(repo: RealRepo, count: number, branch = "main", from?: string): Promise<void> {
  let script = "";
  for (let i = 0; i < count; i++) {
    const parent = i === 0 && from ? `from ${from}\n` : "";
    const who = `committer C <c@example.com> ${1_700_000_000 + i * 10} +0000`;
    const message = `${branch} ${i}`;
    script += `commit refs/heads/${branch}\n${who}\ndata ${Buffer.byteLength(message)}\n${message}\n${parent}`;
    script += `M 100644 inline d${i % 7}/f${i % 50}\ndata ${Buffer.byteLength(`${branch}${i}`)}\n${branch}${i}\n\n`;
  }
  await repo.git(["fast-import", "--quiet"], { input: script });
}

/** What a clone has, without fetching what it lacks. */
async function listPromised(cwd: string): Promise<string> {
  return (await git(["cat-file", "--batch-all-objects", "--batch-check", "--unordered"], { cwd })).text
    .split("\n")
    .sort()
    .join("\n");
}

/** `oid name` lines; remote branches under the names that they have at the remote. */
async function listRefs(dir: string, ...patterns: string[]): Promise<string> {
  const { text } = await git(["for-each-ref", "--format=%(objectname) %(refname)", ...patterns], {
    cwd: dir,
  });
  return text.replaceAll("refs/remotes/origin/", "refs/heads/").replace(/.* refs\/heads\/HEAD\n/, "");
}

async function fsck(dir: string): Promise<void> {
  const { stderr } = await git(["fsck", "--strict", "--full"], { cwd: dir });
  expect(stderr.replace(/^(Checking|notice:).*\n?/gm, "")).toBe("");
}

async function countPacked(dir: string): Promise<number> {
  const { text } = await git(["count-objects", "-v"], { cwd: dir });
  return Number(/in-pack: (\d+)/.exec(text)?.[1]) + Number(/count: (\d+)/.exec(text)?.[1]);
}

describe.runIf(hasGit).each([0, 1, 2])("protocol v%i", (version) => {
  test("a clone has every ref, every object and a clean fsck", async () => {
    await using repo = await makeRepo();
    await importHistory(repo, 30);
    await importHistory(repo, 5, "feature/é-日本", "main");
    await repo.git(["tag", "light"]);
    await repo.git(["tag", "-a", "-m", "annotated", "v1", "main~3"]);
    await repo.git(["tag", "-a", "-m", "tag of a tag", "v1-again", "v1"]);
    await repo.git(["tag", "tree-tag", "main^{tree}"]);
    const server = await serve(repo);
    const clone = await cloneInto(server, version);
    await fsck(clone);
    const refs = await listRefs(clone, "refs/remotes/origin", "refs/tags");
    expect(refs).toContain("refs/heads/feature/é-日本");
    expect(refs).toBe(await listRefs(repo.dir));
    expect((await git(["symbolic-ref", "refs/remotes/origin/HEAD"], { cwd: clone })).text).toBe(
      "refs/remotes/origin/main",
    );
    const all = await repo.git(["rev-list", "--objects", "--all"]);
    expect(await countPacked(clone)).toBe(all.text.split("\n").length);
  });

  test("an empty repository can be cloned and keeps its branch name where the protocol tells it", async () => {
    const server = await serve(undefined, { defaultBranch: "trunk" });
    const clone = await cloneInto(server, version);
    const head = (await git(["symbolic-ref", "HEAD"], { cwd: clone })).text;
    expect(head).toBe(version === 2 ? "refs/heads/trunk" : "refs/heads/master");
  });

  test("a fetch of one commit brings exactly what is new", async () => {
    await using repo = await makeRepo();
    await importHistory(repo, 60);
    const server = await serve(repo);
    const clone = await cloneInto(server, version);
    const before = await countPacked(clone);
    await repo.git(["read-tree", "main"]);
    await commitFile(repo, "d1/new", "new\n");
    await server.importRepo(repo.dir);
    const reply = await git(["-c", `protocol.version=${version}`, "fetch"], { cwd: clone });
    expect(reply.stderr).toContain("main");
    const fresh = await repo.git(["rev-list", "--objects", "main~1..main"]);
    expect((await countPacked(clone)) - before).toBe(fresh.text.split("\n").length);
    await fsck(clone);
  });

  test("a clone of many branches, whose wants are sent gzip'd", async () => {
    await using repo = await makeRepo();
    await importHistory(repo, 10);
    for (let i = 0; i < 45; i++) await importHistory(repo, 1, `branch-${i}`, "main");
    const server = await serve(repo);
    const clone = await cloneInto(server, version);
    expect(server.requests.some((line) => line.includes("gzip"))).toBe(true);
    expect((await listRefs(clone, "refs/remotes/origin")).split("\n")).toHaveLength(46);
    await fsck(clone);
  });

  test("negotiation over more local commits than fit into one round", async () => {
    await using repo = await makeRepo();
    await importHistory(repo, 20);
    const server = await serve(repo);
    await using local = await makeRepo();
    await local.git(["remote", "add", "origin", server.url]);
    await local.git(["-c", `protocol.version=${version}`, "fetch", "-q", "origin"]);
    await importHistory(local, 700, "work", "origin/main");
    await importHistory(repo, 3, "main", "refs/heads/main^0");
    await server.importRepo(repo.dir);
    const before = await countPacked(local.dir);
    const start = server.requests.length;
    await local.git(["-c", `protocol.version=${version}`, "fetch", "-q", "origin"]);
    expect(server.requests.slice(start).filter((line) => line.includes(" call ")).length).toBeGreaterThan(2);
    const fresh = await repo.git(["rev-list", "--objects", "main~3..main"]);
    expect((await countPacked(local.dir)) - before).toBe(fresh.text.split("\n").length);
    await fsck(local.dir);
  });

  test("depth, deepen and unshallow", async () => {
    await using repo = await makeRepo();
    await importHistory(repo, 40);
    await repo.git(["checkout", "-q", "-f", "main"]);
    await importHistory(repo, 10, "side", "main~20");
    await repo.git(["-c", "merge.ff=false", "merge", "-q", "-s", "ours", "-m", "join", "side"]);
    const server = await serve(repo);
    const clone = await cloneInto(server, version, ["--depth=3"]);
    const count = async () => Number((await git(["rev-list", "--count", "HEAD"], { cwd: clone })).text);
    const real = await cloneInto({ ...server, url: `file://${repo.dir}` }, version, ["--depth=3"]);
    const realCount = async () => Number((await git(["rev-list", "--count", "HEAD"], { cwd: real })).text);
    expect(await count()).toBe(await realCount());
    expect(await countPacked(clone)).toBe(await countPacked(real));
    for (const step of [["--depth=6"], ["--deepen=4"], ["--unshallow"]]) {
      const fetch = ["-c", `protocol.version=${version}`, "fetch", "-q", ...step];
      await git(fetch, { cwd: clone });
      await git(fetch, { cwd: real });
      expect(await count(), step[0]).toBe(await realCount());
      await fsck(clone);
    }
    expect(await count()).toBe(51);
  });

  test("shallow since a date and without a ref's history", async () => {
    await using repo = await makeRepo();
    await importHistory(repo, 40);
    await repo.git(["tag", "old", "main~10"]);
    const server = await serve(repo);
    const since = await cloneInto(server, version, [`--shallow-since=${1_700_000_000 + 300}`]);
    expect((await git(["rev-list", "--count", "HEAD"], { cwd: since })).text).toBe("10");
    await fsck(since);
    const not = await cloneInto(server, version, ["--shallow-exclude=old"]);
    expect((await git(["rev-list", "--count", "HEAD"], { cwd: not })).text).toBe("10");
    await fsck(not);
  });

  test("partial clones fetch what they lack when they need it", async () => {
    await using repo = await makeRepo();
    await importHistory(repo, 30);
    const server = await serve(repo);
    for (const filter of ["blob:none", "blob:limit=6", "tree:0", "tree:2"]) {
      const clone = await cloneInto(server, version, ["--no-checkout", `--filter=${filter}`]);
      const listed = await repo.git(["rev-list", "--objects", "--all", `--filter=${filter}`]);
      expect(await countPacked(clone), filter).toBe(listed.text.split("\n").length);
      if (version === 0) continue; // git asks for single objects in v2 only where a server allows it in v0
      await git(["-c", `protocol.version=${version}`, "checkout", "-q", "main"], { cwd: clone });
      expect((await git(["status", "--porcelain"], { cwd: clone })).text).toBe("");
      await fsck(clone);
    }
  });

  test("what tags name is sent whatever the filter, as by git", async () => {
    await using repo = await makeRepo();
    await importHistory(repo, 12);
    await repo.git(["tag", "-a", "-m", "t", "old", "main~3"]);
    await repo.git(["tag", "-a", "-m", "t", "twice", "old"]);
    await repo.git(["tag", "-a", "-m", "t", "blob", await writeBlob(repo, "only behind a tag")]);
    const blob = await writeBlob(repo, "in a tree behind a tag");
    const tree = (await repo.git(["mktree"], { input: `100644 blob ${blob}\tx\n` })).text;
    await repo.git(["tag", "-a", "-m", "t", "tree", tree]);
    await repo.git(["config", "uploadpack.allowFilter", "true"]);
    const server = await serve(repo);
    for (const filter of [
      "blob:none",
      "blob:limit=7",
      "tree:0",
      "tree:1",
      "tree:2",
      "object:type=tree",
      "object:type=commit",
    ]) {
      const dirs = await Promise.all(
        [server.url, `file://${repo.dir}`].map(async (from) => {
          const dir = `${await makeFolder()}/clone`;
          await git(["clone", "-q", "--bare", `--filter=${filter}`, from, dir]);
          return dir;
        }),
      );
      const [ours, theirs] = await Promise.all(dirs.map((cwd) => listPromised(cwd)));
      expect([filter, ours]).toEqual([filter, theirs]);
    }
  });

  test("a commit by its id, when a ref leads to it, and not otherwise", async () => {
    await using repo = await makeRepo();
    await importHistory(repo, 10);
    await importHistory(repo, 1, "gone", "main");
    const reachable = (await repo.git(["rev-parse", "main~4"])).text;
    const gone = (await repo.git(["rev-parse", "gone"])).text;
    await repo.git(["branch", "-q", "-D", "gone"]);
    const server = await serve(repo);
    await using local = await makeRepo();
    const fetch = ["-c", `protocol.version=${version}`, "fetch", "-q", server.url];
    await local.git([...fetch, reachable]);
    expect((await local.git(["rev-list", "--count", "FETCH_HEAD"])).text).toBe("6");
    const refused = await local.git([...fetch, gone], { allowFailure: true });
    expect(refused.status).not.toBe(0);
    expect(refused.stderr).toMatch(/not our ref|unadvertised object/);
  });

  test("deltas that were pushed are sent on: 200 revisions of a file stay small", async () => {
    await using repo = await makeRepo();
    const lines = Array.from({ length: 3_000 }, (_, i) => `line ${i * 7919} ${i * 104_729}`);
    let script = "";
    for (let i = 0; i < 200; i++) {
      lines[(i * 13) % lines.length] = `changed ${i}`;
      const content = lines.join("\n");
      script += `commit refs/heads/main\ncommitter C <c@example.com> ${1_700_000_000 + i} +0000\ndata 1\nm\n`;
      script += `M 100644 inline file\ndata ${content.length}\n${content}\n\n`;
    }
    await repo.git(["fast-import", "--quiet"], { input: script });
    const server = await serve();
    await repo.git(["push", "-q", server.url, "main"]);
    const clone = await cloneInto(server, version, ["--bare"]);
    await fsck(clone);
    const { text } = await git(["count-objects", "-v"], { cwd: clone });
    expect(Number(/size-pack: (\d+)/.exec(text)?.[1])).toBeLessThan(300);
    // A part of the history: bases of some deltas are not in it.
    const part = await cloneInto(server, version, ["--bare", "--depth=3"]);
    await fsck(part);
    expect(await countPacked(part)).toBe(9);
  });

  test("a change of a large file travels as the delta that was pushed, unless the clone is partial", async () => {
    await using repo = await makeRepo();
    // 2 MB that do not compress: more than the hot tier takes, so the push is stored with its delta.
    const large = Buffer.concat(
      Array.from({ length: 65_536 }, (_, i) => createHash("sha256").update(`${i}`).digest()),
    );
    const store = async (name: string) => {
      const blob = (await repo.git(["hash-object", "-w", "--stdin"], { input: large })).text;
      await repo.git(["update-index", "--add", "--cacheinfo", `100644,${blob},dir/large`]);
      await repo.git(["commit", "-q", "-m", name]);
    };
    await store("one");
    const first = (await repo.git(["rev-parse", "HEAD:dir/large"])).text;
    const server = await serve();
    await repo.git(["push", "-q", server.url, "main"]);
    const clone = await cloneInto(server, version, ["--bare"]);
    const partial = await cloneInto(server, version, ["--bare", "--filter=blob:limit=10m"]);
    large.write("changed", 1_000_000);
    await store("two");
    await repo.git(["push", "-q", server.url, "main"]);
    for (const [cwd, thin] of [
      [clone, true],
      [partial, false],
    ] as const) {
      const settings = [`protocol.version=${version}`, "transfer.unpackLimit=1"].flatMap((one) => [
        "-c",
        one,
      ]);
      await git([...settings, "fetch", "-q", "origin", "main"], { cwd });
      const { text } = await git(["cat-file", "--batch-check=%(deltabase)", "--buffer"], {
        cwd,
        input: "FETCH_HEAD:dir/large",
      });
      expect([thin, text]).toEqual([thin, thin ? first : "0".repeat(40)]);
      await fsck(cwd);
    }
  });

  test("only tags of what is fetched follow", async () => {
    await using repo = await makeRepo();
    await importHistory(repo, 10);
    await importHistory(repo, 2, "other", "main");
    await repo.git(["tag", "-a", "-m", "x", "on-main", "main~1"]);
    await repo.git(["tag", "-a", "-m", "x", "on-other", "other"]);
    const server = await serve(repo);
    const clone = await cloneInto(server, version, ["--single-branch"]);
    expect((await git(["tag"], { cwd: clone })).text).toBe("on-main");
    await fsck(clone);
  });
});
