/** Pushing with stock git, over real sockets; what may not land must leave everything as it was. */
import { createHash } from "node:crypto";
import { deflateSync, gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseOid } from "../git/hash/oid.ts";
import { encodePkt, FLUSH_PKT } from "../git/protocol/pkt-line.ts";
import { type GitServer, startGitServer } from "../testing/git-server.ts";
import { git, hasGit, makeFolder, makeRepo, type RealRepo } from "../testing/real-git.ts";

let server: GitServer;
let repo: RealRepo;
beforeEach(async () => {
  server = await startGitServer();
  repo = await makeRepo();
  await repo.git(["remote", "add", "origin", server.url]);
});
afterEach(async () => {
  await server.close();
  await repo.remove();
  expect(server.failures).toEqual([]);
});

const ZERO = "0".repeat(40);

async function commit(
  name: string,
  files: Readonly<Record<string, string>> = { [name]: name },
): Promise<string> {
  for (const [path, content] of Object.entries(files)) {
    const blob = (await repo.git(["hash-object", "-w", "--stdin"], { input: content })).text;
    await repo.git(["update-index", "--add", "--cacheinfo", `100644,${blob},${path}`]);
  }
  await repo.git(["commit", "-q", "--allow-empty", "-m", name]);
  return (await repo.git(["rev-parse", "HEAD"])).text;
}

const push = (...args: string[]) => repo.git(["push", ...args], { allowFailure: true });

async function refs(): Promise<Record<string, string>> {
  const page = await server.open().store.listRefs({});
  return Object.fromEntries(page.refs.map(({ name, oid }) => [name, oid]));
}

async function realRefs(): Promise<Record<string, string>> {
  const { text } = await repo.git([
    "for-each-ref",
    "--format=%(refname) %(objectname)",
    "refs/heads",
    "refs/tags",
  ]);
  return Object.fromEntries(text.split("\n").map((line) => line.split(" ")));
}

/** The server's state as a clone sees it. */
async function checkClone(): Promise<void> {
  const dir = `${await makeFolder()}/clone`;
  await git(["clone", "-q", "--mirror", server.url, dir]);
  const { stderr } = await git(["fsck", "--strict", "--full"], { cwd: dir });
  expect(stderr.replace(/^(Checking|notice:).*\n?/gm, "")).toBe("");
}

async function has(oid: string): Promise<boolean> {
  const handle = server.open();
  await handle.snapshot();
  return (await handle.objects.readHeaders([parseOid(oid)])).found.size === 1;
}

/** A request by hand; the body after the commands may be anything. */
async function post(commands: readonly string[], pack: Uint8Array, headers: Record<string, string> = {}) {
  const lines = commands.map((line, i) => encodePkt(i === 0 ? `${line}\0report-status` : line));
  const plain = Buffer.concat([...lines, FLUSH_PKT, pack]);
  const response = await fetch(`${server.url}/git-receive-pack`, {
    method: "POST",
    headers: { "content-type": "application/x-git-receive-pack-request", ...headers },
    body: headers["content-encoding"] ? gzipSync(plain) : plain,
  });
  return { status: response.status, text: await response.text() };
}

/** A pack of whole objects, good or not. */
function packOf(...objects: readonly (readonly [type: number, data: string | Uint8Array])[]): Buffer {
  const header = Buffer.from("PACK\0\0\0\u0002\0\0\0\0");
  header.writeUInt32BE(objects.length, 8);
  const entries = objects.map(([type, data]) => {
    const bytes = Buffer.from(data as Uint8Array); // Buffer.from takes both
    const head = [(type << 4) | (bytes.length & 15)];
    for (let rest = bytes.length >> 4; rest > 0; rest >>= 7) {
      head[head.length - 1] = (head.at(-1) as number) | 0x80;
      head.push(rest & 0x7f);
    }
    return Buffer.concat([Buffer.from(head), deflateSync(bytes)]);
  });
  const body = Buffer.concat([header, ...entries]);
  return Buffer.concat([body, createHash("sha1").update(body).digest()]);
}

