import { describe, expect, it } from "vitest";
import {
  chunksOf,
  countReads,
  createRandom,
  packObjects,
  randomBytes,
  writeHistory,
} from "../../testing/git-packs.ts";
import { hasGit, makeRepo, type RealRepo } from "../../testing/real-git.ts";
import { deflate } from "../bytes/zlib.ts";
import { type Oid, oidFromBytes, oidToBytes } from "../hash/oid.ts";
import { hashObject, sha1 } from "../hash/sha1.ts";
import type { GitObject } from "../ports.ts";
import { type IngestedPack, ingestPack } from "./ingest-pack.ts";
import { encodePackIndex, openPackIndex } from "./pack-index.ts";
import { encodePackRefs, openPackRefs } from "./pack-refs.ts";
import { type OpenPackOptions, openPack, type PackReader } from "./read-pack.ts";
import { planRanges } from "./read-ranges.ts";
import { buildPack, streamPack } from "./write-pack.ts";

const LIMITS = { maxObjects: 1e6, maxObjectBytes: 1e9, maxPackBytes: 1e9 };

function makeBlob(data: Uint8Array): GitObject {
  return { oid: hashObject("blob", data), type: "blob", data };
}

function openCounted(
  files: Pick<IngestedPack, "idx" | "refs"> & { pack: Uint8Array },
  options?: OpenPackOptions,
) {
  const source = countReads(files.pack);
  const reader = openPack(
    { pack: source, index: openPackIndex(files.idx), refs: openPackRefs(files.refs) },
    options,
  );
  return { source, reader };
}

