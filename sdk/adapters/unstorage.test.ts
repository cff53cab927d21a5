import { createStorage, type Driver, prefixStorage, restoreSnapshot, snapshot } from "unstorage";
import { describe, expect, test } from "vitest";
import { mountCounted } from "../testing/counted-mount.ts";
import { createUnstorageDriver } from "./unstorage.ts";

async function makeStorage(
  files: Readonly<Record<string, string>> = {},
  options: { readonly base?: string; readonly mode?: "ro" } = {},
) {
  const counted = await mountCounted(files, options.mode === undefined ? {} : { mode: options.mode });
  const driver: Driver = createUnstorageDriver(counted.mount, options) as Driver; // exactOptionalPropertyTypes only.
  return { ...counted, driver, storage: createStorage({ driver }) };
}

describe("an unstorage over a mount", () => {
  test("keeps values of every kind, and gives null for what is not there", async () => {
    const { storage } = await makeStorage();
    const values = { text: "plain", empty: "", number: 7, yes: true, nothing: null, list: [1, { a: 2 }] };
    for (const [key, value] of Object.entries(values)) await storage.setItem(`kinds:${key}`, value);
    for (const [key, value] of Object.entries(values))
      expect(await storage.getItem(`kinds:${key}`)).toEqual(value);
    expect(await storage.getItem("kinds:missing")).toBeNull();
    expect(await storage.getItem("kinds")).toBeNull();
    expect(await storage.getItem("kinds:text:below")).toBeNull();
    expect([
      await storage.hasItem("kinds:text"),
      await storage.hasItem("kinds"),
      await storage.hasItem("x"),
    ]).toEqual([true, false, false]);
  });

  test("keeps bytes as they are", async () => {
    const { storage, mount } = await makeStorage();
    const bytes = new Uint8Array([0, 255, 128, 10, 195, 40]);
    await storage.setItemRaw("bin:a", bytes);
    expect(new Uint8Array((await storage.getItemRaw("bin:a")) as Uint8Array)).toEqual(bytes);
    expect(await mount.readFile("/bin/a", "hex")).toBe("00ff800ac328");
    expect(await storage.getItemRaw("bin:none")).toBeNull();
  });

  test("lists keys by base and by depth", async () => {
    const { storage } = await makeStorage({
      a: "1",
      "dir/b": "2",
      "dir/deep/c": "3",
      "directory/d": "4",
      "has:colon": "never a key",
    });
    expect((await storage.getKeys()).sort()).toEqual(["a", "dir:b", "dir:deep:c", "directory:d"]);
    expect((await storage.getKeys("dir")).sort()).toEqual(["dir:b", "dir:deep:c"]);
    expect((await storage.getKeys("", { maxDepth: 0 })).sort()).toEqual(["a"]);
    expect((await storage.getKeys("", { maxDepth: 1 })).sort()).toEqual(["a", "dir:b", "directory:d"]);
    expect(await storage.getKeys("dir", { maxDepth: 1 })).toEqual(["dir:b"]);
    expect(await storage.getKeys("dir", { maxDepth: 0 })).toEqual([]);
    expect(await storage.getKeys("nowhere")).toEqual([]);
  });

  test("removes items, clears bases, and lets a name become a directory and back", async () => {
    const { storage, driver, repo, mount } = await makeStorage({ keep: "k", "dir/a": "1", "dir/b/c": "2" });
    await storage.removeItem("dir:missing");
    await storage.removeItem("dir");
    await storage.removeItem("dir:b:c");
    await storage.setItem("dir:b", "now an item");
    await expect(storage.setItem("dir:b:c", "x")).rejects.toMatchObject({ code: "ENOTDIR" });
    await expect(storage.setItem("dir", "x")).rejects.toMatchObject({ code: "EISDIR" });
    expect(await storage.getItem("dir:b")).toBe("now an item");
    // A storage clears whole mount points only; the driver can do less.
    await driver.clear?.("dir:", {});
    expect(await storage.getKeys()).toEqual(["keep"]);
    await mount.commit();
    expect([...(repo.head("main")?.files.keys() ?? [])]).toEqual(["keep"]);
    await storage.clear();
    expect(await storage.getKeys()).toEqual([]);
  });

  test("tells size, time and git's id, and keeps what a user adds", async () => {
    const { storage } = await makeStorage({ "a.txt": "hello\n" });
    const meta = await storage.getMeta("a.txt");
    expect(meta).toMatchObject({ size: 6, sha: "ce013625030ba8dba906f756967f9e9ca394464a" });
    expect(meta.mtime).toBeInstanceOf(Date);
    await storage.setMeta("a.txt", { owner: "ada" });
    expect(await storage.getMeta("a.txt")).toMatchObject({ size: 6, owner: "ada" });
    expect(await storage.getMeta("none")).toEqual({});
  });

  test("restores a snapshot, and stands below a prefix and beside another mount point", async () => {
    const { storage, driver, mount } = await makeStorage({}, { base: "/data/" });
    await restoreSnapshot(storage, { "s1:a": "v1", "s1:b": { n: 1 } });
    expect(await snapshot(storage, "s1")).toEqual({ a: "v1", b: { n: 1 } });
    expect(await mount.readFile("/data/s1/a")).toBe("v1");
    expect(await prefixStorage(storage, "s1").getItem("a")).toBe("v1");
    const outer = createStorage();
    outer.mount("repo", driver);
    expect((await outer.getKeys("repo:s1")).sort()).toEqual(["repo:s1:a", "repo:s1:b"]);
    await outer.dispose();
    expect(await storage.getItem("s1:a")).toBe("v1");
  });

  test("never leaves its base", async () => {
    const { driver, mount } = await makeStorage({ secret: "s" }, { base: "/data" });
    await mount.writeFile("/data/x", "x");
    await expect(driver.getItem("..:secret", {})).rejects.toThrow("segment of dots");
    await expect((async () => driver.setItem?.("a:..:..:secret", "x", {}))()).rejects.toThrow(
      "segment of dots",
    );
  });

  test("reports its own writes to watchers", async () => {
    const { storage } = await makeStorage();
    const events: string[] = [];
    const unwatch = await storage.watch((event, key) => events.push(`${event} ${key}`));
    await storage.setItem("a:b", "1");
    await storage.removeItem("a:b");
    await unwatch();
    await storage.setItem("a:c", "1");
    expect(events).toEqual(["update a:b", "remove a:b"]);
  });

  test("has no setters over a read-only mount", async () => {
    const { driver, storage } = await makeStorage({ a: "1" }, { mode: "ro" });
    expect(Object.keys(driver).filter((name) => /set|remove|clear/.test(name))).toEqual([]);
    await storage.setItem("a", "2");
    expect(await storage.getItem("a")).toBe(1);
  });

  test("reads 100 items with one request, and writes 100 as one commit in mode auto", async () => {
    const names = Array.from({ length: 100 }, (_, index) => `k${index}`);
    const files = Object.fromEntries(names.map((name) => [`items/${name}`, `"${name}"`]));
    const { mount, repo, seen } = await mountCounted(files, { commitMode: "auto" });
    const storage = createStorage({ driver: createUnstorageDriver(mount) as Driver });
    const items = await storage.getItems(names.map((name) => `items:${name}`));
    expect(items[99]).toEqual({ key: "items:k99", value: "k99" });
    expect(seen).toHaveLength(1);
    seen.length = 0;
    await storage.setItems(names.map((name) => ({ key: `more:${name}`, value: name })));
    expect(seen).toHaveLength(1);
    expect(repo.text("more/k7")).toBe("k7");
  });
});