function oidOf(type: string, data: string | Uint8Array): string {
  const bytes = Buffer.from(data as Uint8Array);
  return createHash("sha1").update(`${type} ${bytes.length}\0`).update(bytes).digest("hex");
}

const commitText = (tree: string, parents: readonly string[] = []) =>
  `tree ${tree}\n${parents.map((parent) => `parent ${parent}\n`).join("")}author A <a@b.c> 1700000000 +0000\ncommitter A <a@b.c> 1700000000 +0000\n\nm\n`;

describe.runIf(hasGit)("what lands", () => {
  test("a new branch, an update, a force push, a deletion", async () => {
    await commit("one");
    await commit("two");
    expect((await push("origin", "main", "main:topic")).stderr).toContain("new branch");
    expect(await refs()).toMatchObject(await realRefs());
    await repo.git(["reset", "-q", "--soft", "HEAD~1"]);
    await commit("other");
    expect((await push("origin", "main")).status).not.toBe(0);
    expect((await push("--force", "origin", "main")).stderr).toContain("forced update");
    expect((await push("origin", ":topic")).stderr).toContain("deleted");
    expect(await refs()).toEqual(await realRefs());
    await checkClone();
  });

  test("tags, and tags of tags, are peeled for those who list them", async () => {
    await commit("one");
    await repo.git(["tag", "-a", "-m", "x", "v1"]);
    await repo.git(["tag", "-a", "-m", "x", "v1-again", "v1"]);
    await repo.git(["tag", "light"]);
    await push("origin", "main", "--tags");
    expect(await refs()).toEqual(await realRefs());
    const listed = await git(["-c", "protocol.version=0", "ls-remote", server.url]);
    const head = (await repo.git(["rev-parse", "main"])).text;
    expect(listed.text).toContain(`${head}\trefs/tags/v1-again^{}`);
    await checkClone();
  });

  test("many refs at once, with names that are not ASCII", async () => {
    await commit("one");
    for (let i = 0; i < 60; i++) await repo.git(["branch", `feature/é-日本-𝄞/${i}`]);
    expect((await push("origin", "--all")).status).toBe(0);
    expect(await refs()).toEqual(await realRefs());
    await checkClone();
  });

  test("thin packs, whose deltas are made with objects that the server has", async () => {
    const lines = Array.from({ length: 5_000 }, (_, i) => `line ${i * 7919}`);
    await commit("one", { big: lines.join("\n") });
    await push("origin", "main");
    lines[2_500] = "changed";
    await commit("two", { big: lines.join("\n") });
    const reply = await push("--thin", "--verbose", "origin", "main");
    expect(reply.status).toBe(0);
    await checkClone();
  });

  test("5,000 objects in one push, as a pack in storage", async () => {
    const files = Array.from(
      { length: 4_980 },
      (_, i) => `M 100644 inline d${i % 40}/f${i}\ndata 6\n${100_000 + i}\n`,
    );
    const who = "committer C <c@example.com> 1700000000 +0000";
    await repo.git(["fast-import", "--quiet"], {
      input: `commit refs/heads/main\n${who}\ndata 1\nm\n${files.join("")}\n`,
    });
    expect((await push("origin", "main")).status).toBe(0);
    expect(server.files.keys().map((key) => key.replace(/.*\./, ""))).toEqual(["idx", "pack", "refs"]);
    await checkClone();
  });

  test("a pack over 16 MB, which is written while it arrives, also when it is thin", async () => {
    const noise = (seed: string, bytes: number) => {
      const parts: Buffer[] = [];
      for (let i = 0; i < bytes / 32; i++) parts.push(createHash("sha256").update(`${seed}${i}`).digest());
      return Buffer.concat(parts).toString("latin1");
    };
    await repo.git(["config", "core.compression", "0"]);
    await commit("base", { text: "a\n".repeat(20_000) });
    await push("origin", "main");
    await commit("big", { text: `${"a\n".repeat(20_000)}b\n`, noise: noise("x", 14_000_000) });
    expect((await push("--thin", "origin", "main")).status).toBe(0);
    expect(server.files.keys()).toHaveLength(3);
    expect(await refs()).toEqual(await realRefs());
    await checkClone();
  });

  test("a history of 3,000 commits, pushed and cloned", async () => {
    let script = "";
    for (let i = 0; i < 3_000; i++) {
      script += `commit refs/heads/main\ncommitter C <c@example.com> ${1_700_000_000 + i} +0000\ndata 1\nm\n`;
      script += `M 100644 inline f\ndata ${String(i).length}\n${i}\n\n`;
    }
    await repo.git(["fast-import", "--quiet"], { input: script });
    expect((await push("origin", "main")).status).toBe(0);
    await checkClone();
  });

  test("an atomic push of several refs, and push options in the reflog", async () => {
    await commit("one");
    await repo.git(["branch", "b"]);
    expect((await push("--atomic", "-o", "ci.skip", "origin", "main", "b")).status).toBe(0);
    expect(await refs()).toEqual(await realRefs());
  });

  test("chunked bodies", async () => {
    await commit("one", { noise: createHash("sha512").update("x").digest("hex").repeat(50) });
    expect((await repo.git(["-c", "http.postBuffer=1024", "push", "origin", "main"])).status).toBe(0);
    await checkClone();
  });

  test("a push from a shallow clone, whose history the server has", async () => {
    for (const name of ["one", "two", "three"]) await commit(name);
    await push("origin", "main");
    const dir = `${await makeFolder()}/shallow`;
    await git(["clone", "-q", "--depth=1", server.url, dir]);
    await git(["commit", "-q", "--allow-empty", "-m", "on top"], { cwd: dir });
    expect((await git(["push", "-q", "origin", "main"], { cwd: dir })).status).toBe(0);
    await checkClone();
  });

  test("gzip'd requests of other clients", async () => {
    const tree = oidOf("tree", "");
    const text = commitText(tree);
    const oid = oidOf("commit", text);
    const pack = packOf([1, text], [2, ""]);
    const reply = await post([`${ZERO} ${oid} refs/heads/main`], pack, { "content-encoding": "gzip" });
    expect(reply.text).toContain("ok refs/heads/main");
    await checkClone();
  });

  test("deleting what is not there succeeds, as with git", async () => {
    const reply = await post([`${"a".repeat(40)} ${ZERO} refs/heads/none`], new Uint8Array(0));
    expect(reply.text).toContain("ok refs/heads/none");
  });

  test("a probe gets an empty reply", async () => {
    expect(await post([], new Uint8Array(0))).toEqual({ status: 200, text: "" });
  });
});

