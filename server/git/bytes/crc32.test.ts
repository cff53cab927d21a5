import { describe, expect, it } from "vitest";
import { crc32, crc32ByTable } from "./crc32.ts";

const CHECK = new TextEncoder().encode("123456789");

describe("crc32", () => {
  it("gives the published check value", () => {
    expect(crc32(CHECK)).toBe(0xcbf43926);
    expect(crc32(new Uint8Array(0))).toBe(0);
  });

  it("is the same by table as by the runtime", () => {
    const bytes = Uint8Array.from({ length: 3_000 }, (_, i) => (i * 7919) >> 3);
    expect(crc32ByTable(bytes)).toBe(crc32(bytes));
    expect(crc32ByTable(CHECK)).toBe(0xcbf43926);
  });

  it("goes on from a seed", () => {
    const whole = crc32(CHECK);
    expect(crc32(CHECK.subarray(4), crc32(CHECK.subarray(0, 4)))).toBe(whole);
    expect(crc32ByTable(CHECK.subarray(4), crc32ByTable(CHECK.subarray(0, 4)))).toBe(whole);
  });
});
