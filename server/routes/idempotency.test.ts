import { beforeEach, describe, expect, test } from "vitest";
import { contract } from "../../sdk/contract/index.ts";
import { createMemoryApi, type MemoryApi } from "../testing/memory-api.ts";

/** One request that writes, in a repository with branches main, work (one commit ahead) and brief, and snapshot s. */
interface Case {
  readonly path: string;
  readonly body: Record<string, unknown>;
  /** The same request with this in its body is another one. */
  readonly other: Record<string, unknown>;
  /** What happens between the two: so that the repetition, done anew, would come to something else, or fail. */
  readonly meanwhile?: readonly (readonly [method: string, path: string, body?: unknown])[];
}

const commitTo = (branch: string, path = "meanwhile") =>
  ["POST", "/commits", { branch, message: "m", changes: [{ path, content: "m" }] }] as const;
const change = { message: "m", changes: [{ path: "new", content: "x" }] };

const CASES: Readonly<Record<string, Case>> = {
  "POST /repos": { path: "/v1/repos", body: { slug: "fresh" }, other: { description: "x" } },
  "POST /repos/:repo/commits": {
    path: "/commits",
    body: { branch: "main", ...change, metadata: { n: 1 } },
    other: { metadata: { n: 2 } },
    meanwhile: [commitTo("main", "new")],
  },
  "POST /repos/:repo/commits/bulk": {
    path: "/commits/bulk",
    body: { branch: "main", ...change },
    other: { message: "other" },
    meanwhile: [commitTo("main", "new")],
  },
  "POST /repos/:repo/branches": {
    path: "/branches",
    body: { name: "made", from: "work", ttl_seconds: 3_600 },
    other: { ttl_seconds: 7_200 },
    meanwhile: [commitTo("made"), ["DELETE", "/branches/work"]],
  },
  "POST /repos/:repo/branches/*branch/promote": {
    path: "/branches/brief/promote",
    body: { as: "kept" },
    other: { as: "other" },
    meanwhile: [commitTo("kept"), ["DELETE", "/branches/kept"]],
  },
  "POST /repos/:repo/branches/*target/merge": {
    path: "/branches/main/merge",
    body: { source: "work", strategy: "merge-commit" },
    other: { strategy: "squash" },
    meanwhile: [commitTo("main"), ["DELETE", "/branches/work"]],
  },
  "POST /repos/:repo/land": {
    path: "/land",
    body: { source: "work", target: "main" },
    other: { expected_sha: "1".repeat(40) },
    meanwhile: [commitTo("main"), ["DELETE", "/branches/work"]],
  },
  "POST /repos/:repo/cherry-pick": {
    path: "/cherry-pick",
    body: { base: "work~1", head: "work", onto: "main", branch: "main" },
    other: { onto: "work" },
    meanwhile: [commitTo("main"), ["DELETE", "/branches/work"]],
  },
  "POST /repos/:repo/revert": {
    path: "/revert",
    body: { branch: "work", commit: "work" },
    other: { message: "other" },
    meanwhile: [commitTo("work")],
  },
  "POST /repos/:repo/reset": {
    path: "/reset",
    body: { branch: "work", sha: "work~1" },
    other: { sha: "main" },
    meanwhile: [commitTo("work")],
  },
  "POST /repos/:repo/tags": {
    path: "/tags",
    body: { name: "v1", target: "work", message: "one" },
    other: { message: "two" },
    meanwhile: [
      ["DELETE", "/tags/v1"],
      ["DELETE", "/branches/work"],
    ],
  },
  "POST /repos/:repo/snapshots": {
    path: "/snapshots",
    body: { name: "s2", branch: "work", metadata: { n: 1 } },
    other: { metadata: { n: 2 } },
    meanwhile: [
      ["DELETE", "/snapshots/s2"],
      ["DELETE", "/branches/work"],
    ],
  },
  "POST /repos/:repo/snapshots/:name/restore": {
    path: "/snapshots/s/restore",
    body: { target_branch: "work" },
    other: { target_branch: "elsewhere" },
    meanwhile: [commitTo("work"), ["DELETE", "/snapshots/s"]],
  },
  "POST /repos/:repo/undo": {
    path: "/undo",
    body: { ref: "work" },
    other: { steps: 2 },
    meanwhile: [commitTo("work")],
  },
  "POST /repos/:repo/fork": {
    path: "/fork",
    body: { slug: "forked" },
    other: { description: "x" },
    meanwhile: [commitTo("main")],
  },
};

