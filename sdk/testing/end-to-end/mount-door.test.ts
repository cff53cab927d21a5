/** The mount's door and the shell's: what a credential may do, as a filesystem says it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../../../server/testing/end-to-end/local-server.ts";
import { type Caller, createCallers } from "../../../server/testing/matrix/callers.ts";
import type { Situation } from "../../../server/testing/matrix/policy.ts";
import { createWorld, SITUATIONS, type World } from "../../../server/testing/matrix/world.ts";
import { createCoregitClient, type MountedFS } from "../../index.ts";

let server: TestServer;
let world: World;
let callers: readonly Caller[];

const [hidden, open] = SITUATIONS as readonly [Situation, Situation];
const free = SITUATIONS.find(({ exists }) => !exists) as Situation;

beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld({
    request: (path, init) => fetch(`${server.local.url}${path}`, init),
    adminKey: server.local.adminKey,
    expireToken: async () => undefined,
  });
  callers = await createCallers(world);
});
afterAll(() => server?.stop());

function clientOf(name: string) {
  const headers = callers.find((caller) => caller.name === name)?.headers;
  const apiKey = headers?.["x-api-key"];
  // An empty one, so that none of this machine's is found.
  return createCoregitClient({ apiKey: apiKey ?? "", baseUrl: server.local.url, retry: false });
}

const mount = (
  name: string,
  repo: string,
  more: { readonly mode?: "ro" | "rw"; readonly branch?: string } = {},
) => {
  const { branch = "main", mode = "rw" } = more;
  return clientOf(name).fs.mount({ repos: [{ slug: repo, branch }], mode, commitMode: "manual" });
};

/** Code and message of what a call rejects with; a word when it does not. */
async function failure(
  call: Promise<unknown>,
): Promise<{ readonly code: unknown; readonly message: string }> {
  return call.then(
    () => ({ code: "none", message: "" }),
    (error: Error & { readonly code?: unknown }) => ({ code: error.code, message: error.message }),
  );
}

const codeOf = async (call: Promise<unknown>) => (await failure(call)).code;

/** Writes a file, commits, and throws away what was refused. */
async function writeTo(fs: MountedFS, path: string): Promise<unknown> {
  await fs.writeFile(path, `${path} ${Date.now()}\n`);
  const code = await codeOf(fs.commit({ message: "through the mount" }));
  await fs.discard();
  await fs.unmount();
  return code;
}

