/** Git's door: the same policy as the API's, seen by stock git and by hand-made requests. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Caller, createCallers } from "../matrix/callers.ts";
import type { Situation } from "../matrix/policy.ts";
import { createWorld, GUEST, HOST, SITUATIONS, type World } from "../matrix/world.ts";
import { git, hasGit, makeFolder, makeRepo, type RealRepo } from "../real-git.ts";
import { startTestServer, type TestServer } from "./local-server.ts";

let server: TestServer;
let world: World;
let callers: readonly Caller[];
let root: string;

const [hidden, open] = SITUATIONS as readonly [Situation, Situation];
const free = SITUATIONS.find(({ exists }) => !exists) as Situation;

beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld({
    request: (path, init) => fetch(`${server.local.url}${path}`, init),
    adminKey: server.local.adminKey,
    expireToken: async () => undefined,
  });
  const all = await createCallers(world);
  callers = all.filter(({ name, proof }) => proof.session === null && name !== "an expired token");
  root = await makeFolder();
});
afterAll(() => server?.stop());

/** What a caller gives git as its password. */
function passwordOf({ headers }: Caller): string | null {
  return headers["x-api-key"] ?? headers.authorization?.slice("Bearer ".length) ?? null;
}

const basic = (password: string) => ({
  authorization: `Basic ${Buffer.from(`any:${password}`).toString("base64")}`,
});

/** Who asks, as far as the host org is concerned: `stranger` with nothing, or with what another org has given. */
function standing(caller: Caller): "holder" | "stranger" | "refused" {
  const { holder } = caller.proof;
  if (holder?.org === HOST) return "holder";
  const password = passwordOf(caller);
  if (password === null) return "stranger";
  const claims = /^eyJ[^.]+\.([^.]+)\./.exec(password)?.[1];
  // A signed token says by name whose it is.
  if (claims !== undefined) {
    const { iss } = JSON.parse(Buffer.from(claims, "base64url").toString());
    return iss === HOST ? "refused" : "stranger";
  }
  const org = /^(?:cgk_live_|cgt_)(.{12}).{28}$/.exec(password)?.[1];
  return org === undefined || org === world.hostKey.slice(9, 21) ? "refused" : "stranger";
}

/** docs/access.md for git: 401 asks for a password, so it is all that who sends none is ever told. */
function judgeGit(caller: Caller, { repo, exists, isPublic }: Situation, writes: boolean): number {
  const who = standing(caller);
  if (who === "refused") return 401;
  if (who === "stranger") {
    if (writes) return 401;
    if (exists && isPublic) return 200;
    return passwordOf(caller) === null ? 401 : 404;
  }
  const { holder } = caller.proof;
  const rule = holder?.ruleFor(repo) ?? null;
  if (!exists || !(isPublic || rule)) return 404;
  return writes && !rule?.writes ? 403 : 200;
}

interface Exchange {
  readonly method: "GET" | "POST";
  readonly end: string;
  readonly writes: boolean;
  /** That it writes is in its body: it has to be let in to read before. */
  readonly readsFirst?: true;
  /** Of a request for large files. */
  readonly body?: () => unknown;
}

const DISCOVERIES: readonly Exchange[] = [
  { method: "GET", end: "info/refs?service=git-upload-pack", writes: false },
  { method: "GET", end: "info/refs?service=git-receive-pack", writes: true },
];
const CALLS: readonly Exchange[] = [
  { method: "POST", end: "git-upload-pack", writes: false },
  { method: "POST", end: "git-receive-pack", writes: true },
];

