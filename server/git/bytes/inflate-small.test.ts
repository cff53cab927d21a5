import { constants, deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { createRandom } from "../../testing/git-packs.ts";
import { inflateSmall } from "./inflate-small.ts";
import { inflate } from "./zlib.ts";

const random = createRandom(11);

/** Content of one of several kinds: text, noise, one byte, few different bytes, skewed bytes (long codes). */
function makeContent(kind: number, length: number): Uint8Array {
  const kinds = [
    (i: number) => "the quick brown fox jumps over the lazy dog\n".charCodeAt((i * i) % 44),
    () => random(256),
    () => 65,
    () => random(1 + random(40)),
    () => 65 + Math.floor(Math.log2(1 + random(65_535))),
  ];
  const next = kinds[kind % kinds.length] as (i: number) => number;
  return Uint8Array.from({ length }, (_, i) => next(i));
}

const STRATEGIES = [
  ["default", constants.Z_DEFAULT_STRATEGY],
  ["filtered", constants.Z_FILTERED],
  ["Huffman only", constants.Z_HUFFMAN_ONLY],
  ["run lengths", constants.Z_RLE],
  ["fixed codes", constants.Z_FIXED],
] as const;

describe("inflateSmall", () => {
  it.each(STRATEGIES)("reads what zlib writes with strategy %s, at every level", (_, strategy) => {
    for (let round = 0; round < 400; round++) {
      const content = makeContent(round, random(round % 20 === 0 ? 20_000 : 1_200));
      const deflated = deflateSync(content, { strategy, level: round % 10 });
      const window = Buffer.concat([deflated, Buffer.alloc(random(40), 0x78)]);
      const inflated = inflateSmall(window, content.length);
      expect(inflated?.consumed).toBe(deflated.length);
      expect(Buffer.compare(inflated?.data ?? Buffer.of(1), content)).toBe(0);
    }
  });

  it("takes no stream of another size, and none that is cut off", () => {
    for (let round = 0; round < 300; round++) {
      const content = makeContent(round, 1 + random(700));
      const deflated = deflateSync(content, { level: round % 10 });
      expect(inflateSmall(deflated, content.length + 1)).toBeNull();
      expect(inflateSmall(deflated, content.length - 1)).toBeNull();
      expect(inflateSmall(deflated.subarray(0, random(deflated.length)), content.length)).toBeNull();
    }
  });

  it("never gives wrong bytes for a damaged stream", () => {
    for (let round = 0; round < 3_000; round++) {
      const content = makeContent(round, 1 + random(400));
      const damaged = deflateSync(content, { level: round % 10 });
      const at = random(damaged.length);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << random(8));
      const inflated = inflateSmall(damaged, content.length);
      if (inflated) expect(Buffer.compare(inflated.data, content)).toBe(0);
    }
  });

  it("gives up on noise, on nothing and on a preset dictionary", () => {
    expect(inflateSmall(new Uint8Array(0), 0)).toBeNull();
    for (let round = 0; round < 2_000; round++) {
      const noise = makeContent(1, 80);
      noise.set([0x78, 0x9c]);
      expect(inflateSmall(noise, random(500))).toBeNull();
    }
    const withDictionary = deflateSync(Buffer.from("hello hello"), { dictionary: Buffer.from("hello") });
    expect(inflateSmall(withDictionary, 11)).toBeNull();
  });
});

describe("inflate", () => {
  it("says what is wrong with a small stream", () => {
    const deflated = deflateSync(Buffer.from("hello"));
    expect(inflate(deflated, 5).consumed).toBe(deflated.length);
    for (const run of [
      () => inflate(deflated, 4),
      () => inflate(deflated, 6),
      () => inflate(deflated.subarray(0, 8), 5),
      () => inflate(Buffer.from("nonsense"), 5),
    ]) {
      expect(run).toThrow(expect.objectContaining({ code: "corrupt-object" }));
    }
  });

  it("gives plain arrays that keep no more alive than node pools for small buffers", () => {
    for (const size of [10, 2_000, 3_000, 50_000]) {
      const { data } = inflate(deflateSync(Buffer.alloc(size, 7)), size);
      expect(data.constructor).toBe(Uint8Array);
      expect(data.buffer.byteLength).toBeLessThanOrEqual(Math.max(8_192, size + 64));
    }
  });
});
