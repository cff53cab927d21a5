import { beforeAll, describe, expect, it } from "vitest";
import { chunksOf, indexWithGit, packObjects, writeHistory } from "../../testing/git-packs.ts";
import { hasGit, makeRepo, type RealRepo } from "../../testing/real-git.ts";
import { concatBytes } from "../bytes/bytes.ts";
import { type Oid, parseOid } from "../hash/oid.ts";
import type { GitObject } from "../ports.ts";
import { createMemorySource } from "./byte-source.ts";
import { ingestPack } from "./ingest-pack.ts";
import { hasBit, markReachable } from "./mark-reachable.ts";
import { mergePacks } from "./merge-packs.ts";
import { openPackIndex } from "./pack-index.ts";
import { openPackRefs } from "./pack-refs.ts";
import { openPack, type PackReader } from "./read-pack.ts";
import { veilPack } from "./veil-pack.ts";

const LIMITS = { maxObjects: 1e6, maxObjectBytes: 1e9, maxPackBytes: 1e9 };

async function open(pack: Uint8Array): Promise<PackReader> {
  return (await ingestPack(chunksOf(pack, 100_000), { limits: LIMITS })).open();
}

const listOids = ({ index }: PackReader) => Array.from({ length: index.count }, (_, at) => index.oidAt(at));

function listShown(pack: PackReader, hidden: Uint8Array | null): Oid[] {
  return listOids(pack).filter((_, at) => !hidden || !hasBit(hidden, at));
}

describe.runIf(hasGit)("what tips reach in packs", () => {
  let repo: RealRepo;
  /** Newest first; some objects lie in two of them. */
  let packs: PackReader[];
  let tag: Oid;

  const reach = async (...revs: string[]) =>
    (await repo.git(["rev-list", "--objects", "--no-object-names", ...revs])).text.split("\n").sort();
  const tipOf = async (rev: string) => parseOid((await repo.git(["rev-parse", rev])).text);
  const countBlobs = async (oids: readonly string[]) => {
    const input = oids.map((oid) => `${oid}\n`).join("");
    const { text } = await repo.git(["cat-file", "--batch-check=%(objecttype)"], { input });
    return text.split("\n").filter((type) => type === "blob").length;
  };

  beforeAll(async () => {
    repo = await makeRepo();
    await writeHistory(repo, { commits: 30, files: 40, changes: 4, depth: 20 });
    await writeHistory(repo, { commits: 5, files: 9, changes: 2, branch: "other" });
    await repo.git(["tag", "-a", "v1", "-m", "one", "main~12"]);
    tag = await tipOf("v1");
    packs = [
      await open(await packObjects(repo, ["main", "v1", "^main~10"])),
      await open(await packObjects(repo, ["main~8", "other", "^main~20"])),
      await open(await packObjects(repo, ["main~20"])),
    ];
  });

  it("is what git rev-list --objects lists, in every pack that has it", async () => {
    for (const [rev, tip] of [
      ["main~3", await tipOf("main~3")],
      ["main~15", await tipOf("main~15")],
      ["v1", tag],
      ["other", await tipOf("other")],
    ] as const) {
      const { hidden, blobs } = markReachable(packs, [], [tip]);
      const wanted = await reach(rev);
      const shown = packs.map((pack, at) => listShown(pack, hidden[at] ?? null));
      expect([...new Set(shown.flat())].sort()).toEqual(wanted);
      const isWanted = new Set(wanted);
      for (const [at, pack] of packs.entries()) {
        expect(shown[at]).toEqual(listOids(pack).filter((oid) => isWanted.has(oid)));
      }
      expect(blobs).toBe(await countBlobs(wanted));
    }
  });

  it("hides nothing when everything is reached, and everything without a tip", async () => {
    const tips = [await tipOf("main"), tag, await tipOf("other")];
    expect(markReachable(packs, [], tips).hidden).toEqual([null, null, null]);
    const none = markReachable(packs, [], []);
    expect(packs.map((pack, at) => listShown(pack, none.hidden[at] ?? null))).toEqual([[], [], []]);
  });

  it("goes on from loose objects into packs, and keeps those that are reached", async () => {
    const [newest, ...older] = packs as [PackReader, ...PackReader[]];
    const loose = [...(await newest.readObjects(listOids(newest))).found.values()];
    const stranger: GitObject = { oid: "f".repeat(40) as Oid, type: "blob", data: new Uint8Array(1) };
    const tip = await tipOf("main~4");
    const found = markReachable(older, [...loose, stranger], [tip]);
    const shown = older.flatMap((pack, at) => listShown(pack, found.hidden[at] ?? null));
    const all = [...new Set([...shown, ...found.loose.map(({ oid }) => oid)])];
    expect(all.sort()).toEqual(await reach("main~4"));
    expect(found.blobs).toBe(markReachable(packs, [], [tip]).blobs);
  });

  it("is all that a veiled pack shows, contents and all, deltas on hidden bases too", async () => {
    const whole = await open(await packObjects(repo, ["main", "other"], ["--no-reuse-delta"]));
    const [hidden] = markReachable([whole], [], [await tipOf("main~9")]).hidden;
    const veiled = veilPack(whole, hidden as Uint8Array);
    const { found, missing } = await veiled.readObjects(listOids(whole));
    const wanted = await reach("main~9");
    expect([...found.keys()].sort()).toEqual(wanted);
    expect(missing).toHaveLength(whole.index.count - wanted.length);
    const [secret] = missing;
    expect((await veiled.readHeaders([secret as Oid])).missing).toEqual([secret]);
    expect(await veiled.openObject(secret as Oid)).toBeNull();
    expect(veiled.index.findPosition(secret as Oid)).toBe(-1);
    // There are such deltas, or this would say nothing about them.
    const isShown = (at: number) => !hasBit(hidden as Uint8Array, at);
    const onHidden = listOids(whole).filter((_, at) => {
      const base = whole.refs.baseAt(at);
      return isShown(at) && base >= 0 && !isShown(base);
    });
    expect(onHidden.length).toBeGreaterThan(0);
  });

  it("is all that a merge of veiled packs writes", async () => {
    const { hidden } = markReachable(packs, [], [await tipOf("main~9")]);
    const veiled = packs.map((pack, at) => (hidden[at] ? veilPack(pack, hidden[at]) : pack));
    const parts: Uint8Array[] = [];
    const sink = { write: async (bytes: Uint8Array) => void parts.push(bytes.slice()) };
    const written = await mergePacks(veiled, sink);
    const pack = concatBytes(parts);
    const refs = openPackRefs(written.refs);
    const reader = openPack({ pack: createMemorySource([pack]), index: openPackIndex(written.idx), refs });
    expect(listOids(reader).sort()).toEqual(await reach("main~9"));
    expect(refs.externalCount).toBe(0);
    expect((await reader.readObjects(listOids(reader))).missing).toEqual([]);
    await indexWithGit(pack);
  });
});
