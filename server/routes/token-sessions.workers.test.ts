/** Sessions and watches of tokens: they end with the token, and give it no right that it does not have without them. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import type { SessionDO } from "../durable/session-do.ts";
import { hashSecret } from "../services/org-keys.ts";
import { restartObjects } from "../testing/restart-objects.ts";
import { createApp, type Env } from "../wiring.ts";

// The platform's type of `env` is open; what is in it is said in vitest.config.ts.
const bindings = env as unknown as Env & { readonly SESSION: DurableObjectNamespace<SessionDO> };
const app = createApp(bindings);

interface Who {
  readonly key?: string;
  readonly session?: string;
}

interface Reply {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  readonly json: any;
}

let master: Who;

function send(method: string, path: string, { key, session }: Who, body?: unknown): Promise<Response> {
  const headers = {
    "content-type": "application/json",
    ...(key && { "x-api-key": key }),
    ...(session && { "x-session-id": session }),
  };
  const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  return Promise.resolve(app.request(`/v1${path}`, init));
}

async function call(method: string, path: string, who: Who, body?: unknown): Promise<Reply> {
  const response = await send(method, path, who, body);
  return { status: response.status, json: JSON.parse(await response.text()) };
}

beforeAll(async () => {
  const made = await app.request("/v1/admin/orgs", {
    method: "POST",
    headers: { "x-admin-key": "test-admin-key", "content-type": "application/json" },
    body: JSON.stringify({ slug: "token-sessions" }),
  });
  master = { key: ((await made.json()) as { api_key: string }).api_key };
});

async function makeRepo(slug: string) {
  expect((await call("POST", "/repos", master, { slug })).status).toBe(201);
  expect((await commit(slug, { "README.md": "1\n2\n3\n4\n5\n6\n7\n8\n9\n" }, master)).status).toBe(201);
}

async function makeToken(
  scopes: unknown,
): Promise<Who & { readonly id: string; readonly expiresAt: string }> {
  const { status, json } = await call("POST", "/tokens", master, { name: "t", scopes, expires_in: 3_600 });
  expect(status).toBe(201);
  return { key: json.token, id: json.id, expiresAt: json.expires_at };
}

async function open(who: Who): Promise<string> {
  const { status, json } = await call("POST", "/session", who, {});
  expect(status).toBe(201);
  return json.session_id;
}

function commit(slug: string, files: Record<string, string>, who: Who): Promise<Reply> {
  const changes = Object.entries(files).map(([path, content]) => ({ path, content }));
  return call("POST", `/repos/${slug}/commits`, who, { branch: "main", message: "write", changes });
}

async function read(slug: string, path: string, who: Who) {
  const { status, json } = await call("GET", `/repos/${slug}/blob/main/${path}`, who);
  return status === 200 ? json.content : status;
}

function run(slug: string, who: Who, command = "echo x > made") {
  return call("POST", `/repos/${slug}/exec`, who, { command, branch: "main", commit: true });
}

describe("a token's watch and session", () => {
  it("end when it is revoked, and the session's work is kept", async () => {
    await makeRepo("revoked");
    const token = await makeToken({ "repos:revoked": ["read", "write"] });
    const watch = await send("GET", "/repos/revoked/watch", token);
    expect(watch.status).toBe(200);
    const told = watch.text();
    const session = await open(token);
    const mine = await commit("revoked", { f: "mine" }, { session });
    expect(mine.status).toBe(201);
    expect((await call("DELETE", `/tokens/${token.id}`, master)).status).toBe(200);
    expect(await told).toMatch(/event: end\ndata: {"reason":"revoked"/);
    const refused = await commit("revoked", { g: "" }, { session });
    expect(refused).toMatchObject({ status: 401, json: { reason: "session-revoked" } });
    expect((await call("POST", `/session/${session}/flush`, token)).status).toBe(401);
    expect((await send("GET", "/repos/revoked/watch", token)).status).toBe(401);
    await expect
      .poll(async () => (await call("GET", `/repos/revoked/commits/${mine.json.sha}`, master)).status)
      .toBe(200);
    expect(await read("revoked", "f", master)).toBe(404);
  });

  it("end no later than the token", async () => {
    await makeRepo("over");
    const token = await makeToken({ "repos:over": ["read", "write"] });
    const opened = await call("POST", "/session", token, { ttl_seconds: 28_800 });
    expect(opened.json.expires_at).toBe(token.expiresAt);
    const session: string = opened.json.session_id;
    const stub = bindings.SESSION.get(bindings.SESSION.idFromName(hashSecret(session)));
    await runInDurableObject(stub, (_, state) => {
      state.storage.sql.exec("UPDATE session SET ends_at_ms = 1");
    });
    await restartObjects();
    expect(await commit("over", { f: "" }, { session })).toMatchObject({
      status: 401,
      json: { reason: "session-expired" },
    });
  });

  it("work like those of a key otherwise", async () => {
    await makeRepo("plain");
    const token = await makeToken({ "repos:plain": ["read", "write"] });
    const session = await open(token);
    await commit("plain", { f: "1" }, { session });
    expect(await read("plain", "f", token)).toBe(404);
    expect((await call("POST", `/session/${session}/flush`, token)).json.flushedRefs).toBe(1);
    expect(await read("plain", "f", token)).toBe("1");
  });
});

describe("a session gives a token no more than it has", () => {
  it("refuses to open for one with globs, and names the scope", async () => {
    await makeRepo("globs");
    for (const rule of [
      { ops: ["read", "write"], paths: ["src/**"] },
      { ops: ["read", "write"], refs: ["agent/**"] },
    ]) {
      const token = await makeToken({ "repos:*": ["read"], "repos:globs": rule });
      for (const path of ["/session", "/session/open"]) {
        expect(await call("POST", path, token, {})).toMatchObject({
          status: 403,
          json: { code: "FORBIDDEN", reason: "token-globs", scope: "repos:globs" },
        });
      }
    }
  });

  it("holds it to its scopes, whatever key comes beside the session", async () => {
    await makeRepo("read-only");
    await makeRepo("hidden");
    const session = await open(await makeToken({ "repos:read-only": ["read"] }));
    for (const who of [{ session }, { session, key: master.key ?? "" }]) {
      expect((await commit("read-only", { f: "" }, who)).status).toBe(403);
      expect((await run("read-only", who)).status).toBe(403);
      expect(await read("hidden", "README.md", who)).toBe(404);
      const body = { q: "1", repos: ["hidden"] };
      expect((await call("POST", "/search", who, body)).status).toBe(404);
      const exec = { command: "ls", repos: [{ slug: "hidden" }] };
      expect((await call("POST", "/workspace/exec", who, exec)).status).toBe(404);
    }
  });
});

describe("a command and a search in a session", () => {
  it("see and leave what is in the session alone", async () => {
    await makeRepo("inside");
    const session = await open(master);
    expect((await run("inside", { session }, "echo needle > one")).status).toBe(200);
    const body = {
      command: "cat /inside/one > /inside/two",
      repos: [{ slug: "inside", branch: "main" }],
      commit: true,
    };
    expect((await call("POST", "/workspace/exec", { session }, body)).status).toBe(200);
    const query = { q: "needle", repos: ["inside"] };
    expect((await call("POST", "/search", { session }, query)).json.total).toBe(2);
    expect((await call("POST", "/search", master, query)).json.total).toBe(0);
    expect([await read("inside", "two", { session }), await read("inside", "two", master)]).toEqual([
      "needle\n",
      404,
    ]);
  });
});

describe("a flush", () => {
  it("joins two changes of one file whose lines are apart", async () => {
    await makeRepo("lines");
    const session = await open(master);
    await commit("lines", { "README.md": "one\n2\n3\n4\n5\n6\n7\n8\n9\n" }, { session });
    await commit("lines", { "README.md": "1\n2\n3\n4\n5\n6\n7\n8\nnine\n" }, master);
    expect((await call("DELETE", `/session/${session}`, master)).json).toMatchObject({ status: "closed" });
    expect(await read("lines", "README.md", master)).toBe("one\n2\n3\n4\n5\n6\n7\n8\nnine\n");
  });
});
