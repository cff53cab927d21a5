import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { unstable_readConfig } from "wrangler";
import { type LocalOptions, type LocalServer, StartError, startLocal } from "./start-local.ts";
import { BUCKETS, COMPATIBILITY, DURABLE_OBJECTS, QUEUE_CONSUMER, QUEUES } from "./worker-runtime.ts";

const worker = join(import.meta.dirname, "../testing/stub-worker.mjs");
const running = new Set<LocalServer>();
const folders: string[] = [];

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "coregit-local-"));
  folders.push(folder);
  return folder;
}

async function start(options: LocalOptions): Promise<LocalServer> {
  const server = await startLocal({ worker, ...options });
  running.add(server);
  return server;
}

afterAll(async () => {
  for (const server of running) await server.stop();
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

describe("startLocal", () => {
  test("gives a url, an org and keys that work, and remembers them in a private file", async () => {
    const dataDir = join(await makeFolder(), "made", "when-absent");
    const server = await start({ dataDir });

    const reply = await fetch(`${server.url}/v1/repos`, { headers: { "x-api-key": server.apiKey } });
    expect(reply.status).toBe(200);
    const file = join(dataDir, "credentials.json");
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
      org: "local",
      api_key: server.apiKey,
      admin_key: server.adminKey,
    });
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test("gives the same keys after a restart", async () => {
    const dataDir = await makeFolder();
    const first = await start({ dataDir });
    await first.stop();
    const second = await start({ dataDir });

    expect([second.apiKey, second.adminKey, second.org]).toEqual([first.apiKey, first.adminKey, first.org]);
    expect((await second.fetch("/x", { headers: { "x-api-key": first.apiKey } })).status).toBe(200);
  });

  test("gives a folder of before secrets were sealed a key to seal with, and keeps it", async () => {
    const dataDir = await makeFolder();
    const first = await start({ dataDir });
    await first.stop();
    const file = join(dataDir, "secrets-key");
    await rm(file);
    const second = await start({ dataDir });
    await second.stop();
    const key = readFileSync(file, "utf8");
    expect(key).toMatch(/^[\w-]{43}\n$/);
    expect(second.apiKey).toBe(first.apiKey);
    await (await start({ dataDir })).stop();
    expect(readFileSync(file, "utf8")).toBe(key);
  });

  test("makes another key when the credentials file was lost", async () => {
    const dataDir = await makeFolder();
    const first = await start({ dataDir });
    await first.stop();
    await rm(join(dataDir, "credentials.json"));
    const second = await start({ dataDir });

    expect(second.apiKey).not.toBe(first.apiKey);
    expect((await second.fetch("/x", { headers: { "x-api-key": second.apiKey } })).status).toBe(200);
  });

  test("sends any URL to itself through its fetch", async () => {
    const server = await start({ dataDir: await makeFolder() });
    const headers = { "x-api-key": server.apiKey };

    const byPath = await server.fetch("/v1/a%2Fb?c=d", { headers });
    const byUrl = await server.fetch(new URL("https://api.example.com/v1/a"), { headers, method: "PUT" });
    const request = new Request("https://api.example.com/v1/b", { headers, method: "POST", body: "x" });
    const byRequest = await server.fetch(request);
    expect(await byPath.json()).toMatchObject({ path: "/v1/a%2Fb", search: "?c=d" });
    expect(await byUrl.json()).toMatchObject({ path: "/v1/a", method: "PUT" });
    expect(await byRequest.json()).toMatchObject({ path: "/v1/b", method: "POST" });
  });

  test("hands the rate limit switch to the Worker", async () => {
    const on = await start({ dataDir: await makeFolder() });
    const off = await start({ dataDir: await makeFolder(), limits: "off" });
    expect(await (await on.fetch("/")).json()).toMatchObject({ limits: "on" });
    expect(await (await off.fetch("/")).json()).toMatchObject({ limits: "off" });
  });

  test("refuses a folder that another server uses, and takes it once that has stopped", async () => {
    const dataDir = await makeFolder();
    const first = await start({ dataDir });

    await expect(start({ dataDir })).rejects.toMatchObject({
      code: "data-in-use",
      message: expect.stringContaining(`process ${process.pid}`),
    });
    await first.stop();
    await expect(start({ dataDir })).resolves.toBeDefined();
  });

  test("takes over a folder whose owner is gone", async () => {
    const dataDir = await makeFolder();
    // No process has this id: pids end at 4,194,304 on Linux.
    writeFileSync(join(dataDir, "lock"), JSON.stringify({ pid: 4_194_305, startedAt: null }));
    await expect(start({ dataDir })).resolves.toBeDefined();
  });

  test("does not mistake a reused pid for the owner", async () => {
    const dataDir = await makeFolder();
    writeFileSync(join(dataDir, "lock"), JSON.stringify({ pid: process.pid, startedAt: "1" }));
    await expect(start({ dataDir })).resolves.toBeDefined();
  });

  test("says which port is in use, and leaves the folder free", async () => {
    const dataDir = await makeFolder();
    const busy = createServer();
    await new Promise<void>((done) => busy.listen(0, "127.0.0.1", done));
    const address = busy.address();
    const port = typeof address === "object" && address ? address.port : 0;

    await expect(start({ dataDir, port })).rejects.toMatchObject({
      code: "port-in-use",
      message: `port ${port} is in use: choose another with --port`,
    });
    await new Promise((done) => busy.close(done));
    const server = await start({ dataDir, port });
    expect(server.url).toBe(`http://127.0.0.1:${port}`);
  });

  test("says what to do when the Worker was not built", async () => {
    await expect(start({ dataDir: await makeFolder(), worker: "/nowhere/index.js" })).rejects.toMatchObject({
      code: "worker-missing",
      message: expect.stringContaining("npm run build"),
    });
  });

  test("reports a Worker that does not start, and leaves the folder free", async () => {
    const dataDir = await makeFolder();
    const broken = join(dataDir, "broken.mjs");
    writeFileSync(broken, "export default { fetch() {} }; throw new Error('no good');");
    await expect(start({ dataDir, worker: broken })).rejects.toBeInstanceOf(StartError);
    expect(existsSync(join(dataDir, "lock"))).toBe(false);
  });

  test("refuses damaged credentials rather than hiding the old keys", async () => {
    const dataDir = await makeFolder();
    writeFileSync(join(dataDir, "credentials.json"), "{");
    await expect(start({ dataDir })).rejects.toMatchObject({ code: "bad-data" });
  });

  test("stops cleanly, twice without harm, and leaves no process and no lock", async () => {
    const dataDir = await makeFolder();
    const server = await start({ dataDir });
    const pid = server.pid ?? 0;
    expect(() => process.kill(pid, 0)).not.toThrow();

    await Promise.all([server.stop(), server.stop()]);
    await server.exited;
    expect(() => process.kill(pid, 0)).toThrow();
    expect(existsSync(join(dataDir, "lock"))).toBe(false);
    await expect(fetch(server.url)).rejects.toThrow();
  });

  test("runs the bindings and compatibility date that wrangler.toml deploys", () => {
    const config = unstable_readConfig({ config: join(import.meta.dirname, "../../wrangler.toml") });
    expect({ date: config.compatibility_date, flags: config.compatibility_flags }).toEqual(COMPATIBILITY);
    expect(config).toMatchObject({
      durable_objects: {
        bindings: Object.entries(DURABLE_OBJECTS).map(([name, class_name]) => ({ name, class_name })),
      },
      r2_buckets: BUCKETS.map((binding) => ({ binding })),
      queues: {
        producers: Object.entries(QUEUES).map(([binding, queue]) => ({ binding, queue })),
        consumers: Object.values(QUEUES).map((queue) => ({
          queue,
          max_batch_size: QUEUE_CONSUMER.maxBatchSize,
          max_batch_timeout: QUEUE_CONSUMER.maxBatchTimeout,
          max_retries: QUEUE_CONSUMER.maxRetries,
        })),
      },
    });
  });
});
