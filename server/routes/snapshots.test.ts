import { beforeEach, expect, test } from "vitest";
import { createMemoryApi, type MemoryApi } from "../testing/memory-api.ts";

let api: MemoryApi;
let first: unknown;

const call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  api.call(method, `/v1/repos/app${path}`, body, headers);
const head = async (branch = "main") => (await call("GET", `/branches/${branch}`)).json.sha;

beforeEach(async () => {
  api = await createMemoryApi();
  await api.makeRepo("app");
  first = (await api.commit("app", [{ path: "a", content: "OLD" }])).json.sha;
});

test("a snapshot brings a branch back, and the next commit builds on what came back", async () => {
  const made = await call("POST", "/snapshots", {
    name: "v1",
    branch: "main",
    metadata: { agent: "7", n: [1] },
  });
  expect(made.status).toBe(201);
  expect(made.json).toMatchObject({
    name: "v1",
    branch: "main",
    sha: first,
    metadata: { agent: "7", n: [1] },
  });
  const second = (await api.commit("app", [{ path: "a", content: "NEW" }])).json.sha;
  const restored = await call("POST", "/snapshots/v1/restore", { target_branch: "main" });
  expect(restored.json).toEqual({ sha: first, branch: "main", previous_sha: second });
  await api.commit("app", [{ path: "b", content: "b" }]);
  expect((await call("GET", "/blob/main/a")).json.content).toBe("OLD");
});

test("a snapshot goes to a new branch, or to one that is where the caller thinks", async () => {
  await call("POST", "/snapshots", { name: "v1", branch: "main" });
  expect(
    (await call("POST", "/snapshots/v1/restore", { target_branch: "again" })).json.previous_sha,
  ).toBeNull();
  expect(await head("again")).toBe(first);
  const moved = (await api.commit("app", [{ path: "a", content: "NEW" }])).json.sha;
  const stale = await call("POST", "/snapshots/v1/restore", { target_branch: "main", expected_sha: first });
  expect(stale.json).toMatchObject({ code: "CONFLICT", current_sha: moved });
  expect(await head()).toBe(moved);
});

test("snapshots are listed, read and deleted; they outlive their branch and are no tags", async () => {
  await call("POST", "/branches", { name: "work", from: "main" });
  for (const name of ["b", "a", "c"]) await call("POST", "/snapshots", { name, branch: "work" });
  await call("DELETE", "/branches/work");
  const page = (await call("GET", "/snapshots?limit=2")).json;
  expect([(page.snapshots as { name: string }[]).map(({ name }) => name), page.total]).toEqual([
    ["a", "b"],
    3,
  ]);
  const rest = (await call("GET", `/snapshots?limit=2&cursor=${page.next_cursor}`)).json;
  expect([(rest.snapshots as { name: string }[]).map(({ name }) => name), rest.next_cursor]).toEqual([
    ["c"],
    null,
  ]);
  expect((await call("GET", "/tags")).json.total).toBe(0);
  expect((await call("DELETE", "/snapshots/a")).json).toEqual({ deleted: true });
  expect((await call("GET", "/snapshots/a")).status).toBe(404);
  expect((await call("GET", "/snapshots/b")).json.sha).toBe(first);
});

test("a taken name, a missing branch and bad fields are refused", async () => {
  await call("POST", "/snapshots", { name: "v1", branch: "main" });
  expect((await call("POST", "/snapshots", { name: "v1", branch: "main" })).json.code).toBe("CONFLICT");
  expect((await call("POST", "/snapshots", { name: "x", branch: "nope" })).json.code).toBe("NOT_FOUND");
  expect((await call("POST", "/snapshots/nope/restore", { target_branch: "main" })).status).toBe(404);
  for (const body of [
    {},
    { name: "a..b", branch: "main" },
    { name: "x", branch: "main", metadata: { big: "x".repeat(20_000) } },
    { name: "x", branch: "main", metadata: [1] },
  ]) {
    expect((await call("POST", "/snapshots", body)).json.code).toBe("VALIDATION_ERROR");
  }
});

test("a retry under one Idempotency-Key gives the same snapshot", async () => {
  const send = () => call("POST", "/snapshots", { name: "v1", branch: "main" }, { "idempotency-key": "k" });
  const [one, two] = [await send(), await send()];
  expect([two.status, two.json]).toEqual([201, one.json]);
  expect(two.headers.get("x-idempotent-replay")).toBe("true");
});
