import { describe, expect, it } from "vitest";
import { randomBytes } from "../../testing/git-packs.ts";
import { GitError } from "../errors.ts";
import { oidFromBytes } from "../hash/oid.ts";
import { sha1 } from "../hash/sha1.ts";
import { createEdgeRuns } from "./edge-runs.ts";
import { encodePackRefs, openPackRefs, type PackRefsTables } from "./pack-refs.ts";

const EXTERNALS = Uint8Array.from({ length: 40 }, (_, i) => i);

function makeTables(change: Partial<PackRefsTables> = {}): PackRefsTables {
  return {
    packChecksum: randomBytes(20, 1),
    types: Uint8Array.of(1, 2, 3, 4),
    sizes: Float64Array.of(200, 2 ** 31, 5 * 2 ** 32 + 9, 0),
    bases: Int32Array.of(-1, 3, 5, -1),
    runListStarts: Uint32Array.of(0, 2, 3, 3, 4),
    runList: Uint32Array.of(0, 1, 1, 0),
    runStarts: Uint32Array.of(0, 1, 3),
    edges: Uint32Array.of(1, 2, 5),
    externals: EXTERNALS,
    ...change,
  };
}

/** Changes one byte or word and makes the trailer fit again. */
function tamper(file: Uint8Array, change: (view: DataView) => void): Uint8Array {
  const bytes = file.slice();
  change(new DataView(bytes.buffer));
  bytes.set(sha1(bytes.subarray(0, bytes.length - 20)), bytes.length - 20);
  return bytes;
}

function codeOf(bytes: Uint8Array): string {
  try {
    openPackRefs(bytes);
    return "opened";
  } catch (error) {
    return error instanceof GitError ? error.code : `another error: ${error}`;
  }
}

describe("pack sidecar", () => {
  it("comes back as it was written, sizes over 4 GB included", () => {
    const tables = makeTables();
    const refs = openPackRefs(encodePackRefs(tables));
    expect(refs.count).toBe(4);
    expect(refs.packChecksum).toEqual(tables.packChecksum);
    expect([0, 1, 2, 3].map(refs.typeAt)).toEqual(["commit", "tree", "blob", "tag"]);
    expect([0, 1, 2, 3].map(refs.sizeAt)).toEqual([200, 2 ** 31, 5 * 2 ** 32 + 9, 0]);
    expect([0, 1, 2, 3].map(refs.baseAt)).toEqual([-1, 3, 5, -1]);
    expect([0, 1, 2, 3].map((position) => refs.listEdges(position))).toEqual([[1, 2, 5], [2, 5], [], [1]]);
    expect(refs.externalCount).toBe(2);
    expect(refs.externalAt(1)).toBe(oidFromBytes(EXTERNALS, 20));
  });

  it("opens from memory that is not aligned", () => {
    const file = encodePackRefs(makeTables());
    const shifted = new Uint8Array(file.length + 3);
    shifted.set(file, 3);
    expect(openPackRefs(shifted.subarray(3)).sizeAt(2)).toBe(5 * 2 ** 32 + 9);
  });

  it("holds nothing", () => {
    const refs = openPackRefs(
      encodePackRefs({
        packChecksum: new Uint8Array(20),
        types: new Uint8Array(0),
        sizes: new Float64Array(0),
        bases: new Int32Array(0),
        runListStarts: new Uint32Array(1),
        runList: new Uint32Array(0),
        runStarts: new Uint32Array(1),
        edges: new Uint32Array(0),
        externals: new Uint8Array(0),
      }),
    );
    expect(refs.count).toBe(0);
  });

  it("refuses every cut-off file and every wrong byte", () => {
    const file = encodePackRefs(makeTables());
    for (let length = 0; length < file.length; length++) {
      expect(codeOf(file.subarray(0, length))).toBe("corrupt-index");
    }
    for (let at = 0; at < file.length; at++) {
      const wrong = file.slice();
      wrong[at] = (wrong[at] as number) ^ 0x21;
      expect(codeOf(wrong)).toBe("corrupt-index");
    }
  });

  it.each<[string, Partial<PackRefsTables>]>([
    ["an edge out of range", { edges: Uint32Array.of(1, 2, 6) }],
    ["a run out of range", { runList: Uint32Array.of(0, 1, 2, 0) }],
    ["a base out of range", { bases: Int32Array.of(-1, 3, 6, -1) }],
    ["an unknown type", { types: Uint8Array.of(1, 2, 3, 6) }],
    ["slices that go back", { runListStarts: Uint32Array.of(0, 3, 2, 3, 4) }],
    ["slices that do not end", { runListStarts: Uint32Array.of(0, 2, 3, 3, 3) }],
    ["slices that do not begin", { runStarts: Uint32Array.of(1, 1, 3) }],
    ["a size beyond 2^53", { sizes: Float64Array.of(200, 1, 2 ** 53 + 2, 0) }],
  ])("refuses %s although the checksum fits", (_, change) => {
    expect(codeOf(encodePackRefs(makeTables(change)))).toBe("corrupt-index");
  });

  it.each<[string, (view: DataView) => void]>([
    ["another magic", (view) => view.setUint32(0, 1, true)],
    ["another version", (view) => view.setUint32(4, 2, true)],
    ["four billion objects", (view) => view.setUint32(8, 0xffffffff, true)],
    ["counts that make the same size", (view) => view.setUint32(12, 0xfffffff0, true)],
    ["a large size that is not there", (view) => view.setUint32(64 + 16 + 4, 0x80000007, true)],
  ])("refuses %s", (_, change) => {
    expect(codeOf(tamper(encodePackRefs(makeTables()), change))).toBe("corrupt-index");
  });
});

describe("edge runs", () => {
  function listOf(runs: ReturnType<typeof createEdgeRuns>, start: number, end: number): number[] {
    const [list, starts, edges] = [runs.runList(), runs.runStarts(), runs.edges()];
    return [...list.subarray(start, end)].flatMap((run) => [...edges.subarray(starts[run], starts[run + 1])]);
  }

  it("give lists back and store what is common to them once", () => {
    const runs = createEdgeRuns(1e9);
    const ends: [number, number][] = [];
    const lists = Array.from({ length: 200 }, (_, version) =>
      Array.from({ length: 5_000 }, (_, i) => (i === (version * 37) % 5_000 ? 100_000 + version : i)),
    );
    for (const list of lists) {
      list.forEach(runs.push);
      const start = runs.endList();
      ends.push([start, runs.listEnd]);
    }
    lists.forEach((list, i) => {
      expect(listOf(runs, ...(ends[i] as [number, number]))).toEqual(list);
    });
    expect(runs.edges().length).toBeLessThan(5_000 + 200 * 80);
    expect(runs.size).toBeLessThan(200 * 5_000 * 0.12);
  });

  it("keep an empty list empty", () => {
    const runs = createEdgeRuns(100);
    expect(runs.endList()).toBe(0);
    expect(runs.listEnd).toBe(0);
  });

  it("refuse to grow beyond their ceiling", () => {
    const runs = createEdgeRuns(1_000);
    const fill = () => {
      for (let id = 0; id < 2_000; id++) runs.push(id);
    };
    expect(fill).toThrow(expect.objectContaining({ code: "limit-exceeded" }));
  });
});
