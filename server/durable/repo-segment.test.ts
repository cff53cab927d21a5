import { describe, expect, it } from "vitest";
import type { GitObject } from "../git/ports.ts";
import { makeObject } from "../testing/plan-root-files.ts";
import { fillBytes } from "../testing/repo-store-contract.ts";
import { countRows, decodeSegmentIndex, encodeSegment, ROW_BYTES_MAX } from "./repo-segment.ts";

/** Reads a segment back the way the table does. */
function decodeSegment(objects: readonly GitObject[]): GitObject[] {
  const rows = encodeSegment(objects);
  return rows.flatMap(({ idx }, row) =>
    decodeSegmentIndex(idx).map(({ oid, type, offset, size }) => {
      const count = offset === 0 ? countRows(size) : 1;
      const data = Buffer.concat(rows.slice(row, row + count).map((part) => part.data));
      return { oid, type, data: new Uint8Array(data.subarray(offset, offset + size)) };
    }),
  );
}

describe("a segment", () => {
  it("is one row for the thousand small objects of one commit", () => {
    const objects = Array.from({ length: 800 }, (_, i) => makeObject("blob", fillBytes(2_048, i)));
    expect(encodeSegment(objects)).toHaveLength(1);
    expect(decodeSegment(objects)).toEqual(objects);
  });

  it.each([
    ["nothing", []],
    ["an empty object", [0]],
    ["a row filled to the last byte", [ROW_BYTES_MAX - 29, 5]],
    ["one byte more than a row", [3, ROW_BYTES_MAX - 28, 4]],
    ["an object of several rows between small ones", [10, 3 * ROW_BYTES_MAX, 20]],
    ["an object that ends with a row", [2 * ROW_BYTES_MAX - 29, 1]],
  ])("holds %s", (_name, sizes) => {
    const objects = sizes.map((size, i) => makeObject(i % 2 === 0 ? "blob" : "tree", fillBytes(size, i)));
    for (const { idx, data } of encodeSegment(objects)) {
      expect(idx.length + data.length).toBeLessThanOrEqual(ROW_BYTES_MAX);
    }
    const decoded = decodeSegment(objects);
    expect(decoded.map(({ oid, type }) => [oid, type])).toEqual(objects.map(({ oid, type }) => [oid, type]));
    decoded.forEach((object, i) => {
      expect(Buffer.compare(object.data, objects[i]?.data ?? new Uint8Array(1))).toBe(0);
    });
  });

  it("refuses an index that is cut off or names an unknown type", () => {
    const [row] = encodeSegment([makeObject("blob", "x")]);
    const idx = row?.idx ?? new Uint8Array(0);
    expect(() => decodeSegmentIndex(idx.subarray(1))).toThrowError(/cut off/);
    const unknown = idx.slice();
    unknown[20] = 6;
    expect(() => decodeSegmentIndex(unknown)).toThrowError(/unknown type/);
  });
});
