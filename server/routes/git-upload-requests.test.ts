/** Fetch requests by hand: what stock git never sends, and what servers before this one got wrong. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { concatBytes } from "../git/bytes/bytes.ts";
import { parseOid } from "../git/hash/oid.ts";
import { hashObject } from "../git/hash/sha1.ts";
import { DELIM_PKT, decodePkts, encodePkt, FLUSH_PKT, formatPktText } from "../git/protocol/pkt-line.ts";
import { type GitServer, startGitServer } from "../testing/git-server.ts";
import { git, hasGit, makeRepo, type RealRepo } from "../testing/real-git.ts";

let server: GitServer;
let repo: RealRepo;
let tip: string;
beforeEach(async () => {
  server = await startGitServer();
  repo = await makeRepo();
  for (const name of ["one", "two", "three"]) {
    const blob = (await repo.git(["hash-object", "-w", "--stdin"], { input: name })).text;
    await repo.git(["update-index", "--add", "--cacheinfo", `100644,${blob},${name}`]);
    await repo.git(["commit", "-q", "-m", name]);
  }
  await repo.git(["tag", "-a", "-m", "x", "v1"]);
  tip = (await repo.git(["rev-parse", "HEAD"])).text;
  await server.importRepo(repo.dir);
});
afterEach(async () => {
  await server.close();
  await repo.remove();
  expect(server.failures).toEqual([]);
});

async function post(body: Uint8Array | string, headers: Record<string, string> = {}) {
  const response = await fetch(`${server.url}/git-upload-pack`, {
    method: "POST",
    headers: { "content-type": "application/x-git-upload-pack-request", ...headers },
    body,
  });
  return { status: response.status, bytes: new Uint8Array(await response.arrayBuffer()) };
}

const v2 = (command: string, ...args: string[]) =>
  post(
    concatBytes([
      encodePkt(`command=${command}`),
      DELIM_PKT,
      ...args.map((line) => encodePkt(line)),
      FLUSH_PKT,
    ]),
    { "git-protocol": "version=2" },
  );

/** Lines of a reply up to the pack; control lines by their kind. */
function linesOf(bytes: Uint8Array): string[] {
  const lines: string[] = [];
  for (const pkt of decodePkts(bytes)) {
    lines.push(pkt.kind === "data" ? formatPktText(pkt.payload) : pkt.kind);
    if (lines.at(-1) === "packfile") break;
  }
  return lines;
}

const run = describe.runIf(hasGit);

run("refusals", () => {
  test("what is not pkt-lines is a 400, never a 500", async () => {
    for (const body of ["hello", "0003", "0009abc", "fff1"])
      expect((await post(body)).status, body).toBe(400);
    const gzip = { "content-encoding": "gzip" };
    expect((await post("not gzip at all", gzip)).status).toBe(400);
    expect((await post("0000", { "content-encoding": "br" })).status).toBe(400);
  });

  test("a wrong content type is a 415", async () => {
    expect((await post("0000", { "content-type": "text/plain" })).status).toBe(415);
  });

  test("everything else is an ERR line, which git shows to its user", async () => {
    for (const [lines, message] of [
      [["fetch", `want ${"1".repeat(40)}`, "done"], `ERR upload-pack: not our ref ${"1".repeat(40)}`],
      [
        ["fetch", `want ${tip}`, "filter sparse:oid=main:x", "done"],
        "ERR filter-spec 'sparse:oid=main:x' is not supported",
      ],
      [["fetch", `want ${tip}`, "deepen-not nowhere", "done"], "ERR deepen-not is not a ref: nowhere"],
      [["fetch", "want nonsense"], "ERR bad object id in 'want nonsense'"],
      [["fetch", "dance"], "ERR unexpected line: 'dance'"],
      [["frobnicate"], "ERR unknown command 'frobnicate'"],
    ] as [[string, ...string[]], string][]) {
      const reply = await v2(...lines);
      expect(reply.status).toBe(200);
      expect(linesOf(reply.bytes)).toEqual([message]);
    }
  });
});

run("negotiation in v2", () => {
  const unknown = "2".repeat(40);

  test("nothing in common yet: NAK and another round", async () => {
    expect(linesOf((await v2("fetch", `want ${tip}`, `have ${unknown}`)).bytes)).toEqual([
      "acknowledgments",
      "NAK",
      "flush",
    ]);
  });

  test("enough in common: ready and the pack in the same reply", async () => {
    const base = (await repo.git(["rev-parse", "HEAD~1"])).text;
    const reply = await v2("fetch", `want ${tip}`, `have ${unknown}`, `have ${base}`);
    expect(linesOf(reply.bytes)).toEqual(["acknowledgments", `ACK ${base}`, "ready", "delim", "packfile"]);
  });

  test("wait-for-done gets no pack before it says done", async () => {
    const reply = await v2("fetch", "wait-for-done", `want ${tip}`, `have ${tip}`);
    expect(linesOf(reply.bytes)).toEqual(["acknowledgments", `ACK ${tip}`, "flush"]);
  });

  test("done answers with the pack alone", async () => {
    expect(linesOf((await v2("fetch", `want ${tip}`, `have ${unknown}`, "done")).bytes)).toEqual([
      "packfile",
    ]);
  });

  test("a client that only wants to know what is common", async () => {
    const reply = await v2("fetch", "wait-for-done", `have ${tip}`, `have ${unknown}`);
    expect(linesOf(reply.bytes)).toEqual(["acknowledgments", `ACK ${tip}`, "flush"]);
  });

  test("shallow lines stand before the pack", async () => {
    const reply = await v2("fetch", `want ${tip}`, "deepen 1", "done");
    expect(linesOf(reply.bytes)).toEqual(["shallow-info", `shallow ${tip}`, "delim", "packfile"]);
  });
});

