import { beforeAll, describe, expect, it } from "vitest";
import { GitError } from "../git/errors.ts";
import { createMemoryApp, type MemoryApp } from "../testing/memory-app.ts";
import { bytes, json, notModified } from "./reply.ts";
import type { HandlerMap } from "./router.ts";

let memory: MemoryApp;
let auth: Record<string, string>;

/** What the handlers below were asked for. */
const seen: { params?: unknown; rest?: readonly string[]; repo?: string }[] = [];

function record(context: { params: unknown; rest: readonly string[]; repo: { record: { slug: string } } }) {
  const { params, rest, repo } = context;
  seen.push({ params, rest, repo: repo.record.slug });
}

const probes: Partial<HandlerMap> = {
  "GET /repos/:repo/tree/:ref/*path": async (context) => {
    record(context);
    const caching =
      context.params.ref === "careless" ? "public, max-age=60" : "private, max-age=31536000, immutable";
    return json({}, { headers: { etag: '"x"', "cache-control": caching } });
  },
  "GET /repos/:repo/raw/:ref/*path": async (context) => {
    record(context);
    return bytes(new TextEncoder().encode("hello"), { headers: { "content-type": "text/plain" } });
  },
  "GET /repos/:repo/branches/*name": async (context) => {
    record(context);
    if (context.params.name === "boom") throw new Error("secret detail");
    if (context.params.name === "git") throw new GitError("invalid-ref-name", "no", { field: "name" });
    if (context.params.name === "corrupt") throw new GitError("corrupt-object", "bad bytes at 12");
    if (context.params.name === "same") return notModified({ etag: '"x"' });
    return { name: context.params.name, sha: "0".repeat(40) };
  },
  "GET /repos/:repo/commits/:sha": async (context) => {
    record(context);
    throw new GitError("missing-object", "commit not found");
  },
};

beforeAll(async () => {
  memory = createMemoryApp({ handlers: probes });
  const { apiKey } = await memory.createOrg("acme");
  auth = { "x-api-key": apiKey };
  for (const body of [{ slug: "x" }, { slug: "y", namespace: "x" }, { slug: "commits" }]) {
    const headers = { ...auth, "content-type": "application/json" };
    await memory.request("/v1/repos", { method: "POST", headers, body: JSON.stringify(body) });
  }
});

async function get(path: string, headers: Record<string, string> = {}) {
  return memory.request(path, { headers: { ...auth, ...headers } });
}

async function seenFor(path: string) {
  seen.length = 0;
  const response = await get(path);
  return { status: response.status, ...seen[0] };
}

describe("paths", () => {
  it.each([
    ["/v1/repos/x/tree/main", "x", { ref: "main", path: "" }, ["main"]],
    ["/v1/repos/x/tree/main/", "x", { ref: "main", path: "" }, ["main"]],
    ["/v1/repos/x/tree/main/a/b", "x", { ref: "main", path: "a/b" }, ["main", "a", "b"]],
    ["/v1/repos/x/y/tree/main/a", "y", { ref: "main", path: "a" }, ["main", "a"]],
    ["/v1/repos/x/tree/feat%2Fone/a%20b", "x", { ref: "feat/one", path: "a b" }, ["feat/one", "a b"]],
    ["/v1/repos/x/tree/main/%E2%82%AC%0A", "x", { ref: "main", path: "€\n" }, ["main", "€\n"]],
    ["/v1/repos/x/tree/main/100%25", "x", { ref: "main", path: "100%" }, ["main", "100%"]],
    [
      "/v1/repos/x/raw/main/tree/commits",
      "x",
      { ref: "main", path: "tree/commits" },
      ["main", "tree", "commits"],
    ],
    ["/v1/repos/x/branches/a/b", "x", { name: "a/b" }, ["a", "b"]],
    ["/v1/repos/x/branches/a%2Fb", "x", { name: "a/b" }, ["a/b"]],
    ["/v1/repos/commits/branches/b?q=1#z", "commits", { name: "b" }, ["b"]],
  ])("reads %s", async (path, repo, params, rest) => {
    expect(await seenFor(path)).toMatchObject({ repo, params, rest });
  });

  it("reads /repos/x/commits/:sha as x's commit and not as a repository of namespace x", async () => {
    expect(await seenFor("/v1/repos/x/commits/abc")).toMatchObject({ repo: "x", params: { sha: "abc" } });
  });

  it.each([
    "/v1",
    "/v1/",
    "/v1/nonsense",
    "/v1/repos/x/tree",
    "/v1/repos/x/y/z",
    "/v1/repos/x/commits/a/b",
    "/v1/repos/%2e%2e",
    "/v1/repos/X",
    "/v1/repos//tree/main",
    "/nonsense",
    "/",
    "/v2/repos",
    "/acme/x.git",
  ])("answers 404 with an envelope to %s", async (path) => {
    const response = await get(path);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: "NOT_FOUND", error: expect.any(String) });
  });

  it.each(["/v1/repos/x/tree/main/%", "/v1/repos/x/tree/%ff/a", "/v1/repos/%zz", "/v1/repos/x/branches/%C3"])(
    "answers 400 to the malformed escape in %s",
    async (path) => {
      const response = await get(path);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: "VALIDATION_ERROR", fields: [{ field: "path" }] });
    },
  );

  it("tells the methods of a path that has others", async () => {
    const response = await memory.request("/v1/repos/x", { method: "PUT", headers: auth });
    expect(response.status).toBe(404);
    expect(response.headers.get("allow")?.split(", ").sort()).toEqual(["DELETE", "GET", "HEAD", "PATCH"]);
  });
});

