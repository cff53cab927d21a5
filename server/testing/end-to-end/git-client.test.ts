import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasGit } from "../real-git.ts";
import { startTestServer, type TestServer } from "./local-server.ts";

const run = promisify(execFile);

let server: TestServer;
let root: string;

beforeAll(async () => {
  server = await startTestServer();
  root = await mkdtemp(join(tmpdir(), "coregit-git-"));
});
afterAll(async () => {
  await server?.stop();
  await rm(root, { recursive: true, force: true });
});

async function git(cwd: string, ...args: string[]): Promise<string> {
  const { stdout } = await run("git", args, {
    cwd,
    maxBuffer: 1 << 28,
    env: {
      ...process.env,
      GIT_TERMINAL_PROMPT: "0",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_AUTHOR_NAME: "Ada",
      GIT_AUTHOR_EMAIL: "ada@example.com",
      GIT_COMMITTER_NAME: "Ada",
      GIT_COMMITTER_EMAIL: "ada@example.com",
    },
  });
  return stdout.trim();
}

function remote(slug: string, prefix = ""): string {
  const url = new URL(server.local.url);
  return `http://x:${server.local.apiKey}@${url.host}${prefix}/${server.local.org}/${slug}.git`;
}

async function createRepo(slug: string, init = false): Promise<string> {
  const reply = await server.call("POST", "/repos", { body: { slug, init } });
  expect(reply.status).toBe(201);
  return remote(slug);
}

async function workRepo(name: string): Promise<string> {
  const dir = join(root, name);
  await mkdir(dir, { recursive: true });
  await git(dir, "init", "-q", "-b", "main");
  return dir;
}

async function commitFile(
  dir: string,
  path: string,
  content: string | Buffer,
  message = path,
): Promise<string> {
  await mkdir(join(dir, path, ".."), { recursive: true });
  await writeFile(join(dir, path), content);
  await git(dir, "add", "-A");
  await git(dir, "commit", "-q", "-m", message);
  return git(dir, "rev-parse", "HEAD");
}

async function clone(url: string, name: string, ...args: string[]): Promise<string> {
  const dir = join(root, name);
  await git(root, ...args, "clone", "-q", url, dir);
  await git(dir, "fsck", "--strict", "--full");
  return dir;
}

