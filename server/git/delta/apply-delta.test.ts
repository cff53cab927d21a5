import { describe, expect, it } from "vitest";
import { GitError } from "../errors.ts";
import { applyDelta, decodeDeltaSizes } from "./apply-delta.ts";

const BASE = new TextEncoder().encode("the quick brown fox");
const MAX = 1_000_000;

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function errorOf(run: () => unknown): GitError {
  try {
    run();
  } catch (error) {
    if (error instanceof GitError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("applyDelta", () => {
  it("copies and inserts", () => {
    const delta = Uint8Array.of(19, 11, 0x90, 4, 3, 0x2d, 0x2d, 0x2d, 0x91, 10, 4);
    expect(text(applyDelta(BASE, delta, MAX))).toBe("the ---brow");
  });

  it("takes a copy size of 0 for 65,536", () => {
    const base = new Uint8Array(70_000).fill(7);
    const delta = Uint8Array.of(0xf0, 0xa2, 0x04, 0x80, 0x80, 0x04, 0x80);
    expect(applyDelta(base, delta, MAX)).toEqual(new Uint8Array(65_536).fill(7));
  });

  it("reads offsets and sizes of several bytes", () => {
    const base = Uint8Array.from({ length: 0x1_0300 }, (_, i) => i & 0xff);
    const delta = Uint8Array.of(0x80, 0x86, 0x04, 0x80, 0x02, 0xb7, 0x01, 0x01, 0x01, 0x00, 0x01);
    expect(applyDelta(base, delta, MAX)).toEqual(base.slice(0x1_0101, 0x1_0101 + 0x100));
  });

  it("makes an empty object of an empty base", () => {
    expect(applyDelta(new Uint8Array(0), Uint8Array.of(0, 0), MAX)).toEqual(new Uint8Array(0));
  });

  it("reads the two sizes without the rest", () => {
    expect(decodeDeltaSizes(Uint8Array.of(0xf0, 0xa2, 0x04, 3))).toEqual({
      baseSize: 70_000,
      resultSize: 3,
      start: 4,
    });
  });

  it("refuses a result over the ceiling before it takes memory", () => {
    const huge = Uint8Array.of(19, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f);
    const error = errorOf(() => applyDelta(BASE, huge, MAX));
    expect(error.code).toBe("limit-exceeded");
    expect(error.data).toMatchObject({ limit: "maxObjectBytes", max: MAX });
  });

  it.each([
    ["nothing at all", []],
    ["no result size", [19]],
    ["a size that never ends", [19, ...new Array(30).fill(0x80)]],
    ["another base size", [18, 1, 1, 65]],
    ["the reserved instruction", [19, 1, 0]],
    ["a copy from beyond the base", [19, 4, 0x91, 16, 4]],
    ["a copy from 4 GB on", [19, 4, 0x9f, 0xff, 0xff, 0xff, 0xff, 4]],
    ["a copy that is cut off", [19, 4, 0x91, 1]],
    ["a copy beyond the result", [19, 3, 0x90, 4]],
    ["an insert beyond the result", [19, 1, 2, 65, 65]],
    ["an insert that is cut off", [19, 4, 4, 65, 65]],
    ["too little", [19, 4, 0x90, 3]],
  ])("refuses a delta with %s", (_, bytes) => {
    expect(errorOf(() => applyDelta(BASE, Uint8Array.from(bytes), MAX)).code).toBe("corrupt-pack");
  });
});