describe("HEAD", () => {
  it.each([
    "/v1/repos",
    "/v1/repos/x",
    "/v1/repos/x/raw/main/a",
    "/v1/repos/x/tree/main",
    "/v1/repos/missing",
  ])("answers %s like GET, without the body", async (path) => {
    const got = await get(path);
    const head = await memory.request(path, { method: "HEAD", headers: auth });
    expect(head.status).toBe(got.status);
    expect(await head.text()).toBe("");
    for (const name of ["content-type", "etag", "cache-control"]) {
      expect(head.headers.get(name)).toBe(got.headers.get(name));
    }
    expect(head.headers.get("content-length")).toBe(String((await got.arrayBuffer()).byteLength));
  });
});

describe("every reply", () => {
  const cases: [number, string, Record<string, string>?][] = [
    [200, "/v1/repos"],
    [200, "/v1/repos/x/raw/main/a"],
    [304, "/v1/repos/x/branches/same"],
    [400, "/v1/repos?limit=0"],
    [400, "/v1/repos/x/branches/git"],
    [401, "/v1/repos", { "x-api-key": "" }],
    [401, "/acme/x.git/info/refs?service=git-upload-pack", { "x-api-key": "" }],
    [404, "/v1/nonsense"],
    [404, "/nonsense"],
    [500, "/v1/repos/x/branches/boom"],
  ];

  it.each(cases)(
    "with status %i of %s has an id, timings and the security headers",
    async (status, path, headers) => {
      const response = await get(path, headers);
      expect(response.status).toBe(status);
      expect(response.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
      expect(response.headers.get("server-timing")).toMatch(
        /^auth;dur=[\d.]+, refs;dur=[\d.]+, store;dur=[\d.]+, cpu;dur=[\d.]+$/,
      );
      expect(response.headers.get("strict-transport-security")).toMatch(/max-age=\d{8}/);
      expect(response.headers.get("x-content-type-options")).toBe("nosniff");
      expect(response.headers.get("x-frame-options")).toBe("DENY");
      expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
      expect(response.headers.get("referrer-policy")).toBe("no-referrer");
      expect(response.headers.get("cache-control")).toMatch(/^private|no-cache/);
    },
  );

  it("carries the caller's request id when it is harmless, and a new one when it is not", async () => {
    expect((await get("/v1/repos", { "x-request-id": "trace-0001.a" })).headers.get("x-request-id")).toBe(
      "trace-0001.a",
    );
    for (const id of ["short", "has space in it", "<script>alert(1)</script>", "x".repeat(129)]) {
      expect((await get("/v1/repos", { "x-request-id": id })).headers.get("x-request-id")).not.toBe(id);
    }
  });

  it("keeps the caching that a handler asks for, unless it is public", async () => {
    const response = await get("/v1/repos/x/tree/main");
    expect(response.headers.get("cache-control")).toBe("private, max-age=31536000, immutable");
    const careless = await get("/v1/repos/x/tree/careless");
    expect(careless.headers.get("cache-control")).toBe("private, max-age=60");
  });
});

describe("failures", () => {
  it("tell the caller the request id and nothing else, and the log everything", async () => {
    for (const [name, detail] of [
      ["boom", "secret detail"],
      ["corrupt", "bad bytes at 12"],
    ]) {
      const response = await get(`/v1/repos/x/branches/${name}`);
      expect(response.status).toBe(500);
      const requestId = response.headers.get("x-request-id");
      expect(await response.json()).toEqual({
        error: "Internal error",
        code: "INTERNAL_ERROR",
        request_id: requestId,
      });
      expect(memory.log.at(-1)).toMatchObject({ request_id: requestId, message: detail });
    }
  });

  it("of the engine have the wire's codes", async () => {
    const bad = await get("/v1/repos/x/branches/git");
    expect(await bad.json()).toMatchObject({
      code: "VALIDATION_ERROR",
      fields: [{ field: "name", message: "no" }],
    });
    const missing = await get("/v1/repos/x/commits/abc");
    expect(missing.status).toBe(404);
    expect(await missing.json()).toEqual({ error: "commit not found", code: "NOT_FOUND" });
  });
});
