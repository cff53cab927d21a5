import { describe, expect, test } from "vitest";
import { FaultyRemote } from "../../testing/faulty-remote.ts";
import { createSharedBlobs } from "../blobs/content-source.ts";
import type { MountOptions } from "../mount-options.ts";
import { openMount } from "../open-mount.ts";

async function mountAuto(options: Partial<MountOptions> = {}) {
  const remote = new FaultyRemote();
  const repo = await remote.create("app", { "a.txt": "a\n", "b.txt": "b\n" });
  const fs = await openMount(
    { repos: [{ slug: "app", as: "/" }], commitMode: "auto", ...options },
    {
      remote,
      blobs: createSharedBlobs(remote, 1e7),
      now: () => Date.now(),
      createKey: () => crypto.randomUUID(),
    },
  );
  return { remote, repo, fs };
}

describe("in mode auto", () => {
  test("a write is done when its commit has landed", async () => {
    const { repo, fs } = await mountAuto();
    await fs.writeFile("/a.txt", "one");
    expect(repo.text("a.txt")).toBe("one");
    await fs.appendFile("/a.txt", " two");
    expect(repo.text("a.txt")).toBe("one two");
    await fs.rename("/a.txt", "/c.txt");
    expect([repo.text("a.txt"), repo.text("c.txt")]).toEqual([null, "one two"]);
    await fs.unmount();
  });

  test("writes of one tick share a commit, and so do those that come while one is under way", async () => {
    const { remote, repo, fs } = await mountAuto();
    await Promise.all(Array.from({ length: 100 }, (_, index) => fs.writeFile(`/many/${index}`, `${index}`)));
    expect(remote.sent).toHaveLength(1);
    const first = fs.writeFile("/x", "1");
    await new Promise((resolve) => setTimeout(resolve));
    await Promise.all([first, fs.writeFile("/y", "2"), fs.writeFile("/z", "3")]);
    expect(remote.sent.length).toBeLessThanOrEqual(3);
    expect(["x", "y", "z"].map((path) => repo.text(path))).toEqual(["1", "2", "3"]);
  });

  test("making a directory commits nothing, and with keep its .gitkeep", async () => {
    const { remote, repo, fs } = await mountAuto();
    await fs.mkdir("/empty");
    expect(remote.sent).toHaveLength(0);
    await fs.mkdir("/kept", { keep: true });
    expect(repo.text("kept/.gitkeep")).toBe("");
  });

  test("a write that conflicts is taken back, and the mount shows what the branch has", async () => {
    const { repo, fs } = await mountAuto();
    await repo.seed({ "a.txt": "theirs" });
    await expect(fs.writeFile("/a.txt", "mine")).rejects.toMatchObject({ code: "ECONFLICT", path: "/a.txt" });
    expect(await fs.readFile("/a.txt")).toBe("theirs");
    expect(await fs.status()).toEqual([]);
    await fs.writeFile("/a.txt", "merged");
    expect(repo.text("a.txt")).toBe("merged");
  });

  test("a conflict of one write does not fail the others of its tick", async () => {
    const { repo, fs } = await mountAuto();
    await repo.seed({ "a.txt": "theirs" });
    const outcomes = await Promise.allSettled([
      fs.writeFile("/a.txt", "mine"),
      fs.writeFile("/new.txt", "new"),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
    expect([repo.text("a.txt"), repo.text("new.txt")]).toEqual(["theirs", "new"]);
  });

  test("a write whose answer was lost rejects, stays in the mount and is settled by the next", async () => {
    const { remote, repo, fs } = await mountAuto();
    remote.faults.push("lost-answer");
    await expect(fs.writeFile("/a.txt", "one")).rejects.toMatchObject({ code: "EIO" });
    expect(await fs.readFile("/a.txt")).toBe("one");
    await fs.writeFile("/b.txt", "two");
    expect([repo.text("a.txt"), repo.text("b.txt")]).toEqual(["one", "two"]);
    expect(repo.commits.size).toBe(3);
    await fs.unmount();
  });

  test("a read-only mount refuses before anything is sent", async () => {
    const { remote, fs } = await mountAuto({ mode: "ro" });
    await expect(fs.writeFile("/a.txt", "x")).rejects.toMatchObject({ code: "EROFS" });
    expect(remote.sent).toHaveLength(0);
  });
});
