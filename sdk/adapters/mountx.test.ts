import * as node from "node:fs/promises";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { assertSeeded } from "../testing/assert-seeded.ts";
import { mountCounted } from "../testing/counted-mount.ts";
import { createMountxDriver, type MountxHandle } from "./mountx.ts";

/** What a transport does to a driver: paths below its root, and files that stay open. */
interface Driver {
  open(path: string, flags: string): Promise<MountxHandle>;
  stat(path: string): Promise<{ readonly size: number }>;
  unlink(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  mkdir(path: string): Promise<unknown>;
  rmdir(path: string): Promise<void>;
}

type Step = readonly [call: string, path: string, ...args: (string | number)[]];

/** Runs steps over open files by their number; what each gave, or its code. */
class Transport {
  readonly #driver: Driver;
  readonly #root: string;
  readonly #open: MountxHandle[] = [];

  constructor(driver: Driver, root: string) {
    this.#driver = driver;
    this.#root = root;
  }

  async run([call, path, first, second]: Step): Promise<string> {
    try {
      return await this.#call(call, this.#root + path, [first, second]);
    } catch (error) {
      return `throws ${(error as NodeJS.ErrnoException).code}`;
    }
  }

  async close(): Promise<void> {
    for (const handle of this.#open) await handle.close();
  }

  async #call(call: string, path: string, [first, second]: readonly unknown[]): Promise<string> {
    if (call === "open") {
      this.#open.push(await this.#driver.open(path, String(first)));
      return "opened";
    }
    if (call === "stat") return `size ${(await this.#driver.stat(path)).size}`;
    if (call === "rename") await this.#driver.rename(path, this.#root + String(first));
    if (call === "unlink") await this.#driver.unlink(path);
    const handle = this.#open[Number(first) % Math.max(1, this.#open.length)];
    if (handle === undefined || !call.startsWith("f")) return "done";
    return await onHandle(handle, call, Number(second));
  }
}

async function onHandle(handle: MountxHandle, call: string, at: number): Promise<string> {
  if (call === "fwrite") return String((await handle.write(Buffer.from("abc"), 0, 3, at)).bytesWritten);
  if (call === "fappend") return String((await handle.write(Buffer.from("xy"), 0, 2, null)).bytesWritten);
  if (call === "ftruncate") await handle.truncate(at);
  if (call === "fsync") await handle.sync();
  if (call === "fstat") {
    const stat = await handle.stat();
    return stat.isFile() ? `size ${stat.size}` : "a directory, whose size is the disk's";
  }
  if (call !== "fread") return "done";
  const buffer = Buffer.alloc(8);
  const { bytesRead } = await handle.read(buffer, 0, 8, at);
  return `${bytesRead} ${buffer.toString("hex")}`;
}

const path = fc.constantFrom("/a", "/b", "/c", "/dir");
const number = fc.nat(3);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(fc.constant("open"), path, fc.constantFrom("r", "w", "a", "r+", "w+", "wx", "a+")),
  fc.tuple(fc.constant("open"), path, fc.constantFrom("w+", "r+")),
  fc.tuple(fc.constantFrom("fwrite", "fread", "ftruncate"), fc.constant("/"), number, fc.nat(12)),
  fc.tuple(fc.constantFrom("fappend", "fsync", "fstat"), fc.constant("/"), number),
  fc.tuple(fc.constantFrom("stat", "unlink"), fc.constantFrom("/a", "/b", "/c")),
  fc.tuple(fc.constant("rename"), fc.constantFrom("/a", "/b"), fc.constantFrom("/a", "/b", "/c")),
);

