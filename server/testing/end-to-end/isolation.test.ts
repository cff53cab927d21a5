import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestServer, type TestServer } from "./local-server.ts";

let server: TestServer;
let aliceKey: string;
let bobKey: string;
/** Ids of alice's private content. */
let secret: { commit: string; tree: string; blob: string };

beforeAll(async () => {
  server = await startTestServer();
  aliceKey = await server.createOrg("alice");
  bobKey = await server.createOrg("bob");
  for (const key of [aliceKey, bobKey]) await server.call("POST", "/repos", { key, body: { slug: "app" } });
  const { body: commit } = await server.call("POST", "/repos/app/commits", {
    key: aliceKey,
    body: {
      branch: "main",
      message: "secret",
      changes: [{ path: "secret.txt", content: "alice's secret\n" }],
    },
  });
  const { body: tree } = await server.call("GET", "/repos/app/tree/main", { key: aliceKey });
  secret = { commit: commit.sha, tree: commit.tree_sha, blob: tree.items[0].sha };
});
afterAll(() => server?.stop());

test("nothing of another org is reachable by its sha", async () => {
  const reads = [
    `/repos/app/commits/${secret.commit}`,
    `/repos/app/commits?ref=${secret.commit}`,
    `/repos/app/tree/${secret.commit}`,
    `/repos/app/tree/${secret.tree}`,
    `/repos/app/blob/${secret.commit}/secret.txt`,
    `/repos/app/raw/${secret.commit}/secret.txt`,
    `/repos/app/rev-parse?ref=${secret.commit}`,
    ...[secret.commit, secret.tree, secret.blob].map((sha) => `/repos/app/objects/${sha}`),
  ];
  for (const path of reads) {
    expect((await server.call("GET", path, { key: aliceKey })).status, `alice ${path}`).toBe(200);
    expect((await server.call("GET", path, { key: bobKey })).status, `bob ${path}`).toBe(404);
  }
});

test("another org's object cannot be named in a write", async () => {
  const branch = { name: "stolen", from_sha: secret.commit };
  expect((await server.call("POST", "/repos/app/branches", { key: bobKey, body: branch })).status).toBe(404);
  const put = await server.call("PUT", "/repos/app/refs/heads/stolen", {
    key: bobKey,
    body: { sha: secret.commit },
  });
  expect(put.status).toBe(404);
  const commit = await server.call("POST", "/repos/app/commits", {
    key: bobKey,
    body: { branch: "main", message: "take", changes: [{ path: "mine", sha: secret.blob }] },
  });
  expect(commit.status).toBeGreaterThanOrEqual(400);
  expect(commit.status).toBeLessThan(500);
  const batch = await server.call("POST", "/repos/app/blobs/batch", {
    key: bobKey,
    body: { ref: secret.commit, paths: ["secret.txt"] },
  });
  expect(batch.status).toBe(404);
  const prefetch = await server.call("POST", "/repos/app/prefetch", {
    key: bobKey,
    body: { ref: secret.commit, globs: ["**"] },
  });
  expect(String(JSON.stringify(prefetch.body))).not.toContain("secret.txt");
});

test("without a key private repositories do not exist, public ones can be read", async () => {
  expect((await server.call("GET", "/repos/app", { key: null })).status).toBe(401);
  expect((await server.call("GET", "/orgs/alice/repos/app", { key: null })).status).toBe(404);
  await server.call("POST", "/repos", { key: aliceKey, body: { slug: "open", visibility: "public" } });
  await server.call("POST", "/repos/open/commits", {
    key: aliceKey,
    body: { branch: "main", message: "hello", changes: [{ path: "README.md", content: "hi\n" }] },
  });
  for (const path of ["", "/refs", "/commits", "/tree/main", "/blob/main/README.md", "/raw/main/README.md"]) {
    expect((await server.call("GET", `/orgs/alice/repos/open${path}`, { key: null })).status, path).toBe(200);
  }
  const { body: list } = await server.call("GET", "/orgs/alice/repos", { key: null });
  expect(list.repos.map((repo: { slug: string }) => repo.slug)).toEqual(["open"]);
  const write = await server.call("POST", "/repos/open/commits", {
    key: bobKey,
    body: { branch: "main", message: "no", changes: [{ path: "x", content: "" }] },
  });
  expect(write.status).toBe(404);
});

test("a revoked key stops at once", async () => {
  const admin = { key: null, headers: { "x-admin-key": server.local.adminKey } };
  const { body: extra } = await server.call("POST", "/admin/orgs/alice/keys", admin);
  expect((await server.call("GET", "/repos", { key: extra.api_key })).status).toBe(200);
  expect((await server.call("DELETE", `/admin/keys/${extra.id}`, admin)).status).toBe(200);
  expect((await server.call("GET", "/repos", { key: extra.api_key })).status).toBe(401);
  expect((await server.call("GET", "/repos", { key: aliceKey })).status).toBe(200);
});
