/** Webhooks and audit log through the app, with the org's real object; deliveries themselves are tested end to end. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { LIMITS } from "../../sdk/contract/limits.ts";
import type { OrgDO } from "../durable/org-do.ts";
import { orgIdOf } from "../services/org-keys.ts";
import { createApp, type Env } from "../wiring.ts";

// The platform's type of `env` is open; what is in it is said in vitest.config.ts.
const bindings = env as unknown as Env;
const { ORG } = env as unknown as { readonly ORG: DurableObjectNamespace<OrgDO> };
const app = createApp({ ...bindings, SECRETS_KEY: Buffer.alloc(32, 7).toString("base64url") });
const appWithoutKey = createApp(bindings);

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  readonly json: any;
}

interface Caller {
  readonly id: string;
  readonly slug: string;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>;
}

let made = 0;

async function send(target: typeof app, method: string, path: string, init: RequestInit): Promise<Reply> {
  const response = await target.request(`/v1${path}`, { method, ...init });
  return { status: response.status, headers: response.headers, json: await response.json() };
}

async function join(target = app): Promise<Caller> {
  const slug = `hooks-${++made}`;
  const json = { "content-type": "application/json" };
  const org = await send(target, "POST", "/admin/orgs", {
    headers: { "x-admin-key": "test-admin-key", ...json },
    body: JSON.stringify({ slug }),
  });
  return {
    id: org.json.id,
    slug,
    call: (method, path, body, headers = {}) =>
      send(target, method, path, {
        headers: { "x-api-key": org.json.api_key, ...(body === undefined ? {} : json), ...headers },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      }),
  };
}

const HOOK = { url: "https://example.com/hook" };

let acme: Caller;
beforeAll(async () => {
  acme = await join();
});

describe("webhooks", () => {
  it("are made with a secret that is shown once and stored sealed", async () => {
    const org = await join();
    const created = await org.call("POST", "/webhooks", {
      ...HOOK,
      events: ["push", "push"],
      description: "d",
    });
    expect(created.status).toBe(201);
    const { secret, ...shown } = created.json;
    expect(secret).toMatch(/^whsec_[0-9A-Za-z]{40}$/);
    expect(shown).toMatchObject({
      url: HOOK.url,
      events: ["push"],
      active: true,
      signed: true,
      description: "d",
    });
    expect((await org.call("GET", "/webhooks")).json).toEqual({ webhooks: [shown] });
    expect((await org.call("GET", `/webhooks/${shown.id}`)).json).toEqual(shown);
    const stub = ORG.getByName(orgIdOf(org.slug));
    const rows = await runInDurableObject(stub, (_instance, state) =>
      state.storage.sql.exec("SELECT sealed FROM webhooks").toArray(),
    );
    expect(String(rows[0]?.sealed)).toMatch(/^v1\./);
    expect(JSON.stringify(rows)).not.toContain(secret);
    expect(JSON.stringify((await org.call("GET", "/audit-log")).json)).not.toContain(secret);
  });

  it("are changed by what is named alone, and deleted", async () => {
    const { id } = (await acme.call("POST", "/webhooks", { ...HOOK, secret: "sixteen characters" })).json;
    const patched = await acme.call("PATCH", `/webhooks/${id}`, { events: ["repo.created"], active: false });
    expect(patched.json).toMatchObject({
      url: HOOK.url,
      events: ["repo.created"],
      active: false,
      signed: true,
    });
    expect("secret" in patched.json).toBe(false);
    expect((await acme.call("PATCH", `/webhooks/${id}`, { secret: null })).json).toMatchObject({
      signed: false,
      secret: null,
    });
    expect((await acme.call("POST", `/webhooks/${id}/ping`)).json).toMatchObject({
      code: "CONFLICT",
      reason: "webhook-inactive",
    });
    expect((await acme.call("DELETE", `/webhooks/${id}`)).json).toEqual({ deleted: true });
    expect((await acme.call("DELETE", `/webhooks/${id}`)).status).toBe(404);
    expect((await acme.call("GET", `/webhooks/${id}/deliveries`)).status).toBe(404);
  });

  it("are nobody else's: not another org's, and no token's", async () => {
    const { id } = (await acme.call("POST", "/webhooks", HOOK)).json;
    const rival = await join();
    for (const [method, path] of [
      ["GET", `/webhooks/${id}`],
      ["PATCH", `/webhooks/${id}`],
      ["DELETE", `/webhooks/${id}`],
      ["POST", `/webhooks/${id}/ping`],
      ["GET", `/webhooks/${id}/deliveries`],
    ] as const) {
      expect((await rival.call(method, path, method === "PATCH" ? {} : undefined)).status, path).toBe(404);
    }
    const { token } = (await acme.call("POST", "/tokens", { name: "t", scopes: { "repos:*": ["write"] } }))
      .json;
    for (const path of ["/webhooks", "/audit-log"]) {
      expect((await acme.call("GET", path, undefined, { "x-api-key": token })).status).toBe(403);
    }
    const ping = (await acme.call("POST", `/webhooks/${id}/ping`)).json;
    const other = (await acme.call("POST", "/webhooks", HOOK)).json;
    expect((await acme.call("GET", `/webhooks/${id}/deliveries/${ping.id}`)).status).toBe(200);
    expect((await acme.call("GET", `/webhooks/${other.id}/deliveries/${ping.id}`)).status).toBe(404);
    const forged = ping.id.replace(id.slice(4), other.id.slice(4));
    expect((await acme.call("GET", `/webhooks/${other.id}/deliveries/${forged}`)).status).toBe(404);
  });

  it.each([
    ["a private address", { url: "https://10.0.0.1/" }, "url"],
    ["metadata", { url: "https://169.254.169.254/latest" }, "url"],
    ["loopback, decimal", { url: "https://2130706433/" }, "url"],
    ["localhost with a dot", { url: "https://localhost./" }, "url"],
    ["plain http", { url: "http://example.com/" }, "url"],
    ["credentials", { url: "https://a:b@example.com/" }, "url"],
    ["a fragment", { url: "https://example.com/#a" }, "url"],
    ["no URL", { url: "example.com" }, "url"],
    ["no url at all", { events: ["push"] }, "url"],
    ["a URL of 2,049 characters", { url: `https://example.com/${"a".repeat(2_029)}` }, "url"],
    ["no events", { ...HOOK, events: [] }, "events"],
    ["an unknown event", { ...HOOK, events: ["pull"] }, "events.0"],
    ["a short secret", { ...HOOK, secret: "short" }, "secret"],
    ["a secret that is a number", { ...HOOK, secret: 1 }, "secret"],
    ["an unknown field", { ...HOOK, insecure: true }, "insecure"],
    ["null", "null", "body"],
  ])("are refused: %s", async (_, body, field) => {
    const refused = await acme.call("POST", "/webhooks", body, { "content-type": "application/json" });
    expect([refused.status, refused.json.code]).toEqual([400, "VALIDATION_ERROR"]);
    expect(refused.json.fields[0].field).toBe(field);
    if (field === "url" && typeof body === "object" && "url" in body) {
      const { id } = (await acme.call("POST", "/webhooks", HOOK)).json;
      expect((await acme.call("PATCH", `/webhooks/${id}`, body)).status).toBe(400);
      await acme.call("DELETE", `/webhooks/${id}`);
    }
  });

  it("are the first one again for the same Idempotency-Key, secret included", async () => {
    const org = await join();
    const headers = { "idempotency-key": "once" };
    const [one, two] = [
      await org.call("POST", "/webhooks", HOOK, headers),
      await org.call("POST", "/webhooks", HOOK, headers),
    ];
    expect(two.json).toEqual(one.json);
    expect([one, two].map((reply) => reply.headers.get("x-idempotent-replay"))).toEqual([null, "true"]);
    const other = await org.call("POST", "/webhooks", { url: "https://example.org/" }, headers);
    expect(other.json.code).toBe("UNPROCESSABLE");
    expect((await org.call("GET", "/webhooks")).json.webhooks).toHaveLength(1);
  });

  it("are at most 50 in an org", async () => {
    const org = await join();
    for (let i = 0; i < LIMITS.webhooksPerOrg; i++) {
      expect((await org.call("POST", "/webhooks", HOOK)).status).toBe(201);
    }
    const refused = await org.call("POST", "/webhooks", HOOK);
    expect(refused.json).toMatchObject({ code: "QUOTA_EXCEEDED", limit: LIMITS.webhooksPerOrg });
  });

  it("have no secret where the deployment has no key to keep it with", async () => {
    const org = await join(appWithoutKey);
    for (const body of [HOOK, { ...HOOK, secret: "sixteen characters" }]) {
      const refused = await org.call("POST", "/webhooks", body);
      expect(refused.json).toMatchObject({ code: "UNPROCESSABLE", reason: "no-secrets-key" });
    }
    const unsigned = await org.call("POST", "/webhooks", { ...HOOK, secret: null });
    expect(unsigned.json).toMatchObject({ signed: false, secret: null });
    expect((await org.call("PATCH", `/webhooks/${unsigned.json.id}`, { rotate_secret: true })).status).toBe(
      422,
    );
  });
});

describe("the audit log", () => {
  const entriesOf = async (org: Caller, query = "") =>
    (await org.call("GET", `/audit-log${query}`)).json.entries as {
      id: string;
      time: string;
      action: string;
      actor: string;
      actor_type: string;
      resource_type: string;
      resource_id: string;
      resource_name: string;
      details: Record<string, unknown>;
    }[];

  it("has every write of the org's keeper, with who made it", async () => {
    const org = await join();
    const operator = { "x-admin-key": "test-admin-key" };
    await org.call("POST", "/repos", { slug: "app", namespace: "n" });
    await org.call("PATCH", "/repos/n/app", { description: "d", visibility: "public" });
    await org.call("POST", "/repos/n/app/fork", { slug: "copy" });
    await org.call("DELETE", "/repos/copy");
    const token = (await org.call("POST", "/tokens", { name: "agent", scopes: { "repos:*": ["read"] } }))
      .json;
    await org.call("DELETE", `/tokens/${token.id}`);
    const hook = (await org.call("POST", "/webhooks", HOOK)).json;
    await org.call("PATCH", `/webhooks/${hook.id}`, { active: false });
    await org.call("DELETE", `/webhooks/${hook.id}`);
    const key = (await org.call("POST", `/admin/orgs/${org.slug}/keys`, undefined, operator)).json;
    await org.call("DELETE", `/admin/keys/${key.id}`, undefined, operator);
    const entries = await entriesOf(org);
    expect(entries.map(({ action, actor_type }) => `${action} ${actor_type}`).reverse()).toEqual([
      "org.create operator",
      "repo.create key",
      "repo.update key",
      "repo.fork key",
      "repo.delete key",
      "token.create key",
      "token.revoke key",
      "webhook.create key",
      "webhook.update key",
      "webhook.delete key",
      "key.create operator",
      "key.revoke operator",
    ]);
    const of = (action: string) => entries.find((entry) => entry.action === action);
    expect(of("repo.create")).toMatchObject({
      resource_type: "repo",
      resource_name: "n/app",
      details: { visibility: "private", default_branch: "main" },
    });
    expect(of("repo.update")?.details).toEqual({ description: "d", visibility: "public" });
    expect(of("repo.fork")).toMatchObject({
      resource_name: "copy",
      details: { forked_from: of("repo.create")?.resource_id },
    });
    expect(of("token.create")).toMatchObject({
      resource_id: token.id,
      resource_name: "agent",
      details: { scopes: ["repos:*"], expires_at: token.expires_at },
    });
    expect(JSON.stringify(entries)).not.toContain(token.token);
    expect(entries.every(({ actor, actor_type }) => actor_type !== "key" || /^key_/.test(actor))).toBe(true);
  });

  it("has what is done with signing keys, connections and limits, and repetitions once", async () => {
    const org = await join();
    const key = {
      kid: "k1",
      key: { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" },
    };
    for (let i = 0; i < 2; i++) expect((await org.call("POST", "/public-keys", key)).status).toBe(201);
    await org.call("POST", "/revoked-tokens", { jti: "run 1" });
    for (let i = 0; i < 2; i++) await org.call("DELETE", "/public-keys/k1");
    const hidden = "a-secret-of-another-server";
    const sent = { provider: "github", label: "mirror", access_token: hidden };
    const made = await org.call("POST", "/connections", sent, { "idempotency-key": "once" });
    await org.call("POST", "/connections", sent, { "idempotency-key": "once" });
    const path = `/connections/${made.json.id}`;
    await org.call("PATCH", path, { label: "other" });
    for (let i = 0; i < 2; i++) await org.call("DELETE", path);
    const operator = { "x-admin-key": "test-admin-key" };
    await org.call("PATCH", `/admin/orgs/${org.slug}`, { quotas: { repos: 3 } }, operator);
    const entries = await entriesOf(org);
    expect(entries.map(({ action, actor_type }) => `${action} ${actor_type}`).reverse()).toEqual([
      "org.create operator",
      "public_key.create key",
      "signed_token.revoke key",
      "public_key.delete key",
      "connection.create key",
      "connection.update key",
      "connection.delete key",
      "org.update operator",
    ]);
    expect(entries[0]?.details).toMatchObject({ quotas: { repos: 3 } });
    expect(entries.find(({ action }) => action === "connection.create")).toMatchObject({
      resource_id: made.json.id,
      resource_name: "mirror",
      details: { provider: "github" },
    });
    expect(JSON.stringify(entries)).not.toContain(hidden);
  });

  it("says nothing of what was refused", async () => {
    const org = await join();
    await org.call("POST", "/repos", { slug: "app" });
    const before = await entriesOf(org);
    await org.call("POST", "/repos", { slug: "app" });
    await org.call("DELETE", "/tokens/tok_none");
    await org.call("DELETE", "/repos/none");
    await org.call("DELETE", "/webhooks/none");
    expect(await entriesOf(org)).toEqual(before);
  });

  it("is read in pages that new entries do not move, by action, kind and time", async () => {
    const org = await join();
    for (const slug of ["a", "b", "c", "d"]) await org.call("POST", "/repos", { slug });
    await org.call("POST", "/tokens", { name: "t", scopes: { "repos:*": ["read"] } });
    const first = (await org.call("GET", "/audit-log?limit=2&action=repo.create")).json;
    expect(first.entries.map(({ resource_name }: { resource_name: string }) => resource_name)).toEqual([
      "d",
      "c",
    ]);
    await org.call("POST", "/repos", { slug: "late" });
    const next = `/audit-log?limit=2&action=repo.create&cursor=${first.next_cursor}`;
    const second = (await org.call("GET", next)).json;
    expect(second.entries.map(({ resource_name }: { resource_name: string }) => resource_name)).toEqual([
      "b",
      "a",
    ]);
    expect(second.next_cursor).toBeNull();
    const all = await entriesOf(org);
    expect((await entriesOf(org, "?resource_type=token")).map(({ action }) => action)).toEqual([
      "token.create",
    ]);
    expect(await entriesOf(org, "?resource_type=token&action=repo.create")).toEqual([]);
    // Entries of one millisecond belong together.
    const at = all[3]?.time ?? "";
    const since = await entriesOf(org, `?since=${at}`);
    const until = await entriesOf(org, `?until=${at}`);
    expect(since).toEqual(all.filter(({ time }) => time >= at));
    expect(until).toEqual(all.filter(({ time }) => time < at));
    expect(await entriesOf(org, "?since=2099-01-01T00:00:00Z")).toEqual([]);
    for (const bad of ["since=yesterday", "limit=0", "limit=101", "cursor=zz", "action=", "unknown=1"]) {
      expect((await org.call("GET", `/audit-log?${bad}`)).status, bad).toBe(400);
    }
  });

  it("has moves of refs a moment later, with what moved them", async () => {
    const org = await join();
    await org.call("POST", "/repos", { slug: "app" });
    const change = { path: "a", content: "a" };
    const commit = await org.call("POST", "/repos/app/commits", {
      branch: "main",
      message: "one",
      changes: [change],
    });
    await org.call("POST", "/repos/app/branches", { name: "side" });
    await org.call("POST", "/repos/app/tags", { name: "v1" });
    await org.call("PUT", "/repos/app/refs/heads/main", { sha: commit.json.parent_sha });
    await org.call("POST", "/repos/app/branches/main/merge", { source: "side" });
    await org.call("DELETE", "/repos/app/branches/side");
    const list = () => entriesOf(org, "?resource_type=ref");
    let moves = await list();
    while (moves.length < 6) moves = await list();
    expect(moves.map(({ action, details }) => `${action} ${details.ref}`).reverse()).toEqual([
      "commit refs/heads/main",
      "branch.create refs/heads/side",
      "tag.create refs/tags/v1",
      "branch.update refs/heads/main",
      "merge refs/heads/main",
      "branch.delete refs/heads/side",
    ]);
    expect(moves.at(-1)).toMatchObject({
      actor_type: "key",
      resource_name: "app",
      details: { from: commit.json.parent_sha, to: commit.json.sha, reason: "commit: one" },
    });
  });
});