const LFS_OBJECTS = [{ oid: "a".repeat(64), size: 1 }];
let locked = 0;
const LFS_CALLS: readonly Exchange[] = [
  {
    method: "POST",
    end: "info/lfs/objects/batch",
    writes: false,
    body: () => ({ operation: "download", objects: LFS_OBJECTS }),
  },
  {
    method: "POST",
    end: "info/lfs/objects/batch?to=upload",
    writes: true,
    readsFirst: true,
    body: () => ({ operation: "upload", objects: LFS_OBJECTS }),
  },
  { method: "GET", end: "info/lfs/locks", writes: false },
  { method: "POST", end: "info/lfs/locks", writes: true, body: () => ({ path: `src/${++locked}.bin` }) },
  { method: "POST", end: "info/lfs/locks/verify", writes: true, body: () => ({}) },
];

async function ask(caller: Caller, repo: string, { method, end, body }: Exchange) {
  const password = passwordOf(caller);
  const type = body ? "application/vnd.git-lfs+json" : `application/x-${end}-request`;
  const response = await fetch(`${server.local.url}/${HOST}/${repo}.git/${end}`, {
    method,
    headers: {
      "x-request-id": "matrix-request",
      ...(password === null ? {} : basic(password)),
      ...(method === "POST" && { "content-type": type }),
    },
    ...(method === "POST" && { body: body ? JSON.stringify(body()) : "not a packet" }),
  });
  const text = await response.text();
  const headers = [...response.headers].filter(([name]) => name !== "date");
  const shown = JSON.stringify(headers).replace(/dur=[\d.]+/g, "dur=0");
  return { status: response.status, shown: `${response.status} ${shown} ${text}` };
}

describe("git's requests are let through and refused as the policy says", () => {
  test.each([...DISCOVERIES, ...LFS_CALLS])("$method $end", async (exchange) => {
    const faults: string[] = [];
    for (const caller of callers) {
      for (const situation of SITUATIONS) {
        const first = exchange.readsFirst ? judgeGit(caller, situation, false) : 200;
        const expected = first === 200 ? judgeGit(caller, situation, exchange.writes) : first;
        const { status } = await ask(caller, situation.repo, exchange);
        if ((status === 201 ? 200 : status) !== expected)
          faults.push(`${caller.name}, ${situation.repo}: ${status}, not ${expected}`);
      }
    }
    expect(faults).toEqual([]);
  });

  test.each([...DISCOVERIES, ...CALLS, ...LFS_CALLS])(
    "$method $end of a private repository answers as of a free name, whatever the body holds",
    async (exchange) => {
      const faults: string[] = [];
      for (const caller of callers) {
        if (judgeGit(caller, hidden, exchange.writes) === 200) continue;
        if (judgeGit(caller, hidden, exchange.writes) === 403) continue;
        const [refused, missing] = [
          await ask(caller, hidden.repo, exchange),
          await ask(caller, free.repo, exchange),
        ];
        if (refused.shown !== missing.shown)
          faults.push(`${caller.name}: ${refused.shown} ≠ ${missing.shown}`);
      }
      expect(faults).toEqual([]);
    },
  );
});

function urlOf(repo: string, password: string | null, org = HOST): string {
  const { host } = new URL(server.local.url);
  return `http://${password === null ? "" : `x:${password}@`}${host}/${org}/${repo}.git`;
}

