/** The whole server on the runtime that it is made for: real Durable Objects, real body streams. */
import { env } from "cloudflare:workers";
import { beforeAll, expect, it } from "vitest";
import { LIMITS } from "../sdk/contract/limits.ts";
import { createApp, type Env } from "./wiring.ts";

const JSON_TYPE = { "content-type": "application/json" };
// The platform's type of `env` is open; what is in it is said in vitest.config.ts.
const app = createApp(env as unknown as Env);

let acme: Record<string, string>;
let rival: Record<string, string>;

async function call(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: BodyInit | object,
) {
  const plain = body !== undefined && Object.getPrototypeOf(body) === Object.prototype;
  const response = await app.request(path, {
    method,
    headers: { ...(plain ? JSON_TYPE : {}), ...headers },
    // Anything else is a body already.
    ...(body === undefined ? {} : { body: plain ? JSON.stringify(body) : (body as BodyInit) }),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.startsWith("application/json") && text !== "";
  return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : null };
}

async function createOrg(slug: string): Promise<Record<string, string>> {
  const made = await call("POST", "/v1/admin/orgs", { "x-admin-key": "test-admin-key" }, { slug });
  expect(made.status).toBe(201);
  return { "x-api-key": made.json.api_key };
}

beforeAll(async () => {
  acme = await createOrg("acme");
  rival = await createOrg("rival");
});

it("creates, reads, changes and deletes a repository", async () => {
  const made = await call("POST", "/v1/repos", acme, { slug: "life", namespace: "n" });
  expect(made.status).toBe(201);
  const got = await call("GET", "/v1/repos/n/life", acme);
  expect(got.json).toMatchObject({ ...made.json, is_empty: false });
  const head = await call("HEAD", "/v1/repos/n/life", acme);
  expect(head.text).toBe("");
  expect(head.headers.get("content-length")).toBe(String(got.text.length));
  expect((await call("PATCH", "/v1/repos/n/life", acme, { description: "x" })).json.description).toBe("x");
  expect((await call("GET", "/v1/repos/n/life", acme)).json.description).toBe("x");
  expect((await call("DELETE", "/v1/repos/n/life", acme)).json).toEqual({ deleted: true });
  expect((await call("GET", "/v1/repos/n/life", acme)).status).toBe(404);
});

it("moves HEAD with the default branch", async () => {
  await call("POST", "/v1/repos", acme, { slug: "heads" });
  const refused = await call("PATCH", "/v1/repos/heads", acme, { default_branch: "dev" });
  expect(refused.json).toMatchObject({ code: "VALIDATION_ERROR", fields: [{ field: "default_branch" }] });
  expect((await call("POST", "/v1/repos/heads/branches", acme, { name: "dev" })).status).toBe(201);
  expect((await call("PATCH", "/v1/repos/heads", acme, { default_branch: "dev" })).status).toBe(200);
  expect((await call("GET", "/v1/repos/heads/branches", acme)).json.default_branch).toBe("dev");
  expect((await call("DELETE", "/v1/repos/heads/branches/main", acme)).status).toBe(200);
  expect((await call("DELETE", "/v1/repos/heads/branches/dev", acme)).status).toBe(409);
});

it("lets exactly one of many parallel creators win", async () => {
  const raced = await Promise.all(
    Array.from({ length: 12 }, () => call("POST", "/v1/repos", acme, { slug: "raced" })),
  );
  expect(raced.filter(({ status }) => status === 201)).toHaveLength(1);
  expect(raced.filter(({ status }) => status === 409)).toHaveLength(11);
  expect((await call("GET", "/v1/repos/raced", acme)).json.is_empty).toBe(false);
});

it("gives content to nobody by its sha alone", async () => {
  await call("POST", "/v1/repos", acme, { slug: "secret" });
  const change = { path: "s.txt", content: "classified" };
  const body = { branch: "main", message: "m", changes: [change] };
  const { sha, tree_sha } = (await call("POST", "/v1/repos/secret/commits", acme, body)).json;
  const blob = (await call("GET", "/v1/repos/secret/blob/main/s.txt", acme)).json.sha;
  await call("POST", "/v1/repos", rival, { slug: "mine" });
  await call("POST", "/v1/repos", acme, { slug: "sibling" });
  for (const [who, repo] of [
    [rival, "mine"],
    [acme, "sibling"],
  ] as const) {
    for (const path of [
      `commits/${sha}`,
      `raw/${sha}/s.txt`,
      `tree/${sha}`,
      `tree/${tree_sha}`,
      `objects/${blob}`,
      `objects/${tree_sha}`,
      `rev-parse?ref=${sha}`,
    ]) {
      expect((await call("GET", `/v1/repos/${repo}/${path}`, who)).status, path).toBe(404);
    }
    const branch = await call("POST", `/v1/repos/${repo}/branches`, who, { name: "steal", from_sha: sha });
    expect(branch.status).toBe(404);
    const moved = await call("PUT", `/v1/repos/${repo}/refs/heads/steal`, who, { sha });
    expect([404, 422]).toContain(moved.status);
  }
  expect((await call("GET", `/v1/repos/secret/objects/${blob}`, rival)).status).toBe(404);
});

it("reads a body to its limit, in whatever way it comes", async () => {
  const text = JSON.stringify({ slug: "streamed", description: "é".repeat(400) });
  const encoded = new TextEncoder().encode(text);
  const { readable, writable } = new IdentityTransformStream();
  const writing = (async () => {
    const writer = writable.getWriter();
    for (let at = 0; at < encoded.length; at += 100) await writer.write(encoded.subarray(at, at + 100));
    await writer.close();
  })();
  const made = await call("POST", "/v1/repos", { ...acme, ...JSON_TYPE }, readable);
  await writing;
  expect(made.status).toBe(201);
  expect(made.json.description).toBe("é".repeat(400));
});

it("refuses a body over 100 MB, declared or not, and says what the limit is", async () => {
  const headers = { ...acme, ...JSON_TYPE };
  const declared = await call("POST", "/v1/repos", { ...headers, "content-length": "200000000" }, "{}");
  expect(declared).toMatchObject({
    status: 413,
    json: { code: "PAYLOAD_TOO_LARGE", limit: LIMITS.requestBodyBytes },
  });
  const chunk = new Uint8Array(4 * 1024 * 1024).fill(32);
  let sent = 0;
  const endless = new ReadableStream({
    pull(controller) {
      sent += chunk.length;
      controller.enqueue(chunk);
    },
  });
  const actual = await call("POST", "/v1/repos", headers, endless);
  expect(actual).toMatchObject({
    status: 413,
    json: { code: "PAYLOAD_TOO_LARGE", limit: LIMITS.requestBodyBytes },
  });
  expect(sent).toBeLessThan(LIMITS.requestBodyBytes + 3 * chunk.length);
});

it("answers git at both addresses, and asks for a password where one is needed", async () => {
  await call("POST", "/v1/repos", acme, { slug: "cloned" });
  const path = "/acme/cloned.git/info/refs?service=git-upload-pack";
  const asked = await call("GET", path);
  expect(asked.status).toBe(401);
  expect(asked.headers.get("www-authenticate")).toMatch(/^Basic /);
  const basic = (key: string) => ({ authorization: `Basic ${btoa(`any:${key}`)}` });
  for (const prefix of ["", "/git"]) {
    const served = await call("GET", prefix + path, basic(acme["x-api-key"] ?? ""));
    expect(served.status).toBe(200);
    expect(served.text).toContain("refs/heads/main");
  }
  expect((await call("GET", path, basic(rival["x-api-key"] ?? ""))).status).toBe(404);
  expect((await call("GET", path, basic("wrong"))).status).toBe(401);
  await call("PATCH", "/v1/repos/cloned", acme, { visibility: "public" });
  expect((await call("GET", path)).status).toBe(200);
  expect((await call("GET", path, basic(rival["x-api-key"] ?? ""))).status).toBe(200);
  expect((await call("GET", "/acme/cloned.git/info/refs?service=git-receive-pack")).status).toBe(401);
});

it("shows the public what is public, under the org's name", async () => {
  await call("POST", "/v1/repos", acme, { slug: "open", visibility: "public", namespace: "pub" });
  const listed = await call("GET", "/v1/orgs/acme/repos?namespace=pub");
  expect(listed.json.repos.map((repo: { slug: string }) => repo.slug)).toEqual(["open"]);
  expect((await call("GET", "/v1/orgs/acme/repos/pub/open")).status).toBe(200);
  expect((await call("GET", "/v1/orgs/acme/repos/pub/open/refs")).json.default_branch).toBe("main");
  expect((await call("GET", "/v1/orgs/acme/repos/pub/open/commits")).json.commits).toHaveLength(1);
  await call("PATCH", "/v1/repos/pub/open", acme, { visibility: "private" });
  const hidden = await call("GET", "/v1/orgs/acme/repos/pub/open");
  const missing = await call("GET", "/v1/orgs/acme/repos/pub/none");
  expect(hidden.status).toBe(404);
  expect(hidden.json).toEqual(missing.json);
  expect((await call("GET", "/v1/orgs/nobody/repos")).status).toBe(404);
});
