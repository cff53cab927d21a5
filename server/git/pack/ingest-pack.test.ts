import { describe, expect, it } from "vitest";
import {
  chunksOf,
  createMemorySpool,
  indexWithGit,
  packObjects,
  randomBytes,
  writeHistory,
} from "../../testing/git-packs.ts";
import { hasGit, makeRepo, type RealRepo } from "../../testing/real-git.ts";
import type { ObjectType } from "../hash/object-type.ts";
import { type Oid, oidFromBytes, parseOid } from "../hash/oid.ts";
import { hashObject } from "../hash/sha1.ts";
import type { GitObject } from "../ports.ts";
import { type IngestedPack, type IngestOptions, ingestPack } from "./ingest-pack.ts";
import { visitEdges } from "./object-edges.ts";

const LIMITS = { maxObjects: 1e6, maxObjectBytes: 1e9, maxPackBytes: 1e9 };

function takeIn(pack: Uint8Array, options: Partial<IngestOptions> & { chunk?: number } = {}) {
  return ingestPack(chunksOf(pack, options.chunk ?? 100_000), { limits: LIMITS, ...options });
}

/** Reads bases of thin packs out of a repository of the real git. */
function basesOf(repo: RealRepo) {
  return async (oids: readonly Oid[]) => {
    const found = new Map<Oid, GitObject>();
    for (const oid of oids) {
      const type = await repo.git(["cat-file", "-t", oid], { allowFailure: true });
      if (type.status !== 0) continue;
      const kind = type.text as ObjectType; // git names the same four
      found.set(oid, { oid, type: kind, data: (await repo.git(["cat-file", kind, oid])).stdout });
    }
    return found;
  };
}

async function expectSameAsGit(taken: IngestedPack, flags: readonly string[] = ["--strict"]): Promise<void> {
  const { idx } = await indexWithGit(taken.pack ?? new Uint8Array(0), flags);
  expect(Buffer.compare(taken.idx, idx)).toBe(0);
  let count = 0;
  for await (const { oid, type, data } of taken.readAll()) {
    count++;
    expect(hashObject(type, data)).toBe(oid);
  }
  expect(count).toBe(taken.objects);
}

/** Types, sizes and edges of the sidecar against what the objects say. */
async function expectRightSidecar(taken: IngestedPack): Promise<void> {
  const { index, refs } = taken.open();
  for await (const { oid, type, data } of taken.readAll()) {
    const position = index.findPosition(oid);
    expect([refs.typeAt(position), refs.sizeAt(position)]).toEqual([type, data.length]);
    const expected: Oid[] = [];
    visitEdges(type, data, (bytes, at) => expected.push(oidFromBytes(bytes, at)));
    const edges = refs.listEdges(position);
    const named = edges.map((n) => (n < refs.count ? index.oidAt(n) : refs.externalAt(n - refs.count)));
    expect(named).toEqual(expected);
  }
}

