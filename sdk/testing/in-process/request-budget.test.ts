import { beforeAll, describe, expect, it } from "vitest";
import { createMemoryCache } from "../../adapters/memory-cache.ts";
import type { MountedFS, SecondLevelCache } from "../../index.ts";
import { type CountingServer, createCountingServer, numberedFiles } from "./counting-client.ts";

let server: CountingServer;
const paths = Object.keys(numberedFiles(2_000)).map((path) => `/${path}`);

beforeAll(async () => {
  server = await createCountingServer();
  await server.seed("app", numberedFiles(2_000));
  await server.seed("wide", numberedFiles(9_990));
});

function mount(slug = "app"): Promise<MountedFS> {
  return server.createClient().fs.mount({ repos: [{ slug }] });
}

/** Requests of an action. */
async function cost(action: () => Promise<unknown>): Promise<number> {
  return (await server.count(action)).requests.length;
}

describe("what reading costs in requests", () => {
  it("mounts and reads by two, and reads again by none", async () => {
    const client = server.createClient();
    const first = await server.count(async () => {
      const fs = await client.fs.mount({ repos: [{ slug: "app" }] });
      await fs.readFile("/src/0/file-0.ts");
      return fs;
    });
    expect(first.requests).toHaveLength(2);
    const fs = first.value;
    expect(await cost(() => fs.readFile("/src/0/file-0.ts"))).toBe(0);
    expect(await cost(() => fs.promises.readFile("/src/0/file-0.ts"))).toBe(0);
  });

  it("reads 100 files by one, in either way, and 250 by three", async () => {
    expect(await mount().then((fs) => cost(() => fs.readFiles(paths.slice(0, 100))))).toBe(1);
    expect(
      await mount().then((fs) =>
        cost(() => Promise.all(paths.slice(0, 100).map((path) => fs.readFile(path)))),
      ),
    ).toBe(1);
    const nodeWay = await mount();
    expect(
      await cost(() => Promise.all(paths.slice(0, 100).map((path) => nodeWay.promises.readFile(path)))),
    ).toBe(1);
    expect(await mount().then((fs) => cost(() => fs.readFiles(paths.slice(0, 250))))).toBe(3);
  });

  it("asks once for what is read many times at once", async () => {
    const fs = await mount();
    const path = paths[5] ?? "";
    expect(await cost(() => Promise.all(Array.from({ length: 50 }, () => fs.readFile(path))))).toBe(1);
  });

  it("asks nothing for what the listing knows", async () => {
    const fs = await mount("wide");
    expect(
      await cost(async () => {
        await expect(fs.readFile("/src/none.ts")).rejects.toMatchObject({ code: "ENOENT" });
        expect((await fs.readFiles(["/no", "/src/0/file-0.ts/x"])).missing).toEqual([
          "/no",
          "/src/0/file-0.ts/x",
        ]);
        expect(await fs.exists("/src/none.ts")).toBe(false);
        expect(await fs.glob("**/*7.ts")).toHaveLength(999);
        expect(await fs.glob("src/{1,2}/**")).toHaveLength(1_998);
        expect(await fs.readdir("/", { recursive: true })).toHaveLength(9_990 + 11);
        expect((await fs.stat("/src/3/file-3.ts")).size).toBeGreaterThan(10);
      }),
    ).toBe(0);
  });

  it("searches 2,000 files by one", async () => {
    const fs = await mount();
    expect(await cost(() => fs.grep("file number 77"))).toBe(1);
    expect(await cost(() => fs.grep(/number \d+7$/i, { context: 2 }))).toBe(1);
  });

  it("switches to another branch by its listing and what it changed", async () => {
    const client = server.createClient();
    const main = await client.fs.mount({ repos: [{ slug: "app" }] });
    await main.readFiles(paths.slice(0, 100));
    await server.api.call("POST", "/v1/repos/app/branches", { name: "feature", from: "main" });
    const made = await server.api.commit("app", [{ path: "src/1/file-1.ts", content: "changed\n" }], {
      branch: "feature",
    });
    expect(made.status).toBe(201);
    const switched = await server.count(async () => {
      const fs = await client.fs.mount({ repos: [{ slug: "app", branch: "feature" }] });
      return await fs.readFiles(paths.slice(0, 100));
    });
    expect(switched.value.get("/src/1/file-1.ts")).toBe("changed\n");
    expect(switched.requests).toEqual(["GET /repos/app/tree/feature", "POST /repos/app/blobs/batch"]);
  });

  it("prefetches by one, told as it comes, and reads by none", async () => {
    const fs = await mount();
    const seen: number[] = [];
    const onProgress = ({ entries }: { entries: number }) => void seen.push(entries);
    const { value, requests } = await server.count(() => fs.prefetch("src/1/**", { onProgress }));
    expect(value).toMatchObject({ entries: 200, capped: false });
    expect(requests).toHaveLength(1);
    expect(seen).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
    expect(await cost(() => fs.readFiles(paths.filter((path) => path.startsWith("/src/1/"))))).toBe(0);
    expect(fs.cacheStats()).toMatchObject({ hits: 200, misses: 0, requests: 1, entries: 200, evictions: 0 });
  });

  it("stops a prefetch with its consumer", async () => {
    const fs = await mount();
    const stop = new AbortController();
    const onProgress = ({ entries }: { entries: number }) => {
      if (entries === 3) stop.abort(new Error("enough"));
    };
    await expect(fs.prefetch("**", { onProgress, signal: stop.signal })).rejects.toThrow("enough");
    const failing = fs.prefetch("src/2/**", {
      onProgress: async () => {
        throw new Error("consumer broke");
      },
    });
    await expect(failing).rejects.toThrow("consumer broke");
  });
});

describe("a second-level cache", () => {
  const mountWith = (second: SecondLevelCache) =>
    server.createClient().fs.mount({ repos: [{ slug: "app" }], cache: { second } });

  it("serves another client without a request for contents", async () => {
    const second = createMemoryCache();
    const first = await mountWith(second);
    await first.readFiles(paths.slice(0, 100));
    await first.prefetch("src/4/**");
    const other = await mountWith(second);
    expect(await cost(() => other.readFiles(paths.slice(0, 100)))).toBe(0);
    expect(await cost(() => other.prefetch("src/4/**"))).toBe(0);
    expect(other.cacheStats()).toMatchObject({ requests: 0, secondFailures: 0 });
    expect(other.cacheStats().secondHits).toBeGreaterThanOrEqual(100);
  });

  it("never shows what was broken in it, and its failures cost a request and nothing else", async () => {
    const broken: SecondLevelCache = {
      get: async () => new TextEncoder().encode("poison"),
      put: async () => {
        throw new Error("disk full");
      },
    };
    const truncated = await mountWith(broken);
    expect(await truncated.readFile("/src/0/file-0.ts")).toMatch("export const n = 0;");
    const failing: SecondLevelCache = {
      get: async () => null,
      getMany: async () => {
        throw new Error("gone");
      },
      put: async () => undefined,
    };
    const fs = await mountWith(failing);
    expect(await cost(() => fs.readFiles(paths.slice(0, 50)))).toBe(1);
    expect(fs.cacheStats()).toMatchObject({ secondHits: 0, secondFailures: 1, requests: 1 });
  });
});
