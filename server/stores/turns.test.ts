import { describe, expect, it } from "vitest";
import { createMutex } from "./mutex.ts";
import { createPackId, formatPackKey, listPackFiles } from "./pack-id.ts";
import { createReadLimit } from "./read-limit.ts";

/** Tasks that end when told to. */
function makeTasks(count: number) {
  const started: number[] = [];
  const ends: (() => void)[] = [];
  const tasks = Array.from({ length: count }, (_, i) => async () => {
    started.push(i);
    await new Promise<void>((resolve) => {
      ends[i] = resolve;
    });
    return i;
  });
  const settle = () => new Promise((resolve) => setTimeout(resolve, 0));
  const end = (i: number) => {
    ends[i]?.();
    return settle();
  };
  return { started, tasks, settle, end };
}

describe("a mutex", () => {
  it("runs one task at a time, in order, and goes on after one that failed", async () => {
    const mutex = createMutex();
    const { started, tasks, settle, end } = makeTasks(2);
    const first = mutex.run(tasks[0] ?? (async () => 0));
    const failed = mutex.run(async () => {
      throw new Error("no");
    });
    const second = mutex.run(tasks[1] ?? (async () => 0));
    await settle();
    expect(started).toEqual([0]);
    await end(0);
    await expect(failed).rejects.toThrow("no");
    await settle();
    expect(started).toEqual([0, 1]);
    await end(1);
    expect(await Promise.all([first, second])).toEqual([0, 1]);
  });
});

describe("a read limit", () => {
  it("never runs more tasks than it allows, and passes a place on when a task fails", async () => {
    const limit = createReadLimit(2);
    const { started, tasks, settle, end } = makeTasks(3);
    const failing = limit(async () => {
      await settle();
      throw new Error("no");
    }).catch((error: Error) => error.message);
    const results = tasks.map((task) => limit(task));
    await Promise.resolve();
    expect(started).toEqual([0]);
    expect(await failing).toBe("no");
    await settle();
    expect(started).toEqual([0, 1]);
    await end(0);
    expect(started).toEqual([0, 1, 2]);
    await end(1);
    await end(2);
    expect(await Promise.all(results)).toEqual([0, 1, 2]);
  });
});

describe("pack ids", () => {
  it("sort by time and differ within a millisecond", () => {
    let nowMs = 1_700_000_000_000;
    const ids = {
      now: () => nowMs,
      randomBytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)),
    };
    const first = createPackId(ids);
    expect(createPackId(ids)).not.toBe(first);
    nowMs += 1;
    expect(createPackId(ids) > first).toBe(true);
    nowMs = 4_000_000_000_000; // year 2096
    expect(createPackId(ids)).toHaveLength(first.length);
    expect(listPackFiles(formatPackKey("r", "p"))).toEqual([
      "packs/r/p.idx",
      "packs/r/p.refs",
      "packs/r/p.pack",
    ]);
  });
});
