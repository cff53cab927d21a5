/** The SDK inside workerd, against the whole server in the same isolate: what a Worker that mounts does. */
import { env } from "cloudflare:workers";
import { beforeAll, expect, it } from "vitest";
import { createApp, type Env } from "../../../server/wiring.ts";
import { createWorkerCache, type PlatformCache } from "../../adapters/worker-cache.ts";
import { type CoregitClient, createCoregitClient } from "../../index.ts";

// The platform's type of `env` is open; what is in it is said in vitest.config.ts.
const app = createApp(env as unknown as Env);
let cg: CoregitClient;

beforeAll(async () => {
  const made = await app.request("/v1/admin/orgs", {
    method: "POST",
    headers: { "x-admin-key": "test-admin-key", "content-type": "application/json" },
    body: JSON.stringify({ slug: "worker" }),
  });
  const { api_key: apiKey } = await made.json<{ api_key: string }>();
  const inProcess = async (input: RequestInfo | URL, init?: RequestInit) =>
    app.fetch(new Request(input, init));
  cg = createCoregitClient({ apiKey, baseUrl: "http://server.test", fetch: inProcess });
});

it("mounts, prefetches, reads, edits and commits", async () => {
  await cg.repos.create({ slug: "tree" });
  const changes = Array.from({ length: 120 }, (_, index) => ({
    path: `src/${index}.ts`,
    content: `${index}\n`,
  }));
  expect((await cg.commits.create("tree", { branch: "main", message: "files", changes })).error).toBeNull();

  const fs = await cg.fs.mount({ repos: [{ slug: "tree" }], commitMode: "manual" });
  expect(await fs.prefetch(["src/1*.ts"])).toMatchObject({ capped: false });
  expect(await fs.readFile("/src/7.ts")).toBe("7\n");
  await fs.writeFile("/src/7.ts", "seven\n");
  await fs.mv("/src", "/lib");
  expect(await fs.readFile("/lib/7.ts")).toBe("seven\n");
  await fs.commit({ message: "Move" });
  await fs.unmount();

  const cold = await cg.fs.mount({ repos: [{ slug: "tree" }], mode: "ro" });
  expect(await cold.glob(["lib/*.ts"])).toHaveLength(120);
  const bytes = await cold.promises.readFile("/lib/7.ts");
  expect(new TextDecoder().decode(bytes as Uint8Array)).toBe("seven\n");
  await expect(cold.promises.readFile("/src/7.ts")).rejects.toMatchObject({
    code: "ENOENT",
    syscall: "open",
  });
});

it("streams a file without holding the mount's cache responsible for it", async () => {
  await cg.repos.create({ slug: "stream" });
  const content = "0123456789".repeat(50_000);
  await cg.commits.create("stream", {
    branch: "main",
    message: "big",
    changes: [{ path: "big.txt", content }],
  });
  const fs = await cg.fs.mount({ repos: [{ slug: "stream" }] });
  const text = await new Response(fs.createReadStream("/big.txt", { start: 10, end: 19 })).text();
  expect(text).toBe("0123456789");
  await fs.unmount();
});

it("keeps blobs in the platform's cache, and takes none that is not what its id says", async () => {
  await cg.repos.create({ slug: "cached" });
  await cg.commits.create("cached", {
    branch: "main",
    message: "files",
    changes: [{ path: "a.txt", content: "kept by the platform\n" }],
  });
  const written: Promise<unknown>[] = [];
  // Workers have one cache that needs no name; the types of the page's caches do not know it.
  const { default: cache } = caches as unknown as { readonly default: PlatformCache };
  const second = createWorkerCache({ cache, waitUntil: (work) => void written.push(work) });
  const first = await cg.fs.mount({ repos: [{ slug: "cached" }], cache: { second } });
  const { sha } = await first.stat("/a.txt");
  await first.readFile("/a.txt");
  await Promise.all(written);

  const again = createWorkerCache({ cache });
  const warm = await cg.fs.mount({ repos: [{ slug: "cached" }], cache: { second: again } });
  expect(await warm.readFile("/a.txt")).toBe("kept by the platform\n");
  expect(warm.cacheStats()).toMatchObject({ requests: 0, secondHits: 1 });

  await cache.put(
    `https://coregit-blobs.invalid/${sha}`,
    new Response("", { headers: { "cache-control": "max-age=60" } }),
  );
  const third = createWorkerCache({ cache });
  const cold = await cg.fs.mount({ repos: [{ slug: "cached" }], cache: { second: third } });
  expect(await cold.readFile("/a.txt")).toBe("kept by the platform\n");
  expect(cold.cacheStats()).toMatchObject({ requests: 1, secondHits: 0, secondFailures: 1 });
});

it("searches by the server's expressions inside workerd", async () => {
  const fs = await cg.fs.mount({ repos: [{ slug: "cached" }] });
  await fs.writeFile("/b.txt", "kept here\n");
  const found = await fs.grep(/^kept (by|here)/);
  expect(found.map(({ path }) => path)).toEqual(["/cached/a.txt", "/cached/b.txt"]);
});