async function takeIn(pack: Uint8Array): Promise<IngestedPack & { pack: Uint8Array }> {
  const taken = await ingestPack(chunksOf(pack, 100_000), { limits: LIMITS });
  if (!taken.pack) throw new Error("expected the pack in memory");
  return { ...taken, pack: taken.pack };
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

function listOids(reader: PackReader): Oid[] {
  return Array.from({ length: reader.index.count }, (_, position) => reader.index.oidAt(position));
}

async function expectAllReadable(reader: PackReader): Promise<void> {
  const oids = listOids(reader);
  const { found, missing } = await reader.readObjects(oids);
  expect(missing).toEqual([]);
  for (const oid of oids) {
    const object = found.get(oid);
    expect(object && hashObject(object.type, object.data)).toBe(oid);
  }
}

/** One file of `versions` versions, all in one chain of deltas. */
async function writeChain(repo: RealRepo, versions: number): Promise<void> {
  await writeHistory(repo, { commits: versions, files: 1, changes: 1, depth: 4_095 });
}

describe("planRanges", () => {
  it("joins what is near and starts anew over a gap, past 4 MB or backwards", () => {
    const spans = [
      { offset: 0, length: 100 },
      { offset: 100, length: 50 },
      { offset: 150 + 32_768, length: 10 },
      { offset: 40_000_000, length: 4_000_000 },
      { offset: 44_000_000, length: 200_000 },
      { offset: 12, length: 3 },
    ];
    expect(planRanges(spans).map(({ offset, length }) => [offset, length])).toEqual([
      [0, 150 + 32_768 + 10],
      [40_000_000, 4_000_000],
      [44_000_000, 200_000],
      [12, 3],
    ]);
  });
});

describe("openPack over undeltified objects", () => {
  const blobs = Array.from({ length: 3_000 }, (_, i) => makeBlob(randomBytes(1 + (i % 900), i)));
  const built = buildPack(blobs);

  it("reads many objects in one read and answers absence with a value", async () => {
    const { reader, source } = openCounted(built);
    const absent = "ab".repeat(20) as Oid;
    const { found, missing } = await reader.readObjects([...blobs.map((blob) => blob.oid), absent]);
    expect(missing).toEqual([absent]);
    expect(blobs.map((blob) => found.get(blob.oid)?.data)).toEqual(blobs.map((blob) => blob.data));
    expect(source.reads.length).toBe(1);
  });

  it("gives types and sizes without reading the pack", async () => {
    const { reader, source } = openCounted(built);
    const { found } = await reader.readHeaders([(blobs[5] as GitObject).oid]);
    expect([...found.values()]).toEqual([{ type: "blob", size: 6 }]);
    expect(source.reads).toEqual([]);
  });

  it("keeps at most six reads of at most 4 MB under way", async () => {
    const large = Array.from({ length: 24 }, (_, i) => makeBlob(randomBytes(1_500_000, i)));
    const { reader, source } = openCounted(buildPack(large));
    await expectAllReadable(reader);
    expect(source.peak()).toBe(6);
    expect(source.reads.length).toBe(12);
    expect(Math.max(...source.reads.map((read) => read.length))).toBeLessThanOrEqual(4 * 1024 * 1024);
  });

  it("refuses an object over the ceiling, and a batch over its own", async () => {
    const { reader } = openCounted(built, { maxObjectBytes: 500, maxBatchBytes: 2_000 });
    await expect(reader.readObjects([(blobs[600] as GitObject).oid])).rejects.toMatchObject({
      code: "limit-exceeded",
      data: { limit: "maxObjectBytes", size: 601, max: 500 },
    });
    const oids = blobs.slice(400, 410).map((blob) => blob.oid);
    await expect(reader.readObjects(oids)).rejects.toMatchObject({
      code: "limit-exceeded",
      data: { limit: "maxBatchBytes" },
    });
  });

  it("refuses files of different packs", () => {
    const other = buildPack(blobs.slice(1));
    expect(() => openCounted({ ...built, refs: other.refs })).toThrow(
      expect.objectContaining({ code: "corrupt-pack" }),
    );
  });

  it("answers any damage to the pack with GitError corrupt-pack or the right bytes", async () => {
    const few = blobs.slice(40, 60);
    const small = buildPack(few);
    for (let at = 0; at < small.pack.length; at += 3) {
      const pack = small.pack.slice();
      pack[at] = (pack[at] as number) ^ 0x55;
      const { reader } = openCounted({ ...small, pack });
      const outcome = await reader.readObjects(few.map((blob) => blob.oid)).then(
        ({ found }) =>
          few.every((blob) => Buffer.compare(found.get(blob.oid)?.data ?? Buffer.of(), blob.data) === 0),
        (error) => error.code,
      );
      expect([true, "corrupt-pack"]).toContain(outcome);
    }
  });

  it("answers a pack that is shorter than its index with GitError corrupt-pack", async () => {
    const { reader } = openCounted({ ...built, pack: built.pack.subarray(0, 5_000) });
    await expect(reader.readObjects(listOids(reader))).rejects.toMatchObject({ code: "corrupt-pack" });
  });
});

describe("openObject", () => {
  const text = Buffer.from(Array.from({ length: 700_000 }, (_, i) => `line ${i}\n`).join(""));
  const noise = randomBytes(9_000_000, 4);
  const small = Buffer.from("small");
  const [textBlob, noiseBlob, smallBlob] = [text, noise, small].map(makeBlob) as [
    GitObject,
    GitObject,
    GitObject,
  ];
  const built = buildPack([textBlob, noiseBlob, smallBlob]);

  it("streams a large blob a megabyte of the pack at a time", async () => {
    const { reader, source } = openCounted(built);
    const opened = await reader.openObject(noiseBlob.oid);
    expect(opened).toMatchObject({ oid: noiseBlob.oid, type: "blob", size: noise.length });
    expect(Buffer.compare(await collect(opened?.chunks as AsyncIterable<Uint8Array>), noise)).toBe(0);
    expect(Math.max(...source.reads.map((read) => read.length))).toBe(1024 * 1024);
  });

  it.each([
    [0, 10],
    [65_530, 65_540],
    [1_000_000, 1_000_000],
    [3_000_000, 5_000_001],
    [text.length - 7, text.length],
    [text.length - 7, text.length + 100],
    [text.length + 5, text.length + 9],
  ])("gives bytes %d to %d", async (start, end) => {
    const { reader } = openCounted(built);
    const opened = await reader.openObject(textBlob.oid, { start, end });
    const bytes = await collect(opened?.chunks as AsyncIterable<Uint8Array>);
    expect(Buffer.compare(bytes, text.subarray(start, end))).toBe(0);
  });

  it("reads no further than the end of the range", async () => {
    const { reader, source } = openCounted(built);
    const opened = await reader.openObject(noiseBlob.oid, { start: 10, end: 20 });
    await collect(opened?.chunks as AsyncIterable<Uint8Array>);
    expect(source.reads.length).toBe(2);
  });

  it("gives small blobs, nothing of a range, and null for what is not there", async () => {
    const { reader } = openCounted(built);
    const opened = await reader.openObject(smallBlob.oid, { start: 1, end: 3 });
    expect((await collect(opened?.chunks as AsyncIterable<Uint8Array>)).toString()).toBe("ma");
    expect(await reader.openObject("ab".repeat(20) as Oid)).toBeNull();
  });

  it("reads an entry over 4 MB whole, and raw in pieces", async () => {
    const { reader } = openCounted(built);
    const { found } = await reader.readObjects([noiseBlob.oid, smallBlob.oid]);
    expect(Buffer.compare(found.get(noiseBlob.oid)?.data ?? small, noise)).toBe(0);
    expect(found.get(smallBlob.oid)?.data).toEqual(new Uint8Array(small));
    const raw = await reader.readEntryBytes(reader.index.findPosition(noiseBlob.oid));
    expect(raw).toMatchObject({ oid: noiseBlob.oid, type: "blob", base: -1, size: noise.length });
    expect(Buffer.compare(await collect(raw.deflated as AsyncIterable<Uint8Array>), deflate(noise))).toBe(0);
  });

  it("answers a damaged stream with GitError corrupt-pack", async () => {
    const pack = built.pack.slice();
    pack.fill(0x5a, 2_000_000, 2_000_400);
    const { reader } = openCounted({ ...built, pack });
    const damaged = async () => {
      for (const blob of [textBlob, noiseBlob]) {
        const opened = await reader.openObject(blob.oid);
        await collect(opened?.chunks as AsyncIterable<Uint8Array>);
      }
    };
    await expect(damaged()).rejects.toMatchObject({ code: "corrupt-pack" });
  });
});

describe.runIf(hasGit)("openPack over packs of git", () => {
  it.each([
    ["ofs-deltas", ["--delta-base-offset"]],
    ["ref-deltas", []],
  ])("reads every object of a pack with %s", async (_, flags) => {
    await using repo = await makeRepo();
    await writeHistory(repo, { commits: 200, files: 60, changes: 5 });
    const taken = await takeIn(await packObjects(repo, ["main"], flags));
    const { reader } = openCounted(taken);
    await expectAllReadable(reader);
    const deltas = listOids(reader).filter((__, position) => reader.refs.baseAt(position) >= 0);
    expect(deltas.length).toBeGreaterThan(300);
    for (const oid of deltas.slice(0, 50)) {
      const { found } = await reader.readObjects([oid]);
      const object = found.get(oid);
      expect(object && hashObject(object.type, object.data)).toBe(oid);
    }
  });

  it("makes the end of a chain of 1,500 deltas in one round of reads", async () => {
    await using repo = await makeRepo();
    await writeChain(repo, 1_501);
    const pack = await packObjects(repo, ["main"], ["--delta-base-offset", "--depth=4095"]);
    const taken = await takeIn(pack);
    const { reader, source } = openCounted(taken, { baseCacheBytes: 0 });
    const { refs, index } = reader;
    const depthOf = (position: number): number => {
      let depth = 0;
      for (let at = refs.baseAt(position); at >= 0; at = refs.baseAt(at)) depth++;
      return depth;
    };
    const depths = Array.from({ length: refs.count }, (_, position) => depthOf(position));
    const longest = Math.max(...depths);
    expect(longest).toBeGreaterThan(1_400);
    const oid = index.oidAt(depths.indexOf(longest));
    const object = (await reader.readObjects([oid])).found.get(oid);
    expect(object && hashObject(object.type, object.data)).toBe(oid);
    expect(source.reads.length).toBeLessThanOrEqual(6);
    await expectAllReadable(reader);
  }, 120_000);

  it("opens a delta as a stream by making it whole, up to the ceiling", async () => {
    await using repo = await makeRepo();
    await writeChain(repo, 20);
    const taken = await takeIn(await packObjects(repo, ["main"]));
    const { reader } = openCounted(taken);
    const oid = listOids(reader).find(
      (__, position) => reader.refs.baseAt(position) >= 0 && reader.refs.typeAt(position) === "blob",
    ) as Oid;
    const content = (await repo.git(["cat-file", "blob", oid])).stdout;
    const opened = await reader.openObject(oid, { start: 3, end: 30 });
    expect(await collect(opened?.chunks as AsyncIterable<Uint8Array>)).toEqual(content.subarray(3, 30));
    const { reader: strict } = openCounted(taken, { maxObjectBytes: content.length - 1 });
    await expect(strict.openObject(oid)).rejects.toMatchObject({ code: "limit-exceeded" });
  });

  it("keeps bases for the next call, within its budget", async () => {
    await using repo = await makeRepo();
    await writeChain(repo, 40);
    const { reader, source } = openCounted(await takeIn(await packObjects(repo, ["main"])));
    const deltas = listOids(reader).filter((__, position) => reader.refs.baseAt(position) >= 0);
    const random = createRandom(1);
    for (let i = 0; i < 30; i++) {
      const oid = deltas[random(deltas.length)] as Oid;
      const { found } = await reader.readObjects([oid]);
      expect(hashObject(found.get(oid)?.type ?? "tag", found.get(oid)?.data ?? Buffer.of())).toBe(oid);
    }
    expect(source.reads.length).toBeLessThanOrEqual(30);
  });
});

describe("openPack with a base in another pack", () => {
  const base = makeBlob(Buffer.from("0123456789"));
  const made = makeBlob(Buffer.from("01234"));
  const delta = Uint8Array.of(10, 5, 0x90, 5);

  async function makeThin() {
    const entry = {
      kind: "delta",
      oid: made.oid,
      base: base.oid,
      size: 4,
      deflated: deflate(delta),
    } as const;
    const pack = await collect(streamPack([entry], { count: 1 }));
    const packChecksum = sha1(pack.subarray(0, -20));
    const columns = {
      count: 1,
      oids: oidToBytes(made.oid),
      crcs: Uint32Array.of(0),
      offsets: Float64Array.of(12),
    };
    const refs = encodePackRefs({
      packChecksum,
      types: Uint8Array.of(3),
      sizes: Float64Array.of(5),
      bases: Int32Array.of(1),
      runListStarts: new Uint32Array(2),
      runList: new Uint32Array(0),
      runStarts: new Uint32Array(1),
      edges: new Uint32Array(0),
      externals: oidToBytes(base.oid),
    });
    return { pack, idx: encodePackIndex(columns, packChecksum), refs };
  }

  it("asks for it", async () => {
    const asked: Oid[] = [];
    const { reader } = openCounted(await makeThin(), {
      async findExternal(oids) {
        asked.push(...oids);
        return new Map([[base.oid, base]]);
      },
    });
    const { found } = await reader.readObjects([made.oid]);
    expect(found.get(made.oid)?.data).toEqual(new Uint8Array(made.data));
    expect(asked).toEqual([base.oid]);
  });

  it("says which one is missing", async () => {
    const { reader } = openCounted(await makeThin());
    await expect(reader.readObjects([made.oid])).rejects.toMatchObject({
      code: "missing-object",
      data: { oid: base.oid },
    });
  });

  it("refuses a circle of bases", async () => {
    const thin = await makeThin();
    const refs = encodePackRefs({
      packChecksum: openPackRefs(thin.refs).packChecksum,
      types: Uint8Array.of(3),
      sizes: Float64Array.of(5),
      bases: Int32Array.of(0),
      runListStarts: new Uint32Array(2),
      runList: new Uint32Array(0),
      runStarts: new Uint32Array(1),
      edges: new Uint32Array(0),
      externals: new Uint8Array(0),
    });
    const { reader } = openCounted({ ...thin, refs });
    await expect(reader.readObjects([made.oid])).rejects.toMatchObject({ code: "corrupt-index" });
    expect(oidFromBytes(oidToBytes(made.oid))).toBe(made.oid);
  });
});
