import { expect, it } from "vitest";
import { createMemoryApi } from "../../../server/testing/memory-api.ts";
import { createCoregitClient } from "../../client.ts";
import { createSigningKey, mintToken } from "../../signing.ts";

async function start() {
  const api = await createMemoryApi();
  const fetch = async (url: string | URL | Request, init?: RequestInit) => api.memory.app.request(url, init);
  const connect = (apiKey: string) =>
    createCoregitClient({ apiKey, baseUrl: "http://memory.test", fetch, retry: false });
  await api.makeRepo("app", { init: true });
  return { cg: connect(api.apiKey), connect };
}

const SCOPES = { "repos:app": { ops: ["read", "write"] as ("read" | "write")[], paths: ["notes/**"] } };

it("lets an agent mount and commit with a token that nobody was asked for, until it is taken back", async () => {
  const { cg, connect } = await start();
  const { publicKey, privateKey } = await createSigningKey();
  const made = await cg.publicKeys.create({ key: publicKey, kid: "ci", scopes: { "repos:*": ["write"] } });
  expect(made.data).toMatchObject({ kid: "ci", alg: "EdDSA", scopes: { "repos:*": ["write"] } });
  const mint = { privateKey, kid: "ci", org: "acme", sub: "agent-7", scopes: SCOPES, expiresIn: 60 };
  const agent = connect(await mintToken({ ...mint, jti: "run-1" }));
  const fs = await agent.fs.mount({ repos: [{ slug: "app" }], mode: "rw" });
  await fs.writeFile("/notes/a.md", "seen\n");
  await fs.commit({ message: "Note" });
  expect((await cg.files.blob("app", { ref: "main", path: "notes/a.md" })).data?.content).toBe("seen\n");
  await fs.writeFile("/secret.md", "x");
  await expect(fs.commit({ message: "No" })).rejects.toThrow(/not permitted to change secret.md/);

  expect((await cg.publicKeys.revokeToken({ jti: "run-1" })).status).toBe(201);
  expect((await agent.repos.get("app")).error?.code).toBe("UNAUTHORIZED");
  expect((await cg.publicKeys.listRevokedTokens()).data?.total).toBe(1);
  const next = connect(await mintToken(mint));
  expect((await next.repos.get("app")).status).toBe(200);
  expect((await cg.publicKeys.list()).data?.public_keys.map(({ kid }) => kid)).toEqual(["ci"]);
  expect((await cg.publicKeys.delete("ci")).data).toEqual({ deleted: true });
  expect((await next.repos.get("app")).status).toBe(401);
});

it("tells what an org has used, and names the quota that is used up", async () => {
  const { cg, connect } = await start();
  const { data } = await cg.tokens.create({
    name: "few",
    scopes: { "repos:app": ["read", "write"] },
    limits: { commits: 1 },
  });
  const agent = connect(data?.token ?? "");
  const commit = (path: string) =>
    agent.commits.create("app", { branch: "main", message: "m", changes: [{ path, content: "x" }] });
  expect((await commit("a")).status).toBe(201);
  expect((await commit("b")).error).toMatchObject({
    code: "QUOTA_EXCEEDED",
    status: 402,
    retryable: false,
    data: { quota: "commits", limit: 1, used: 1 },
  });
  await new Promise<void>((resume) => setImmediate(resume));
  const usage = await cg.usage.get();
  expect(usage.data).toMatchObject({ totals: { commits: 1 }, storage: { repos: 1 } });
  const details = await cg.usage.details({ limit: 1 });
  expect(details.data?.repos).toMatchObject([{ slug: "app", commits: 1 }]);
  expect(details.data?.callers).toHaveLength(1);
});
