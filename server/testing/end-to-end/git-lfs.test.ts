/** Large files with the real git-lfs, against the real server. */
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type LocalServer, startLocal } from "../../local/start-local.ts";
import { prepareBuild } from "../cli-process.ts";
import { type GitResult, git, hasGitLfs } from "../real-git.ts";

let folder: string;
let server: LocalServer;

beforeAll(async () => {
  await prepareBuild();
  folder = await mkdtemp(join(tmpdir(), "coregit-lfs-"));
  server = await startLocal({ dataDir: join(folder, "data"), limits: "off" });
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

async function api(method: string, path: string, body?: object, key = server.apiKey) {
  const response = await server.fetch(`/v1${path}`, {
    method,
    headers: { "x-api-key": key, ...(body ? { "content-type": "application/json" } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return { status: response.status, json: await response.json() };
}

function repoUrl(slug: string, key = server.apiKey): string {
  return `${server.url.replace("://", `://agent:${key}@`)}/${server.org}/${slug}.git`;
}

async function lfs(
  slug: string,
  method: string,
  path: string,
  options: { body?: object; key?: string | null } = {},
) {
  const { key = server.apiKey } = options;
  const response = await server.fetch(`/${server.org}/${slug}.git/info/lfs/${path}`, {
    method,
    headers: {
      accept: "application/vnd.git-lfs+json",
      ...(key === null ? {} : { authorization: `Basic ${Buffer.from(`agent:${key}`).toString("base64")}` }),
      ...(options.body ? { "content-type": "application/vnd.git-lfs+json" } : {}),
    },
    ...(options.body ? { body: JSON.stringify(options.body) } : {}),
  });
  return { status: response.status, headers: response.headers, json: await response.json() };
}

async function put(slug: string, bytes: Uint8Array, oid = sha256(bytes)) {
  const response = await server.fetch(`/${server.org}/${slug}.git/info/lfs/objects/${oid}`, {
    method: "PUT",
    headers: { authorization: `Basic ${Buffer.from(`agent:${server.apiKey}`).toString("base64")}` },
    body: Buffer.from(bytes),
  });
  return { status: response.status, json: await response.json() };
}

async function makeToken(scopes: object): Promise<string> {
  return (await api("POST", "/tokens", { name: "t", scopes })).json.token;
}

describe.runIf(hasGitLfs)("git-lfs (needs git-lfs)", () => {
  /** A working copy with LFS filters of its own: nothing of the machine's configuration is touched. */
  async function makeClone(
    slug: string,
    name: string,
    key?: string,
  ): Promise<(...args: string[]) => Promise<GitResult>> {
    const dir = join(folder, name);
    await git(["clone", "-q", "--config", "filter.lfs.required=true", ...FILTERS, repoUrl(slug, key), dir]);
    return (...args) => git(args, { cwd: dir, allowFailure: true });
  }
  const FILTERS = [
    "filter.lfs.clean=git-lfs clean -- %f",
    "filter.lfs.smudge=git-lfs smudge -- %f",
    "filter.lfs.process=git-lfs filter-process",
  ].flatMap((setting) => ["--config", setting]);

  test("pushes and clones; a fork has them when its parent is gone", async () => {
    await api("POST", "/repos", { slug: "media" });
    const work = await makeClone("media", "work");
    const contents = [randomBytes(3_000_000), randomBytes(10), Buffer.alloc(0)];
    await writeFile(join(folder, "work/.gitattributes"), "*.bin filter=lfs diff=lfs merge=lfs -text\n");
    for (const [i, bytes] of contents.entries()) await writeFile(join(folder, `work/${i}.bin`), bytes);
    await work("add", ".");
    await work("commit", "-q", "-m", "media");
    // The hook that `git lfs install` makes, by hand.
    expect(await work("lfs", "push", "origin", "main")).toMatchObject({ status: 0 });
    expect(await work("push", "-q", "origin", "main")).toMatchObject({ status: 0 });

    const pointer = (await api("GET", "/repos/media/blob/main/0.bin")).json.content;
    expect(pointer).toContain(`oid sha256:${sha256(contents[0] as Uint8Array)}\nsize 3000000`);
    await makeClone("media", "copy");
    for (const [i, bytes] of contents.entries()) {
      expect(sha256(await readFile(join(folder, `copy/${i}.bin`)))).toBe(sha256(bytes));
    }

    expect((await api("POST", "/repos/media/fork", { slug: "media-fork" })).status).toBe(201);
    expect((await api("POST", "/repos/media-fork/fork", { slug: "media-fork-2" })).status).toBe(201);
    expect((await api("DELETE", "/repos/media")).status).toBe(200);
    expect((await api("DELETE", "/repos/media-fork")).status).toBe(200);
    await makeClone("media-fork-2", "fork-copy");
    expect(sha256(await readFile(join(folder, "fork-copy/0.bin")))).toBe(sha256(contents[0] as Uint8Array));
    const fsck = await git(["lfs", "fsck"], { cwd: join(folder, "fork-copy") });
    expect(fsck.status).toBe(0);
  });

  test("locks, lists and unlocks; the lock of another stays", async () => {
    await api("POST", "/repos", { slug: "locked" });
    const work = await makeClone("locked", "locker");
    expect((await work("lfs", "lock", "art/a.psd")).stdout.toString()).toContain("Locked art/a.psd");
    const agent = await makeToken({ "repos:locked": ["read", "write"] });
    const other = await makeClone("locked", "other", agent);
    expect((await other("lfs", "locks")).text).toContain("art/a.psd");
    const refused = await other("lfs", "lock", "art/a.psd");
    expect(refused.status).not.toBe(0);
    expect(refused.stderr + refused.text).toContain("art/a.psd is locked already");
    const broken = await other("lfs", "unlock", "--force", "art/a.psd");
    expect(broken.stderr + broken.text).toContain("Only a master key breaks the lock of another");
    expect((await work("lfs", "unlock", "art/a.psd")).text).toContain("Unlocked art/a.psd");
    expect((await other("lfs", "lock", "art/a.psd")).status).toBe(0);
    expect((await work("lfs", "unlock", "--force", "art/a.psd")).status).toBe(0);
    expect((await work("lfs", "locks")).text).toBe("");
  });
});

describe("large files", () => {
  const bytes = randomBytes(1_000);
  const oid = sha256(bytes);

  test("an object is there once it has arrived whole, and under its own name only", async () => {
    await api("POST", "/repos", { slug: "plain" });
    const query = { operation: "download", objects: [{ oid, size: 1_000 }] };
    const missing = await lfs("plain", "POST", "objects/batch", { body: query });
    expect(missing.json.objects).toEqual([
      { oid, size: 1_000, error: { code: 404, message: expect.any(String) } },
    ]);

    expect((await put("plain", randomBytes(1_000), oid)).status).toBe(422);
    expect((await lfs("plain", "GET", `objects/${oid}`)).status).toBe(404);
    const early = await lfs("plain", "POST", "objects/verify", { body: { oid, size: 1_000 } });
    expect(early.status).toBe(404);

    expect((await put("plain", bytes)).status).toBe(200);
    expect((await lfs("plain", "POST", "objects/verify", { body: { oid, size: 1_000 } })).status).toBe(200);
    expect((await lfs("plain", "POST", "objects/verify", { body: { oid, size: 999 } })).status).toBe(404);
    const again = await lfs("plain", "POST", "objects/batch", { body: { ...query, operation: "upload" } });
    expect(again.json.objects).toEqual([{ oid, size: 1_000, authenticated: true }]);
  });

  test("gives ranges, and heads without a body", async () => {
    const path = `/${server.org}/plain.git/info/lfs/objects/${oid}`;
    const authorization = `Basic ${Buffer.from(`agent:${server.apiKey}`).toString("base64")}`;
    const part = await server.fetch(path, { headers: { authorization, range: "bytes=10-19" } });
    expect([part.status, part.headers.get("content-range")]).toEqual([206, "bytes 10-19/1000"]);
    expect(Buffer.from(await part.arrayBuffer())).toEqual(bytes.subarray(10, 20));
    const head = await server.fetch(path, { method: "HEAD", headers: { authorization } });
    expect([head.status, head.headers.get("content-length")]).toEqual([200, "1000"]);
    const beyond = await server.fetch(path, { headers: { authorization, range: "bytes=1000-" } });
    expect([beyond.status, beyond.headers.get("content-range")]).toEqual([416, "bytes */1000"]);
  });

  test("shows nobody what they may not read, and takes nothing from whom may not write", async () => {
    const query = { operation: "download", objects: [{ oid, size: 1_000 }] };
    const upload = { ...query, operation: "upload" };
    const anonymous = await lfs("plain", "POST", "objects/batch", { body: query, key: null });
    expect([anonymous.status, anonymous.headers.get("lfs-authenticate")]).toEqual([
      401,
      'Basic realm="coregit"',
    ]);
    expect(await lfs("free-name", "POST", "objects/batch", { body: query, key: null })).toMatchObject({
      status: 401,
    });
    const elsewhere = await makeToken({ "repos:other": ["read", "write"] });
    expect((await lfs("plain", "POST", "objects/batch", { body: query, key: elsewhere })).status).toBe(404);
    const reader = await makeToken({ "repos:plain": ["read"] });
    expect((await lfs("plain", "POST", "objects/batch", { body: query, key: reader })).status).toBe(200);
    expect((await lfs("plain", "POST", "objects/batch", { body: upload, key: reader })).status).toBe(403);
    expect((await lfs("plain", "POST", "locks", { body: { path: "a" }, key: reader })).status).toBe(403);
    // Another repository does not have the object because this one has it.
    await api("POST", "/repos", { slug: "empty" });
    expect((await lfs("empty", "GET", `objects/${oid}`)).status).toBe(404);
    const writer = await makeToken({ "repos:plain": { ops: ["read", "write"], paths: ["src/**"] } });
    expect((await lfs("plain", "POST", "locks", { body: { path: "docs/a" }, key: writer })).status).toBe(403);
    expect((await lfs("plain", "POST", "locks", { body: { path: "src/a" }, key: writer })).status).toBe(201);
  });

  test.each([
    ["no JSON", "POST", "objects/batch", undefined, 400],
    ["another operation", "POST", "objects/batch", { operation: "delete", objects: [] }, 400],
    ["another hash", "POST", "objects/batch", { operation: "download", objects: [], hash_algo: "md5" }, 409],
    [
      "another transfer",
      "POST",
      "objects/batch",
      { operation: "download", objects: [], transfers: ["tus"] },
      422,
    ],
    [
      "too many",
      "POST",
      "objects/batch",
      { operation: "download", objects: Array(1_001).fill({ oid, size: 1 }) },
      400,
    ],
    ["a path outside", "POST", "locks", { path: "../a" }, 400],
    ["a lock that is not there", "POST", "locks/0-0/unlock", {}, 404],
    ["a bad cursor", "GET", "locks?cursor=x", undefined, 400],
    ["no such address", "GET", "objects", undefined, 404],
  ])("refuses %s", async (_name, method, path, body, status) => {
    const reply = await lfs("plain", method, path, body ? { body } : {});
    expect(reply.status).toBe(status);
    expect(reply.json.message).toBeTruthy();
    expect(reply.headers.get("content-type")).toBe("application/vnd.git-lfs+json");
  });

  test("refuses a bad object alone", async () => {
    const objects = [
      { oid: "x", size: 1 },
      { oid, size: -1 },
      { oid: "0".repeat(64), size: 6_000_000_000 },
      { oid: "1".repeat(64), size: 5 },
    ];
    const { json } = await lfs("plain", "POST", "objects/batch", { body: { operation: "upload", objects } });
    expect(json.objects.map((object: { error?: { code: number } }) => object.error?.code)).toEqual([
      422,
      422,
      422,
      undefined,
    ]);
    expect(json.objects[3].actions.upload.href).toContain(`/info/lfs/objects/${"1".repeat(64)}`);
  });
});
