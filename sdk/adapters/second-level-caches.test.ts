import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IDBFactory } from "fake-indexeddb";
import { afterAll, describe, expect, it } from "vitest";
import { byteBudgetContract, makeBlob, secondLevelContract } from "../testing/second-level-contract.ts";
import { createBrowserCache } from "./browser-cache.ts";
import { createFolderCache } from "./folder-cache.ts";
import { createMemoryCache } from "./memory-cache.ts";

const folders: string[] = [];

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "coregit-cache-"));
  folders.push(folder);
  return join(folder, "not", "there", "yet");
}

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

describe("in memory", () => {
  secondLevelContract(async (options) => createMemoryCache(options));
  byteBudgetContract(async (options) => createMemoryCache(options));
});

describe("in a folder", () => {
  secondLevelContract(async (options) => createFolderCache({ ...options, folder: await makeFolder() }));
  byteBudgetContract(async (options) => createFolderCache({ ...options, folder: await makeFolder() }));

  it("is seen by the next process, and leaves nothing half written", async () => {
    const folder = await makeFolder();
    const { sha, bytes } = await makeBlob("kept");
    await createFolderCache({ folder }).put(sha, bytes);
    expect(await createFolderCache({ folder }).get(sha)).toEqual(bytes);
    expect(await readdir(join(folder, sha.slice(0, 2)))).toEqual([sha.slice(2)]);
  });

  it("counts what was there before", async () => {
    const folder = await makeFolder();
    const blobs = await Promise.all(
      Array.from({ length: 20 }, (_, index) => makeBlob(`${index}`.padEnd(5_000, "y"))),
    );
    for (const { sha, bytes } of blobs) await createFolderCache({ folder, maxBytes: 50_000 }).put(sha, bytes);
    const cache = createFolderCache({ folder });
    const held = await Promise.all(blobs.map(({ sha }) => cache.get(sha)));
    expect(held.filter((bytes) => bytes !== null).length).toBeLessThanOrEqual(10);
  });

  it("refuses names that are no ids, and fails by name where it cannot write", async () => {
    const folder = await makeFolder();
    await expect(createFolderCache({ folder }).get("../../etc/passwd")).rejects.toThrow("not a blob id");
    const file = join(folders.at(-1) ?? "", "file");
    await writeFile(file, "");
    const { sha, bytes } = await makeBlob("x");
    await expect(createFolderCache({ folder: file }).put(sha, bytes)).rejects.toMatchObject({
      code: "ENOTDIR",
    });
  });
});

describe("in IndexedDB (a model of it; the browser's own is in browser.test.ts)", () => {
  const make = async (options: { readonly maxBytes: number }) => {
    globalThis.indexedDB = new IDBFactory();
    return createBrowserCache(options);
  };
  secondLevelContract(make);
  byteBudgetContract(make);
});
