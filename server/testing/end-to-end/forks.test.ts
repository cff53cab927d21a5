import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { git, hasGit } from "../real-git.ts";
import { startTestServer, type TestServer } from "./local-server.ts";

let server: TestServer;
let root: string;

beforeAll(async () => {
  server = await startTestServer();
  root = await mkdtemp(join(tmpdir(), "coregit-forks-"));
});
afterAll(async () => {
  await server?.stop();
  await rm(root, { recursive: true, force: true });
});

const remote = (slug: string) => {
  const { host } = new URL(server.local.url);
  return `http://x:${server.local.apiKey}@${host}/${server.local.org}/${slug}.git`;
};
const run = async (cwd: string, ...args: string[]) => (await git(args, { cwd })).text.trim();

test.runIf(hasGit)(
  "fifty forks made at once outlive their parent, and stock git finds nothing wrong with them",
  async () => {
    await server.call("POST", "/repos", { body: { slug: "parent", init: false } });
    const files = Array.from({ length: 200 }, (_, i) => ({
      path: `src/f${i}.txt`,
      content: `file ${i}\n`.repeat(20),
    }));
    await server.call("POST", "/repos/parent/commits", {
      body: { branch: "main", message: "many", changes: files },
    });
    const source = join(root, "source");
    await run(root, "clone", "-q", remote("parent"), source);
    await run(source, "tag", "-a", "v1", "-m", "one");
    await run(source, "push", "-q", remote("parent"), "main:feature", "v1");
    const made = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        server.call("POST", "/repos/parent/fork", { body: { slug: `fork-${i}` } }),
      ),
    );
    expect(made.map((reply) => reply.status)).toEqual(made.map(() => 201));
    expect((await server.call("DELETE", "/repos/parent")).status).toBe(200);
    const refs = await run(root, "ls-remote", remote("fork-0"));
    for (const i of [0, 17, 49]) {
      const copy = join(root, `fork-${i}`);
      await run(root, "clone", "-q", remote(`fork-${i}`), copy);
      await run(copy, "fsck", "--strict", "--full");
      expect(await run(root, "ls-remote", remote(`fork-${i}`))).toBe(refs);
      expect(await run(copy, "rev-parse", "HEAD")).toBe(await run(source, "rev-parse", "HEAD"));
      await run(
        copy,
        "-c",
        "user.name=A",
        "-c",
        "user.email=a@b",
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        `own ${i}`,
      );
      await run(copy, "push", "-q", "origin", "HEAD:main");
    }
    expect(
      new Set(await Promise.all([0, 17, 49].map((i) => run(root, "ls-remote", remote(`fork-${i}`), "main"))))
        .size,
    ).toBe(3);
  },
);
