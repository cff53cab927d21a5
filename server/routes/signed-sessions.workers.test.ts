/** Signed tokens at every door of the real thing: what they have going ends with their key, or with themselves. */
import { env } from "cloudflare:workers";
import { beforeAll, expect, it } from "vitest";
import { createSigningKey, mintToken } from "../../sdk/signing.ts";
import { restartObjects } from "../testing/restart-objects.ts";
import { connectRepo, workersEnv } from "../testing/workers-env.ts";
import { createApp, type Env } from "../wiring.ts";

// The platform's type of `env` is open; what is in it is said in vitest.config.ts.
const app = createApp(env as unknown as Env);
const SCOPES = { "repos:app": ["read", "write"] as ("read" | "write")[] };

let master = "";

interface Who {
  readonly key?: string;
  readonly session?: string;
}

async function call(method: string, path: string, { key, session }: Who, body?: unknown) {
  const headers = {
    "content-type": "application/json",
    ...(key && { "x-api-key": key }),
    ...(session && { "x-session-id": session }),
  };
  const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const response = await app.request(`/v1${path}`, init);
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  const json: any = JSON.parse(await response.text());
  return { status: response.status, json };
}

const commit = (who: Who, path: string) =>
  call("POST", "/repos/app/commits", who, {
    branch: "main",
    message: path,
    changes: [{ path, content: "x" }],
  });

async function register(kid: string): Promise<(jti?: string) => Promise<string>> {
  const { privateKey, publicKey } = await createSigningKey();
  expect((await call("POST", "/public-keys", { key: master }, { key: publicKey, kid })).status).toBe(201);
  return (jti) =>
    mintToken({
      ...{ privateKey, kid, org: "signed", sub: "agent-7", scopes: SCOPES, expiresIn: 600 },
      ...(jti !== undefined && { jti }),
    });
}

async function openWatch(key: string) {
  const response = await app.request("/v1/repos/app/watch", { headers: { "x-api-key": key } });
  expect(response.status).toBe(200);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  expect(new TextDecoder().decode((await reader.read()).value)).toContain("event: connected");
  return async () => {
    let text = "";
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      text += new TextDecoder().decode(part.value);
    }
    return text;
  };
}

beforeAll(async () => {
  const made = await app.request("/v1/admin/orgs", {
    method: "POST",
    headers: { "x-admin-key": "test-admin-key", "content-type": "application/json" },
    body: JSON.stringify({ slug: "signed" }),
  });
  master = ((await made.json()) as { api_key: string }).api_key;
  expect((await call("POST", "/repos", { key: master }, { slug: "app" })).status).toBe(201);
});

it("opens a session with its rights, and its subject stands in the reflog of what is flushed", async () => {
  const key = await (await register("sessions"))();
  const opened = await call("POST", "/session", { key }, {});
  expect(opened.status).toBe(201);
  const session = opened.json.session_id;
  expect((await commit({ session }, "in-session")).status).toBe(201);
  expect((await call("GET", "/repos/other", { session })).status).toBe(404);
  expect((await call("GET", "/repos/app/blob/main/in-session", { key: master })).status).toBe(404);
  expect((await call("POST", `/session/${session}/flush`, { key }, undefined)).json.flushedRefs).toBe(1);
  expect((await call("GET", "/repos/app/blob/main/in-session", { key: master })).status).toBe(200);
  const { id } = (await call("GET", "/repos/app", { key: master })).json;
  const [line] = await connectRepo(workersEnv.REPO.getByName(id)).listReflog({
    ref: "refs/heads/main",
    limit: 1,
  });
  expect(line?.reason.actor).toBe("agent-7@sessions");
});

it("loses its sessions and watches with its key, at once, and after a restart", async () => {
  const key = await (await register("lost"))();
  const session = (await call("POST", "/session", { key }, {})).json.session_id;
  const second = (await call("POST", "/session", { key }, {})).json.session_id;
  expect((await commit({ session }, "unflushed")).status).toBe(201);
  const rest = await openWatch(key);
  expect((await call("DELETE", "/public-keys/lost", { key: master })).status).toBe(200);
  expect(await rest()).toContain("revoked");
  expect((await commit({ session }, "late")).status).toBe(401);
  expect((await call("GET", "/repos/app", { key })).status).toBe(401);
  await restartObjects();
  expect((await call("GET", "/repos/app", { key })).status).toBe(401);
  expect((await call("GET", "/repos/app", { session: second })).status).toBe(401);
});

it("loses them when it alone is revoked, and leaves another token of the key alone", async () => {
  const mint = await register("one");
  const [key, other] = [await mint("run 1"), await mint("run 2")];
  const session = (await call("POST", "/session", { key }, {})).json.session_id;
  const otherSession = (await call("POST", "/session", { key: other }, {})).json.session_id;
  const rest = await openWatch(key);
  expect((await call("POST", "/revoked-tokens", { key: master }, { jti: "run 1" })).status).toBe(201);
  expect(await rest()).toContain("revoked");
  expect((await commit({ session }, "late")).status).toBe(401);
  expect((await commit({ session: otherSession }, "other")).status).toBe(201);
  await restartObjects();
  expect((await call("GET", "/repos/app", { key })).status).toBe(401);
  expect((await call("GET", "/repos/app", { key: other })).status).toBe(200);
});

it("is asked for by its opener alone: another token of the same agent may not flush its session", async () => {
  const mint = await register("owners");
  const session = (await call("POST", "/session", { key: await mint() }, {})).json.session_id;
  expect((await call("GET", `/session/${session}/status`, { key: await mint() })).status).toBe(404);
});