describe.runIf(hasGit)("what does not land", () => {
  let first: string;
  beforeEach(async () => {
    first = await commit("first");
    await push("origin", "main");
  });
  afterEach(async () => {
    expect((await refs())["refs/heads/main"]).toBe(first);
    await checkClone();
  });

  test("deleting the current branch", async () => {
    expect((await push("origin", ":main")).stderr).toContain("deletion of the current branch prohibited");
  });

  test("one stale ref fails alone, or all of an atomic push", async () => {
    await repo.git(["branch", "b", first]);
    const blob = oidOf("blob", "unseen");
    const stale = "b".repeat(40);
    const commands = [`${ZERO} ${first} refs/heads/b`, `${stale} ${first} refs/heads/main`];
    const single = await post(commands, packOf([3, "unseen"]));
    expect(single.text).toContain("ok refs/heads/b");
    expect(single.text).toMatch(/ng refs\/heads\/main failed to update ref/);
    expect(await has(blob)).toBe(true);
    const lines = [
      `${ZERO} ${first} refs/heads/c\0report-status atomic`,
      `${stale} ${first} refs/heads/main`,
    ];
    const body = Buffer.concat([
      ...lines.map((line) => encodePkt(line)),
      FLUSH_PKT,
      packOf([3, "unseen too"]),
    ]);
    const atomic = await fetch(`${server.url}/git-receive-pack`, {
      method: "POST",
      headers: { "content-type": "application/x-git-receive-pack-request" },
      body,
    });
    expect(await atomic.text()).toMatch(/ng refs\/heads\/c atomic push failure/);
    expect(await has(oidOf("blob", "unseen too"))).toBe(false);
    expect(Object.keys(await refs()).sort()).toEqual(["refs/heads/b", "refs/heads/main"]);
  });

  test("a ref in the way of another one", async () => {
    const reply = await post([`${ZERO} ${first} refs/heads/main/sub`], packOf());
    expect(reply.text).toContain("ng refs/heads/main/sub failed to update ref: another ref is in the way");
  });

  for (const name of [
    "refs/heads/a..b",
    "refs/heads/-x",
    "refs/heads/x.lock",
    "main",
    "HEAD",
    "refs/heads/a b",
    "refs/heads/HEAD",
    "refs/heads//x",
    "refs/heads/@{x",
  ]) {
    test(`the name ${name}`, async () => {
      const reply = await post([`${ZERO} ${first} ${name}`], packOf());
      expect(reply.text).toContain(`ng ${name} funny refname`);
    });
  }

  test("one ref twice", async () => {
    const reply = await post([`${ZERO} ${first} refs/heads/x`, `${ZERO} ${first} refs/heads/x`], packOf());
    expect(reply.text.match(/ng refs\/heads\/x multiple updates/g)).toHaveLength(2);
  });

  test("objects that are missing behind a tip, at any depth", async () => {
    const tree = Buffer.concat([Buffer.from("100644 a\0"), Buffer.from("c".repeat(40), "hex")]);
    const root = oidOf("tree", tree);
    for (const [objects, tip] of [
      [
        [
          [1, commitText(root)],
          [2, tree],
        ],
        oidOf("commit", commitText(root)),
      ],
      [[[1, commitText("d".repeat(40))]], oidOf("commit", commitText("d".repeat(40)))],
      [
        [
          [1, commitText(oidOf("tree", ""), [first, "e".repeat(40)])],
          [2, ""],
        ],
        oidOf("commit", commitText(oidOf("tree", ""), [first, "e".repeat(40)])),
      ],
      [[], "f".repeat(40)],
    ] as [[number, string | Buffer][], string][]) {
      const reply = await post([`${ZERO} ${tip} refs/heads/x`], packOf(...objects));
      expect(reply.text).toContain("unpack ok");
      expect(reply.text).toContain("ng refs/heads/x missing necessary objects");
      expect(await has(tip)).toBe(false);
    }
  });

  test("a branch that is not a commit, be it pushed alone or through a tag", async () => {
    const blob = oidOf("blob", "x");
    const reply = await post(
      [`${ZERO} ${blob} refs/heads/x`, `${ZERO} ${blob} refs/tags/x`],
      packOf([3, "x"]),
    );
    expect(reply.text).toContain("ng refs/heads/x branches must point at commits");
    expect(reply.text).toContain("ok refs/tags/x");
  });

  test("packs that are cut, corrupt, empty, or not packs", async () => {
    const good = packOf([1, commitText(oidOf("tree", ""))], [2, ""]);
    const tip = oidOf("commit", commitText(oidOf("tree", "")));
    const flipped = Buffer.from(good);
    flipped.writeUInt8(good.readUInt8(20) ^ 0xff, 20);
    for (const pack of [
      new Uint8Array(0),
      Buffer.from("hello"),
      good.subarray(0, good.length - 1),
      good.subarray(0, 30),
      Buffer.concat([good, Buffer.from("tail")]),
      flipped,
      Buffer.from("PACK\0\0\0\u0002\xff\xff\xff\xff", "latin1"),
      Buffer.from("PACK\0\0\0\u0009\0\0\0\0", "latin1"),
    ]) {
      const reply = await post([`${ZERO} ${tip} refs/heads/x`], pack);
      expect(reply.status).toBe(200);
      expect(reply.text).toMatch(/^.{4}unpack (?!ok)/);
      expect(reply.text).toContain("ng refs/heads/x unpacker error");
      expect(await has(tip)).toBe(false);
    }
    expect(server.files.keys()).toEqual([]);
  });

  test("objects that git fsck --strict would complain of, by its own names", async () => {
    const empty = oidOf("tree", "");
    const blob = oidOf("blob", "x");
    const entry = (mode: string, name: string) =>
      Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(blob, "hex")]);
    const treePush = (tree: Buffer) => {
      const text = commitText(oidOf("tree", tree));
      return [packOf([1, text], [2, tree], [3, "x"]), oidOf("commit", text)] as const;
    };
    const commitPush = (text: string) => [packOf([1, text], [2, ""]), oidOf("commit", text)] as const;
    const good = commitText(empty);
    for (const [id, [pack, tip]] of [
      ["treeNotSorted", treePush(Buffer.concat([entry("100644", "b"), entry("100644", "a")]))],
      ["duplicateEntries", treePush(Buffer.concat([entry("100644", "a"), entry("100644", "a")]))],
      ["hasDotgit", treePush(entry("100644", ".GIT"))],
      ["hasDotgit", treePush(entry("100644", "git~1"))],
      ["hasDotdot", treePush(entry("100644", ".."))],
      ["fullPathname", treePush(entry("100644", "a/b"))],
      ["zeroPaddedFilemode", treePush(entry("0100644", "a"))],
      ["missingEmail", commitPush(good.replace("author A <a@b.c>", "author A"))],
      ["badTimezone", commitPush(good.replace("+0000\ncommitter", "+00\ncommitter"))],
      ["missingCommitter", commitPush(good.replace(/committer.*\n/, ""))],
      ["multipleAuthors", commitPush(good.replace(/(author.*\n)/, "$1$1"))],
    ] as const) {
      const reply = await post([`${ZERO} ${tip} refs/heads/x`], pack);
      expect(reply.text).toContain("ng refs/heads/x unpacker error");
      expect.soft(reply.text).toContain(`: ${id}: `);
      expect(await has(tip)).toBe(false);
    }
  });

  test("a .gitmodules that makes clients run what they should not, as git refuses it", async () => {
    const fine = '[submodule "a"]\n\tpath = a\n\turl = https://example.com/a.git\n';
    await commit("good", { ".gitmodules": fine });
    expect((await push("origin", "HEAD:refs/heads/good")).status).toBe(0);
    const evil = {
      gitmodulesName: '[submodule "../../x"]\n\turl = https://example.com/a.git\n',
      gitmodulesUrl: '[submodule "a"]\n\turl = --upload-pack=touch\n',
      gitmodulesPath: '[submodule "a"]\n\tpath = -x\n',
      gitmodulesUpdate: '[submodule "a"]\n\tupdate = !touch x\n',
    };
    const before = await refs();
    for (const [id, content] of Object.entries(evil)) {
      // Not at the tip, and once among so many objects that they come as a stored pack.
      const many = Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`f${i}`, `${id} ${i}`]));
      await commit(id, { ".gitmodules": content, ...(id === "gitmodulesUrl" ? many : {}) });
      await commit("after", { ".gitmodules": fine });
      const pushed = await push("origin", "HEAD:refs/heads/evil");
      expect([pushed.status, pushed.stderr]).toEqual([1, expect.stringContaining(`${id}: disallowed`)]);
      await repo.git(["reset", "-q", "--soft", "HEAD~2"]);
    }
    // The blob alone may be here already: it is the tree that makes it dangerous.
    const blob = (await repo.git(["hash-object", "-w", "--stdin"], { input: evil.gitmodulesName })).text;
    await repo.git(["reset", "-q", "--hard"]);
    await commit("harmless", { note: evil.gitmodulesName });
    expect((await push("origin", "HEAD:refs/heads/note")).status).toBe(0);
    await repo.git(["update-index", "--cacheinfo", `100644,${blob},.gitmodules`]);
    await repo.git(["commit", "-q", "-m", "moved"]);
    expect((await push("origin", "HEAD:refs/heads/evil")).stderr).toContain("gitmodulesName");
    expect(Object.keys(await refs())).toEqual([...Object.keys(before), "refs/heads/note"]);
    await checkClone();
  });

  test("bodies that are no push at all are a 400, never a 500", async () => {
    for (const body of ["", "hello", "0003", "0009junk", "003fabc"]) {
      const reply = await fetch(`${server.url}/git-receive-pack`, {
        method: "POST",
        headers: { "content-type": "application/x-git-receive-pack-request" },
        body,
      });
      expect(reply.status, body).toBe(body === "" ? 200 : 400);
      await reply.text();
    }
  });
});