describe.runIf(hasGit)("stock git", () => {
  let clone: string;

  beforeAll(async () => {
    clone = join(root, "clone");
    await git(["clone", "-q", urlOf(open.repo, world.hostKey), clone]);
    await git(["remote", "add", "hide", urlOf(hidden.repo, world.hostKey)], { cwd: clone });
    await git(["fetch", "-q", "hide"], { cwd: clone });
    await git(["checkout", "-q", "-B", "work", "hide/main"], { cwd: clone });
    await commit("src/pushed.txt");
  });

  async function commit(path: string): Promise<void> {
    await writeFile(join(clone, path), path);
    await git(["add", "-A"], { cwd: clone });
    await git(["commit", "-q", "-m", path], { cwd: clone });
  }

  const find = (name: string) => callers.find((caller) => caller.name === name) as Caller;
  const passwordFor = (name: string) => passwordOf(find(name));

  /** What became of each ref of a push. */
  async function push(name: string, ...refs: string[]) {
    const url = urlOf(hidden.repo, passwordFor(name));
    const { stderr, status } = await git(["push", "--porcelain", url, ...refs], {
      cwd: clone,
      allowFailure: true,
    });
    return { status, stderr };
  }

  test.each([
    ["nothing", /could not read Username|terminal prompts disabled/],
    ["a malformed key", /Authentication failed/],
    ["a revoked master key", /Authentication failed/],
    ["a revoked token", /Authentication failed/],
    ["a master key of another org", /repository .* not found/],
    ["a token for other repositories", /repository .* not found/],
  ])(
    "with %s cannot read a private repository, and is told what it is told of a free name",
    async (name, why) => {
      const told = async (repo: string) => {
        const url = urlOf(repo, passwordFor(name));
        const { status, stderr } = await git(["ls-remote", url], { allowFailure: true });
        expect([status, stderr]).toEqual([128, expect.stringMatching(why)]);
        return stderr.replaceAll(repo, "<repo>");
      };
      expect(await told(hidden.repo)).toBe(await told(free.repo));
    },
  );

  test.each([
    "nothing",
    "a token for other repositories",
    "a master key of another org",
    "an unknown token of an unknown org",
  ])("with %s reads a public repository and cannot push to it", async (name) => {
    const url = urlOf(open.repo, passwordFor(name));
    expect((await git(["ls-remote", url, "main"])).text).toContain("refs/heads/main");
    const refused = await git(["push", url, "work:refs/heads/stolen"], { cwd: clone, allowFailure: true });
    expect(refused.status).not.toBe(0);
    const { status } = await server.call("GET", `/repos/${open.repo}/branches/stolen`, {
      key: world.hostKey,
    });
    expect(status).toBe(404);
  });

  test("with a token that reads fetches everything and pushes nothing", async () => {
    const url = urlOf(hidden.repo, passwordFor("a token that reads"));
    expect((await git(["ls-remote", url, "refs/heads/*"])).text.split("\n").length).toBeGreaterThan(2);
    expect((await push("a token that reads", "work:refs/heads/agent-r")).stderr).toMatch(/403/);
  });

  test.each([
    ["a token that writes", ["agent-1", "other-1"], []],
    ["a token that moves some refs", ["agent-2"], ["other-2"]],
    ["a token that changes some paths", ["agent-3", "other-3"], []],
    ["a token that moves some refs and changes some paths, everywhere", ["agent-4"], ["other-4"]],
  ])("with %s moves those refs that it may", async (name, landed, refused) => {
    const refs = [...landed, ...refused].map((ref) => `work:refs/heads/${ref}`);
    const { status } = await push(name, ...refs);
    expect(status === 0).toBe(refused.length === 0);
    for (const ref of [...landed, ...refused]) {
      const found = await server.call("GET", `/repos/${hidden.repo}/branches/${ref}`, { key: world.hostKey });
      expect([ref, found.status]).toEqual([ref, landed.includes(ref) ? 200 : 404]);
    }
  });

  test("with a token that changes some paths brings no commit that changes others", async () => {
    await commit("docs/pushed.txt");
    const { stderr, status } = await push("a token that changes some paths", "work:refs/heads/agent-5");
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/^error: failed to push/m);
    const { status: found } = await server.call("GET", `/repos/${hidden.repo}/branches/agent-5`, {
      key: world.hostKey,
    });
    expect(found).toBe(404);
    await git(["reset", "-q", "--hard", "HEAD~1"], { cwd: clone });
  });
});

