import { describe, expect, test } from "vitest";
import type { LooseFs } from "../../testing/fs-contract/answers.ts";
import { askOracle } from "../../testing/fs-contract/oracle.ts";
import { fsSequences } from "../../testing/fs-contract/sequences.ts";
import { fsContract } from "../../testing/fs-contract/suite.ts";
import { makeMemoryMount } from "../../testing/memory-mount.ts";
import type { MountedFS } from "../mounted-fs.ts";

async function makeSubject() {
  const { fs, open } = await makeMemoryMount();
  let turn = 0;
  return {
    fs: loose(fs),
    /** Commits, and every other time reads the commit anew. */
    settle: async () => {
      await fs.commit();
      turn += 1;
      if (turn % 2 === 0) await fs.refresh();
      expect(await fs.status()).toEqual([]);
      const cold = await open();
      expect(await shas(cold)).toEqual(await shas(fs));
    },
    openCold: async () => loose(await open()),
  };
}

/** Called by name: the suite's table has it so. */
function loose(fs: MountedFS): LooseFs {
  return fs.promises as unknown as LooseFs;
}

async function shas(mount: MountedFS) {
  return await Promise.all(
    (await mount.glob("**")).map(async (path) => [path, (await mount.lstat(path)).sha]),
  );
}

const contract = { makeSubject, ask: askOracle };

fsContract("a mount", contract);
fsSequences("a mount", contract, 300);

describe("the node face", () => {
  test("is an own enumerable property with methods that work detached", async () => {
    const { fs } = await makeMemoryMount();
    expect(Object.getOwnPropertyDescriptor(fs, "promises")?.enumerable).toBe(true);
    const { writeFile, readFile } = fs.promises;
    await writeFile("/x", "y");
    expect(await readFile("/x", "utf8")).toBe("y");
  });

  test("rejects and never throws, whatever it is given", async () => {
    const { fs } = await makeMemoryMount();
    for (const [name, method] of Object.entries(fs.promises)) {
      if (typeof method !== "function") continue;
      const result = (method as () => unknown)();
      const call =
        name === "glob" || name === "watch"
          ? (result as AsyncIterator<unknown>).next()
          : (result as Promise<unknown>);
      await expect(call, name).rejects.toMatchObject({ code: expect.stringMatching(/^E/) });
    }
  });

  test("gives messages that begin with the code", async () => {
    const { fs } = await makeMemoryMount();
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
