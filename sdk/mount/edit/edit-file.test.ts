import { expect, test } from "vitest";
import { FaultyRemote } from "../../testing/faulty-remote.ts";
import { createSharedBlobs } from "../blobs/content-source.ts";
import type { MountOptions } from "../mount-options.ts";
import { openMount } from "../open-mount.ts";
import { hashObject } from "../tree/git-id.ts";

async function mount(options: Partial<MountOptions> = {}) {
  const remote = new FaultyRemote();
  const repo = await remote.create("app", {
    "a.txt": "one\ntwo\n",
    "run.sh": { mode: "100755", content: "#!/bin/sh\n" },
  });
  const parts = {
    remote,
    blobs: createSharedBlobs(remote, 1e7),
    now: () => Date.now(),
    createKey: () => crypto.randomUUID(),
  };
  return { repo, fs: await openMount({ repos: [{ slug: "app", as: "/" }], ...options }, parts) };
}

test("an edit gives what it did, and the diff when asked", async () => {
  const { fs } = await mount();
  const sha = await hashObject("blob", new TextEncoder().encode("one\nzwei\n"));
  expect(await fs.edit("/a.txt", { old: "two", new: "zwei" }, { diff: true })).toMatchObject({
    replacements: 1,
    sha,
    diff: expect.stringContaining("--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+zwei\n"),
  });
  await fs.edit("/run.sh", [{ range: [1, 1], content: "#!/bin/bash" }]);
  expect(await fs.readFile("/run.sh")).toBe("#!/bin/bash\n");
  expect((await fs.stat("/run.sh")).mode).toBe("100755");
});

test("a refused edit is EINVAL with its reasons, and changes nothing", async () => {
  const { fs } = await mount();
  await expect(
    fs.edit("/a.txt", [
      { old: "one", new: "1" },
      { old: "Two", new: "2" },
    ]),
  ).rejects.toMatchObject({
    code: "EINVAL",
    errno: -22,
    path: "/a.txt",
    data: { edit: 1, matches: 0, nearest: { from: 2, text: "two", difference: "case" } },
  });
  expect(await fs.status()).toEqual([]);
  await expect(fs.edit("/none", { old: "a", new: "b" })).rejects.toMatchObject({ code: "ENOENT" });
  await expect(fs.edit("/", { old: "a", new: "b" })).rejects.toMatchObject({ code: "EISDIR" });
  await expect(fs.edit("/a.txt", [])).rejects.toMatchObject({ code: "EINVAL" });
});

test.each(["manual", "auto"] as const)(
  "of parallel edits of one file none vanishes, in mode %s",
  async (commitMode) => {
    const { fs, repo } = await mount({ commitMode });
    const outcomes = await Promise.allSettled([
      fs.edit("/a.txt", { old: "one", new: "1" }),
      fs.edit("/a.txt", { old: "two", new: "2" }),
      fs.edit("/a.txt", { old: "one", new: "uno" }),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
    expect(await fs.readFile("/a.txt")).toBe("1\n2\n");
    if (commitMode === "auto") expect(repo.text("a.txt")).toBe("1\n2\n");
  },
);
