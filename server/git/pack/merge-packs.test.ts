import { beforeAll, describe, expect, it } from "vitest";
import { chunksOf, indexWithGit, packObjects, writeHistory } from "../../testing/git-packs.ts";
import { hasGit, makeRepo, type RealRepo } from "../../testing/real-git.ts";
import { concatBytes } from "../bytes/bytes.ts";
import { type Oid, oidFromBytes } from "../hash/oid.ts";
import { createMemorySource } from "./byte-source.ts";
import { ingestPack } from "./ingest-pack.ts";
import { type MergeOptions, mergePacks } from "./merge-packs.ts";
import { visitEdges } from "./object-edges.ts";
import { openPackIndex } from "./pack-index.ts";
import { openPackRefs } from "./pack-refs.ts";
import { openPack, type PackReader } from "./read-pack.ts";

const LIMITS = { maxObjects: 1e6, maxObjectBytes: 1e9, maxPackBytes: 1e9 };

async function open(pack: Uint8Array): Promise<PackReader> {
  return (await ingestPack(chunksOf(pack, 100_000), { limits: LIMITS })).open();
}

async function merge(packs: readonly PackReader[], options: MergeOptions = {}) {
  const parts: Uint8Array[] = [];
  const sink = { write: async (bytes: Uint8Array) => void parts.push(bytes.slice()) };
  const written = await mergePacks(packs, sink, options);
  const pack = concatBytes(parts);
  expect(pack.length).toBe(written.packBytes);
  const index = openPackIndex(written.idx);
  const refs = openPackRefs(written.refs);
  return { pack, idx: written.idx, reader: openPack({ pack: createMemorySource([pack]), index, refs }) };
}

const listOids = ({ index }: PackReader) => Array.from({ length: index.count }, (_, at) => index.oidAt(at));

/** Every object of `packs` is in the merged pack, with its content, its size and its edges. */
async function expectAll(merged: PackReader, packs: readonly PackReader[]): Promise<void> {
  const wanted = new Set(packs.flatMap(listOids));
  expect(new Set(listOids(merged))).toEqual(wanted);
  for (const pack of packs) {
    const oids = listOids(pack);
    const { found } = await pack.readObjects(oids);
    const { found: again } = await merged.readObjects(oids);
    for (const [oid, object] of found) {
      expect(Buffer.compare(again.get(oid)?.data ?? new Uint8Array(0), object.data)).toBe(0);
      const position = merged.index.findPosition(oid);
      expect([merged.refs.typeAt(position), merged.refs.sizeAt(position)]).toEqual([
        object.type,
        object.data.length,
      ]);
      const named: Oid[] = [];
      visitEdges(object.type, object.data, (bytes, at) => named.push(oidFromBytes(bytes, at)));
      const { refs, index } = merged;
      expect(
        refs
          .listEdges(position)
          .map((n) => (n < refs.count ? index.oidAt(n) : refs.externalAt(n - refs.count))),
      ).toEqual(named);
    }
  }
}

describe.runIf(hasGit)("merging packs", () => {
  let repo: RealRepo;
  let slices: PackReader[];
  let wholeBytes = 0;

  beforeAll(async () => {
    repo = await makeRepo();
    await writeHistory(repo, { commits: 60, files: 80, changes: 5 });
    await repo.git(["tag", "-a", "v1", "-m", "one", "main"]);
    const cuts = ["main~40", "main~20", "main~5", "main"];
    // Newest first, each with what the older ones have already, and a pack that repeats half of it.
    slices = [];
    for (const [at, cut] of cuts.entries()) {
      const older = at === 0 ? [] : [`^${cuts[at - 1]}`];
      slices.unshift(await open(await packObjects(repo, [cut, ...older])));
    }
    slices.unshift(await open(await packObjects(repo, ["v1", "^main~30"])));
    wholeBytes = (await packObjects(repo, ["v1"])).length;
  });

  it("gives one pack with everything, which git finds in order, and the same idx as git", async () => {
    const { pack, idx, reader } = await merge(slices);
    await expectAll(reader, slices);
    const judged = await indexWithGit(pack);
    expect(Buffer.compare(idx, judged.idx)).toBe(0);
  });

  it("keeps deltas as they are: the result is no larger than its parts", async () => {
    const { pack, reader } = await merge(slices);
    const parts = slices.reduce((sum, slice) => sum + slice.index.count, 0);
    expect(reader.index.count).toBeLessThan(parts);
    const isDelta = (from: PackReader, oid: Oid) => from.refs.baseAt(from.index.findPosition(oid)) >= 0;
    const source = (oid: Oid) => slices.find((slice) => slice.index.findPosition(oid) >= 0) ?? reader;
    for (const oid of listOids(reader)) expect(isDelta(reader, oid)).toBe(isDelta(source(oid), oid));
    expect(pack.length).toBeLessThan(wholeBytes * 2);
  });

  it("gives what was merged before when merged again, in any grouping", async () => {
    const first = await merge(slices.slice(2));
    const { pack, reader } = await merge([...slices.slice(0, 2), first.reader]);
    await expectAll(reader, slices);
    await indexWithGit(pack);
    const once = await merge([reader]);
    expect(Buffer.compare(once.pack, pack)).toBe(0);
  });

  it("breaks chains that became too long, and only those", async () => {
    const { pack, reader } = await merge(slices, { maxDepth: 2 });
    await expectAll(reader, slices);
    const { verified } = await indexWithGit(pack);
    const lengths = [...verified.matchAll(/^chain length = (\d+)/gm)].map((match) => Number(match[1]));
    expect(Math.max(...lengths)).toBe(2);
  });

  it("lets others run in between", async () => {
    let pauses = 0;
    await merge(slices, { pause: async () => void pauses++ });
    const objects = new Set(slices.flatMap(listOids)).size;
    expect(pauses).toBeGreaterThanOrEqual(Math.floor(objects / 1_000));
  });
});

describe("merging packs of objects that stand alone", () => {
  it("of none gives an empty pack", async () => {
    const { reader } = await merge([]);
    expect(reader.index.count).toBe(0);
  });
});
