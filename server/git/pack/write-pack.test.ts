import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { indexWithGit, packObjects, randomBytes, writeHistory } from "../../testing/git-packs.ts";
import { hasGit, makeRepo } from "../../testing/real-git.ts";
import type { ByteString } from "../bytes/text.ts";
import { deflate } from "../bytes/zlib.ts";
import type { ObjectType } from "../hash/object-type.ts";
import type { Oid } from "../hash/oid.ts";
import { hashObject } from "../hash/sha1.ts";
import { encodeCommit } from "../object/commit.ts";
import { parseIdentity } from "../object/identity.ts";
import { encodeTree, FILE_MODE, GITLINK_MODE } from "../object/tree.ts";
import type { GitObject } from "../ports.ts";
import { createMemorySource } from "./byte-source.ts";
import { ingestPack } from "./ingest-pack.ts";
import { openPackIndex } from "./pack-index.ts";
import { openPackRefs } from "./pack-refs.ts";
import { openPack, type PackReader } from "./read-pack.ts";
import { type BuiltPack, buildPack, type PackStreamEntry, streamPack, writePack } from "./write-pack.ts";

function makeObject(type: ObjectType, data: Uint8Array | string): GitObject {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  return { oid: hashObject(type, bytes), type, data: bytes };
}

const WHO = parseIdentity("Ada <ada@example.com> 1700000000 +0000" as ByteString);

function makeCommit(tree: Oid, parents: readonly Oid[] = []): GitObject {
  const message = "hello\n" as ByteString;
  const commit = { tree, parents, author: WHO, committer: WHO, extra: [], message };
  return makeObject("commit", encodeCommit(commit));
}

function openBuilt(built: BuiltPack): PackReader {
  const files = { index: openPackIndex(built.idx), refs: openPackRefs(built.refs) };
  return openPack({ ...files, pack: createMemorySource([built.pack]) });
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all;
}

describe("buildPack", () => {
  const blob = makeObject("blob", "content");
  const name = (text: string) => text as ByteString;
  const gitlink = "ab".repeat(20) as Oid;
  const elsewhere = "cd".repeat(20) as Oid;
  const tree = makeObject(
    "tree",
    encodeTree([
      { mode: FILE_MODE, name: name("a"), oid: blob.oid },
      { mode: FILE_MODE, name: name("b"), oid: elsewhere },
      { mode: GITLINK_MODE, name: name("c"), oid: gitlink },
    ]),
  );
  const first = makeCommit(tree.oid);
  const second = makeCommit(tree.oid, [first.oid, elsewhere]);
  const tag = makeObject("tag", `object ${second.oid}\ntype commit\ntag v1\n\nhi\n`);
  const built = buildPack([tag, second, blob, first, tree, blob]);

  it("writes an object that comes twice once", () => {
    expect(built.objects).toBe(5);
  });

  it("notes which objects name which, gitlinks left out", () => {
    const { index, refs } = openBuilt(built);
    const namedBy = (oid: Oid) =>
      refs
        .listEdges(index.findPosition(oid))
        .map((n) => (n < refs.count ? index.oidAt(n) : refs.externalAt(n - refs.count)));
    expect(namedBy(tag.oid)).toEqual([second.oid]);
    expect(namedBy(second.oid)).toEqual([tree.oid, first.oid, elsewhere]);
    expect(namedBy(first.oid)).toEqual([tree.oid]);
    expect(namedBy(tree.oid)).toEqual([blob.oid, elsewhere]);
    expect(namedBy(blob.oid)).toEqual([]);
    expect(refs.externalCount).toBe(1);
  });

  it("gives an empty pack for nothing", async () => {
    const empty = buildPack([]);
    expect(empty.checksum).toBe("029d08823bd8a8eab510ad6ac75c823cfd3ed31e");
    expect(openBuilt(empty).index.count).toBe(0);
  });

  it.each(["tree", "commit", "tag"] as const)("refuses a %s that is none", (type) => {
    expect(() => buildPack([makeObject(type, "nonsense")])).toThrow(
      expect.objectContaining({ code: "corrupt-object" }),
    );
  });

  it.runIf(hasGit)("satisfies git index-pack --strict, verify-pack and fsck", async () => {
    const big = makeObject("blob", randomBytes(300_000, 1));
    const filled = makeObject(
      "tree",
      encodeTree([
        { mode: FILE_MODE, name: name("a"), oid: blob.oid },
        { mode: FILE_MODE, name: name("empty"), oid: makeObject("blob", "").oid },
        { mode: FILE_MODE, name: name("z"), oid: big.oid },
      ]),
    );
    const tip = makeCommit(filled.oid);
    const pack = buildPack([tip, filled, blob, makeObject("blob", ""), big]);
    const { idx, verified } = await indexWithGit(pack.pack);
    expect(Buffer.compare(pack.idx, idx)).toBe(0);
    expect(verified).toContain(`${big.oid} blob   300000`);
    await using repo = await makeRepo({ bare: true });
    await repo.git(["unpack-objects", "-q", "--strict"], { input: pack.pack });
    await repo.git(["update-ref", "refs/heads/main", tip.oid]);
    expect((await repo.git(["fsck", "--strict", "--full"])).stderr).toBe("");
  });
});

