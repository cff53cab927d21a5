import { HttpResponse } from "msw";
import { expect, it } from "vitest";
import {
  answerJson,
  answerText,
  createTestClock,
  cutConnection,
  interceptRequests,
  type Reply,
} from "../testing/intercepted-client.ts";

const start = interceptRequests();
const repo = { slug: "app", default_branch: "main" };
const commit = { branch: "main", message: "m", changes: [{ path: "a", content: "1" }] };

const failures: readonly (readonly [string, Reply])[] = [
  ["500", answerText("", 500)],
  ["503", answerText("", 503)],
  ["a lost connection", cutConnection],
];

for (const [name, failure] of failures) {
  it(`repeats a GET after ${name}, with jitter under a doubling ceiling`, async () => {
    const { client, clock, calls } = start([failure, failure, answerJson(repo)]);
    const result = await client.repos.get("app");
    expect(result).toEqual({ data: repo, error: null, status: 200 });
    expect(calls).toHaveLength(3);
    expect(clock.pauses).toEqual([50, 100]);
    expect(clock.pendingLimits()).toBe(0);
  });
}

it("never pauses longer than maxMs", async () => {
  const { client, clock } = start([answerText("", 503)], {
    retry: { attempts: 6, baseMs: 100, maxMs: 300 },
    clock: createTestClock(0.9),
  });
  await client.repos.get("app");
  expect(clock.pauses).toEqual([90, 180, 270, 270, 270]);
});

it("gives up after the last attempt with the last error as a value", async () => {
  const { client, clock, calls } = start([answerJson({ error: "down", code: "INTERNAL_ERROR" }, 503)]);
  const { data, error, status } = await client.repos.get("app");
  expect(data).toBeNull();
  expect(status).toBe(503);
  expect(error).toMatchObject({ code: "INTERNAL_ERROR", message: "down", status: 503, retryable: true });
  expect(calls).toHaveLength(4);
  expect(clock.pauses).toHaveLength(3);
});

it("gives status 0 and the cause when no answer came at all", async () => {
  const { client, calls } = start([cutConnection]);
  const { data, error, status } = await client.repos.get("app");
  expect({ data, status, code: error?.code, retryable: error?.retryable }).toEqual({
    data: null,
    status: 0,
    code: "NETWORK_ERROR",
    retryable: true,
  });
  expect(error?.cause).toBeInstanceOf(TypeError);
  expect(calls).toHaveLength(4);
});

it("sends once with retry: false", async () => {
  const { client, calls } = start([answerText("", 503)], { retry: false });
  expect((await client.repos.get("app")).status).toBe(503);
  expect(calls).toHaveLength(1);
});

it("does not repeat a refusal", async () => {
  const { client, calls } = start([answerJson({ error: "no such repository", code: "NOT_FOUND" }, 404)]);
  expect((await client.repos.get("app")).error?.code).toBe("NOT_FOUND");
  expect(calls).toHaveLength(1);
});

for (const [name, failure] of failures) {
  it(`does not repeat a POST without an Idempotency-Key after ${name}`, async () => {
    const { client, calls } = start([failure, answerJson(repo, 201)]);
    expect((await client.repos.create({ slug: "app" })).data).toBeNull();
    expect(calls).toHaveLength(1);
    expect(calls[0]?.headers.has("idempotency-key")).toBe(false);
  });
}

it("repeats such a POST when the caller gives a key", async () => {
  const { client, calls } = start([cutConnection, answerJson(repo, 201)]);
  const { status } = await client.repos.create({ slug: "app" }, { idempotencyKey: "mine" });
  expect(status).toBe(201);
  expect(calls.map((call) => call.headers.get("idempotency-key"))).toEqual(["mine", "mine"]);
});

it("repeats a POST that only reads", async () => {
  const { client, calls } = start([answerText("", 502), answerJson({ blobs: [], missing: ["a"] })]);
  expect((await client.files.blobs("app", { paths: ["a"] })).data?.missing).toEqual(["a"]);
  expect(calls).toHaveLength(2);
});

it("commits once when the answer to the first attempt is lost", async () => {
  const written = new Map<string, object>();
  const server: Reply = ({ headers, body }) => {
    const key = headers.get("idempotency-key") ?? "";
    const first = written.get(key);
    if (first !== undefined) return Response.json(first, { status: 201 });
    written.set(key, { sha: `commit-${written.size + 1}`, body });
    return HttpResponse.error();
  };
  const { client, calls } = start([server]);
  const { data, error, status } = await client.commits.create("app", commit);
  expect({ sha: data?.sha, error, status }).toEqual({ sha: "commit-1", error: null, status: 201 });
  expect(written.size).toBe(1);
  expect(calls).toHaveLength(2);
  expect(calls[0]?.headers.get("idempotency-key")).toMatch(/^sdk_[0-9a-f-]{36}$/);
  expect(calls[1]?.headers.get("idempotency-key")).toBe(calls[0]?.headers.get("idempotency-key"));
  expect(calls[1]?.body).toBe(calls[0]?.body);
});