describe("a mountx driver over a mount", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "coregit-mountx-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("keeps files open as Linux does, over renames and removals", async () => {
    let runs = 0;
    const property = fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 30 }), async (steps) => {
      runs += 1;
      const root = join(folder, String(runs));
      await mkdir(join(root, "dir"), { recursive: true });
      const { mount } = await mountCounted();
      await mount.mkdir("/dir");
      const subject = new Transport(createMountxDriver(mount) as unknown as Driver, "");
      const oracle = new Transport(node as unknown as Driver, root);
      for (const one of steps) {
        expect(await subject.run(one), JSON.stringify(one)).toBe(await oracle.run(one));
      }
      await Promise.all([subject.close(), oracle.close()]);
    });
    await assertSeeded(property, 80);
  });

  test("claims what git can keep, and nothing more", async () => {
    const { capabilities } = createMountxDriver((await mountCounted({}, { mode: "ro" })).mount);
    expect(Object.entries(capabilities).filter(([, claimed]) => claimed)).toEqual([
      ["handles", true],
      ["symlinks", true],
      ["truncate", true],
      ["atomicRename", true],
      ["caseSensitive", true],
      ["statfs", true],
      ["readOnly", true],
    ]);
  });

  test("says that files are the process's, or whose it is told: the kernel checks modes by that", async () => {
    const { mount } = await mountCounted();
    await mount.writeFile("/a", "text");
    await mount.symlink("nowhere", "/link");
    const mine = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    const theirs = { uid: 4321, gid: 8765 };
    for (const [driver, owner] of [
      [createMountxDriver(mount), mine],
      [createMountxDriver(mount, theirs), theirs],
    ] as const) {
      const handle = await driver.open("/a", "r");
      expect(await driver.stat("/")).toMatchObject(owner);
      expect(await driver.stat("/a")).toMatchObject({ ...owner, size: 4 });
      expect(await driver.lstat("/link")).toMatchObject(owner);
      expect((await driver.lstat("/link")).isSymbolicLink()).toBe(true);
      expect(await handle.stat()).toMatchObject({ ...owner, size: 4 });
      await handle.close();
    }
  });

  test("takes the owner that files have, and refuses to give them away", async () => {
    const { mount } = await mountCounted();
    await mount.writeFile("/a", "text");
    await mount.symlink("nowhere", "/link");
    const driver = createMountxDriver(mount, { uid: 1000, gid: 100 });
    await driver.chown("/a", 1000, 100);
    await driver.chown("/a", -1, 100);
    await driver.lchown("/link", 1000, -1);
    const refused = { code: "EPERM", path: "/a" };
    await expect(driver.chown("/a", 0, -1)).rejects.toMatchObject({ ...refused, syscall: "chown" });
    await expect(driver.lchown("/a", -1, 0)).rejects.toMatchObject({ ...refused, syscall: "lchown" });
    await expect(driver.chown("/none", 1000, 100)).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("has what tar and df need: times of a link that leads nowhere, and the room there is", async () => {
    const { mount } = await mountCounted();
    await mount.symlink("nowhere", "/link");
    const driver = createMountxDriver(mount);
    await driver.lutimes("/link", 1, 1);
    await expect(driver.utimes("/link", 1, 1)).rejects.toMatchObject({ code: "ENOENT" });
    expect((await driver.statfs("/")).bavail).toBeGreaterThan(0);
  });

  test("commits each file whenever it is closed while a commit of another is under way", async () => {
    const { mount } = await mountCounted({}, { commitMode: "auto" });
    const driver = createMountxDriver(mount);
    for (let turns = 0; turns < 40; turns += 1) {
      const [first, second] = [await driver.open(`/${turns}-a`, "w"), await driver.open(`/${turns}-b`, "w")];
      await first.write(Buffer.from(`a${turns}`), 0, null, 0);
      await second.write(Buffer.from(`b${turns}`), 0, null, 0);
      const closing = first.close();
      for (let turn = 0; turn < turns; turn += 1) await (turn % 4 === 3 ? setImmediate() : null);
      await Promise.all([closing, second.close()]);
      expect(await mount.readFile(`/${turns}-b`)).toBe(`b${turns}`);
    }
    expect(await mount.status()).toEqual([]);
  });
});