describe("streamPack", () => {
  const blobs = Array.from({ length: 3_000 }, (_, i) =>
    makeObject("blob", `blob ${i} ${"x".repeat(i % 300)}`),
  );

  it("writes chunks of 64 KB or more, the last excepted, and objects in the order given", async () => {
    const large = makeObject("blob", randomBytes(200_000, 2));
    const all = [...blobs, large];
    const entries = all.map((object): PackStreamEntry => ({ kind: "object", object }));
    const chunks = await collect(streamPack(entries, { count: all.length }));
    for (const chunk of chunks.slice(0, -1)) expect(chunk.length).toBeGreaterThanOrEqual(64 * 1024);
    const built = buildPack(all);
    expect(Buffer.compare(Buffer.concat(chunks), built.pack)).toBe(0);
  });

  it.each([1, 3])("refuses %d entries where two were announced", async (count) => {
    const entries = blobs.slice(0, count).map((object): PackStreamEntry => ({ kind: "object", object }));
    await expect(collect(streamPack(entries, { count: 2 }))).rejects.toMatchObject({ code: "corrupt-pack" });
  });

  it("names a base by distance once it was written, otherwise by id", async () => {
    const base = makeObject("blob", "0123456789");
    const made = makeObject("blob", "01234");
    const delta = Uint8Array.of(10, 5, 0x90, 5);
    const whole: PackStreamEntry = { kind: "object", object: base };
    const derived: PackStreamEntry = {
      kind: "delta",
      oid: made.oid,
      base: base.oid,
      size: delta.length,
      deflated: deflate(delta),
    };
    const write = async (entries: PackStreamEntry[], ofsDelta?: boolean) => {
      const options = ofsDelta === undefined ? { count: 2 } : { count: 2, ofsDelta };
      return Buffer.concat(await collect(streamPack(entries, options)));
    };
    const after = await write([whole, derived]);
    const before = await write([derived, whole]);
    const byId = await write([whole, derived], false);
    expect(before.length).toBe(after.length + 19);
    expect(byId.length).toBe(before.length);
    for (const pack of [after, before, byId]) {
      const taken = await ingestPack(
        (async function* () {
          yield pack;
        })(),
        { limits: { maxObjects: 9, maxObjectBytes: 99, maxPackBytes: 999 } },
      );
      const { found } = await taken.open().readObjects([made.oid]);
      expect(found.get(made.oid)?.data).toEqual(made.data);
    }
  });

  it.runIf(hasGit)("copies the entries of a stored pack so that git accepts the copy", async () => {
    await using repo = await makeRepo();
    await writeHistory(repo, { commits: 80, files: 30, changes: 4 });
    const pack = await packObjects(repo, ["main"], ["--delta-base-offset"]);
    const source = await ingestPack(
      (async function* () {
        yield pack;
      })(),
      { limits: { maxObjects: 1e5, maxObjectBytes: 1e6, maxPackBytes: 1e8 } },
    );
    const reader = source.open();
    async function* copy(): AsyncGenerator<PackStreamEntry> {
      for await (const entry of reader.readEntries([...reader.index.packOrder()])) {
        const { oid, type, size, deflated } = entry;
        if (entry.base < 0) yield { kind: "packed", oid, type, size, deflated };
        else yield { kind: "delta", oid, base: reader.index.oidAt(entry.base), size, deflated };
      }
    }
    const copied = Buffer.concat(await collect(streamPack(copy(), { count: source.objects })));
    expect(Buffer.compare(copied, pack)).toBe(0);
    const byId = Buffer.concat(await collect(streamPack(copy(), { count: source.objects, ofsDelta: false })));
    expect(byId.length).toBeGreaterThan(copied.length);
    const path = join(repo.dir, "by-id.pack");
    await writeFile(path, byId);
    await repo.git(["index-pack", "--strict", path]);
  });
});

describe("a pack written into a file", () => {
  it("is the same as one built in memory, and holds each object once", async () => {
    const blobs = ["a", "b".repeat(5_000), ""].map((text) => makeObject("blob", text));
    const parts: Uint8Array[] = [];
    const sink = {
      write: async (chunk: Uint8Array) => {
        parts.push(chunk);
      },
    };
    const written = await writePack(blobs, sink);
    const { pack, idx, refs, objects } = buildPack(blobs);
    expect(Buffer.concat(parts).equals(pack)).toBe(true);
    expect(written).toEqual({ packBytes: pack.length, idx, refs, objects });
    await expect(writePack([...blobs, ...blobs.slice(1)], sink)).rejects.toMatchObject({
      code: "corrupt-pack",
    });
  });
});
