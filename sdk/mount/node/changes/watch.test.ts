import { describe, expect, test } from "vitest";
import { makeMemoryMount } from "../../../testing/memory-mount.ts";

const FILES = { "src/a.ts": "a\n", "src/deep/b.ts": "b\n", "README.md": "# App\n" };

/** Lets a watch that has been asked for begin, so that it tells of each step and not of their sum. */
async function begun(): Promise<void> {
  await import("./watch.ts");
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** The next changes of a watch, as text. */
async function take(changes: AsyncIterable<{ eventType: string; filename: unknown }>, count: number) {
  const seen: string[] = [];
  for await (const { eventType, filename } of changes) {
    seen.push(`${eventType} ${String(filename)}`);
    if (seen.length === count) break;
  }
  return seen;
}

describe("watch", () => {
  test("tells of the mount's own writes in a directory, and of those below it only when asked", async () => {
    const { fs } = await makeMemoryMount(FILES);
    const flat = take(fs.promises.watch("/src"), 4);
    const deep = take(fs.promises.watch("/src", { recursive: true }), 5);
    await begun();
    await fs.promises.writeFile("/src/deep/b.ts", "bb\n");
    await fs.promises.writeFile("/src/a.ts", "aa\n");
    await fs.promises.writeFile("/src/new.ts", "n\n");
    await fs.promises.rename("/src/new.ts", "/src/moved.ts");
    await fs.promises.unlink("/README.md");
    expect(await flat).toEqual(["change a.ts", "rename new.ts", "rename new.ts", "rename moved.ts"]);
    expect(await deep).toEqual([
      "change deep/b.ts",
      "change a.ts",
      "rename new.ts",
      "rename new.ts",
      "rename moved.ts",
    ]);
  });

  test("tells of others' changes when the mount moves to them", async () => {
    const { fs, remote } = await makeMemoryMount(FILES);
    const changes = take(fs.promises.watch("/", { recursive: true }), 3);
    await begun();
    await remote
      .find({ slug: "app", namespace: null })
      .seed({ "src/a.ts": "x\n", "README.md": null, "c.ts": "c\n" });
    await fs.refresh();
    expect((await changes).sort()).toEqual(["change src/a.ts", "rename README.md", "rename c.ts"]);
  });

  test("ends with node's AbortError, whether it waits or not", async () => {
    const { fs } = await makeMemoryMount(FILES);
    const controller = new AbortController();
    const waiting = take(fs.promises.watch("/src", { signal: controller.signal }), 1);
    await begun();
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ name: "AbortError", code: "ABORT_ERR" });
    await expect(take(fs.promises.watch("/src", { signal: controller.signal }), 1)).rejects.toMatchObject({
      code: "ABORT_ERR",
    });
  });

  test("misses nothing that is written right after it was asked for", async () => {
    const { fs } = await makeMemoryMount(FILES);
    const changes = take(fs.promises.watch("/src"), 2);
    await fs.promises.writeFile("/src/a.ts", "aa\n");
    await fs.promises.writeFile("/src/new.ts", "n\n");
    expect((await changes).sort()).toEqual(["change a.ts", "rename new.ts"]);
  });

  test("rejects at its first step when nothing is there", async () => {
    const { fs } = await makeMemoryMount(FILES);
    await expect(take(fs.promises.watch("/none"), 1)).rejects.toMatchObject({
      code: "ENOENT",
      syscall: "watch",
      message: "ENOENT: no such file or directory, watch '/none'",
    });
  });

  test("drops nothing without saying so when nobody reads", async () => {
    const { fs } = await makeMemoryMount(FILES);
    const changes = fs.promises.watch("/src", { maxQueue: 2 })[Symbol.asyncIterator]();
    const first = changes.next();
    await begun();
    for (const name of ["1", "2", "3", "4"]) await fs.promises.writeFile(`/src/${name}`, "");
    expect((await first).value).toMatchObject({ filename: "1" });
    expect((await changes.next()).value).toMatchObject({ filename: "2" });
    expect((await changes.next()).value).toMatchObject({ filename: "3" });
    await expect(changes.next()).rejects.toMatchObject({ code: "ERR_FS_WATCH_QUEUE_OVERFLOW" });
    expect(await changes.next()).toMatchObject({ done: true });
  });
});
