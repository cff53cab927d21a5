import { HttpResponse, http, delay as mswDelay } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createCoregitClient } from "../client.ts";
import { ApiError } from "../errors.ts";
import type { Clock } from "./clock.ts";
import type { RequestEvent } from "./request.ts";

const BASE = "http://coregit.test";
const REPO = `${BASE}/v1/repos/app`;
const server = setupServer();

beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
afterEach(() => server.resetHandlers());
afterAll(() => server.close());

/** A clock whose pauses pass at once and are written down; attempts' own time limits never end. */
function makeClock(random = 0.5): Clock & { readonly pauses: number[] } {
  const pauses: number[] = [];
  return {
    pauses,
    now: () => Date.UTC(2026, 0, 1),
    random: () => random,
    delay: (ms, signal) => {
      if (ms !== 60_000) {
        pauses.push(ms);
        return Promise.resolve();
      }
      return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
    },
  };
}

function makeClient(options: Parameters<typeof createCoregitClient>[0] = {}) {
  const clock = makeClock();
  const events: RequestEvent[] = [];
  const cg = createCoregitClient({
    apiKey: "cgk_test",
    baseUrl: BASE,
    clock,
    onRequest: (event) => events.push(event),
    ...options,
  });
  return { cg, clock, events };
}

const CREATED = { sha: "a".repeat(40), tree_sha: "b".repeat(40), parent_sha: null };
const CHANGE = { branch: "main", message: "m", changes: [{ path: "a", content: "b" }] };

describe("an answer", () => {
  test("of success is data with its status", async () => {
    server.use(http.get(REPO, () => HttpResponse.json({ slug: "app" })));
    const { cg } = makeClient();
    expect(await cg.repos.get("app")).toEqual({ data: { slug: "app" }, error: null, status: 200 });
  });

  test("of failure is an ApiError with code, request id and details, and is not thrown", async () => {
    server.use(
      http.get(REPO, () =>
        HttpResponse.json(
          { error: "slug: bad", code: "VALIDATION_ERROR", fields: [{ field: "slug", message: "bad" }] },
          { status: 400, headers: { "x-request-id": "req_1" } },
        ),
      ),
    );
    const { cg } = makeClient();
    const { data, error, status } = await cg.repos.get("app");
    expect([data, status]).toEqual([null, 400]);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({
      code: "VALIDATION_ERROR",
      message: "slug: bad",
      requestId: "req_1",
      retryable: false,
      data: { fields: [{ field: "slug", message: "bad" }] },
    });
  });

  test("from a proxy in between, without our body, goes by its status", async () => {
    server.use(http.get(REPO, () => new HttpResponse("<h1>Forbidden</h1>", { status: 403 })));
    const { cg } = makeClient();
    expect((await cg.repos.get("app")).error).toMatchObject({ code: "FORBIDDEN", status: 403 });
  });

  test("of success that is not JSON is INVALID_RESPONSE", async () => {
    server.use(http.get(REPO, () => new HttpResponse("<html>login</html>")));
    const { cg } = makeClient();
    expect((await cg.repos.get("app")).error).toMatchObject({ code: "INVALID_RESPONSE", status: 200 });
  });
});

describe("a request", () => {
  test("carries the key, percent-encoded segments and a session asked for at send time", async () => {
    const seen: Request[] = [];
    server.use(
      http.get(`${BASE}/v1/repos/*`, ({ request }) => {
        seen.push(request);
        return HttpResponse.json({});
      }),
    );
    const { cg } = makeClient();
    let session = "ses_1";
    const call = cg.files.blob(
      { namespace: "team", slug: "app" },
      { ref: "feature/a", path: "dir/a b#?%.ts" },
      { session: () => session },
    );
    session = "ses_2";
    await call;
    expect(seen[0]?.url).toBe(`${BASE}/v1/repos/team/app/blob/feature/a/dir/a%20b%23%3F%25.ts`);
    expect(seen[0]?.headers.get("x-api-key")).toBe("cgk_test");
    expect(seen[0]?.headers.get("x-session-id")).toBe("ses_2");
  });

  test("takes the key from a function, anew for each attempt", async () => {
    const keys: (string | null)[] = [];
    server.use(
      http.get(REPO, ({ request }) => {
        keys.push(request.headers.get("x-api-key"));
        return new HttpResponse(null, { status: 503 });
      }),
    );
    let count = 0;
    const { cg } = makeClient({ apiKey: async () => `key-${++count}`, retry: { attempts: 2 } });
    await cg.repos.get("app");
    expect(keys).toEqual(["key-1", "key-2"]);
  });
});

