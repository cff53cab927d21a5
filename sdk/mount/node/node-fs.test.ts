import { describe, expect, test } from "vitest";
import { fsContract, fsSequences } from "../../testing/fs-contract.ts";
import { createOracle, type LooseFs } from "../../testing/fs-oracle.ts";
import { MemoryRemote } from "../../testing/memory-remote.ts";
import { createSharedBlobs } from "../blobs/content-source.ts";
import type { MountedFS } from "../mounted-fs.ts";
import { openMount } from "../open-mount.ts";

async function mountMemory() {
  const remote = new MemoryRemote();
  await remote.create("app");
  const parts = {
    remote,
    blobs: createSharedBlobs(remote, 1e7),
    now: () => Date.now(),
    createKey: () => crypto.randomUUID(),
  };
  return { remote, parts, fs: await openMount({ repos: [{ slug: "app", as: "/" }] }, parts) };
}

async function makePair() {
  const oracle = await createOracle();
  const { fs, parts } = await mountMemory();
  const subject = fs.promises as unknown as LooseFs; // Called by name.
  let turn = 0;
  /** Commits, and every other time reads the commit anew; a mount that starts cold must see the same files. */
  const settle = async () => {
    await fs.commit();
    turn += 1;
    if (turn % 2 === 0) await fs.refresh();
    const cold = await openMount({ repos: [{ slug: "app", as: "/" }] }, parts);
    const shas = async (mount: MountedFS) =>
      Promise.all((await mount.glob("**")).map(async (path) => [path, (await mount.lstat(path)).sha]));
    expect(await shas(cold)).toEqual(await shas(fs));
    expect(await fs.status()).toEqual([]);
  };
  return { subject, oracle: oracle.fs, settle, remove: oracle.remove };
}

/** Node empties these directories, cannot remove them, and says nothing. Refused here, as rm(1) refuses them. */
const HALF_REMOVED = ["/dir/sub/..", "/empty/..", "/dirlink/"];

fsContract(
  "a mount",
  makePair,
  new Map(HALF_REMOVED.map((path) => [`rm("${path}", {"recursive":true})`, "refused, not half done"])),
);

fsSequences("a mount", makePair);

describe("the node face", () => {
  test("is an own enumerable property with methods that work detached", async () => {
    const { fs } = await mountMemory();
    expect(Object.getOwnPropertyDescriptor(fs, "promises")?.enumerable).toBe(true);
    const { writeFile, readFile } = fs.promises;
    await writeFile("/x", "y");
    expect(await readFile("/x", "utf8")).toBe("y");
  });

  test("rejects and never throws, whatever it is given", async () => {
    const { fs } = await mountMemory();
    for (const method of Object.values(fs.promises)) {
      if (typeof method !== "function") continue;
      const call = (method as () => Promise<unknown>)();
      await expect(call).rejects.toMatchObject({ code: expect.stringMatching(/^E/) });
    }
  });

  test("gives messages that begin with the code", async () => {
    const { fs } = await mountMemory();
    await expect(fs.promises.readFile("/x")).rejects.toMatchObject({
      message: "ENOENT: no such file or directory, open '/x'",
      code: "ENOENT",
      errno: -2,
      syscall: "open",
      path: "/x",
    });
    await expect(fs.promises.rename("/x", "/y")).rejects.toMatchObject({
      message: "ENOENT: no such file or directory, rename '/x' -> '/y'",
      dest: "/y",
    });
  });
});