describe.skipIf(!hasGit)("stock git against the server (skipped where git is not installed)", () => {
  for (const version of ["0", "1", "2"]) {
    test(`push, clone, fetch and delete over protocol v${version}`, async () => {
      const url = await createRepo(`basic-v${version}`);
      const protocol = ["-c", `protocol.version=${version}`];
      const dir = await workRepo(`basic-v${version}-src`);
      await commitFile(dir, "README.md", "one\n");
      await commitFile(dir, "bin/data.bin", randomBytes(300_000));
      await git(dir, "tag", "light");
      await git(dir, "tag", "-a", "v1.0", "-m", "release");
      await git(dir, ...protocol, "push", "-q", url, "main", "--tags");

      const copy = await clone(url, `basic-v${version}-copy`, ...protocol);
      expect(await git(copy, "rev-parse", "HEAD")).toBe(await git(dir, "rev-parse", "HEAD"));
      expect(await git(copy, "tag")).toBe("light\nv1.0");

      const next = await commitFile(dir, "README.md", "two\n");
      await git(dir, ...protocol, "push", "-q", url, "main", "main:feature/ünïcode");
      await git(copy, ...protocol, "fetch", "-q");
      expect(await git(copy, "rev-parse", "origin/main")).toBe(next);
      expect(await git(copy, "branch", "-r")).toContain("origin/feature/ünïcode");

      await git(dir, ...protocol, "push", "-q", url, ":feature/ünïcode");
      await git(copy, ...protocol, "fetch", "-q", "--prune");
      expect(await git(copy, "branch", "-r")).not.toContain("ünïcode");
      await git(copy, "fsck", "--strict");
    });
  }

  test("an API commit is cloned, and a pushed commit is read through the API", async () => {
    const url = await createRepo("both", true);
    const { body } = await server.call("POST", "/repos/both/commits", {
      body: {
        branch: "main",
        message: "from the API",
        changes: [
          { path: "README.md", content: "# both\n" },
          { path: "a/run.sh", content: "#!/bin/sh\n", mode: "100755" },
          { path: "a/link", content: "run.sh", mode: "120000" },
        ],
      },
    });
    const dir = await clone(url, "both-copy");
    expect(await git(dir, "rev-parse", "HEAD")).toBe(body.sha);
    expect(await git(dir, "ls-tree", "-r", "HEAD")).toContain("120000");
    const pushed = await commitFile(dir, "b.txt", "pushed\n");
    await git(dir, "push", "-q", "origin", "main");
    const { body: blob } = await server.call("GET", "/repos/both/blob/main/b.txt");
    expect(blob.content).toBe("pushed\n");
    const { body: branch } = await server.call("GET", "/repos/both/branches/main");
    expect(branch.sha).toBe(pushed);
  });

  test("a fetch of one commit brings its three objects and no more", async () => {
    const url = await createRepo("increment");
    const dir = await workRepo("increment-src");
    for (let i = 0; i < 200; i++) await writeFile(join(dir, `file-${i}`), `${i}\n`);
    await commitFile(dir, "file-0", "start\n");
    await git(dir, "push", "-q", url, "main");
    const copy = await clone(url, "increment-copy");
    await commitFile(dir, "file-7", "changed\n");
    await git(dir, "push", "-q", url, "main");
    const before = Number((await git(copy, "count-objects", "-v")).match(/^count: (\d+)/m)?.[1]);
    await git(copy, "-c", "transfer.unpackLimit=100", "fetch", "-q");
    const after = Number((await git(copy, "count-objects", "-v")).match(/^count: (\d+)/m)?.[1]);
    expect(after - before).toBe(3);
  });

  test("5,000 files of incompressible content survive push and clone", async () => {
    const url = await createRepo("large");
    const dir = await workRepo("large-src");
    for (let d = 0; d < 50; d++) {
      await mkdir(join(dir, `d${d}`));
      for (let f = 0; f < 100; f++) await writeFile(join(dir, `d${d}`, `f${f}`), randomBytes(4_000));
    }
    await commitFile(dir, "big.bin", randomBytes(12_000_000));
    await git(dir, "push", "-q", url, "main");
    const copy = await clone(url, "large-copy");
    expect(await git(copy, "rev-parse", "HEAD^{tree}")).toBe(await git(dir, "rev-parse", "HEAD^{tree}"));
    const raw = await fetch(`${server.local.url}/v1/repos/large/raw/main/big.bin`, {
      headers: { "x-api-key": server.local.apiKey },
    });
    const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
    expect(digest(new Uint8Array(await raw.arrayBuffer()))).toBe(
      digest(await readFile(join(dir, "big.bin"))),
    );
  });

  test("40 branches are cloned (a gzip'd request), local work is negotiated", async () => {
    const url = await createRepo("branches");
    const dir = await workRepo("branches-src");
    for (let i = 0; i < 40; i++) {
      await git(dir, "checkout", "-q", "-B", `branch-${i}`);
      await commitFile(dir, `f${i}`, `${i}\n`);
    }
    await git(dir, "checkout", "-q", "-B", "main");
    await git(dir, "push", "-q", url, "--all");
    const copy = await clone(url, "branches-copy");
    expect((await git(copy, "branch", "-r")).split("\n")).toHaveLength(42);
    for (let i = 0; i < 60; i++) await git(copy, "commit", "-q", "--allow-empty", "-m", `local ${i}`);
    const moved = await commitFile(dir, "new", "x\n");
    await git(dir, "push", "-q", url, "main");
    await git(copy, "fetch", "-q");
    expect(await git(copy, "rev-parse", "origin/main")).toBe(moved);
    await git(copy, "-c", "protocol.version=0", "fetch", "-q");
  });

  test("an empty repository is cloned with its default branch", async () => {
    const url = await createRepo("nothing");
    const dir = join(root, "nothing-copy");
    await git(root, "clone", "-q", url, dir);
    expect(await git(dir, "symbolic-ref", "HEAD")).toBe("refs/heads/main");
  });

  test("a push that is not a fast-forward is refused by the client, forced by its user; stale leases fail", async () => {
    const url = await createRepo("force");
    const dir = await workRepo("force-src");
    await commitFile(dir, "a", "1\n");
    await git(dir, "push", "-q", url, "main");
    await git(dir, "commit", "-q", "--amend", "-m", "rewritten");
    await expect(git(dir, "push", "-q", url, "main")).rejects.toThrow(/rejected/);
    await git(dir, "push", "-q", "--force", url, "main");
    const { body } = await server.call("GET", "/repos/force/branches/main");
    expect(body.sha).toBe(await git(dir, "rev-parse", "HEAD"));
  });

  test("atomic pushes move all refs or none", async () => {
    const url = await createRepo("atomic");
    const dir = await workRepo("atomic-src");
    const first = await commitFile(dir, "a", "1\n");
    await git(dir, "push", "-q", url, "main", "main:side");
    await commitFile(dir, "a", "2\n");
    const lease = "--force-with-lease=side:1111111111111111111111111111111111111111";
    await expect(git(dir, "push", "-q", "--atomic", lease, url, "main", "main:side")).rejects.toThrow();
    const { body } = await server.call("GET", "/repos/atomic/branches/main");
    expect(body.sha).toBe(first);
  });

  test("wrong keys are asked for credentials, and other orgs' repositories are not found", async () => {
    const url = await createRepo("private");
    const wrong = url.replace(/x:[^@]+@/, "x:cgk_live_wrong@");
    await expect(git(root, "ls-remote", wrong)).rejects.toThrow(/Authentication failed/);
    await expect(git(root, "ls-remote", url.replace(/x:[^@]+@/, ""))).rejects.toThrow(
      /could not read Username/,
    );
    const bob = await server.createOrg("bob");
    await expect(git(root, "ls-remote", url.replace(/x:[^@]+@/, `x:${bob}@`))).rejects.toThrow(/not found/);
    await git(root, "ls-remote", remote("private", "/git"));
  });
});
