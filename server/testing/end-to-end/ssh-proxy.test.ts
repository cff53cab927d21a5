/** git over SSH with the real clients of both, through the proxy, against the real server. */
import { execFile, spawnSync } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ssh2 from "ssh2";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAuthorizedKeys, parseAuthorizedKeys } from "../../local/ssh/authorized-keys.ts";
import { type SshProxy, startSshProxy } from "../../local/ssh/ssh-proxy.ts";
import { type LocalServer, startLocal } from "../../local/start-local.ts";
import { prepareBuild } from "../cli-process.ts";
import { git, hasGit, hasGitLfs } from "../real-git.ts";

const hasSsh = spawnSync("ssh", ["-V"]).status === 0;

let folder: string;
let server: LocalServer;
let proxy: SshProxy;
const log: string[] = [];

beforeAll(async () => {
  await prepareBuild();
  folder = await mkdtemp(join(tmpdir(), "coregit-ssh-"));
  server = await startLocal({ dataDir: join(folder, "data"), limits: "off" });
  const reader = await makeToken({ "repos:app": ["read"] });
  const lines = [
    "# whose key is whose",
    await makeKey("owner", server.apiKey, "ed25519"),
    await makeKey("reader", reader, "rsa"),
  ];
  await writeFile(join(folder, "authorized_keys"), `${lines.join("\n")}\n`);
  const hostKey = ssh2.utils.generateKeyPairSync("ed25519");
  proxy = await startSshProxy({
    upstream: server.url,
    hostKey: hostKey.private,
    keys: createAuthorizedKeys(join(folder, "authorized_keys")),
    port: 0,
    onLog: (line) => log.push(line),
  });
  await writeFile(join(folder, "known_hosts"), `[127.0.0.1]:${proxy.port} ${hostKey.public}\n`);
  await api("POST", "/repos", { slug: "app" });
});
afterAll(async () => {
  await proxy.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

async function api(method: string, path: string, body?: object) {
  const response = await server.fetch(`/v1${path}`, {
    method,
    headers: { "x-api-key": server.apiKey, ...(body ? { "content-type": "application/json" } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return await response.json();
}

const makeToken = async (scopes: object): Promise<string> =>
  (await api("POST", "/tokens", { name: "t", scopes })).token;

/** A key pair for an SSH client, and the line that lets it in. */
async function makeKey(name: string, apiKey: string, kind: "ed25519" | "rsa"): Promise<string> {
  const pair =
    kind === "rsa"
      ? ssh2.utils.generateKeyPairSync("rsa", { bits: 2_048 })
      : ssh2.utils.generateKeyPairSync(kind);
  await writeFile(join(folder, name), pair.private);
  await chmod(join(folder, name), 0o600);
  return `environment="COREGIT_API_KEY=${apiKey}" ${pair.public} ${name}`;
}

function sshOf(name: string): string {
  const options = [
    ["IdentityFile", join(folder, name)],
    ["IdentitiesOnly", "yes"],
    ["UserKnownHostsFile", join(folder, "known_hosts")],
    ["StrictHostKeyChecking", "yes"],
    ["BatchMode", "yes"],
  ];
  return `ssh -F /dev/null ${options.map(([key, value]) => `-o ${key}=${value}`).join(" ")}`;
}

const urlOf = (repo: string) => `ssh://git@127.0.0.1:${proxy.port}/${server.org}/${repo}.git`;

/** Runs a command over there, as somebody would by hand. */
function runThere(command: string): Promise<{ status: number; stdout: string; stderr: string }> {
  const [program = "", ...args] = sshOf("owner").split(" ");
  return new Promise((done) => {
    execFile(
      program,
      [...args, "-p", String(proxy.port), "git@127.0.0.1", command],
      (error, stdout, stderr) => done({ status: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

/** git as `name`, speaking the given version of the protocol. */
function gitAs(name: string, version: number, cwd = folder) {
  return (...args: string[]) =>
    git(["-c", `protocol.version=${version}`, ...args], {
      cwd,
      env: { GIT_SSH_COMMAND: sshOf(name), GIT_SSH_VARIANT: "ssh" },
      allowFailure: true,
    });
}

async function commit(dir: string, name: string, content = name): Promise<void> {
  await writeFile(join(dir, name), content);
  await git(["add", "."], { cwd: dir });
  await git(["commit", "-q", "-m", name], { cwd: dir });
}

describe.runIf(hasGit && hasSsh)("git over SSH (needs ssh)", () => {
  test.each([0, 1, 2])("clones, pushes, fetches and deepens with protocol version %i", async (version) => {
    const slug = `matrix-${version}`;
    await api("POST", "/repos", { slug });
    const [first, second] = [join(folder, `first-${version}`), join(folder, `second-${version}`)];
    const run = gitAs("owner", version);
    expect(await run("clone", "-q", urlOf(slug), first)).toMatchObject({ status: 0, stderr: "" });
    const inFirst = gitAs("owner", version, first);
    const inSecond = gitAs("owner", version, second);
    for (let i = 0; i < 12; i++) await commit(first, `file-${i}`);
    expect(await inFirst("push", "-q", "origin", "main", "main:side")).toMatchObject({ status: 0 });
    expect(await run("clone", "-q", urlOf(slug), second)).toMatchObject({ status: 0 });

    // Both go on, so that they must find what they have in common.
    for (let i = 0; i < 20; i++) await commit(second, `own-${i}`);
    for (let i = 12; i < 15; i++) await commit(first, `file-${i}`);
    await git(["tag", "-a", "v1", "-m", "one"], { cwd: first });
    expect(await inFirst("push", "-q", "--follow-tags", "origin", "main")).toMatchObject({ status: 0 });
    expect(await inSecond("fetch", "-q", "origin")).toMatchObject({ status: 0 });
    const heads = await Promise.all([
      inSecond("rev-parse", "origin/main", "v1"),
      inFirst("rev-parse", "main", "v1"),
    ]);
    expect(heads[0].text).toBe(heads[1].text);
    const refused = await inSecond("push", "origin", "main");
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining("[rejected]")]);

    const shallow = join(folder, `shallow-${version}`);
    expect(await run("clone", "-q", "--depth", "2", urlOf(slug), shallow)).toMatchObject({ status: 0 });
    const inShallow = gitAs("owner", version, shallow);
    expect((await inShallow("rev-list", "--count", "HEAD")).text).toBe("2");
    await commit(first, "later");
    await inFirst("push", "-q", "origin", "main");
    expect(await inShallow("fetch", "-q", "--deepen", "3")).toMatchObject({ status: 0 });
    expect((await inShallow("rev-list", "--count", "origin/main")).text).toBe("6");
    expect(await inShallow("fetch", "-q", "--unshallow")).toMatchObject({ status: 0 });
    expect((await inShallow("rev-list", "--count", "origin/main")).text).toBe("17");
    const fsck = await inShallow("fsck", "--strict");
    expect([fsck.status, fsck.text]).toEqual([0, ""]);

    // Deleting sends no pack, and the client does not end its side before it has its answer.
    expect(await inFirst("push", "-q", "origin", ":side")).toMatchObject({ status: 0 });
    expect((await run("ls-remote", "--heads", urlOf(slug))).text).not.toContain("side");
    expect(await inFirst("push", "-q", "origin", "main")).toMatchObject({ status: 0 });
    expect(await inSecond("fetch", "-q", "origin")).toMatchObject({ status: 0 });
  });

  test("moves megabytes without holding them, both ways", async () => {
    await api("POST", "/repos", { slug: "large" });
    const dir = join(folder, "large");
    await gitAs("owner", 2)("clone", "-q", urlOf("large"), dir);
    const noise = Buffer.alloc(12_000_000);
    for (let i = 0, state = 1; i < noise.length; i++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      noise[i] = state >>> 24;
    }
    await writeFile(join(dir, "noise.bin"), noise);
    await commit(dir, "note");
    expect(await gitAs("owner", 2, dir)("push", "-q", "origin", "main")).toMatchObject({ status: 0 });
    expect(await gitAs("owner", 2)("clone", "-q", urlOf("large"), join(folder, "large-copy"))).toMatchObject({
      status: 0,
    });
    const same = await git(["diff", "--no-index", "--quiet", "large/noise.bin", "large-copy/noise.bin"], {
      cwd: folder,
    });
    expect(same.status).toBe(0);
  });

  test("a key may do what its API key may", async () => {
    const read = gitAs("reader", 2);
    expect(await read("clone", "-q", urlOf("app"), join(folder, "read"))).toMatchObject({ status: 0 });
    await commit(join(folder, "read"), "mine");
    const push = await gitAs("reader", 2, join(folder, "read"))("push", "origin", "main");
    expect([push.status, push.stderr]).toEqual([
      128,
      expect.stringContaining("coregit: The API key does not permit this"),
    ]);
    const private_ = await read("ls-remote", urlOf("large"));
    const absent = await read("ls-remote", urlOf("nothing-here"));
    expect(private_.stderr.replaceAll("large", "nothing-here")).toBe(absent.stderr);
    expect(absent.stderr).toContain("coregit: Repository not found");
  });

  test("a key that is taken out of the file opens nothing any more; one never in it never did", async () => {
    const line = await makeKey("guest", server.apiKey, "ed25519");
    const list = () => gitAs("guest", 2)("ls-remote", urlOf("app"));
    expect((await list()).stderr).toContain("Permission denied (publickey)");
    const before = await readFile(join(folder, "authorized_keys"), "utf8");
    await writeFile(join(folder, "authorized_keys"), `${before}${line}\n`);
    expect(await list()).toMatchObject({ status: 0 });
    await writeFile(join(folder, "authorized_keys"), before);
    expect((await list()).stderr).toContain("Permission denied (publickey)");
  });

  test.each([
    "ls",
    "git-upload-pack '../passwd'",
    "git-upload-pack '/acme/../x.git'",
    "git-upload-archive '/acme/app.git'",
    "git-upload-pack '/acme/a.git'; ls",
  ])("runs nothing but git: %s", async (command) => {
    expect(await runThere(command)).toEqual({
      status: 128,
      stdout: "",
      stderr: expect.stringContaining("coregit: only git-upload-pack"),
    });
  });

  test.runIf(hasGitLfs)(
    "sends git-lfs to the server, with a token instead of the master key (needs git-lfs)",
    async () => {
      const asked = await runThere(`git-lfs-authenticate ${server.org}/app.git upload`);
      const answer = JSON.parse(asked.stdout);
      expect(answer).toMatchObject({
        href: `${server.url}/${server.org}/app.git/info/lfs`,
        expires_in: 3_600,
      });
      expect(Buffer.from(answer.header.Authorization.slice(6), "base64").toString()).toMatch(/^git:cgt_/);
      const dir = join(folder, "with-lfs");
      await gitAs("owner", 2)("clone", "-q", urlOf("app"), dir);
      await git(["config", "filter.lfs.clean", "git-lfs clean -- %f"], { cwd: dir });
      await writeFile(join(dir, ".gitattributes"), "*.bin filter=lfs -text\n");
      await writeFile(join(dir, "a.bin"), "large, let us say");
      await commit(dir, "note");
      expect(await gitAs("owner", 2, dir)("lfs", "push", "origin", "main")).toMatchObject({ status: 0 });
    },
  );

  test("told the operator of nothing: clients' mistakes are theirs", () => {
    expect(log).toEqual([]);
  });
});

test.each([
  ["no option", "ssh-ed25519 AAAA", "line 1: begin it with environment"],
  ["no key", '\n# mine\nenvironment="COREGIT_API_KEY=x" hello', "line 3: "],
])("a bad line in the file of keys is named: %s", (_name, text, message) => {
  expect(() => parseAuthorizedKeys(text)).toThrow(message);
});
