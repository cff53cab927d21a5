import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { encodeUtf8 } from "../../git/bytes/text.ts";
import type { Oid } from "../../git/hash/oid.ts";
import { buildPack, encodePackHeader } from "../../git/pack/write-pack.ts";
import type { GitObject } from "../../git/ports.ts";
import { encodePkt, FLUSH_PKT } from "../../git/protocol/pkt-line.ts";
import { encodeServicePreamble } from "../../git/protocol/ref-advertisement.ts";
import { encodeSideband } from "../../git/protocol/sideband.ts";
import { encodeV2Advertisement } from "../../git/protocol/v2-request.ts";
import type { GitRemote, RemoteReply } from "../../ports/git-remote.ts";
import type { SyncSpec } from "../../ports/sync.ts";
import { createMemoryRepo, type MemoryRepo } from "../../testing/memory-repo.ts";
import { makeObject } from "../../testing/plan-root-files.ts";
import { makeCommit } from "../../testing/repo-store-contract.ts";
import { importRefs } from "./import-refs.ts";
import { describeFailure, type SyncContext } from "./sync-context.ts";

const SPEC: SyncSpec = {
  provider: "git",
  connectionId: null,
  remote: "https://example.org/r.git",
  url: "https://example.org/r.git",
  direction: "import",
  branches: null,
  tags: true,
  force: false,
  prune: false,
  atomic: false,
};

const reply = (...parts: Uint8Array[]): RemoteReply => ({
  kind: "reply",
  body: (async function* () {
    yield* parts;
  })(),
});

/** A server of version 2 that says what it is told to. */
function makeRemote(refs: Readonly<Record<string, Oid>>, pack: readonly Uint8Array[]): GitRemote {
  return {
    url: SPEC.url,
    discover: async () => reply(encodeServicePreamble("git-upload-pack", 0), encodeV2Advertisement()),
    async post(_, body) {
      if (Buffer.from(body as Uint8Array).includes("command=ls-refs")) {
        const lines = Object.entries(refs).map(([name, oid]) => encodePkt(`${oid} ${name}\n`));
        return reply(...lines, FLUSH_PKT);
      }
      return reply(encodePkt("packfile\n"), ...pack);
    },
  };
}

function makeContext(repo: MemoryRepo, remote: GitRemote, more: Partial<SyncContext> = {}): SyncContext {
  return {
    repo: repo.open(),
    remote,
    spec: SPEC,
    synced: new Map(),
    actor: "sync:test",
    now: Date.now,
    onFailure: (error) => {
      throw error;
    },
    maxPackBytes: 1_000_000,
    ...more,
  };
}

const listRefs = async (repo: MemoryRepo) => (await repo.store.listRefs({})).refs;
const band = (pack: Uint8Array) => [encodeSideband(1, pack), FLUSH_PKT];

describe("an import", () => {
  it("names itself in the reflog, and the place that it came from", async () => {
    const repo = createMemoryRepo();
    const { oid, objects } = await makeCommit("one");
    const { pack } = buildPack(objects);
    const done = await importRefs(makeContext(repo, makeRemote({ "refs/heads/main": oid }, band(pack))));
    expect(done.refs).toMatchObject([{ ref: "refs/heads/main", outcome: "created", newSha: oid }]);
    expect([...done.settled]).toEqual([["refs/heads/main", oid]]);
    expect(repo.tables.refs.listReflog({ ref: "refs/heads/main", limit: 1 })).toMatchObject([
      { reason: { actor: "sync:test", message: "import from https://example.org/r.git" } },
    ]);
  });

  it("takes no ref that could not be one here", async () => {
    const repo = createMemoryRepo();
    const { oid, objects } = await makeCommit("one");
    const refs = {
      "refs/heads/../../x": oid,
      "refs/heads/a..b": oid,
      "refs/remotes/o/m": oid,
      "refs/heads/ok": oid,
    };
    await importRefs(makeContext(repo, makeRemote(refs, band(buildPack(objects).pack))));
    expect((await listRefs(repo)).map(({ name }) => name)).toEqual(["refs/heads/ok"]);
  });
});

