/** Clones that are answered from sidecars: whole packs as they lie, and never an object more than git would send. */
import { readdir, readFile } from "node:fs/promises";
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

async function serve(): Promise<GitServer> {
  const server = await startGitServer();
  servers.push(server);
  return server;
}

/** `count` commits on `branch`, each with a file of its own: more objects than a push may have to stay unpacked. */
async function importCommits(repo: RealRepo, branch: string, count: number, from?: string): Promise<void> {
  let script = "";
  for (let i = 0; i < count; i++) {
    const parent = i === 0 && from ? `from ${from}\n` : "";
    const who = `committer C <c@example.com> ${1_700_000_000 + i * 10} +0000`;
    const text = `${branch} ${i}\n`.repeat(20);
    script += `commit refs/heads/${branch}\n${who}\ndata 1\n.\n${parent}`;
    script += `M 100644 inline dir-${i % 5}/${branch}-${i}\ndata ${text.length}\n${text}\n`;
  }
  await repo.git(["fast-import", "--quiet"], { input: script });
}

async function clone(server: GitServer, ...args: string[]): Promise<string> {
  const folder = `${await makeFolder()}/clone.git`;
  await git(["clone", "-q", "--bare", ...args, server.url, folder]);
  expect((await git(["fsck", "--strict", "--full"], { cwd: folder })).text).toBe("");
  return folder;
}

async function listObjects(cwd: string): Promise<string[]> {
  const { text } = await git(["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"], { cwd });
  return text.split("\n").sort();
}

async function listReachable(repo: RealRepo, ...refs: string[]): Promise<string[]> {
  const { text } = await repo.git(["rev-list", "--objects", "--no-object-names", ...refs]);
  return text.split("\n").sort();
}

async function readPacks(folder: string): Promise<Buffer[]> {
  const packs = (await readdir(`${folder}/objects/pack`)).filter((name) => name.endsWith(".pack"));
  return Promise.all(packs.map((name) => readFile(`${folder}/objects/pack/${name}`)));
}

async function readStoredPacks(server: GitServer): Promise<Uint8Array[]> {
  const entries = (await server.open().snapshot()).packs ?? [];
  const files = await Promise.all(entries.map(({ key }) => server.files.readFile(`${key}.pack`)));
  return files.flatMap((file) => file ?? []);
}

describe.runIf(hasGit)("a clone", () => {
  test.each([0, 2])(
    "of what was pushed at once is the stored pack, byte for byte (protocol v%i)",
    async (version) => {
      await using repo = await makeRepo();
      await importCommits(repo, "main", 60);
      await repo.git(["tag", "-a", "-m", "a tag", "v1", "main~3"]);
      const server = await serve();
      await repo.git(["push", "-q", server.url, "main", "v1"]);
      const [stored, ...others] = await readStoredPacks(server);
      expect(others).toEqual([]);
      const [sent] = await readPacks(await clone(server, "-c", `protocol.version=${version}`));
      expect(sent && stored && Buffer.compare(sent, stored)).toBe(0);
    },
  );

  test("brings nothing of a branch that was deleted, although its objects lie in the same pack", async () => {
    await using repo = await makeRepo();
    await importCommits(repo, "main", 60);
    await importCommits(repo, "secret", 40, "main");
    const server = await serve();
    await repo.git(["push", "-q", server.url, "main", "secret"]);
    expect(await listObjects(await clone(server))).toEqual(await listReachable(repo, "main", "secret"));
    await repo.git(["push", "-q", server.url, ":secret"]);
    expect(await listObjects(await clone(server))).toEqual(await listReachable(repo, "main"));
  });

  test("brings one branch alone when it is asked for one, with the tags on it", async () => {
    await using repo = await makeRepo();
    await importCommits(repo, "main", 60);
    await importCommits(repo, "side", 40, "main~5");
    await repo.git(["tag", "-a", "-m", "here", "on-main", "main~1"]);
    await repo.git(["tag", "-a", "-m", "again", "tag-of-tag", "on-main"]);
    await repo.git(["tag", "-a", "-m", "there", "on-side", "side"]);
    const server = await serve();
    await repo.git(["push", "-q", server.url, "main", "side", "--tags"]);
    const folder = await clone(server, "--single-branch", "--branch=main");
    expect(await listObjects(folder)).toEqual(await listReachable(repo, "main", "tag-of-tag"));
  });

  test("of several packs, one of them with objects of another, and of fresh commits has each object once", async () => {
    await using repo = await makeRepo();
    await importCommits(repo, "main", 60);
    const server = await serve();
    await repo.git(["push", "-q", server.url, "main"]);
    await importCommits(repo, "next", 60, "main");
    await repo.git(["push", "-q", server.url, "next"]);
    // Not thin, and with the whole history again: a client without our refs sends what is here already.
    await importCommits(repo, "again", 40, "main~2");
    await repo.git(["push", "-q", "--no-thin", server.url, "again"]);
    await importCommits(repo, "fresh", 2, "next");
    await repo.git(["push", "-q", server.url, "fresh"]);
    expect((await readStoredPacks(server)).length).toBeGreaterThan(1);
    const folder = await clone(server);
    const [pack, ...others] = await readPacks(folder);
    expect(others).toEqual([]);
    const expected = await listReachable(repo, "main", "next", "again", "fresh");
    expect(pack?.readUInt32BE(8)).toBe(expected.length);
    expect(await listObjects(folder)).toEqual(expected);
  });
});