it("gives each commit a key of its own", async () => {
  const { client, calls } = start([answerJson({ sha: "1" }, 201)]);
  await client.commits.create("app", commit);
  await client.commits.create("app", commit);
  expect(new Set(calls.map((call) => call.headers.get("idempotency-key"))).size).toBe(2);
});

it("waits as long as Retry-After says, in seconds or until a date", async () => {
  const limited = { error: "slow down", code: "RATE_LIMITED" };
  const { client, clock } = start([
    answerJson(limited, 429, { "retry-after": "3" }),
    answerJson(limited, 429, { "retry-after": "Thu, 01 Jan 2026 00:00:10 GMT" }),
    answerJson(repo),
  ]);
  expect((await client.repos.get("app")).data).toEqual(repo);
  // The date is ten seconds after the clock's start, of which the first pause took 3,050 ms.
  expect(clock.pauses).toEqual([3_050, 6_950 + 100]);
});

it("returns the answer when Retry-After asks for more than the policy has", async () => {
  const { client, clock, calls } = start([
    answerJson({ error: "slow down", code: "RATE_LIMITED" }, 429, { "retry-after": "71" }),
  ]);
  expect((await client.repos.get("app")).error?.code).toBe("RATE_LIMITED");
  expect(clock.pauses).toEqual([]);
  expect(calls).toHaveLength(1);
});

it("repeats any POST that was sent away with a 429 and a Retry-After: nothing of it was done", async () => {
  const limited = answerJson({ error: "slow down", code: "RATE_LIMITED" }, 429, { "retry-after": "2" });
  const { client, clock, calls } = start([limited, limited, answerJson(repo, 201)]);
  expect((await client.repos.create({ slug: "app" })).status).toBe(201);
  expect(clock.pauses).toEqual([2_050, 2_100]);
  expect(calls.map(({ body }) => body)).toEqual(Array(3).fill(calls[0]?.body));
});

it("does not repeat such a POST when it is not told when to, or after any other refusal", async () => {
  const headers = { "retry-after": "1" };
  for (const refusal of [
    answerJson({ error: "too many", code: "RATE_LIMITED" }, 429),
    answerJson({ error: "full", code: "BACKPRESSURE" }, 507, headers),
    answerText("", 503, headers),
  ]) {
    const { client, calls } = start([refusal, answerJson(repo, 201)]);
    expect((await client.repos.create({ slug: "app" })).data).toBeNull();
    expect(calls).toHaveLength(1);
  }
});

for (const status of [429, 503, 507]) {
  it(`commits after a ${status} as late as its Retry-After says`, async () => {
    const refusal = answerJson({ error: "later", code: "BACKPRESSURE" }, status, { "retry-after": "7" });
    const { client, clock, calls } = start([refusal, answerJson({ sha: "1" }, 201)]);
    expect((await client.commits.create("app", commit)).data?.sha).toBe("1");
    expect(clock.pauses).toEqual([7_050]);
    expect(calls[1]?.headers.get("idempotency-key")).toBe(calls[0]?.headers.get("idempotency-key"));
  });
}

it("takes a Retry-After that is no time, or lies in the past, for none at all", async () => {
  for (const header of ["soon", "-5", "", "Thu, 01 Jan 2015 00:00:00 GMT"]) {
    const { client, clock } = start([answerText("", 503, { "retry-after": header }), answerJson(repo)]);
    expect((await client.repos.get("app")).data).toEqual(repo);
    expect([header, clock.pauses]).toEqual([header, [50]]);
  }
});

it("stops waiting for a Retry-After when the caller aborts, and sends nothing more", async () => {
  const abort = new AbortController();
  const clock = createTestClock(0.5, () => abort.abort(new Error("enough")));
  const limited = answerJson({ error: "slow down", code: "RATE_LIMITED" }, 429, { "retry-after": "30" });
  const { client, calls } = start([limited, answerJson(repo)], { clock });
  await expect(client.repos.get("app", { signal: abort.signal })).rejects.toThrow("enough");
  expect(calls).toHaveLength(1);
});

it("lets a mount wait as well: reading goes on when the server says so", async () => {
  const limited = answerJson({ error: "slow down", code: "RATE_LIMITED" }, 429, { "retry-after": "4" });
  const sha = "8".repeat(40);
  const tree = answerJson({
    items: [{ name: "a", path: "a", type: "file", sha, mode: "100644", size: 1 }],
    path: "",
    ref: "main",
    sha: "9".repeat(40),
    commit_sha: "7".repeat(40),
    committed_at: null,
    branch: "main",
    truncated: false,
    next_cursor: null,
  });
  const blobs = answerJson({
    blobs: [{ path: "a", sha, size: 1, encoding: "utf-8", content: "x" }],
    missing: [],
  });
  const { client, clock } = start([limited, tree, limited, blobs]);
  const fs = await client.fs.mount({ repos: [{ slug: "app" }] });
  expect(await fs.readFile("/a")).toBe("x");
  expect(clock.pauses).toEqual([4_050, 4_050]);
});
