/** Notes, the reflog and branches that expire, as sessions see and write them, on the real Durable Objects. */
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { createApp, type Env } from "../wiring.ts";

// The platform's type of `env` is open; what is in it is said in vitest.config.ts.
const app = createApp(env as unknown as Env);
let key: string;

async function call(method: string, path: string, body?: unknown, session?: string) {
  const response = await app.request(`/v1${path}`, {
    method,
    headers: {
      "content-type": "application/json",
      ...(session === undefined ? { "x-api-key": key } : { "x-session-id": session }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  return { status: response.status, json: (text === "" ? null : JSON.parse(text)) as any };
}

const open = async () => (await call("POST", "/session", {})).json.session_id as string;
const flush = (session: string) => call("POST", `/session/${session}/flush`);

async function commit(repo: string, path: string, more: Record<string, unknown>, session?: string) {
  const body = { branch: "main", message: path, changes: [{ path, content: path }], ...more };
  const made = await call("POST", `/repos/${repo}/commits`, body, session);
  expect(made.status, JSON.stringify(made.json)).toBe(201);
  return made.json.sha as string;
}

const metadataOf = async (repo: string, sha: string, session?: string) =>
  (await call("GET", `/repos/${repo}/commits/${sha}`, undefined, session)).json.metadata;

beforeAll(async () => {
  const made = await app.request("/v1/admin/orgs", {
    method: "POST",
    headers: { "x-admin-key": "test-admin-key", "content-type": "application/json" },
    body: JSON.stringify({ slug: "session-notes" }),
  });
  key = ((await made.json()) as { api_key: string }).api_key;
});

describe("metadata in sessions", () => {
  it("is seen inside at once and by others after the flush, and that of several sessions goes side by side", async () => {
    await call("POST", "/repos", { slug: "side" });
    const outside = await commit("side", "first", { metadata: { by: "nobody's session" } });
    const sessions = [await open(), await open()];
    const shas = [];
    for (const [i, session] of sessions.entries()) {
      for (const n of [1, 2]) {
        shas.push(await commit("side", `f${i}-${n}`, { metadata: { session: i, n } }, session));
      }
    }
    const between = await commit("side", "between", { metadata: { by: "between" } });
    expect(await metadataOf("side", shas[1] ?? "", sessions[0])).toEqual({ session: 0, n: 2 });
    expect(await metadataOf("side", shas[1] ?? "")).toBeUndefined();
    for (const session of sessions) expect((await flush(session)).status).toBe(200);
    expect(await Promise.all(shas.map((sha) => metadataOf("side", sha)))).toEqual([
      { session: 0, n: 1 },
      { session: 0, n: 2 },
      { session: 1, n: 1 },
      { session: 1, n: 2 },
    ]);
    expect(await metadataOf("side", outside)).toEqual({ by: "nobody's session" });
    expect(await metadataOf("side", between)).toEqual({ by: "between" });
    const { entries } = (await call("GET", "/repos/side/reflog?ref=main")).json;
    expect(entries[0].reason).toMatch(/^session: /);
    expect(entries[0].actor).toBe(entries.at(-1).actor);
  });

  it("comes to others even when the notes were deleted meanwhile, and along with what is landed inside", async () => {
    await call("POST", "/repos", { slug: "gone" });
    await commit("gone", "a", { metadata: { n: 1 } });
    await call("POST", "/repos/gone/branches", { name: "work", from: "main" });
    const session = await open();
    await commit("gone", "w", { branch: "work", metadata: { n: 2 } }, session);
    await commit("gone", "m", {}, session);
    const landed = await call("POST", "/repos/gone/land", { source: "work", target: "main" }, session);
    await call("DELETE", "/repos/gone/refs/notes/agent");
    expect((await flush(session)).status).toBe(200);
    expect(await metadataOf("gone", landed.json.sha)).toEqual({ n: 2 });
  });
});

describe("a session", () => {
  it("shows the repository's reflog, and leaves undo and ephemeral branches to requests outside", async () => {
    await call("POST", "/repos", { slug: "limits" });
    const session = await open();
    const { entries } = (await call("GET", "/repos/limits/reflog", undefined, session)).json;
    expect(entries).toHaveLength(1);
    const undo = await call("POST", "/repos/limits/undo", { ref: "main" }, session);
    expect([undo.status, undo.json.code]).toEqual([401, "UNAUTHORIZED"]);
    const body = { name: "brief", from: "main", ttl_seconds: 60 };
    expect((await call("POST", "/repos/limits/branches", body, session)).status).toBe(422);
    expect((await call("POST", "/repos/limits/branches", body)).status).toBe(201);
    const seen = await call("GET", "/repos/limits/branches/brief", undefined, session);
    expect(Date.parse(seen.json.expires_at)).toBeGreaterThan(0);
    const renamed = await call("PATCH", "/repos/limits/branches/brief", { new_name: "other" }, session);
    expect(renamed.status).toBe(422);
    const promoted = await call("POST", "/repos/limits/branches/brief/promote", {}, session);
    expect([promoted.status, promoted.json.reason]).toEqual([422, "not-in-a-session"]);
    const plain = { name: "plain", from: "main" };
    expect((await call("POST", "/repos/limits/branches", plain, session)).status).toBe(201);
    const moved = await call("PATCH", "/repos/limits/branches/plain", { new_name: "moved" }, session);
    expect(moved.status).toBe(200);
  });
});
