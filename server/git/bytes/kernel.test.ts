import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { constants, deflateSync, inflateSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { createRandom } from "../../testing/git-packs.ts";
import { hashToBytes } from "../hash/sha1.ts";
import { inflateSmall } from "./inflate-small.ts";
import { createKernel, installKernel, KERNEL_MAX_BYTES } from "./kernel.ts";
import { inflate } from "./zlib.ts";

/** Node's, which the types of workers hide. */
declare const WebAssembly: { readonly Module: new (bytes: Uint8Array) => object };

const module = new WebAssembly.Module(
  readFileSync(new URL("../../kernel/kernel.wasm", import.meta.url).pathname),
);
const kernel = createKernel(module);
const random = createRandom(5);
afterEach(() => installKernel(null));

/** Text, noise, one byte, few different bytes, and bytes so uneven that some codes are long. */
function makeContent(kind: number, length: number): Uint8Array {
  const kinds = [
    (i: number) => "export const answer = (question: string) => 42;\n".charCodeAt((i * i) % 48),
    () => random(256),
    () => 65,
    () => random(1 + random(40)),
    () => 65 + Math.floor(Math.log2(1 + random(65_535))),
  ];
  const next = kinds[kind % kinds.length] as (i: number) => number;
  return Uint8Array.from({ length }, (_, i) => next(i));
}

/** What zlib says of a stream at the start of `input`: the oracle, without any code of ours. */
function inflateByZlib(input: Uint8Array, size: number): { data: Buffer; consumed: number } | null {
  try {
    const options = { info: true, maxOutputLength: size + 1 } as object;
    const result = inflateSync(input, options) as unknown as {
      buffer: Buffer;
      engine: { bytesWritten: number };
    };
    if (result.buffer.length !== size) return null;
    return { data: result.buffer, consumed: result.engine.bytesWritten };
  } catch {
    return null; // whatever zlib finds wrong: the kernel must not find it right
  }
}

/** The kernel may leave a stream to zlib, but what it gives must be what zlib gives. */
function compare(input: Uint8Array, size: number): "same" | "left" {
  const ours = kernel.inflate(input, size);
  const plain = inflateSmall(input, size);
  expect(ours === null).toBe(plain === null);
  if (ours === null) return "left";
  const theirs = inflateByZlib(input, size);
  expect(ours.consumed).toBe(theirs?.consumed);
  expect(Buffer.compare(ours.data, theirs?.data ?? Buffer.of(0))).toBe(0);
  return "same";
}

const STRATEGIES = [
  ["default", constants.Z_DEFAULT_STRATEGY],
  ["filtered", constants.Z_FILTERED],
  ["Huffman only", constants.Z_HUFFMAN_ONLY],
  ["run lengths", constants.Z_RLE],
  ["fixed codes", constants.Z_FIXED],
] as const;

describe("inflate of the kernel", () => {
  it.each(STRATEGIES)("reads what zlib writes with strategy %s, at every level", (_, strategy) => {
    for (let round = 0; round < 300; round++) {
      const content = makeContent(round, random(round % 10 === 0 ? KERNEL_MAX_BYTES + 1 : 1_200));
      const deflated = deflateSync(content, { strategy, level: round % 10 });
      const window = Buffer.concat([deflated, Buffer.alloc(random(40), 0x78)]);
      expect(compare(window, content.length)).toBe("same");
    }
  });

  it("takes every stream for bad that is cut off anywhere", () => {
    for (let kind = 0; kind < 5; kind++) {
      const content = makeContent(kind, 400);
      const deflated = deflateSync(content, { level: kind === 1 ? 0 : 6 });
      for (let length = 0; length < deflated.length; length++) {
        expect(kernel.inflate(deflated.subarray(0, length), content.length), `${kind} ${length}`).toBeNull();
      }
    }
  });

  it("does not take the end of an earlier stream for the rest of one that is cut off", () => {
    const content = makeContent(0, 500);
    const deflated = deflateSync(content);
    expect(kernel.inflate(deflated, content.length)).not.toBeNull();
    expect(kernel.inflate(deflated.subarray(0, deflated.length - 1), content.length)).toBeNull();
  });

  it("agrees with zlib about every single bit that is flipped", () => {
    const outcomes = { same: 0, left: 0 };
    for (const options of [{ level: 9 }, { strategy: constants.Z_FIXED }, { level: 0 }]) {
      const deflated = deflateSync(makeContent(4, 90), options);
      for (let bit = 0; bit < deflated.length * 8; bit++) {
        const bad = Buffer.from(deflated);
        bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7));
        outcomes[compare(bad, 90)]++;
      }
    }
    expect(outcomes.left).toBeGreaterThan(500); // a flipped level in the header is no fault: those are the same
    expect(outcomes.same).toBeGreaterThan(0);
  });

  it("agrees with zlib about bytes that nobody deflated", () => {
    const zlibHeader = fc.constantFrom([0x78, 0x01], [0x78, 0x9c], [0x08, 0x1d], [0x79, 0x9c], [0x78, 0xbb]);
    const stream = fc.tuple(zlibHeader, fc.uint8Array({ maxLength: 300 }));
    fc.assert(
      fc.property(stream, fc.integer({ min: 0, max: 600 }), ([header, body], size) => {
        compare(Uint8Array.from([...header, ...body]), size);
      }),
      { numRuns: 3_000, seed: 3 },
    );
  });

  it.each([
    ["a wrong checksum", (bytes: Buffer) => bytes.fill(0, bytes.length - 4)],
    ["a preset dictionary", () => Buffer.from("78bb00000001030000000001", "hex")],
    ["a block type that does not exist", () => Buffer.from("789c0700000001", "hex")],
    ["a stored length that does not match its check", () => Buffer.from("789c010100ffff6100620062", "hex")],
    ["a copy from before the beginning", () => Buffer.from("789c4b840e00", "hex")],
    ["empty blocks without end", () => Buffer.concat([Buffer.of(0x78, 0x9c), Buffer.alloc(4_000, 0)])],
  ])("leaves %s to zlib, which throws", (_, spoil) => {
    const bytes = spoil(deflateSync(makeContent(0, 60)));
    expect(kernel.inflate(bytes, 60)).toBeNull();
    installKernel(module);
    expect(() => inflate(bytes, 60)).toThrow(expect.objectContaining({ code: "corrupt-object" }));
  });

  it("is used by inflate once it is installed, with the same results", () => {
    for (const length of [0, 1, 700, 4_096, 4_097, 9_000]) {
      const content = makeContent(length, length);
      const deflated = deflateSync(content);
      installKernel(null);
      const plain = inflate(deflated, length);
      installKernel(module);
      expect(inflate(deflated, length)).toEqual(plain);
    }
  });

  it("leaves what is larger than its memory alone", () => {
    const content = makeContent(2, KERNEL_MAX_BYTES + 1);
    expect(kernel.inflate(deflateSync(content), content.length)).toBeNull();
    expect(kernel.inflate(deflateSync(content), Number.NaN)).toBeNull();
  });
});

describe("SHA-1 of the kernel", () => {
  it("is that of node for every length around its blocks, and the largest", () => {
    for (const length of [...Array(200).keys(), 1_023, 1_024, 8_191, KERNEL_MAX_BYTES]) {
      const data = makeContent(1, length);
      const prefix = `blob ${length}\0`;
      const expected = createHash("sha1").update(prefix).update(data).digest();
      expect(Buffer.compare(kernel.sha1(prefix, data), expected), String(length)).toBe(0);
    }
  });

  it("refuses what does not fit", () => {
    expect(() => kernel.sha1("", new Uint8Array(KERNEL_MAX_BYTES + 65))).toThrow(
      expect.objectContaining({ code: "limit-exceeded" }),
    );
  });

  it("is what objects are hashed with once it is installed", () => {
    const data = makeContent(0, 300);
    const plain = hashToBytes("tree", data);
    installKernel(module);
    expect(Buffer.compare(hashToBytes("tree", data), plain)).toBe(0);
  });
});
