import { describe, expect, it } from "vitest";
import { chunksOf, createRandom, indexWithGit, randomBytes } from "../../testing/git-packs.ts";
import { hasGit } from "../../testing/real-git.ts";
import { concatBytes } from "../bytes/bytes.ts";
import { deflate } from "../bytes/zlib.ts";
import { GitError } from "../errors.ts";
import { type ObjectType, PACK_TYPE } from "../hash/object-type.ts";
import { type Oid, oidToBytes } from "../hash/oid.ts";
import { hashObject, sha1 } from "../hash/sha1.ts";
import type { GitObject } from "../ports.ts";
import { type IngestedPack, type IngestOptions, ingestPack } from "./ingest-pack.ts";
import { type DeltaBase, encodeEntryHeader } from "./pack-entry.ts";
import { buildPack, encodePackHeader } from "./write-pack.ts";

const LIMITS = { maxObjects: 1_000, maxObjectBytes: 20_000_000, maxPackBytes: 20_000_000 };

interface RawEntry {
  readonly type?: number;
  readonly base?: DeltaBase;
  readonly payload?: Uint8Array;
  /** What the header claims; the payload's size unless given. */
  readonly size?: number;
  /** Instead of the deflated payload. */
  readonly zlib?: Uint8Array;
}

function makePack(entries: readonly RawEntry[], count = entries.length): Uint8Array {
  const body = entries.map(({ type = 3, base, payload = new Uint8Array(0), size, zlib }) =>
    concatBytes([encodeEntryHeader(type, size ?? payload.length, base), zlib ?? deflate(payload)]),
  );
  return sign(concatBytes([encodePackHeader(count), ...body]));
}

