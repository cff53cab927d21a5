import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSigningKey, mintToken } from "../../../sdk/signing.ts";
import { git, hasGit } from "../real-git.ts";
import { startTestServer, type TestServer } from "./local-server.ts";

let server: TestServer;
let root: string;
let made = 0;

beforeAll(async () => {
  server = await startTestServer();
  root = await mkdtemp(join(tmpdir(), "coregit-tokens-"));
  await server.call("POST", "/repos", { body: { slug: "app" } });
  const changes = ["src/a.ts", "docs/a.md"].map((path) => ({ path, content: `${path}\n` }));
  await server.call("POST", "/repos/app/commits", { body: { branch: "main", message: "m", changes } });
});
afterAll(async () => {
  await server?.stop();
  await rm(root, { recursive: true, force: true });
});

/** A clone that pushes with a token of this rule. */
async function cloneWith(rule: unknown) {
  const token = await server.call("POST", "/tokens", { body: { name: "t", scopes: { "repos:app": rule } } });
  return { ...(await cloneBy(token.body.token)), token: token.body as { id: string; token: string } };
}

async function cloneBy(secret: string) {
  const { host } = new URL(server.local.url);
  const dir = join(root, `clone-${++made}`);
  const url = `http://x:${secret}@${host}/${server.local.org}/app.git`;
  await git(["clone", "-q", url, dir], { cwd: root });
  const run = (args: readonly string[]) => git(args, { cwd: dir, allowFailure: true });
  return {
    run,
    write: (path: string, content: string) => writeFile(join(dir, path), content),
    async commit(path: string, content: string) {
      await writeFile(join(dir, path), content);
      await run(["add", "-A"]);
      await run(["-c", "user.name=A", "-c", "user.email=a@b", "commit", "-q", "-m", path]);
    },
    async push(...refs: string[]) {
      const { status, stderr } = await git(["push", "origin", ...refs], { cwd: dir, allowFailure: true });
      return { status, text: stderr.toString() };
    },
  };
}

describe.runIf(hasGit)("git push with a token", () => {
  test("lands on the refs that its globs name; others are refused, each by itself", async () => {
    const clone = await cloneWith({ ops: ["read", "write"], refs: ["agent/*"] });
    await clone.commit("src/b.ts", "b");
    const pushed = await clone.push("HEAD:refs/heads/agent/one", "HEAD:main");
    expect(pushed.status).not.toBe(0);
    expect(pushed.text).toMatch(/\[new branch\] +HEAD -> agent\/one/);
    expect(pushed.text).toMatch(
      /\[remote rejected\] HEAD -> main \(not permitted to move refs\/heads\/main\)/,
    );
    const atomic = await clone.push("--atomic", "HEAD:refs/heads/agent/two", "HEAD:main");
    expect(atomic.text).not.toContain("[new branch]");
    expect((await server.call("GET", "/repos/app/branches/agent/two")).status).toBe(404);
  });

  test("may change only the paths that its globs name, in every commit that it brings", async () => {
    const clone = await cloneWith({ ops: ["read", "write"], paths: ["src/**"] });
    await clone.commit("src/c.ts", "c");
    expect((await clone.push("HEAD:main")).status).toBe(0);
    await clone.commit("docs/a.md", "not mine\n");
    const refused = await clone.push("HEAD:main", "HEAD:refs/heads/new");
    expect(refused.text.match(/\[remote rejected\].*\(not permitted to change docs\/a\.md\)/g)).toHaveLength(
      2,
    );
    await clone.commit("docs/a.md", "docs/a.md\n");
    // Put back as it was: the branch would not change, but a commit in its history would.
    expect((await clone.push("HEAD:main")).text).toContain("not permitted to change docs/a.md");
    expect((await server.call("GET", "/repos/app/blob/main/docs/a.md")).body.content).toBe("docs/a.md\n");
  });

  test("takes a token that the org has signed itself, until its key is deleted", async () => {
    const { privateKey, publicKey } = await createSigningKey("ES256");
    await server.call("POST", "/public-keys", { body: { key: publicKey, kid: "push" } });
    const clone = await cloneBy(
      await mintToken({
        ...{ privateKey, kid: "push", org: server.local.org, sub: "agent", expiresIn: 600 },
        scopes: { "repos:app": { ops: ["read", "write"], refs: ["agent/*"] } },
      }),
    );
    await clone.commit("src/signed.ts", "s");
    expect((await clone.push("HEAD:main")).text).toContain("not permitted to move refs/heads/main");
    expect((await clone.push("HEAD:refs/heads/agent/signed")).status).toBe(0);
    await server.call("DELETE", "/public-keys/push");
    expect((await clone.run(["fetch", "origin"])).status).not.toBe(0);
  });

  test("counts the commits that it brings, and is refused whole when they are too many", async () => {
    const scopes = { "repos:app": ["read", "write"] };
    const made = await server.call("POST", "/tokens", {
      body: { name: "t", scopes, limits: { commits: 4 } },
    });
    const clone = await cloneBy(made.body.token);
    for (const name of ["q1", "q2", "q3"]) await clone.commit(`src/${name}.ts`, name);
    expect((await clone.push("HEAD:refs/heads/quota")).status).toBe(0);
    // The same commits on another branch are no new ones.
    expect((await clone.push("HEAD:refs/heads/quota-too")).status).toBe(0);
    for (const name of ["q4", "q5"]) await clone.commit(`src/${name}.ts`, name);
    const refused = await clone.push("HEAD:refs/heads/quota", "HEAD:refs/heads/quota-new");
    expect(
      refused.text.match(/\[remote rejected\].*\(quota exceeded: commits of the token, 3 used of 4\)/g),
    ).toHaveLength(2);
    expect((await clone.push("HEAD~1:refs/heads/quota")).status).toBe(0);
    expect((await clone.push("HEAD:refs/heads/quota")).text).toContain("4 used of 4");
    // What moves nothing forward still goes.
    expect((await clone.push(":refs/heads/quota-too")).status).toBe(0);
  });

  test("counts the commits of a pack that is stored as it comes, too", async () => {
    const scopes = { "repos:app": ["read", "write"] };
    const made = await server.call("POST", "/tokens", {
      body: { name: "t", scopes, limits: { commits: 1 } },
    });
    const clone = await cloneBy(made.body.token);
    // More than what is kept as single objects.
    for (let n = 0; n < 120; n++) await clone.write(`src/many-${n}.ts`, `${n}\n`);
    await clone.commit("src/large.ts", "1");
    await clone.commit("src/large.ts", "2");
    expect((await clone.push("HEAD:refs/heads/large")).text).toContain("0 used of 1");
    expect((await clone.push("HEAD~1:refs/heads/large")).status).toBe(0);
    expect((await clone.push("HEAD:refs/heads/large")).text).toContain("1 used of 1");
  });

  test("is refused with a token that may only read, or that was revoked", async () => {
    const clone = await cloneWith(["read"]);
    await clone.commit("src/d.ts", "d");
    expect((await clone.push("HEAD:refs/heads/d")).text).toMatch(/403/);
    await server.call("DELETE", `/tokens/${clone.token.id}`);
    expect((await clone.run(["ls-remote", "origin"])).status).not.toBe(0);
  });
});
