import { beforeEach, expect, test } from "vitest";
import { MountPathError } from "../../errors.ts";
import type { MountedFS } from "../../mount/mounted-fs.ts";
import { type CountingServer, createCountingServer } from "./counting-client.ts";

let server: CountingServer;
let mount: MountedFS;

beforeEach(async () => {
  server = await createCountingServer();
  await server.seed("app", { "src/a.ts": "a\n", "src/b.ts": "b\n", "README.md": "# App\n" });
  mount = await server.createClient().fs.mount({ repos: [{ slug: "app" }], branch: "main" });
});

test("a fork takes two requests, carries what is unsaved, and keeps the paths", async () => {
  await mount.readFile("/app/src/a.ts");
  await mount.writeFile("/app/src/b.ts", "changed\n");
  await mount.rm("/app/README.md");
  const { value: fork, requests } = await server.count(() => mount.fork("attempt"));
  expect(requests).toEqual(["POST /repos/app/fork", expect.stringMatching(/^GET \/repos\/attempt\/tree\//)]);
  const reads = await server.count(async () => [
    await fork.readFile("/app/src/a.ts"),
    await fork.readFile("/app/src/b.ts"),
    await fork.exists("/app/README.md"),
  ]);
  expect(reads).toEqual({ value: ["a\n", "changed\n", false], requests: [] });
  expect((await fork.status()).map(({ path, status }) => [path, status])).toEqual([
    ["/app/README.md", "deleted"],
    ["/app/src/b.ts", "modified"],
  ]);
});

test("neither side sees what the other writes or commits", async () => {
  await mount.writeFile("/app/src/b.ts", "shared\n");
  const fork = await mount.fork("attempt");
  await fork.writeFile("/app/src/a.ts", "fork\n");
  await mount.writeFile("/app/src/a.ts", "mount\n");
  const [forked, own] = [await fork.commit({ message: "fork" }), await mount.commit({ message: "mount" })];
  expect(Object.keys(forked)).toEqual(["app"]);
  expect(forked.app).not.toBe(own.app);
  const client = server.createClient();
  const read = async (slug: string, path: string) => {
    const fresh = await client.fs.mount({ repos: [{ slug, as: "/" }], branch: "main" });
    return await fresh.readFile(path);
  };
  expect([await read("app", "/src/a.ts"), await read("attempt", "/src/a.ts")]).toEqual(["mount\n", "fork\n"]);
  expect([await read("app", "/src/b.ts"), await read("attempt", "/src/b.ts")]).toEqual([
    "shared\n",
    "shared\n",
  ]);
});

test("a fork of a fork, of a read-only mount, and of one repository of several", async () => {
  const second = await (await mount.fork("one")).fork("two");
  expect(await second.readFile("/app/src/a.ts")).toBe("a\n");
  const client = server.createClient();
  const readOnly = await client.fs.mount({ repos: [{ slug: "app" }], mode: "ro", branch: "main" });
  const writable = await readOnly.fork("three", { mode: "rw", namespace: "agents" });
  await writable.writeFile("/app/x", "x");
  await writable.commit({ message: "x" });
  await server.seed("lib", { "l.ts": "l\n" });
  const both = await client.fs.mount({ repos: [{ slug: "app" }, { slug: "lib" }], branch: "main" });
  const lib = await both.fork("lib-fork", { repo: "lib" });
  expect(await lib.readFile("/lib/l.ts")).toBe("l\n");
  await expect(both.fork("x")).rejects.toMatchObject({ code: "EINVAL" });
  await expect(both.fork("x", { repo: "nope" })).rejects.toMatchObject({ code: "EINVAL" });
});

test("a taken name is EEXIST, and the mount goes on", async () => {
  await mount.fork("attempt");
  const failure = await mount.fork("attempt").catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(MountPathError);
  expect(failure).toMatchObject({ code: "EEXIST", syscall: "fork" });
  expect(await mount.readFile("/app/src/a.ts")).toBe("a\n");
});