describe.runIf(hasGit)("ingestPack of a pack from git", () => {
  it.each([
    ["ofs-deltas", ["--delta-base-offset"]],
    ["ref-deltas", []],
    ["no deltas", ["--depth=0"]],
  ])("indexes %s as git does", async (_, flags) => {
    await using repo = await makeRepo();
    await writeHistory(repo, { commits: 150, files: 60, changes: 5 });
    const pack = await packObjects(repo, ["main"], flags);
    const taken = await takeIn(pack);
    expect(taken.file).toBeNull();
    expect(taken.addedBases).toBe(0);
    expect(Buffer.compare(taken.pack ?? Buffer.of(), pack)).toBe(0);
    await expectSameAsGit(taken);
    await expectRightSidecar(taken);
  });

  it.each([1, 7, 4_096, 1_000_000])("does not mind chunks of %d bytes", async (chunk) => {
    await using repo = await makeRepo();
    await writeHistory(repo, { commits: 40, files: 20, changes: 3 });
    const pack = await packObjects(repo, ["main"], ["--delta-base-offset"]);
    const taken = await takeIn(pack, { chunk });
    expect(Buffer.compare(taken.idx, (await indexWithGit(pack)).idx)).toBe(0);
  });

  it("takes in the empty pack", async () => {
    await using repo = await makeRepo();
    const pack = await packObjects(repo, []);
    const taken = await takeIn(pack);
    expect([taken.objects, taken.packBytes]).toEqual([0, 32]);
    expect(taken.checksum).toBe("029d08823bd8a8eab510ad6ac75c823cfd3ed31e");
  });

  it("takes in a chain of thousands of deltas, and refuses one that is too long", async () => {
    await using repo = await makeRepo();
    await writeHistory(repo, { commits: 4_096, files: 1, changes: 1, depth: 4_095 });
    const flags = ["--delta-base-offset", "--window=250", "--depth=4095"];
    const pack = await packObjects(repo, ["main"], flags);
    const { idx, verified } = await indexWithGit(pack);
    const longest = Math.max(
      ...[...verified.matchAll(/chain length = (\d+)/g)].map((match) => Number(match[1])),
    );
    expect(longest).toBeGreaterThan(3_000);
    const taken = await takeIn(pack);
    expect(Buffer.compare(taken.idx, idx)).toBe(0);
    const limits = { ...LIMITS, maxDeltaDepth: longest - 1 };
    await expect(takeIn(pack, { limits })).rejects.toMatchObject({
      code: "limit-exceeded",
      data: { limit: "maxDeltaDepth", value: longest },
    });
    for await (const { oid, type, data } of taken.readAll()) expect(hashObject(type, data)).toBe(oid);
  }, 180_000);

  it("takes in deltas as git makes them with its widest window", async () => {
    await using repo = await makeRepo();
    await writeHistory(repo, { commits: 150, files: 30, changes: 5 });
    const flags = ["--delta-base-offset", "--window=250", "--depth=4095", "--no-reuse-object"];
    await expectSameAsGit(await takeIn(await packObjects(repo, ["main"], flags)));
  });

  it("takes in 10,000 small objects", async () => {
    await using repo = await makeRepo();
    await writeHistory(repo, { commits: 900, files: 400, changes: 5 });
    const pack = await packObjects(repo, ["main"], ["--delta-base-offset"]);
    const taken = await takeIn(pack);
    expect(taken.objects).toBeGreaterThan(10_000);
    expect(Buffer.compare(taken.idx, (await indexWithGit(pack)).idx)).toBe(0);
  });

  it("takes in large blobs, as they are and as deltas, and shows the hook those it holds", async () => {
    await using repo = await makeRepo();
    const noise = randomBytes(5_000_000, 1);
    const lines = Array.from({ length: 400_000 }, (_, i) => `line ${i} of a large text`);
    const text = Buffer.from(lines.join("\n"));
    lines[200_000] = "another line";
    const changed = Buffer.from(lines.join("\n"));
    const oids: string[] = [];
    for (const content of [noise, text, changed]) {
      oids.push((await repo.git(["hash-object", "-w", "--stdin"], { input: content })).text);
    }
    const args = ["pack-objects", "--stdout", "-q", "--delta-base-offset"];
    const pack = (await repo.git(args, { input: oids.map((oid) => `${oid}\n`).join("") })).stdout;
    expect(pack.length).toBeLessThan(10_000_000);
    const seen = new Map<string, number | null>();
    const taken = await takeIn(pack, {
      onObject: (oid, type, data) => void seen.set(`${type} ${oid}`, data?.length ?? null),
    });
    expect(Buffer.compare(taken.idx, (await indexWithGit(pack, [])).idx)).toBe(0);
    expect([...seen.keys()].sort()).toEqual(oids.map((oid) => `blob ${oid}`).sort());
    expect(seen.get(`blob ${oids[0]}`)).toBeNull();
    expect([...seen.values()].filter((size) => size !== null)).toEqual([expect.closeTo(text.length, -2)]);
    const { found } = await taken.open().readObjects(oids.map(parseOid));
    expect(Buffer.compare(found.get(parseOid(oids[2] ?? ""))?.data ?? Buffer.of(), changed)).toBe(0);
  });

  it("shows every object to the hook once, and lets it refuse", async () => {
    await using repo = await makeRepo();
    await writeHistory(repo, { commits: 30, files: 20, changes: 3 });
    const pack = await packObjects(repo, ["main"]);
    const seen: Oid[] = [];
    const taken = await takeIn(pack, {
      onObject(oid, type, data) {
        if (data) expect(hashObject(type, data)).toBe(oid);
        seen.push(oid);
      },
    });
    expect(new Set(seen).size).toBe(taken.objects);
    expect(seen.length).toBe(taken.objects);
    const refuse = () => {
      throw new Error("not this one");
    };
    await expect(takeIn(pack, { onObject: refuse })).rejects.toThrow("not this one");
  });
});

