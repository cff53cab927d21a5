import { describe, expect, it } from "vitest";
import { createRandom } from "../../testing/git-packs.ts";
import type { ByteString } from "../bytes/text.ts";
import { type Oid, parseOid } from "../hash/oid.ts";
import { hashObject } from "../hash/sha1.ts";
import { encodeTree } from "../object/tree.ts";
import type { GitObject } from "../ports.ts";
import { collectReachable } from "../walk/reachable.ts";
import { createMemorySource } from "./byte-source.ts";
import { ClosureWalk, holdsClosure } from "./closure-walk.ts";
import { openPackIndex } from "./pack-index.ts";
import { openPackRefs } from "./pack-refs.ts";
import { openPack, type PackReader } from "./read-pack.ts";
import { buildPack } from "./write-pack.ts";

const random = createRandom(21);

function makeObject(type: GitObject["type"], data: Uint8Array): GitObject {
  return { oid: hashObject(type, data), type, data };
}

/** A line of commits, each with a changed blob in one of four directories. */
function makeHistory(commits: number): {
  readonly objects: readonly GitObject[];
  readonly tips: readonly Oid[];
} {
  const objects = new Map<Oid, GitObject>();
  const keep = (object: GitObject): Oid => {
    objects.set(object.oid, object);
    return object.oid;
  };
  const text = (value: string) => new TextEncoder().encode(value);
  const files = Array.from({ length: 4 }, () => Array.from({ length: 6 }, (_, i) => `file ${i}`));
  const tips: Oid[] = [];
  for (let at = 0; at < commits; at++) {
    const folder = files[random(4)] as string[];
    folder[random(6)] = `change ${at} ${random(1_000)}`;
    const trees = files.map((names, number) => {
      const entries = names.map((content, i) => {
        return { mode: "100644", name: `f${i}` as ByteString, oid: keep(makeObject("blob", text(content))) };
      });
      return {
        mode: "40000",
        name: `d${number}` as ByteString,
        oid: keep(makeObject("tree", encodeTree(entries))),
      };
    });
    const tree = keep(makeObject("tree", encodeTree(trees)));
    const parent = tips.length > 0 ? `parent ${tips[Math.max(0, tips.length - 1 - random(3))]}\n` : "";
    const who = `A <a@b> ${1_700_000_000 + at} +0000`;
    tips.push(
      keep(makeObject("commit", text(`tree ${tree}\n${parent}author ${who}\ncommitter ${who}\n\n.\n`))),
    );
  }
  return { objects: [...objects.values()], tips };
}

function openBuilt(objects: readonly GitObject[]): PackReader {
  const { pack, idx, refs } = buildPack(objects);
  return openPack({ pack: createMemorySource([pack]), index: openPackIndex(idx), refs: openPackRefs(refs) });
}

function listMet(packs: readonly PackReader[], walk: ClosureWalk): Oid[] {
  return packs.flatMap(({ index }, at) => [...walk.listIn(at)].map((position) => index.oidAt(position)));
}

describe("ClosureWalk", () => {
  const { objects, tips } = makeHistory(60);
  const whole = openBuilt(objects);

  it("meets what a walk over the objects finds, from any tips", async () => {
    for (let round = 0; round < 20; round++) {
      const wants = [tips[random(60)] as Oid, tips[random(60)] as Oid];
      const walk = new ClosureWalk([whole], () => expect.unreachable());
      for (const want of wants) expect(walk.enter(want)).toBe(true);
      walk.run();
      const expected = await collectReachable(whole, { wants, haves: [] });
      expect(listMet([whole], walk).sort()).toEqual(expected.map(({ oid }) => oid).sort());
      expect(walk.count).toBe(expected.length);
    }
  });

  it("counts an object of several packs once, as that of the first, and follows edges from pack to pack", async () => {
    for (let round = 0; round < 10; round++) {
      const parts = [0, 1, 2].map((part) => objects.filter((_, i) => i % 3 === part || random(4) === 0));
      const packs = parts.map(openBuilt);
      const wants = [tips[random(60)] as Oid];
      const walk = new ClosureWalk(packs, () => expect.unreachable());
      for (const want of wants) walk.enter(want);
      walk.run();
      const expected = await collectReachable(whole, { wants, haves: [] });
      expect(listMet(packs, walk).sort()).toEqual(expected.map(({ oid }) => oid).sort());
      for (const { oid } of objects) expect(walk.has(oid)).toBe(expected.some((found) => found.oid === oid));
      packs.forEach((_, at) => {
        expect(walk.countIn(at)).toBe([...walk.listIn(at)].length);
      });
    }
  });

  it("tells of what no pack has, and does not call a closure whole that lacks an object", () => {
    const tip = tips.at(-1) as Oid;
    const reached = new ClosureWalk([whole], () => undefined);
    reached.enter(tip);
    reached.run();
    for (const { oid } of objects) {
      const lacking = openBuilt(objects.filter((object) => object.oid !== oid));
      expect(holdsClosure(lacking, [tip]), oid).toBe(!reached.has(oid));
      const outside: Oid[] = [];
      const walk = new ClosureWalk([lacking], (missing) => outside.push(missing));
      if (walk.enter(tip)) walk.run();
      expect(outside).toEqual(reached.has(oid) && oid !== tip ? [oid] : []);
    }
  });

  it("has no closure for a tip that is not there", () => {
    expect(holdsClosure(whole, [parseOid("1".repeat(40))])).toBe(false);
    expect(holdsClosure(whole, [])).toBe(true);
  });
});
