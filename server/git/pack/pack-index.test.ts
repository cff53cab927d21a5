import { describe, expect, it } from "vitest";
import {
  createRandom,
  indexWithGit,
  packObjects,
  randomBytes,
  writeHistory,
} from "../../testing/git-packs.ts";
import { hasGit, makeRepo } from "../../testing/real-git.ts";
import { GitError } from "../errors.ts";
import { type Oid, oidFromBytes } from "../hash/oid.ts";
import { sha1 } from "../hash/sha1.ts";
import { createOidTable, sortOids } from "./oid-table.ts";
import { encodePackIndex, openPackIndex } from "./pack-index.ts";

const CHECKSUM = randomBytes(20, 9);

function makeEntries(count: number, offsetOf: (i: number) => number) {
  return {
    count,
    oids: randomBytes(count * 20, count),
    crcs: Uint32Array.from({ length: count }, (_, i) => i * 77),
    offsets: Float64Array.from({ length: count }, (_, i) => offsetOf(i)),
  };
}

/** The bytes with one change, and a trailer that fits again. */
function tamper(idx: Uint8Array, change: (bytes: Uint8Array, view: DataView) => void): Uint8Array {
  const bytes = idx.slice();
  change(bytes, new DataView(bytes.buffer));
  bytes.set(sha1(bytes.subarray(0, bytes.length - 20)), bytes.length - 20);
  return bytes;
}

/** Counts the first id of some slice to the slice before it. */
function shiftFanout(_: Uint8Array, view: DataView): void {
  const countAt = (slot: number) => view.getUint32(8 + slot * 4);
  let slot = 0;
  while (countAt(slot) === countAt(slot + 1)) slot++;
  view.setUint32(8 + slot * 4, countAt(slot) + 1);
}

function codeOf(run: () => unknown): string {
  try {
    run();
    return "opened";
  } catch (error) {
    return error instanceof GitError ? error.code : `another error: ${error}`;
  }
}

describe("pack index", () => {
  it("finds what it holds, and nothing else", () => {
    const entries = makeEntries(2_000, (i) => 12 + i * 50);
    const index = openPackIndex(encodePackIndex(entries, CHECKSUM));
    expect(index.packChecksum).toEqual(CHECKSUM);
    for (let i = 0; i < entries.count; i++) {
      const position = index.findPosition(oidFromBytes(entries.oids, i * 20));
      expect(index.oidAt(position)).toBe(oidFromBytes(entries.oids, i * 20));
      expect(index.offsetAt(position)).toBe(12 + i * 50);
      expect(index.crcAt(position)).toBe(i * 77);
      expect(index.findPositionAtOffset(12 + i * 50)).toBe(position);
    }
    expect(index.findPosition("ab".repeat(20) as Oid)).toBe(-1);
    expect(index.findPosition("00".repeat(20) as Oid)).toBe(-1);
    expect(index.findPosition("ff".repeat(20) as Oid)).toBe(-1);
    expect(index.findPositionAtOffset(13)).toBe(-1);
    expect(index.nextOffset(12)).toBe(62);
    expect(index.nextOffset(12 + 1_999 * 50)).toBe(-1);
    expect([...index.packOrder()].map((position) => index.offsetAt(position))).toEqual([...entries.offsets]);
  });

  it("holds nothing", () => {
    const index = openPackIndex(
      encodePackIndex(
        makeEntries(0, () => 0),
        CHECKSUM,
      ),
    );
    expect(index.count).toBe(0);
    expect(index.findPosition("ab".repeat(20) as Oid)).toBe(-1);
    expect(index.nextOffset(12)).toBe(-1);
  });

  it("keeps offsets on both sides of 2 GB and 4 GB", () => {
    const offsets = [12, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 3];
    const entries = makeEntries(offsets.length, (i) => offsets[i] as number);
    const index = openPackIndex(encodePackIndex(entries, CHECKSUM));
    const found = offsets.map((_, i) =>
      index.offsetAt(index.findPosition(oidFromBytes(entries.oids, i * 20))),
    );
    expect(found).toEqual(offsets);
    expect(offsets.slice(0, -1).map((offset) => index.nextOffset(offset))).toEqual(offsets.slice(1));
  });

  it("refuses every cut-off file and every wrong byte", () => {
    const idx = encodePackIndex(
      makeEntries(40, (i) => 12 + i),
      CHECKSUM,
    );
    for (let length = 0; length < idx.length; length += 13) {
      expect(codeOf(() => openPackIndex(idx.subarray(0, length)))).toBe("corrupt-index");
    }
    for (let at = 0; at < idx.length; at += 11) {
      const wrong = idx.slice();
      wrong[at] = (wrong[at] as number) ^ 0x40;
      expect(codeOf(() => openPackIndex(wrong))).toBe("corrupt-index");
    }
  });

  it.each<[string, (bytes: Uint8Array, view: DataView) => void]>([
    ["version 3", (_, view) => view.setUint32(4, 3)],
    ["a count that does not fit", (_, view) => view.setUint32(1028, 0xffffffff)],
    ["a fanout that goes down", (_, view) => view.setUint32(8 + 100 * 4, 0)],
    ["a fanout beyond the count", (_, view) => view.setUint32(8 + 100 * 4, 1_000)],
    ["a fanout that does not fit the ids", shiftFanout],
    ["ids out of order", (bytes) => bytes.set(new Uint8Array(20), 1032 + 200)],
    ["an id twice", (bytes) => bytes.copyWithin(1052, 1032, 1052)],
  ])("refuses %s although the checksum fits", (_, change) => {
    const idx = encodePackIndex(
      makeEntries(40, (i) => 12 + i),
      CHECKSUM,
    );
    expect(codeOf(() => openPackIndex(tamper(idx, change)))).toBe("corrupt-index");
  });

  it("refuses an offset outside the 64-bit table when it is asked for", () => {
    const idx = encodePackIndex(
      makeEntries(2, (i) => 12 + i),
      CHECKSUM,
    );
    const offsetsAt = 1032 + 2 * 24;
    const index = openPackIndex(tamper(idx, (_, view) => view.setUint32(offsetsAt, 0x80000000)));
    expect(codeOf(() => index.offsetAt(0))).toBe("corrupt-index");
    expect(codeOf(() => index.nextOffset(12))).toBe("corrupt-index");
  });
});

