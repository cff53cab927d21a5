import { describe, expect, it } from "vitest";
import { GitError } from "../errors.ts";
import { decodeEntryHeader, encodeEntryHeader, MAX_ENTRY_HEADER_BYTES } from "./pack-entry.ts";

const SIZES = [0, 1, 15, 16, 2_047, 2_048, 65_536, 2 ** 31, 2 ** 32 + 5, Number.MAX_SAFE_INTEGER];
const DISTANCES = [1, 127, 128, 129, 16_511, 16_512, 2_113_663, 2_113_664, 2 ** 32 + 77, 2 ** 49];

function codeOf(bytes: readonly number[]): string {
  try {
    decodeEntryHeader(Uint8Array.from(bytes));
    return "decoded";
  } catch (error) {
    return error instanceof GitError ? error.code : "another error";
  }
}

describe("entry headers", () => {
  it.each(SIZES)("keep a size of %d", (size) => {
    const bytes = encodeEntryHeader(3, size);
    expect(decodeEntryHeader(bytes)).toEqual({ packType: 3, size, length: bytes.length, distance: 0 });
  });

  it.each(DISTANCES)("keep a distance of %d", (distance) => {
    const bytes = encodeEntryHeader(0, 300, { distance });
    expect(decodeEntryHeader(bytes)).toEqual({ packType: 6, size: 300, length: bytes.length, distance });
  });

  it("keep a base id as their last 20 bytes", () => {
    const oid = Uint8Array.from({ length: 20 }, (_, i) => i + 1);
    const bytes = encodeEntryHeader(0, Number.MAX_SAFE_INTEGER, { oid });
    expect(bytes.length).toBe(MAX_ENTRY_HEADER_BYTES);
    const header = decodeEntryHeader(bytes);
    expect(header).toEqual({ packType: 7, size: Number.MAX_SAFE_INTEGER, length: bytes.length, distance: 0 });
    expect(bytes.subarray(header.length - 20, header.length)).toEqual(oid);
  });

  it.each([
    ["nothing", []],
    ["type 0", [0x05]],
    ["type 5", [0x55]],
    ["a size that is cut off", [0xb5, 0x80]],
    ["a size beyond 2^53", [0xbf, ...new Array(7).fill(0xff), 1]],
    ["a distance of 0", [0x65, 0]],
    ["a distance that is cut off", [0x65, 0x80]],
    ["a distance beyond 2^53", [0x65, ...new Array(8).fill(0xff), 1]],
    ["half a base id", [0x75, 1, 2, 3]],
  ])("are refused for %s", (_, bytes) => {
    expect(codeOf(bytes)).toBe("corrupt-pack");
  });
});