describe("a failed attempt", () => {
  test("of a read is repeated with full jitter under a doubling ceiling", async () => {
    server.use(
      http.get(REPO, () => HttpResponse.json({ error: "x", code: "INTERNAL_ERROR" }, { status: 500 })),
    );
    const { cg, clock, events } = makeClient();
    expect((await cg.repos.get("app")).error).toMatchObject({ code: "INTERNAL_ERROR", retryable: true });
    expect(clock.pauses).toEqual([50, 100, 200]);
    expect(events.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
  });

  test("waits as long as Retry-After asks, in seconds or as a date", async () => {
    const waits = ["2", new Date(Date.UTC(2026, 0, 1, 0, 0, 3)).toUTCString()];
    server.use(
      http.get(REPO, () => {
        const wait = waits.shift();
        if (wait === undefined) return HttpResponse.json({ slug: "app" });
        return HttpResponse.json(
          { error: "slow", code: "RATE_LIMITED" },
          { status: 429, headers: { "retry-after": wait } },
        );
      }),
    );
    const { cg, clock } = makeClient();
    expect((await cg.repos.get("app")).status).toBe(200);
    expect(clock.pauses).toEqual([2_050, 3_100]);
  });

  test("is not waited for when Retry-After is beyond patience", async () => {
    server.use(
      http.get(REPO, () => new HttpResponse(null, { status: 429, headers: { "retry-after": "3600" } })),
    );
    const { cg, clock } = makeClient();
    expect((await cg.repos.get("app")).error).toMatchObject({ code: "RATE_LIMITED" });
    expect(clock.pauses).toEqual([]);
  });

  test("of a write without a key of its own is not repeated", async () => {
    server.use(http.post(`${REPO}/branches`, () => new HttpResponse(null, { status: 503 })));
    const { cg, events } = makeClient();
    expect((await cg.branches.create("app", { name: "b" })).status).toBe(503);
    expect(events).toHaveLength(1);
  });

  test("of a batch read is repeated although it is a POST", async () => {
    let calls = 0;
    server.use(
      http.post(`${REPO}/blobs/batch`, () =>
        ++calls === 1 ? HttpResponse.error() : HttpResponse.json({ blobs: [], missing: ["a"] }),
      ),
    );
    const { cg } = makeClient();
    expect((await cg.files.blobs("app", { paths: ["a"] })).data?.missing).toEqual(["a"]);
  });

  test("that lost its answer repeats a commit byte for byte under one Idempotency-Key", async () => {
    const seen: { readonly key: string | null; readonly body: string }[] = [];
    server.use(
      http.post(`${REPO}/commits`, async ({ request }) => {
        seen.push({ key: request.headers.get("idempotency-key"), body: await request.text() });
        return seen.length === 1 ? HttpResponse.error() : HttpResponse.json(CREATED, { status: 201 });
      }),
    );
    const { cg } = makeClient();
    expect((await cg.commits.create("app", CHANGE)).data?.sha).toBe(CREATED.sha);
    expect(seen).toHaveLength(2);
    expect(seen[0]).toEqual(seen[1]);
    expect(seen[0]?.key).toMatch(/^sdk_/);
    await cg.commits.create("app", CHANGE);
    expect(seen[2]?.key).not.toBe(seen[0]?.key);
  });

  test("that never gets an answer ends as NETWORK_ERROR with status 0", async () => {
    server.use(http.get(REPO, () => HttpResponse.error()));
    const { cg, events } = makeClient();
    const { error, status } = await cg.repos.get("app");
    expect(status).toBe(0);
    expect(error).toMatchObject({ code: "NETWORK_ERROR", status: 0, retryable: true });
    expect(events).toHaveLength(4);
  });

  test("that takes too long ends as REQUEST_TIMEOUT", async () => {
    server.use(
      http.get(REPO, async () => {
        await mswDelay("infinite");
        return HttpResponse.json({});
      }),
    );
    const { cg } = makeClient({ timeoutMs: 20, retry: false, clock: undefined });
    expect((await cg.repos.get("app")).error).toMatchObject({ code: "REQUEST_TIMEOUT", status: 0 });
  });
});

describe("an abort", () => {
  test("rejects with the signal's reason, while an attempt runs", async () => {
    server.use(
      http.get(REPO, async () => {
        await mswDelay("infinite");
        return HttpResponse.json({});
      }),
    );
    const { cg } = makeClient();
    const controller = new AbortController();
    const call = cg.repos.get("app", { signal: controller.signal });
    const reason = new Error("enough");
    setTimeout(() => controller.abort(reason), 10);
    await expect(call).rejects.toBe(reason);
  });

  test("rejects during the pause between attempts", async () => {
    server.use(http.get(REPO, () => HttpResponse.error()));
    const controller = new AbortController();
    const reason = new Error("enough");
    const clock = makeClock();
    const { cg, events } = makeClient({
      clock: {
        ...clock,
        delay: (ms, signal) => {
          if (ms !== 60_000) controller.abort(reason);
          return clock.delay(ms, signal);
        },
      },
    });
    await expect(cg.repos.get("app", { signal: controller.signal })).rejects.toBe(reason);
    expect(events).toHaveLength(1);
  });
});

describe("a prefetch stream", () => {
  const line = (path: string) =>
    JSON.stringify({ path, sha: "a".repeat(40), size: 1, encoding: "text", content_b64: "YQ==" });
  const DONE = JSON.stringify({
    done: true,
    entries: 2,
    bytes: 2,
    capped: false,
    ref: "main",
    commit_sha: null,
  });

  /** Answers with these pieces of a body, then cuts the connection or ends it. */
  function answer(pieces: readonly string[], cut = false): void {
    server.use(
      http.post(`${REPO}/prefetch`, () => {
        const encoder = new TextEncoder();
        const queue = [...pieces];
        const body = new ReadableStream<Uint8Array>({
          pull(controller) {
            const piece = queue.shift();
            if (piece !== undefined) controller.enqueue(encoder.encode(piece));
            else if (cut) controller.error(new Error("cut"));
            else controller.close();
          },
        });
        return new HttpResponse(body, { headers: { "content-type": "application/x-ndjson" } });
      }),
    );
  }

  async function readPaths() {
    const { cg } = makeClient();
    const { data } = await cg.prefetch.stream("app", { globs: ["**"] });
    const paths: string[] = [];
    let error: unknown = null;
    try {
      for await (const entry of data ?? []) paths.push("done" in entry ? "done" : entry.path);
    } catch (reason) {
      error = reason;
    }
    return { paths, error };
  }

  test("gives every line, however the network cuts it", async () => {
    const text = `${line("a")}\n${line("ü")}\n${DONE}\n`;
    answer(text.match(/[\s\S]{1,7}/g) ?? []);
    expect(await readPaths()).toEqual({ paths: ["a", "ü", "done"], error: null });
  });

  test("that ends without its last line is an error", async () => {
    answer([`${line("a")}\n`, `${line("b")}\n`]);
    expect(await readPaths()).toMatchObject({
      paths: ["a", "b"],
      error: { code: "INCOMPLETE_STREAM", retryable: true },
    });
  });

  test("that is cut in a line is an error", async () => {
    answer([`${line("a")}\n`, line("b").slice(0, 20)], true);
    expect(await readPaths()).toMatchObject({ paths: ["a"], error: { code: "INCOMPLETE_STREAM" } });
  });

  test("with a line that is not JSON is an error, and nothing after it is taken for a file", async () => {
    answer([`${line("a")}\n{"path": oops}\n${line("b")}\n${DONE}\n`]);
    expect(await readPaths()).toMatchObject({ paths: ["a"], error: { code: "INCOMPLETE_STREAM" } });
  });

  test("whose last line reports a failure throws what it reports", async () => {
    answer([
      `${line("a")}\n`,
      `${JSON.stringify({ ...JSON.parse(DONE), error: "lost a pack", code: "INTERNAL_ERROR" })}\n`,
    ]);
    expect(await readPaths()).toMatchObject({
      paths: ["a"],
      error: { code: "INTERNAL_ERROR", message: "lost a pack" },
    });
  });

  test("that is refused is an answer like any other", async () => {
    server.use(
      http.post(`${REPO}/prefetch`, () =>
        HttpResponse.json({ error: "no", code: "NOT_FOUND" }, { status: 404 }),
      ),
    );
    const { cg } = makeClient();
    expect(await cg.prefetch.stream("app", { globs: ["**"] })).toMatchObject({ data: null, status: 404 });
  });
});