describe.runIf(hasGit)("pack index beside git's", () => {
  it("is the same byte for byte, 64-bit offsets included", async () => {
    await using repo = await makeRepo();
    await writeHistory(repo, { commits: 60, files: 40, changes: 5 });
    const pack = await packObjects(repo, ["main"], ["--delta-base-offset"]);
    const { idx } = await indexWithGit(pack);
    const { idx: wide } = await indexWithGit(pack, ["--index-version=2,0x400"]);
    const index = openPackIndex(idx);
    const columns = {
      count: index.count,
      oids: index.oids,
      crcs: Uint32Array.from({ length: index.count }, (_, i) => index.crcAt(i)),
      offsets: Float64Array.from({ length: index.count }, (_, i) => index.offsetAt(i)),
    };
    expect(Buffer.compare(encodePackIndex(columns, index.packChecksum), idx)).toBe(0);
    const ours = encodePackIndex(columns, index.packChecksum, { offset32Limit: 0x400 });
    expect(ours.length).toBeGreaterThan(idx.length);
    expect(Buffer.compare(ours, wide)).toBe(0);
    expect([...openPackIndex(wide).packOrder()]).toEqual([...index.packOrder()]);
  });
});

describe("sortOids", () => {
  it("orders ids by bytes, also when thousands share their first bytes", () => {
    const count = 20_000;
    const oids = randomBytes(count * 20, 5);
    const random = createRandom(1);
    for (let i = 0; i < count; i++) if (random(3) > 0) oids.fill(0xfe, i * 20, i * 20 + 8);
    const sorted = [...sortOids(oids, count)].map((i) => oidFromBytes(oids, i * 20));
    expect(sorted).toEqual([...sorted].sort());
    expect(new Set(sorted).size).toBe(count);
  });
});

describe("OidTable", () => {
  it("numbers ids in order of arrival and finds them again", () => {
    const table = createOidTable();
    const oids = randomBytes(5_000 * 20, 3);
    for (let i = 0; i < 5_000; i++) expect(table.intern(oids, i * 20)).toBe(i);
    for (let i = 0; i < 5_000; i++) expect(table.find(oids, i * 20)).toBe(i);
    expect(table.intern(oids, 400 * 20)).toBe(400);
    expect(table.find(new Uint8Array(20), 0)).toBe(-1);
    expect(table.count).toBe(5_000);
    expect(table.oidAt(77)).toBe(oidFromBytes(oids, 77 * 20));
    expect(table.bytes()).toEqual(oids);
  });

  it("refuses an id that is cut off", () => {
    expect(codeOf(() => createOidTable().intern(new Uint8Array(25), 6))).toBe("invalid-oid");
  });
});
