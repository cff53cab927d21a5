import { describe, expect, it } from "vitest";
import { makeObject } from "../testing/plan-root-files.ts";
import { fillBytes } from "../testing/repo-store-contract.ts";
import { createObjectCache } from "./object-cache.ts";

describe("the object cache", () => {
  it("shows an object to the repository that put it there and to no other", () => {
    const cache = createObjectCache();
    const object = makeObject("blob", "secret");
    cache.keepObject("repo-a", object);
    expect(cache.findObject("repo-a", object.oid)).toEqual(object);
    expect(cache.findObject("repo-b", object.oid)).toBeNull();
  });

  it("stays under its ceiling, dropping what was not used for longest", () => {
    const cache = createObjectCache({ objectBytes: 10_000 });
    const objects = Array.from({ length: 10 }, (_, i) => makeObject("blob", fillBytes(1_500, i)));
    for (const object of objects) cache.keepObject("repo", object);
    const kept = objects.filter((object) => cache.findObject("repo", object.oid) !== null);
    expect(kept).toEqual(objects.slice(-kept.length));
    expect(kept.length).toBeGreaterThan(3);
    expect(kept.length * 1_500).toBeLessThanOrEqual(10_000);
  });

  it("does not keep large objects, nor blobs where they are of no use", () => {
    const cache = createObjectCache({ oneObjectBytes: 100, blobs: false });
    const [large, blob, tree] = [
      makeObject("tree", fillBytes(101, 1)),
      makeObject("blob", "x"),
      makeObject("tree", ""),
    ];
    for (const object of [large, blob, tree]) cache.keepObject("repo", object);
    expect(cache.findObject("repo", large.oid)).toBeNull();
    expect(cache.findObject("repo", blob.oid)).toBeNull();
    expect(cache.findObject("repo", tree.oid)).not.toBeNull();
  });

  it("keeps bytes of its own, not a view that holds a whole read alive", () => {
    const cache = createObjectCache();
    const read = fillBytes(100_000, 1);
    const object = { ...makeObject("blob", read.subarray(10, 20)), data: read.subarray(10, 20) };
    cache.keepObject("repo", object);
    const kept = cache.findObject("repo", object.oid);
    expect(kept?.data).toEqual(object.data);
    expect(kept?.data.buffer.byteLength).toBe(10);
  });

  it("does not let an older catalog take the place of a newer one", () => {
    const cache = createObjectCache();
    cache.keepCatalog("repo", { version: 2, packs: [] });
    cache.keepCatalog("repo", { version: 1, packs: [] });
    expect(cache.findCatalog("repo")?.version).toBe(2);
    expect(cache.findCatalog("other")).toBeNull();
  });
});