describe("a hostile remote moves nothing and leaves nothing behind:", () => {
  const withoutBlobs = (objects: readonly GitObject[]) => objects.filter(({ type }) => type === "commit");
  const badTree = makeObject("tree", Buffer.concat([encodeUtf8("100644 ../x\0"), Buffer.alloc(20, 1)]));
  const flip = (pack: Uint8Array) => {
    const bytes = pack.slice();
    bytes[20] = (bytes[20] ?? 0) ^ 0xff;
    return bytes;
  };

  it.each([
    [
      "a pack that is cut off",
      (pack: Uint8Array) => [encodeSideband(1, pack.subarray(0, -30)), FLUSH_PKT],
      "bad-reply",
    ],
    ["a pack that breaks off", (pack: Uint8Array) => [encodeSideband(1, pack.subarray(0, -30))], "bad-reply"],
    ["changed bytes", (pack: Uint8Array) => band(flip(pack)), "bad-reply"],
    ["no pack at all", () => [FLUSH_PKT], "bad-reply"],
    ["garbage instead of lines", () => [encodeUtf8("zzzz not a packet")], "bad-reply"],
    [
      "an error in the middle",
      (pack: Uint8Array) => [encodeSideband(1, pack.subarray(0, 40)), encodeSideband(3, "disk full")],
      "bad-reply",
    ],
    ["an object count that is a lie", () => band(encodePackHeader(4_000_000_000)), "too-large"],
    ["an endless pack", (pack: Uint8Array) => [...Array(20)].map(() => encodeSideband(1, pack)), "bad-reply"],
  ] as [string, (pack: Uint8Array) => Uint8Array[], string][])("%s", async (_, make, code) => {
    const repo = createMemoryRepo();
    const before = await makeCommit("before");
    await repo.store.transact({
      updates: [{ name: "refs/heads/kept", next: before.oid }],
      objects: before.objects,
      atomic: true,
      reason: { actor: "t", message: "m" },
    });
    const { oid, objects } = await makeCommit("one");
    const remote = makeRemote(
      { "refs/heads/main": oid, "refs/heads/kept": oid },
      make(buildPack(objects).pack),
    );
    const failed = await importRefs(makeContext(repo, remote)).then(
      () => null,
      (error: unknown) => describeFailure(error),
    );
    expect(failed?.code).toBe(code);
    expect(await listRefs(repo)).toEqual([{ name: "refs/heads/kept", oid: before.oid }]);
    expect([...repo.files.keys()]).toEqual([]);
  });

  it("a pack without the objects that it should bring", async () => {
    const repo = createMemoryRepo();
    const { oid, objects } = await makeCommit("one");
    const other = await makeCommit("other");
    const partial = await importRefs(
      makeContext(repo, makeRemote({ "refs/heads/main": oid }, band(buildPack(withoutBlobs(objects)).pack))),
    );
    expect(partial.refs).toMatchObject([{ outcome: "rejected", message: "missing necessary objects" }]);
    const wrong = await importRefs(
      makeContext(repo, makeRemote({ "refs/heads/main": oid }, band(buildPack(other.objects).pack))),
    );
    expect(wrong.refs).toMatchObject([{ outcome: "rejected", message: "missing necessary objects" }]);
    expect(wrong.settled.size).toBe(0);
    expect(await listRefs(repo)).toEqual([]);
  });

  it("a pack over the limit", async () => {
    const repo = createMemoryRepo();
    const { oid, objects } = await makeCommit("one");
    const large = makeObject("blob", randomBytes(1_100_000));
    const remote = makeRemote({ "refs/heads/main": oid }, band(buildPack([...objects, large]).pack));
    await expect(importRefs(makeContext(repo, remote))).rejects.toMatchObject({
      code: "limit-exceeded",
      message: "the pack has more than 1000000 bytes",
    });
    expect(await listRefs(repo)).toEqual([]);
  });

  it("a tree that would leave its folder", async () => {
    const repo = createMemoryRepo();
    const { oid, objects } = await makeCommit("one");
    const remote = makeRemote({ "refs/heads/main": oid }, band(buildPack([...objects, badTree]).pack));
    await expect(importRefs(makeContext(repo, remote))).rejects.toMatchObject({ code: "corrupt-object" });
    expect(await listRefs(repo)).toEqual([]);
  });

  it("a branch that is a blob", async () => {
    const repo = createMemoryRepo();
    const blob = makeObject("blob", encodeUtf8("x"));
    const done = await importRefs(
      makeContext(repo, makeRemote({ "refs/heads/main": blob.oid }, band(buildPack([blob]).pack))),
    );
    expect(done.refs).toMatchObject([{ outcome: "rejected", message: "branches must point at commits" }]);
    expect(await listRefs(repo)).toEqual([]);
  });
});

describe("a ref that moves here during the fetch", () => {
  it("stays where it was moved to", async () => {
    const repo = createMemoryRepo();
    const { oid, objects } = await makeCommit("theirs");
    const mine = await makeCommit("mine");
    const remote = makeRemote({ "refs/heads/main": oid }, band(buildPack(objects).pack));
    const post = remote.post;
    const racing: GitRemote = {
      ...remote,
      async post(...args) {
        const answer = await post(...args);
        if (Buffer.from(args[1] as Uint8Array).includes("command=fetch")) {
          await repo.store.transact({
            updates: [{ name: "refs/heads/main", expected: null, next: mine.oid }],
            objects: mine.objects,
            atomic: true,
            reason: { actor: "t", message: "m" },
          });
        }
        return answer;
      },
    };
    const done = await importRefs(makeContext(repo, racing, { spec: { ...SPEC, force: true } }));
    expect(done.refs).toMatchObject([{ outcome: "rejected" }]);
    expect(await listRefs(repo)).toEqual([{ name: "refs/heads/main", oid: mine.oid }]);
  });
});