describe("a mount", () => {
  test.each([
    ["nothing", "EACCES"],
    ["a malformed key", "EACCES"],
    ["an unknown key of the org", "EACCES"],
    ["a revoked master key", "EACCES"],
    ["a revoked token", "EACCES"],
    ["the operator's key as if it were an org's", "EACCES"],
    ["a master key of another org", "ENOENT"],
    ["a token of another org", "ENOENT"],
    ["a token for other repositories", "ENOENT"],
  ])("with %s of a private repository is %s, and no other than of a free name", async (name, code) => {
    for (const mode of ["ro", "rw"] as const) {
      const refused = await failure(mount(name, hidden.repo, { mode }));
      const missing = await failure(mount(name, free.repo, { mode }));
      expect(refused.code).toBe(code);
      expect(refused.message.replaceAll(hidden.repo, "?")).toBe(missing.message.replaceAll(free.repo, "?"));
    }
  });

  test.each([
    "a token that reads",
    "a token that reads everywhere",
    "a token that writes everywhere but here",
  ])("with %s reads all, and a commit is EACCES", async (name) => {
    const fs = await mount(name, hidden.repo);
    expect(await fs.readFile("/src/a.txt")).toBe("three\n");
    expect(await writeTo(fs, "/src/by-a-reader.txt")).toBe("EACCES");
  });

  test("with a token for other repositories reads what is public, and a commit is EACCES", async () => {
    const fs = await mount("a token for other repositories", open.repo);
    expect(await fs.readFile("/src/a.txt")).toBe("three\n");
    expect(await writeTo(fs, "/src/by-a-passer.txt")).toBe("EACCES");
  });

  test.each(["a master key", "a token that writes", "a token that reads"])(
    "with %s that was opened to read refuses writes by itself: EROFS",
    async (name) => {
      const fs = await mount(name, hidden.repo, { mode: "ro" });
      expect(await codeOf(fs.writeFile("/src/x.txt", "x"))).toBe("EROFS");
      expect(await codeOf(fs.rm("/src/a.txt"))).toBe("EROFS");
      await fs.unmount();
    },
  );

  test.each([
    ["a master key", "main", "/docs/1.txt", "none"],
    ["a token that writes", "main", "/docs/2.txt", "none"],
    ["a token that writes everywhere", "main", "/docs/3.txt", "none"],
    ["a token that moves some refs", "agent-work", "/docs/4.txt", "none"],
    ["a token that moves some refs", "other-work", "/docs/5.txt", "EACCES"],
    ["a token that changes some paths", "other-work", "/src/6.txt", "none"],
    ["a token that changes some paths", "other-work", "/docs/7.txt", "EACCES"],
    ["a token that moves some refs and changes some paths, everywhere", "agent-work", "/src/8.txt", "none"],
    [
      "a token that moves some refs and changes some paths, everywhere",
      "agent-work",
      "/docs/9.txt",
      "EACCES",
    ],
    [
      "a token that moves some refs and changes some paths, everywhere",
      "other-work",
      "/src/10.txt",
      "EACCES",
    ],
  ])("with %s commits to %s at %s: %s", async (name, branch, path, code) => {
    expect(await writeTo(await mount(name, hidden.repo, { branch }), path)).toBe(code);
    const at = `/repos/${hidden.repo}/blob/${branch}${path}`;
    const { status } = await server.call("GET", at, { key: world.hostKey });
    expect(status).toBe(code === "none" ? 200 : 404);
  });

  test("ends with its token: what is not in its cache is EACCES", async () => {
    const scopes = { [`repos:${hidden.repo}`]: ["read", "write"] };
    const body = { name: "short", scopes };
    const made = await server.call("POST", "/tokens", { key: world.hostKey, body });
    const cg = createCoregitClient({ apiKey: made.body.token, baseUrl: server.local.url, retry: false });
    const fs = await cg.fs.mount({ repos: [{ slug: hidden.repo }], commitMode: "manual" });
    expect(await fs.readFile("/src/a.txt")).toBe("three\n");
    await server.call("DELETE", `/tokens/${made.body.id}`, { key: world.hostKey });
    expect(await codeOf(fs.readFile("/docs/a.txt"))).toBe("EACCES");
    expect(await codeOf(fs.refresh())).toBe("EACCES");
    await fs.writeFile("/src/late.txt", "late");
    expect(await codeOf(fs.commit({ message: "late" }))).toBe("EACCES");
    await fs.discard();
    await fs.unmount();
  });
});

describe("a command on the server", () => {
  const run = (name: string, repo: string, path: string | null) =>
    clientOf(name).workspace.exec(repo, {
      command: path === null ? "cat src/a.txt" : `echo made > ${path}`,
      branch: "agent-work",
      commit: path !== null,
    });

  test.each([
    ["nothing", null, 401],
    ["a revoked token", null, 401],
    ["a master key of another org", null, 404],
    ["a token for other repositories", null, 404],
    ["a token that reads", null, 200],
    ["a token that reads", "src/e1.txt", 403],
    ["a token that writes", "docs/e2.txt", 200],
    ["a token that changes some paths", "src/e3.txt", 200],
    ["a token that changes some paths", "docs/e4.txt", 403],
  ] as const)("with %s that writes %s is answered %d", async (name, path, status) => {
    const reply = await run(name, hidden.repo, path);
    expect(reply.status).toBe(status);
    if (status === 404) expect(reply.error?.message).toBe((await run(name, free.repo, path)).error?.message);
    if (path === null) return;
    const at = `/repos/${hidden.repo}/blob/agent-work/${path}`;
    const found = await server.call("GET", at, { key: world.hostKey });
    expect(found.status).toBe(status === 200 ? 200 : 404);
  });
});
