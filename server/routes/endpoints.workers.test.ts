/** What differs on the real runtime: streams with a length, objects and transactions that travel between isolates. */
import { env } from "cloudflare:workers";
import { beforeAll, expect, it } from "vitest";
import { createApp, type Env } from "../wiring.ts";

// The platform's type of `env` is open; what is in it is said in vitest.config.ts.
const app = createApp(env as unknown as Env);
const BIG = Buffer.alloc(6 * 1024 * 1024 + 1, "0123456789abcdé");

let key: Record<string, string>;

async function send(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
  return app.request(path, {
    method,
    headers: { ...key, ...(body ? { "content-type": "application/json" } : {}), ...headers },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
}

async function call(method: string, path: string, body?: object) {
  const response = await send(method, path, body);
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}

const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer());

beforeAll(async () => {
  key = { "x-admin-key": "test-admin-key" };
  const { json } = await call("POST", "/v1/admin/orgs", { slug: "endpoints" });
  key = { "x-api-key": String(json.api_key) };
  await call("POST", "/v1/repos", { slug: "r", init: false });
  const changes = [
    { path: "big.txt", content: BIG.toString("base64"), encoding: "base64" },
    { path: "small.txt", content: "small\n" },
    ...Array.from({ length: 300 }, (_, i) => ({
      path: `src/${i % 7}/${i}.ts`,
      content: `// ${i}\n`.repeat(300),
    })),
  ];
  const made = await call("POST", "/v1/repos/r/commits", { branch: "main", message: "m", changes });
  expect(made.status).toBe(201);
});

it("streams a large file, whole and in part, with its length", async () => {
  const whole = await send("GET", "/v1/repos/r/raw/main/big.txt");
  expect(whole.headers.get("content-length")).toBe(String(BIG.length));
  expect((await bytesOf(whole)).equals(BIG)).toBe(true);
  const part = await send("GET", "/v1/repos/r/raw/main/big.txt", undefined, {
    range: "bytes=1000001-4000000",
  });
  expect([part.status, part.headers.get("content-length")]).toEqual([206, "3000000"]);
  expect((await bytesOf(part)).equals(BIG.subarray(1_000_001, 4_000_001))).toBe(true);
  const head = await send("HEAD", "/v1/repos/r/raw/main/big.txt");
  expect([head.headers.get("content-length"), await head.text()]).toEqual([String(BIG.length), ""]);
});

it("sends a large file as JSON in pieces", async () => {
  const { json } = await call("GET", "/v1/repos/r/blob/main/big.txt");
  expect(json).toMatchObject({ encoding: "utf-8", size: BIG.length });
  expect(Buffer.from(String(json.content)).equals(BIG)).toBe(true);
});

it("lets a reader go away in the middle of a stream", async () => {
  const response = await send("GET", "/v1/repos/r/raw/main/big.txt");
  const reader = response.body?.getReader();
  expect((await reader?.read())?.value?.length).toBeGreaterThan(0);
  await reader?.cancel();
  expect((await call("GET", "/v1/repos/r/blob/main/small.txt")).json.content).toBe("small\n");
});

it("prefetches, lists and reads many", async () => {
  const response = await send("POST", "/v1/repos/r/prefetch", { globs: ["src/**/*.ts"] });
  const lines = (await response.text()).trim().split("\n");
  expect(lines).toHaveLength(301);
  expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({ done: true, entries: 300, capped: false });
  const tree = await call("GET", "/v1/repos/r/tree/main?recursive=true");
  expect(tree.json.items).toHaveLength(310);
  const paths = Array.from({ length: 100 }, (_, i) => `src/${i % 7}/${i}.ts`);
  const batch = await call("POST", "/v1/repos/r/blobs/batch", { paths });
  expect((batch.json.blobs as { path: string }[]).map(({ path }) => path)).toEqual(paths);
});

it("edits, renames and tags what the Durable Object holds", async () => {
  const edits = [{ old_string: "small", new_string: "edited" }];
  const changes = [{ path: "small.txt", action: "edit", edits }];
  expect((await call("POST", "/v1/repos/r/commits", { branch: "main", message: "m", changes })).status).toBe(
    201,
  );
  const tag = await call("POST", "/v1/repos/r/tags", { name: "v1", message: "annotated" });
  expect(tag.json.type).toBe("annotated");
  expect((await call("PATCH", "/v1/repos/r/branches/main", { new_name: "trunk" })).status).toBe(200);
  expect((await call("GET", "/v1/repos/r/branches")).json).toMatchObject({
    default_branch: "trunk",
    total: 1,
  });
  expect((await call("GET", "/v1/repos/r/blob/v1/small.txt")).json.content).toBe("edited\n");
  const history = await call("GET", "/v1/repos/r/commits?ref=HEAD&path=small.txt");
  expect(history.json.commits).toHaveLength(2);
});

it("lands all of many writers", async () => {
  const replies = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      call("POST", "/v1/repos/r/commits", {
        branch: "trunk",
        message: `${i}`,
        changes: [
          { path: `parallel/${i}`, content: "x" },
          { path: "log", action: "append", content: `${i}\n` },
        ],
      }),
    ),
  );
  expect(replies.map(({ status }) => status)).toEqual(Array(20).fill(201));
  const log = await call("GET", "/v1/repos/r/blob/trunk/log");
  expect(String(log.json.content).trim().split("\n")).toHaveLength(20);
});