describe.runIf(hasGit)("an object of another org's, through git", () => {
  let vault: RealRepo;
  /** In vault: a long text on main, and a commit that adds a line to it. */
  let ids: { text: string; tree: string; next: string };

  beforeAll(async () => {
    vault = await makeRepo();
    const text = Array.from({ length: 4_000 }, (_, line) => `line ${line} of a secret\n`).join("");
    const write = async (content: string) =>
      (await vault.git(["hash-object", "-w", "--stdin"], { input: content })).text;
    const treeOf = async (blob: string) =>
      (await vault.git(["mktree"], { input: `100644 blob ${blob}\tsecret.txt\n` })).text;
    const commitOf = async (tree: string, ...more: string[]) =>
      (await vault.git(["commit-tree", "-m", "m", tree, ...more])).text;
    const first = await write(text);
    const tree = await treeOf(first);
    const head = await commitOf(tree);
    const next = await commitOf(await treeOf(await write(`${text}one more\n`)), "-p", head);
    await vault.git(["update-ref", "refs/heads/main", head]);
    ids = { text: first, tree, next };
    await server.call("POST", "/repos", { key: world.hostKey, body: { slug: "vault", init: false } });
    await vault.git(["push", "-q", urlOf("vault", world.hostKey), "main"]);
    const { status } = await server.call("GET", `/repos/vault/objects/${first}`, { key: world.hostKey });
    expect(status).toBe(200);
  });

  /** Sends a pack to the guest's repository, and gives git's report. */
  async function pushPack(pack: Buffer, ref: string): Promise<string> {
    const command = `${"0".repeat(40)} ${ids.next} refs/heads/${ref}\0report-status`;
    const line = `${(command.length + 4).toString(16).padStart(4, "0")}${command}0000`;
    const response = await fetch(`${server.local.url}/${GUEST}/mine.git/git-receive-pack`, {
      method: "POST",
      headers: { ...basic(world.guestKey), "content-type": "application/x-git-receive-pack-request" },
      body: Buffer.concat([Buffer.from(line), pack]),
    });
    return response.text();
  }

  async function expectNoBranch(): Promise<void> {
    const { status } = await server.call("GET", "/repos/mine/branches/stolen", { key: world.guestKey });
    expect(status).toBe(404);
  }

  test("cannot be fetched by its id", async () => {
    const own = await makeRepo();
    const fetchById = async (oid: string) => {
      const url = urlOf("mine", world.guestKey, GUEST);
      const { status, stderr } = await own.git(["fetch", url, oid], { allowFailure: true });
      return [status, stderr.replaceAll(oid, "<oid>")];
    };
    const missing = await fetchById("5ec1e7".padEnd(40, "0"));
    expect(missing).toEqual([128, expect.stringContaining("not our ref")]);
    for (const oid of [ids.text, ids.tree]) expect(await fetchById(oid)).toEqual(missing);
  });

  test("is no base for a delta of a thin pack", async () => {
    const input = `${ids.next}\n^main\n`;
    const { stdout: pack } = await vault.git(["pack-objects", "--thin", "--revs", "--stdout", "-q"], {
      input,
    });
    const other = await makeRepo();
    const check = await other.git(["index-pack", "--stdin"], { input: pack, allowFailure: true });
    expect(check.stderr).toContain("unresolved delta");
    expect(await pushPack(pack, "stolen")).toMatch(/unpack (?!ok)/);
    await expectNoBranch();
  });

  test("is not there for a commit or a tree that names it", async () => {
    const trees = (await vault.git(["rev-parse", `${ids.next}^{tree}`])).text;
    for (const input of [`${ids.next}\n`, `${ids.next}\n${trees}\n`]) {
      const { stdout: pack } = await vault.git(["pack-objects", "--stdout", "-q"], { input });
      expect(await pushPack(pack, "stolen")).not.toContain("ok refs/heads/stolen");
      await expectNoBranch();
    }
  });

  test("is taken from who has it, so what was refused above was what was missing", async () => {
    const input = `${ids.next}\n`;
    const { stdout: pack } = await vault.git(["pack-objects", "--revs", "--stdout", "-q"], { input });
    expect(await pushPack(pack, "whole")).toContain("ok refs/heads/whole");
  });
});
