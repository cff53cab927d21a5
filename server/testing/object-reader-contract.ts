import { describe, expect, it } from "vitest";
import type { GitObject, ObjectReader } from "../git/ports.ts";
import { makeObject } from "./plan-root-files.ts";
import { fillBytes } from "./repo-store-contract.ts";

/** Objects of every kind and of sizes around the limits that stores have; whoever makes a reader stores them. */
export function makeReaderObjects(): readonly GitObject[] {
  const blob = makeObject("blob", "content\n");
  const tree = makeObject("tree", new Uint8Array(0));
  const commit = makeObject(
    "commit",
    `tree ${tree.oid}\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nmessage\n`,
  );
  const tag = makeObject("tag", `object ${commit.oid}\ntype commit\ntag v1\ntagger A <a@b> 1 +0000\n\nv1\n`);
  const large = makeObject("blob", fillBytes(3_000_000, 7));
  return [blob, tree, commit, tag, makeObject("blob", ""), large];
}

/** What every object reader does. `make` gives a reader that has `objects` and nothing else. */
export function objectReaderContract(
  name: string,
  make: (objects: readonly GitObject[]) => Promise<ObjectReader>,
): void {
  const objects = makeReaderObjects();
  const absent = makeObject("blob", "absent").oid;

  describe(`reader: ${name}`, () => {
    it("gives contents and tells what is missing", async () => {
      const reader = await make(objects);
      const oids = objects.map((object) => object.oid);
      const { found, missing } = await reader.readObjects([...oids, absent, ...oids.slice(0, 2)]);
      expect(missing).toEqual([absent]);
      expect(found.size).toBe(objects.length);
      for (const { oid, type, data } of objects) {
        expect(found.get(oid)?.type).toBe(type);
        expect(Buffer.compare(found.get(oid)?.data ?? new Uint8Array(1), data)).toBe(0);
      }
      expect(await reader.readObjects([])).toEqual({ found: new Map(), missing: [] });
    });

    it("gives the same again", async () => {
      const reader = await make(objects);
      const oids = objects.map((object) => object.oid);
      const first = await reader.readObjects(oids);
      const second = await reader.readObjects(oids);
      for (const oid of oids) {
        const [a, b] = [first.found.get(oid)?.data, second.found.get(oid)?.data];
        expect(a && b && Buffer.compare(a, b)).toBe(0);
      }
    });

    it("gives types and sizes", async () => {
      const reader = await make(objects);
      const { found, missing } = await reader.readHeaders([...objects.map((object) => object.oid), absent]);
      expect(missing).toEqual([absent]);
      expect(found).toEqual(
        new Map(objects.map(({ oid, type, data }) => [oid, { type, size: data.length }])),
      );
    });

    it("streams one object, whole or a range of it", async () => {
      const reader = await make(objects);
      if (!reader.openObject) return; // optional in the port
      expect(await reader.openObject(absent)).toBeNull();
      for (const { oid, type, data } of objects) {
        for (const range of [undefined, { start: 2, end: 5 }, { start: 0, end: data.length }]) {
          const opened = await reader.openObject(oid, range);
          expect(opened).toMatchObject({ oid, type, size: data.length });
          const chunks: Uint8Array[] = [];
          for await (const chunk of opened?.chunks ?? []) chunks.push(chunk);
          const expected = range ? data.subarray(range.start, range.end) : data;
          expect(Buffer.compare(Buffer.concat(chunks), expected)).toBe(0);
        }
      }
    });
  });
}