function sign(body: Uint8Array): Uint8Array {
  return concatBytes([body, sha1(body)]);
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function makeObject(type: ObjectType, text: string): GitObject {
  const data = bytesOf(text);
  return { oid: hashObject(type, data), type, data };
}

/** A delta that takes the first `keep` bytes of a base of `baseSize` (below 128) and adds `text`. */
function makeDelta(baseSize: number, keep: number, text: string): Uint8Array {
  const tail = bytesOf(text);
  return Uint8Array.of(baseSize, keep + tail.length, 0x90, keep, tail.length, ...tail);
}

function takeIn(pack: Uint8Array, options: Partial<IngestOptions> = {}): Promise<IngestedPack> {
  return ingestPack(chunksOf(pack, 60_000), { limits: LIMITS, ...options });
}

/** "taken", or the code of the GitError; any other error fails the test. */
async function outcomeOf(pack: Uint8Array, options?: Partial<IngestOptions>): Promise<string> {
  try {
    await takeIn(pack, options);
    return "taken";
  } catch (error) {
    if (error instanceof GitError) return error.code;
    throw error;
  }
}

function findIn(...objects: readonly GitObject[]) {
  const all = new Map(objects.map((object) => [object.oid, object]));
  return async (oids: readonly Oid[]) => {
    const found = new Map<Oid, GitObject>();
    for (const oid of oids) {
      const object = all.get(oid);
      if (object) found.set(oid, object);
    }
    return found;
  };
}

const BLOB = bytesOf("0123456789");
const TREE = makeObject("tree", "");
const SOUND = makePack([
  { payload: BLOB },
  {
    base: { distance: encodeEntryHeader(3, 10).length + deflate(BLOB).length },
    payload: makeDelta(10, 5, "abc"),
  },
  { type: PACK_TYPE.tree, payload: TREE.data },
  { payload: randomBytes(900, 1) },
  { payload: new Uint8Array(300_000).fill(65) },
  { base: { oid: oidToBytes(hashObject("blob", BLOB)) }, payload: makeDelta(10, 9, "z") },
]);

describe("ingestPack of damaged packs", () => {
  it("takes the sound one", async () => {
    expect(await outcomeOf(SOUND)).toBe("taken");
  });

  it("refuses it cut off anywhere", async () => {
    for (let length = 0; length < SOUND.length; length += 5) {
      expect(await outcomeOf(SOUND.subarray(0, length))).toBe("corrupt-pack");
    }
  });

  it("refuses it cut off anywhere even with a checksum that fits", async () => {
    for (let length = 12; length < SOUND.length - 21; length += 7) {
      expect(await outcomeOf(sign(SOUND.subarray(0, length)))).toBe("corrupt-pack");
    }
  });

  it("refuses any wrong byte", async () => {
    for (let at = 0; at < SOUND.length; at += 3) {
      const pack = SOUND.slice();
      pack[at] = (pack[at] as number) ^ 0x24;
      expect(["corrupt-pack", "limit-exceeded", "missing-object"]).toContain(await outcomeOf(pack));
    }
  });

  it("answers random bytes under a fitting checksum with a GitError or a pack", async () => {
    const random = createRandom(3);
    for (let round = 0; round < 600; round++) {
      const body = SOUND.slice(0, -20);
      for (let i = 0; i <= random(4); i++) body[12 + random(body.length - 12)] = random(256);
      const outcome = await outcomeOf(sign(body));
      expect(["taken", "corrupt-pack", "corrupt-object", "limit-exceeded", "missing-object"]).toContain(
        outcome,
      );
    }
  });

  it.each<[string, Uint8Array]>([
    ["nothing", new Uint8Array(0)],
    ["another magic", sign(concatBytes([bytesOf("PACQ"), SOUND.subarray(4, -20)]))],
    ["version 4", sign(concatBytes([SOUND.subarray(0, 7), Uint8Array.of(4), SOUND.subarray(8, -20)]))],
    ["one object too few", makePack([{ payload: BLOB }], 2)],
    ["one object too many", makePack([{ payload: BLOB }, { payload: bytesOf("x") }], 1)],
    ["bytes after its end", concatBytes([SOUND, Uint8Array.of(0)])],
    ["a second pack after its end", concatBytes([SOUND, SOUND])],
    ["type 0", makePack([{ type: 0, payload: BLOB }])],
    ["type 5", makePack([{ type: 5, payload: BLOB }])],
    ["an entry that is larger than it says", makePack([{ payload: BLOB, size: 9 }])],
    ["an entry that is smaller than it says", makePack([{ payload: BLOB, size: 11 }])],
    [
      "a large entry that is larger than it says",
      makePack([{ payload: randomBytes(400_000, 1), size: 399_999 }]),
    ],
    [
      "a large entry that is smaller than it says",
      makePack([{ payload: randomBytes(400_000, 1), size: 400_001 }]),
    ],
    [
      "a huge blob that is smaller than it says",
      makePack([{ payload: randomBytes(400_000, 1), size: 15_000_000 }]),
    ],
    ["no zlib stream", makePack([{ zlib: bytesOf("this is not zlib at all"), size: 10 }])],
    ["a bad zlib checksum", makePack([{ zlib: new Uint8Array(deflate(BLOB)).fill(0, -4), size: 10 }])],
    ["an object twice", makePack([{ payload: BLOB }, { payload: BLOB }])],
  ])("refuses one with %s", async (_, pack) => {
    expect(await outcomeOf(pack)).toBe("corrupt-pack");
  });

  it.each<[string, ObjectType, string]>([
    ["a tree that is cut off", "tree", "100644 a\0short"],
    ["a tree with a bad mode", "tree", `999 a\0${"x".repeat(20)}`],
    ["a tree with an endless mode", "tree", `${"1".repeat(50)} a\0${"x".repeat(20)}`],
    ["an empty commit", "commit", ""],
    ["a commit with a bad tree", "commit", `tree ${"z".repeat(40)}\n\n`],
    ["a commit with half a parent", "commit", `tree ${TREE.oid}\nparent 1234\n`],
    ["a tag without an object", "tag", "type commit\n"],
  ])("refuses %s", async (_, type, text) => {
    const pack = makePack([{ type: PACK_TYPE[type], payload: bytesOf(text) }]);
    expect(await outcomeOf(pack)).toBe("corrupt-object");
  });
});

describe("ingestPack of bad deltas", () => {
  const FIRST: RawEntry = { payload: BLOB };
  const distance = encodeEntryHeader(3, 10).length + deflate(BLOB).length;
  const oid = oidToBytes(hashObject("blob", BLOB));

  it.each<[string, RawEntry]>([
    ["a base before the pack", { base: { distance: 5_000 }, payload: makeDelta(10, 5, "a") }],
    ["a base in the header", { base: { distance: distance + 12 }, payload: makeDelta(10, 5, "a") }],
    ["a base between entries", { base: { distance: distance - 1 }, payload: makeDelta(10, 5, "a") }],
    [
      "itself as base",
      { zlib: concatBytes([Uint8Array.of(0), deflate(makeDelta(10, 5, "a"))]), type: 6, size: 9 },
    ],
    ["another base size", { base: { distance }, payload: makeDelta(11, 5, "a") }],
    ["a copy beyond the base", { base: { distance }, payload: makeDelta(10, 11, "a") }],
    ["too little", { base: { oid }, payload: Uint8Array.of(10, 9, 0x90, 5) }],
    ["the reserved instruction", { base: { oid }, payload: Uint8Array.of(10, 1, 0) }],
    ["nothing in it", { base: { oid }, payload: new Uint8Array(0) }],
    ["its base as result", { base: { oid }, payload: Uint8Array.of(10, 10, 0x90, 10) }],
  ])("refuses one with %s", async (_, entry) => {
    expect(await outcomeOf(makePack([FIRST, entry]))).toBe("corrupt-pack");
  });

  it("refuses ref-deltas whose bases are nowhere, in a circle or not", async () => {
    const unknown = [randomBytes(20, 1), randomBytes(20, 2)] as const;
    const delta = makeDelta(10, 5, "a");
    const pack = makePack([FIRST, ...unknown.map((id) => ({ base: { oid: id }, payload: delta }))]);
    expect(await outcomeOf(pack)).toBe("missing-object");
  });

  it("refuses deltas that hang on an unresolved one", async () => {
    const lost = { base: { oid: randomBytes(20, 1) }, payload: makeDelta(10, 5, "a") };
    const lostBytes =
      encodeEntryHeader(0, lost.payload.length, lost.base).length + deflate(lost.payload).length;
    const pack = makePack([lost, { base: { distance: lostBytes }, payload: makeDelta(6, 3, "b") }]);
    expect(await outcomeOf(pack)).toBe("missing-object");
  });

  it("resolves a ref-delta that comes before its base", async () => {
    const pack = makePack([{ base: { oid }, payload: makeDelta(10, 5, "abc") }, FIRST]);
    const taken = await takeIn(pack);
    const made = makeObject("blob", "01234abc").oid;
    expect((await taken.open().readObjects([made])).found.get(made)?.data).toEqual(bytesOf("01234abc"));
  });

  describe("with copies of its objects outside", () => {
    const x = makeObject("blob", "0123456789");
    const a = makeObject("blob", "01234aaaaa");
    const b = makeObject("blob", "01234bbbbb");
    const aFrom = (from: GitObject) => ({
      base: { oid: oidToBytes(from.oid) },
      payload: makeDelta(10, 5, "aaaaa"),
    });
    const bFrom = (from: GitObject) => ({
      base: { oid: oidToBytes(from.oid) },
      payload: makeDelta(10, 5, "bbbbb"),
    });

    it("adds only what the pack does not hold", async () => {
      for (const entries of [
        [aFrom(x), bFrom(a)],
        [bFrom(a), aFrom(x)],
      ]) {
        const taken = await takeIn(makePack(entries), { findBases: findIn(x, a) });
        expect([taken.objects, taken.addedBases]).toEqual([3, 1]);
        const { found } = await taken.open().readObjects([x.oid, a.oid, b.oid]);
        expect([...found.values()].map((object) => object.data)).toEqual([x.data, a.data, b.data]);
        if (hasGit) {
          const { idx } = await indexWithGit(taken.pack ?? new Uint8Array(0), []);
          expect(Buffer.compare(idx, taken.idx)).toBe(0);
        }
      }
    });

    it("refuses deltas that are made of each other", async () => {
      const pack = makePack([aFrom(b), bFrom(a)]);
      expect(await outcomeOf(pack, { findBases: findIn(a, b) })).toBe("corrupt-pack");
      expect(await outcomeOf(pack, { findBases: findIn(a) })).toBe("corrupt-pack");
      expect(await outcomeOf(pack)).toBe("missing-object");
    });
  });
});

describe("ingestPack and its limits", () => {
  async function limitOf(pack: Uint8Array, limits: Partial<IngestOptions["limits"]>): Promise<unknown> {
    try {
      await takeIn(pack, { limits: { ...LIMITS, ...limits } });
    } catch (error) {
      if (error instanceof GitError && error.code === "limit-exceeded") return error.data.limit;
      throw error;
    }
    return "none";
  }

  const tree = makePack([{ type: PACK_TYPE.tree, payload: bytesOf(`100644 name\0${"x".repeat(20)}`) }]);
  const noise = makePack([{ payload: randomBytes(3_000_000, 1) }]);
  const zeros = new Uint8Array(10_000_000);

  it("names the one that is exceeded", async () => {
    expect(await limitOf(SOUND, { maxObjects: 5 })).toBe("maxObjects");
    expect(await limitOf(SOUND, { maxObjects: 6 })).toBe("none");
    expect(await limitOf(SOUND, { maxPackBytes: SOUND.length - 1 })).toBe("maxPackBytes");
    expect(await limitOf(SOUND, { maxPackBytes: SOUND.length })).toBe("none");
    expect(await limitOf(SOUND, { maxDeltaDepth: 0 })).toBe("maxDeltaDepth");
    expect(await limitOf(SOUND, { maxTotalBytes: 300_000 })).toBe("maxTotalBytes");
    expect(await limitOf(noise, { maxObjectBytes: 2_999_999 })).toBe("maxObjectBytes");
    expect(await limitOf(noise, { maxHeldBytes: 1_000 })).toBe("none");
    expect(await limitOf(tree, { maxHeldBytes: 30 })).toBe("maxHeldBytes");
  });

  it("believes no count: four billion announced objects take no memory", async () => {
    expect(await limitOf(makePack([], 0xffffffff), {})).toBe("maxObjects");
    expect(await outcomeOf(makePack([], 0xffffffff), { limits: { ...LIMITS, maxObjects: 1e10 } })).toBe(
      "corrupt-pack",
    );
  });

  it("refuses sizes over the limit before inflating anything", async () => {
    const huge = { zlib: deflate(zeros), size: 2 ** 45 };
    expect(await limitOf(makePack([huge]), {})).toBe("maxObjectBytes");
    expect(await limitOf(makePack([{ ...huge, type: PACK_TYPE.commit }]), {})).toBe("maxHeldBytes");
    expect(await limitOf(makePack([{ ...huge, base: { oid: randomBytes(20, 1) } }]), {})).toBe(
      "maxHeldBytes",
    );
  });

  it("stops inflating where an entry becomes larger than it says", async () => {
    for (const size of [10, 200_000, 300_000, 2_000_000]) {
      expect(await outcomeOf(makePack([{ zlib: deflate(zeros), size }]))).toBe("corrupt-pack");
    }
  });

  it("refuses a small delta that would make a large object", async () => {
    const delta = Uint8Array.of(10, 0x80, 0x80, 0x80, 0x80, 0x10, 0x90, 10);
    const base = { oid: oidToBytes(hashObject("blob", BLOB)) };
    expect(await limitOf(makePack([{ payload: BLOB }, { base, payload: delta }]), {})).toBe("maxHeldBytes");
    expect(await limitOf(makePack([{ base, payload: delta }, { payload: BLOB }]), {})).toBe("maxHeldBytes");
  });

  it("hands on what the input throws and asks it to stop when the pack is bad", async () => {
    const broken = (async function* () {
      yield SOUND.subarray(0, 40);
      throw new Error("connection lost");
    })();
    await expect(ingestPack(broken, { limits: LIMITS })).rejects.toThrow("connection lost");
    let stopped = false;
    const endless = (async function* () {
      try {
        for (;;) yield randomBytes(1_000, 1);
      } finally {
        stopped = true;
      }
    })();
    await expect(ingestPack(endless, { limits: LIMITS })).rejects.toMatchObject({ code: "corrupt-pack" });
    expect(stopped).toBe(true);
  });
});

describe.runIf(hasGit)("ingestPack of large deltas", () => {
  /** Takes all of a base of `size` bytes and adds one. */
  function growDelta(size: number, added: number): Uint8Array {
    const varint = (value: number) => [
      0x80 | (value & 0x7f),
      0x80 | ((value >> 7) & 0x7f),
      0x80 | ((value >> 14) & 0x7f),
      value >> 21,
    ];
    const length = [size & 0xff, (size >> 8) & 0xff, size >> 16];
    return Uint8Array.from([...varint(size), ...varint(size + 1), 0xf0, ...length, 1, added]);
  }

  it("makes a tree of them with more content than it may hold", async () => {
    const size = 12_000_000;
    const entries: RawEntry[] = [{ payload: new Uint8Array(size).fill(66) }];
    const sizes = [size];
    const offsets = [0];
    let end = encodeEntryHeader(3, size).length + deflate(entries[0]?.payload ?? BLOB).length;
    for (let node = 1; node < 31; node++) {
      const parent = (node - 1) >> 1;
      const payload = growDelta(sizes[parent] ?? 0, node);
      const base = { distance: end - (offsets[parent] ?? 0) };
      entries.push({ base, payload });
      sizes.push((sizes[parent] ?? 0) + 1);
      offsets.push(end);
      end += encodeEntryHeader(0, payload.length, base).length + deflate(payload).length;
    }
    const pack = makePack(entries);
    const taken = await takeIn(pack);
    expect(Buffer.compare(taken.idx, (await indexWithGit(pack)).idx)).toBe(0);
    const { index, refs } = taken.open();
    const last = index.findPositionAtOffset(12 + (offsets[30] ?? 0));
    expect(refs.sizeAt(last)).toBe(size + 4);
    const reader = taken.open({ baseCacheBytes: 0 });
    const oid = index.oidAt(last);
    const object = (await reader.readObjects([oid])).found.get(oid);
    expect(hashObject("blob", object?.data ?? BLOB)).toBe(oid);
  });

  it("reads a delta too large to be kept back from the stored pack", async () => {
    const noise = randomBytes(5_080_000, 7);
    const inserts = Array.from({ length: 40_000 }, (_, i) => [
      127,
      ...noise.subarray(i * 127, (i + 1) * 127),
    ]);
    const varint = [
      0x80 | (5_080_000 & 0x7f),
      0x80 | ((5_080_000 >> 7) & 0x7f),
      0x80 | ((5_080_000 >> 14) & 0x7f),
      2,
    ];
    const payload = Uint8Array.from([10, ...varint, ...inserts.flat()]);
    const base = { oid: oidToBytes(hashObject("blob", BLOB)) };
    const pack = makePack([{ base, payload }, { payload: BLOB }]);
    const taken = await takeIn(pack);
    expect(Buffer.compare(taken.idx, (await indexWithGit(pack)).idx)).toBe(0);
    const oid = hashObject("blob", noise);
    const { found } = await taken.open().readObjects([oid]);
    expect(Buffer.compare(found.get(oid)?.data ?? BLOB, noise)).toBe(0);
  });
});

describe("ingestPack of our own packs", () => {
  it("comes to the same index and sidecar", async () => {
    const objects = Array.from({ length: 500 }, (_, i) => makeObject("blob", `blob ${i}`));
    const built = buildPack(objects);
    const taken = await takeIn(built.pack);
    expect(Buffer.compare(taken.idx, built.idx)).toBe(0);
    expect(Buffer.compare(taken.refs, built.refs)).toBe(0);
    expect(taken.checksum).toBe(built.checksum);
  });
});