describe.runIf(hasGit)("ingestPack of a thin pack", () => {
  async function makeThin(repo: RealRepo, flags: readonly string[] = []): Promise<Uint8Array> {
    await writeHistory(repo, { commits: 60, files: 40, changes: 4 });
    return packObjects(repo, ["main", "^main~5"], ["--thin", ...flags]);
  }

  it.each([
    ["ofs-deltas", ["--delta-base-offset"]],
    ["ref-deltas", []],
  ])("adds what it lacks, with %s", async (_, flags) => {
    await using repo = await makeRepo();
    const thin = await makeThin(repo, flags);
    const taken = await takeIn(thin, { findBases: basesOf(repo) });
    expect(taken.addedBases).toBeGreaterThan(0);
    await expectSameAsGit(taken, []);
    await expectRightSidecar(taken);
    const { index, refs } = taken.open();
    for (let position = 0; position < index.count; position++) {
      const base = refs.baseAt(position);
      if (base >= 0) expect(index.offsetAt(base)).toBeLessThan(index.offsetAt(position));
    }
  });

  it("writes the completed pack beside the one that arrived when it goes to files", async () => {
    await using repo = await makeRepo();
    const thin = await makeThin(repo);
    const spool = createMemorySpool();
    const findBases = basesOf(repo);
    const taken = await takeIn(thin, { findBases, spool, memoryBytes: 500, chunk: 700 });
    expect(taken.file).toBe("completed");
    expect(taken.pack).toBeUndefined();
    expect(spool.events).toEqual(["create arrived", "close arrived", "create completed", "close completed"]);
    expect(Buffer.compare(spool.files.get("arrived") ?? Buffer.of(), thin)).toBe(0);
    const stored = spool.files.get("completed") ?? Buffer.of();
    expect(stored.length).toBe(taken.packBytes);
    const inMemory = await takeIn(thin, { findBases });
    expect(Buffer.compare(stored, inMemory.pack ?? Buffer.of())).toBe(0);
    expect(Buffer.compare(taken.idx, (await indexWithGit(stored, [])).idx)).toBe(0);
    expect(Buffer.compare(taken.refs, inMemory.refs)).toBe(0);
  });

  it("gives a repository that git finds sound once it lies beside what was there", async () => {
    await using repo = await makeRepo();
    const thin = await makeThin(repo);
    const taken = await takeIn(thin, { findBases: basesOf(repo) });
    await using other = await makeRepo({ bare: true });
    const before = await packObjects(repo, ["main~5"]);
    await other.git(["index-pack", "--stdin", "--strict"], { input: before });
    await other.git(["index-pack", "--stdin"], { input: taken.pack ?? "" });
    await other.git(["update-ref", "refs/heads/main", (await repo.git(["rev-parse", "main"])).text]);
    expect((await other.git(["fsck", "--strict", "--full"])).stderr).toBe("");
  });

  it("says which base is nowhere", async () => {
    await using repo = await makeRepo();
    const thin = await makeThin(repo);
    await expect(takeIn(thin)).rejects.toMatchObject({
      code: "missing-object",
      data: { oids: expect.arrayContaining([expect.stringMatching(/^[0-9a-f]{40}$/)]) },
    });
  });
});

describe.runIf(hasGit)("ingestPack into files", () => {
  it("stores the bytes as they arrive and reads deltas back from there", async () => {
    await using repo = await makeRepo();
    await writeHistory(repo, { commits: 300, files: 60, changes: 5 });
    const pack = await packObjects(repo, ["main"], ["--delta-base-offset"]);
    const spool = createMemorySpool();
    const taken = await takeIn(pack, { spool, memoryBytes: 1_000, chunk: 5_000 });
    expect([taken.file, taken.packBytes]).toEqual(["arrived", pack.length]);
    expect(Buffer.compare(spool.files.get("arrived") ?? Buffer.of(), pack)).toBe(0);
    expect(spool.events).toEqual(["create arrived", "close arrived"]);
    expect(Buffer.compare(taken.idx, (await indexWithGit(pack)).idx)).toBe(0);
  });

  it("leaves a small pack in memory", async () => {
    await using repo = await makeRepo();
    await writeHistory(repo, { commits: 3, files: 5, changes: 1 });
    const spool = createMemorySpool();
    const taken = await takeIn(await packObjects(repo, ["main"]), { spool });
    expect([taken.file, spool.events.length]).toEqual([null, 0]);
    expect(taken.pack?.length).toBe(taken.packBytes);
  });

  it("aborts the file when the pack is bad", async () => {
    await using repo = await makeRepo();
    await writeHistory(repo, { commits: 600, files: 100, changes: 9 });
    const pack = Buffer.concat([await packObjects(repo, ["main"]), randomBytes(2_000_000, 1)]);
    const spool = createMemorySpool();
    await expect(takeIn(pack, { spool, memoryBytes: 0 })).rejects.toMatchObject({ code: "corrupt-pack" });
    expect(spool.events).toEqual(["create arrived", "abort arrived"]);
  });
});
