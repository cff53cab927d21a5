import { randomBytes } from "node:crypto";
import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GitError } from "../errors.ts";
import { concatBytes } from "./bytes.ts";
import { createInflateStream, deflate, inflate } from "./zlib.ts";

const TEXT = Buffer.from("a tree of files, a tree of trees ".repeat(40));
const SIZES = [
  0, 1, 2, 63, 64, 65, 300, 8_191, 65_535, 65_536, 65_552, 65_553, 200_000, 1_048_575, 1_048_577, 3_000_000,
];

/** Content of `size` bytes, half random so that it has both matches and literals. */
function makeContent(size: number): Buffer {
  return Buffer.concat([randomBytes(Math.ceil(size / 2)), Buffer.alloc(Math.floor(size / 2), "abc")]);
}

/** Pushes `input` in pieces of `step`; gives the output, and how much was consumed. */
function stream(input: Uint8Array, step: number, maxBytes: number) {
  const chunks: Uint8Array[] = [];
  const inflater = createInflateStream(maxBytes, (chunk) => chunks.push(chunk));
  let consumed = 0;
  for (let offset = 0; offset < input.length; offset += step) {
    consumed += inflater.push(input.subarray(offset, offset + step));
  }
  return { data: concatBytes(chunks), consumed, done: inflater.done };
}

const corrupt = expect.objectContaining({ code: "corrupt-object" });

describe("inflate", () => {
  it("gives back what deflate took, for every size around its rooms", () => {
    for (const size of SIZES) {
      const content = makeContent(size);
      const packed = deflate(content);
      const { data, consumed } = inflate(packed, size);
      expect(Buffer.compare(data, content)).toBe(0);
      expect(consumed).toBe(packed.length);
    }
  });

  it("says how many bytes the stream took when others follow", () => {
    for (const size of SIZES) {
      const packed = deflateSync(makeContent(size));
      for (const tail of [Buffer.from([0]), randomBytes(50), packed]) {
        expect(inflate(Buffer.concat([packed, tail]), size).consumed).toBe(packed.length);
      }
    }
  });

  it("does not hold much more memory than the object", () => {
    const small = inflate(deflate(Buffer.from("hello")), 5).data;
    // Node may put it into a pool that small buffers share.
    expect(small.buffer.byteLength).toBeLessThanOrEqual(Buffer.poolSize);
    expect(deflate(Buffer.from("hello")).buffer.byteLength).toBeLessThanOrEqual(Buffer.poolSize);
    const large = makeContent(20_000);
    expect(inflate(deflate(large), large.length).data.buffer.byteLength).toBeLessThan(20_100);
  });

  it("refuses another size, a cut-off stream, a bad checksum and other formats", () => {
    const packed = deflateSync(TEXT);
    for (const size of [TEXT.length - 1, TEXT.length + 1, 0, 1])
      expect(() => inflate(packed, size)).toThrow(corrupt);
    for (let end = 0; end < packed.length; end++) {
      expect(() => inflate(packed.subarray(0, end), TEXT.length)).toThrow(corrupt);
    }
    const flipped = Buffer.from(packed);
    flipped[packed.length - 1] = (flipped[packed.length - 1] as number) ^ 1;
    expect(() => inflate(flipped, TEXT.length)).toThrow(corrupt);
    expect(() => inflate(gzipSync(TEXT), TEXT.length)).toThrow(corrupt);
    expect(() => inflate(deflateRawSync(TEXT), TEXT.length)).toThrow(corrupt);
    expect(() => inflate(deflateSync(TEXT, { dictionary: Buffer.from("tree") }), TEXT.length)).toThrow(
      corrupt,
    );
  });

  it("stops at a bomb and does not believe a size", () => {
    const bomb = deflateSync(Buffer.alloc(50_000_000), { level: 9 });
    expect(() => inflate(bomb, 1_000)).toThrow(corrupt);
    for (const size of [2 ** 40, Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY, Number.NaN, -1, 1.5]) {
      expect(() => inflate(deflate(TEXT), size)).toThrow(corrupt);
    }
    const best = deflateSync(Buffer.alloc(10_000_000), { level: 9 });
    expect(inflate(best, 10_000_000).consumed).toBe(best.length);
  });

  it("gives a value or a GitError for any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(500), (bytes, size) => {
        for (const input of [bytes, Buffer.concat([Buffer.from([0x78, 0x01]), bytes])]) {
          try {
            expect(inflate(input, size).data.length).toBe(size);
          } catch (error) {
            expect(error).toBeInstanceOf(GitError);
          }
        }
      }),
    );
  });
});