run("references", () => {
  test("ls-refs gives only what its prefixes ask for", async () => {
    const reply = await v2("ls-refs", "peel", "symrefs", "ref-prefix HEAD", "ref-prefix refs/tags/");
    const tag = (await repo.git(["rev-parse", "v1"])).text;
    expect(linesOf(reply.bytes)).toEqual([
      `${tip} HEAD symref-target:refs/heads/main`,
      `${tag} refs/tags/v1 peeled:${tip}`,
      "flush",
    ]);
  });

  test("overlapping prefixes name a ref once", async () => {
    const reply = await v2(
      "ls-refs",
      "ref-prefix refs/",
      "ref-prefix refs/heads/",
      "ref-prefix refs/heads/main",
    );
    expect(linesOf(reply.bytes)).toHaveLength(3);
  });

  test("they are fresh right after a push", async () => {
    await git(["ls-remote", server.url]);
    await repo.git(["commit", "-q", "--allow-empty", "-m", "new"]);
    await repo.git(["push", "-q", server.url, "main"]);
    const fresh = (await repo.git(["rev-parse", "main"])).text;
    expect((await git(["ls-remote", server.url, "refs/heads/main"])).text).toContain(fresh);
  });

  test("a detached HEAD is advertised without a branch", async () => {
    const head = { kind: "detached", oid: parseOid(tip) } as const;
    await server.open().store.setHead(head, { actor: "tester", message: "detach" });
    for (const version of [0, 2]) {
      const { text } = await git([
        "-c",
        `protocol.version=${version}`,
        "ls-remote",
        "--symref",
        server.url,
        "HEAD",
      ]);
      expect(text).toBe(`${tip}\tHEAD`);
    }
  });
});

run("failures after the reply began", () => {
  test("a missing object is told in band 3, and to the operator", async () => {
    const broken = await startGitServer();
    const commit = (await repo.git(["cat-file", "commit", "HEAD"])).stdout;
    const tree = (await repo.git(["cat-file", "tree", "HEAD^{tree}"])).stdout;
    const objects = [
      { oid: parseOid(tip), type: "commit" as const, data: new Uint8Array(commit) },
      { oid: hashObject("tree", tree), type: "tree" as const, data: new Uint8Array(tree) },
    ];
    const reason = { actor: "tester", message: "a store that lost something" };
    const updates = [{ name: "refs/heads/main", next: parseOid(tip) }];
    await broken.open().store.transact({ updates, objects, atomic: true, reason });
    for (const version of [0, 2]) {
      const clone = await git(
        ["-c", `protocol.version=${version}`, "clone", "--depth=1", broken.url, `${repo.dir}/${version}`],
        {
          allowFailure: true,
        },
      );
      expect(clone.status).not.toBe(0);
      expect(clone.stderr).toMatch(/remote: upload-pack: object [0-9a-f]{40} is missing/);
    }
    expect(broken.failures).toHaveLength(2);
    await broken.close();
  });

  test("a client that hangs up leaves nothing behind", async () => {
    const noise = await repo.git(["hash-object", "-w", "--stdin"], {
      input: crypto.getRandomValues(new Uint8Array(60_000)),
    });
    await repo.git(["update-index", "--add", "--cacheinfo", `100644,${noise.text},noise`]);
    await repo.git(["commit", "-q", "-m", "noise"]);
    await server.importRepo(repo.dir);
    const head = (await repo.git(["rev-parse", "HEAD"])).text;
    const abort = new AbortController();
    const response = await fetch(`${server.url}/git-upload-pack`, {
      method: "POST",
      headers: { "content-type": "application/x-git-upload-pack-request", "git-protocol": "version=2" },
      body: concatBytes([
        encodePkt("command=fetch"),
        DELIM_PKT,
        encodePkt(`want ${head}`),
        encodePkt("done"),
        FLUSH_PKT,
      ]),
      signal: abort.signal,
    });
    abort.abort();
    await expect(response.arrayBuffer()).rejects.toThrow();
    expect((await git(["ls-remote", server.url])).text).toContain(head);
  });
});

run("objects", () => {
  test("object-info tells sizes", async () => {
    const blob = (await repo.git(["rev-parse", "HEAD:three"])).text;
    const reply = await v2("object-info", "size", `oid ${blob}`, `oid ${"3".repeat(40)}`);
    expect(linesOf(reply.bytes)).toEqual(["size", `${blob} 5`, `${"3".repeat(40)} `, "flush"]);
  });

  test("a bare pack for clients without side-band", async () => {
    const body = concatBytes([encodePkt(`want ${tip}\n`), FLUSH_PKT, encodePkt("done\n")]);
    const reply = await post(body);
    expect(Buffer.from(reply.bytes.subarray(0, 12)).toString("latin1")).toBe("0008NAK\nPACK");
    const indexed = await repo.git(["index-pack", "--stdin", "--strict"], { input: reply.bytes.subarray(8) });
    expect(indexed.status).toBe(0);
  });

  test("the old side-band cuts its lines at 1000 bytes", async () => {
    const reply = await post(
      concatBytes([encodePkt(`want ${tip} side-band\n`), FLUSH_PKT, encodePkt("done\n")]),
    );
    for (const pkt of decodePkts(reply.bytes)) {
      if (pkt.kind === "data") expect(pkt.payload.length).toBeLessThanOrEqual(996);
    }
  });
});