/** POSTs that write nothing, or that need no key to be repeated, or cannot give their first result again. */
const EXEMPT: Readonly<Record<string, string>> = {
  "POST /repos/:repo/blobs": "the same contents are the same blobs",
  "POST /repos/:repo/blobs/batch": "reads",
  "POST /repos/:repo/prefetch": "reads",
  "POST /repos/:repo/grep": "reads",
  "POST /search": "reads",
  "POST /session": "its id is a secret of which only the hash is kept",
  "POST /session/open": "as POST /session",
  "POST /session/:id/flush": "flushing twice is flushing once",
  "POST /tokens": "its secret is shown once and not kept",
  "POST /repos/:repo/exec":
    "its commit is repeated, tested with the workspace; what a shell prints is not kept",
  "POST /workspace/exec": "as exec",
  "POST /orgs/:org/repos/:repo/fork": "as fork, tested with forks",
  "POST /repos/:repo/sync-upstream": "takes a fork, tested with merges across repositories",
  "POST /connections": "tested with the org's store",
  "POST /import": "tested with syncs",
  "POST /repos/:repo/sync/config": "tested with syncs",
  "POST /repos/:repo/sync": "tested with syncs",
  "POST /repos/:repo/sync/import": "tested with syncs",
  "POST /repos/:repo/sync/export": "tested with syncs",
  "POST /connections/:id/test": "asks another server and keeps nothing but the name that it says",
  "POST /hooks/:provider/:id": "comes from another server, and wakes once what it wakes twice",
  "POST /public-keys": "the same key again is the same key",
  "POST /revoked-tokens": "revoking twice is revoking once",
  "POST /webhooks": "tested with webhooks: its secret is kept sealed, and told again",
  "POST /webhooks/:id/ping": "sends one more, which is told apart by its id",
  "POST /webhooks/:id/deliveries/:delivery/redeliver": "tested with webhooks",
  "POST /admin/orgs": "its key is shown once and not kept; the org's name is taken then",
  "POST /admin/orgs/:org/keys": "its key is shown once and not kept",
};

let api: MemoryApi;
const call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  api.call(method, path.startsWith("/v1") ? path : `/v1/repos/app${path}`, body, headers);

beforeEach(async () => {
  let nowMs = 1_700_000_000_000;
  // Each look at the clock is a second later: what is made anew has another id.
  api = await createMemoryApi("acme", { now: () => (nowMs += 1_000) });
  await api.makeRepo("app");
  for (const path of ["a", "b"]) await api.commit("app", [{ path, content: path }]);
  await call("POST", "/branches", { name: "work", from: "main" });
  await call(...commitTo("work", "w"));
  await call(...commitTo("main", "m"));
  await call("POST", "/branches", { name: "brief", ttl_seconds: 86_400 });
  await call("POST", "/snapshots", { name: "s", branch: "main" });
});

test("every POST of the contract is in one of the two lists", () => {
  const posts = Object.keys(contract).filter((key) => key.startsWith("POST "));
  expect([...Object.keys(CASES), ...Object.keys(EXEMPT)].sort()).toEqual(posts.sort());
});

describe.each(Object.entries(CASES))("%s", (_, { path, body, other, meanwhile = [] }) => {
  test("answers a repetition with the first result, whatever has happened since", async () => {
    const key = { "idempotency-key": "k1" };
    const first = await call("POST", path, body, key);
    expect(first.status, first.text).toBeLessThan(300);
    expect(first.headers.get("x-idempotent-replay")).toBeNull();
    for (const [method, at, sent] of meanwhile) {
      const done = await call(method, at, sent);
      expect(done.status, `${method} ${at}: ${done.text}`).toBeLessThan(300);
    }
    const moves = (await call("GET", "/reflog?limit=1")).json.entries;
    const again = await call("POST", path, body, key);
    expect([again.status, again.json]).toEqual([first.status, first.json]);
    expect(again.headers.get("x-idempotent-replay")).toBe("true");
    expect((await call("GET", "/reflog?limit=1")).json.entries).toEqual(moves);
  });

  test("refuses the key for another request", async () => {
    const key = { "idempotency-key": "k2" };
    await call("POST", path, body, key);
    const refused = await call("POST", path, { ...body, ...other }, key);
    expect([refused.status, refused.json.code], refused.text).toEqual([422, "UNPROCESSABLE"]);
  });
});

test("a merge that had nothing to do has nothing to do when it is repeated", async () => {
  const key = { "idempotency-key": "k" };
  const body = { source: "main~1", strategy: "merge-commit" };
  const first = await call("POST", "/branches/main/merge", body, key);
  expect(first.json.strategy).toBe("already_up_to_date");
  await call("POST", "/reset", { branch: "main", sha: "main~2" });
  expect((await call("POST", "/branches/main/merge", body, key)).json).toEqual(first.json);
});

test("a cherry-pick without a branch gives the same commits again", async () => {
  const key = { "idempotency-key": "k" };
  const body = { base: "work~1", head: "work", onto: "main" };
  const first = await call("POST", "/cherry-pick", body, key);
  const again = await call("POST", "/cherry-pick", body, key);
  expect(again.json).toEqual(first.json);
  expect(again.headers.get("x-idempotent-replay")).toBe("true");
});

test("an undo that took a branch away tells so again, also when the branch is back", async () => {
  const key = { "idempotency-key": "k" };
  const first = await call("POST", "/undo", { ref: "brief" }, key);
  expect(first.json.sha).toBeNull();
  await call("POST", "/branches", { name: "brief", from: "main" });
  expect((await call("POST", "/undo", { ref: "brief" }, key)).json).toEqual(first.json);
});
