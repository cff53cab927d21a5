import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, equalBytes } from "./bytes.ts";
import {
  type ByteString,
  byteStringFromBytes,
  byteStringToBytes,
  decodeUtf8Lossy,
  encodeUtf8,
  findUtf8,
  formatByteString,
  hasNul,
  toByteString,
} from "./text.ts";

describe("byte strings", () => {
  it("hold any bytes without loss, and compare as git compares names", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
        const [left, right] = [byteStringFromBytes(a), byteStringFromBytes(b)];
        expect(Buffer.compare(byteStringToBytes(left), a)).toBe(0);
        expect(Math.sign(Buffer.compare(a, b))).toBe(left < right ? -1 : left > right ? 1 : 0);
      }),
    );
  });

  it("are the UTF-8 bytes of text, and text again", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(toByteString(text)).toBe(Buffer.from(text).toString("latin1"));
        expect(formatByteString(toByteString(text))).toBe(text);
      }),
    );
  });

  it("are read from a part of a larger buffer", () => {
    const bytes = Buffer.from("..abc..").subarray(2, 5);
    expect(byteStringFromBytes(bytes)).toBe("abc");
    expect(byteStringFromBytes(bytes, 1)).toBe("bc");
    expect(byteStringFromBytes(bytes, 1, 2)).toBe("b");
  });

  it("show what is not UTF-8 as U+FFFD", () => {
    expect(formatByteString("a\xff" as ByteString)).toBe("a\ufffd");
    expect(decodeUtf8Lossy(new Uint8Array([0x61, 0xff]))).toBe("a\ufffd");
  });
});

describe("findUtf8", () => {
  it("keeps a BOM", () => {
    expect(findUtf8(encodeUtf8("\ufeffa"))).toBe("\ufeffa");
  });

  it.each([[0xff], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]])(
    "gives null for %j",
    (...bytes) => {
      expect(findUtf8(new Uint8Array(bytes))).toBeNull();
    },
  );
});

describe("bytes", () => {
  it("are joined and compared", () => {
    expect(concatBytes([])).toEqual(new Uint8Array(0));
    expect(concatBytes([new Uint8Array([1]), new Uint8Array([2, 3])])).toEqual(new Uint8Array([1, 2, 3]));
    expect(equalBytes(new Uint8Array([1, 2]), new Uint8Array([1, 2]))).toBe(true);
    expect(equalBytes(new Uint8Array([1, 2]), new Uint8Array([1, 3]))).toBe(false);
    expect(equalBytes(new Uint8Array([1]), new Uint8Array([1, 2]))).toBe(false);
  });

  it("are called binary for a NUL in the first 8,000", () => {
    const bytes = new Uint8Array(9_000).fill(1);
    expect(hasNul(bytes)).toBe(false);
    bytes[8_000] = 0;
    expect(hasNul(bytes)).toBe(false);
    bytes[7_999] = 0;
    expect(hasNul(bytes)).toBe(true);
  });
});