describe("createInflateStream", () => {
  it("takes pieces of any size, down to a byte, and counts to the end of the stream", () => {
    for (const size of SIZES) {
      const content = makeContent(size);
      const packed = deflateSync(content);
      const input = Buffer.concat([packed, randomBytes(30)]);
      for (const step of size > 100_000 ? [4_096, 65_536, input.length] : [1, 2, 7, 1_000, input.length]) {
        for (const maxBytes of [size, size + 1, 10_000_000]) {
          const result = stream(input, step, maxBytes);
          expect(result.consumed).toBe(packed.length);
          expect(result.done).toBe(true);
          expect(Buffer.compare(result.data, content)).toBe(0);
        }
      }
    }
  });

  it("takes nothing after the end, and empty pieces", () => {
    const packed = deflateSync(TEXT);
    const inflater = createInflateStream(TEXT.length, () => undefined);
    expect(inflater.push(new Uint8Array(0))).toBe(0);
    expect(inflater.push(packed)).toBe(packed.length);
    expect(inflater.done).toBe(true);
    expect(inflater.push(packed)).toBe(0);
  });

  it("is not done before the checksum", () => {
    const packed = deflateSync(TEXT);
    const { done, consumed } = stream(packed.subarray(0, -1), 5, TEXT.length);
    expect(done).toBe(false);
    expect(consumed).toBe(packed.length - 1);
  });

  it("hands on chunks that stay as they are", () => {
    const content = makeContent(300_000);
    const packed = deflateSync(content);
    const { data } = stream(packed, 1_000, content.length);
    expect(Buffer.compare(data, content)).toBe(0);
  });

  it("stops a bomb without doing its work", () => {
    const bomb = deflateSync(Buffer.alloc(50_000_000), { level: 9 });
    let handedOn = 0;
    const inflater = createInflateStream(100_000, (chunk) => {
      handedOn += chunk.length;
    });
    expect(() => inflater.push(bomb)).toThrow(corrupt);
    expect(handedOn).toBeLessThanOrEqual(100_000);
    expect(inflater.done).toBe(false);
    expect(() => inflater.push(bomb)).toThrow(corrupt);
    expect(() => stream(deflateSync(TEXT), 10, TEXT.length - 1)).toThrow(corrupt);
    expect(() => stream(deflateSync(TEXT), 10, 0)).toThrow(corrupt);
  });

  it("refuses a bad stream and other formats", () => {
    const packed = deflateSync(TEXT);
    const flipped = Buffer.from(packed);
    flipped[packed.length - 1] = (flipped[packed.length - 1] as number) ^ 1;
    const withDictionary = deflateSync(TEXT, { dictionary: Buffer.from("tree") });
    for (const input of [flipped, gzipSync(TEXT), deflateRawSync(TEXT), withDictionary, randomBytes(100)]) {
      const inflater = createInflateStream(TEXT.length, () => undefined);
      expect(() => inflater.push(input)).toThrow(corrupt);
      expect(inflater.done).toBe(false);
      expect(() => inflater.push(input)).toThrow(corrupt);
    }
  });

  it("hands on what the consumer throws", () => {
    const inflater = createInflateStream(TEXT.length, () => {
      throw new RangeError("full");
    });
    expect(() => inflater.push(deflateSync(TEXT))).toThrow(RangeError);
  });

  it("gives a value or a GitError for any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 50 }), (bytes, step) => {
        for (const input of [bytes, Buffer.concat([Buffer.from([0x78, 0x9c]), bytes])]) {
          try {
            stream(input, step, 400);
          } catch (error) {
            expect(error).toBeInstanceOf(GitError);
          }
        }
      }),
    );
  });
});
