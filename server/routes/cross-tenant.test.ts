/**
 * Attempts on what belongs to somebody else. A success is not enough to fail one of these: so is any difference between
 * the answer about a thing of another's and the answer about a thing that is not there.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { ATTEMPTS, attemptBy, commitOf, type OwnHistory } from "../testing/matrix/by-sha.ts";
import { type ApiReply, createMemoryApi, joinMemoryApp, type MemoryApi } from "../testing/memory-api.ts";

let alice: MemoryApi;
let mallory: MemoryApi;
/** Ids of objects in alice's vault, by what they are, and one of each shape that nobody has. */
const secret: Record<"commit" | "tree" | "blob" | "tag", string> = {
  commit: "",
  tree: "",
  blob: "",
  tag: "",
};
const NOWHERE = "5ec1e7".padEnd(40, "0");
/** Ids of mallory's own history. */
let own: OwnHistory;

const put = (path: string, content: string) => ({ path, content });

beforeAll(async () => {
  alice = await createMemoryApi("alice", { sessions: "through" });
  mallory = await joinMemoryApp(alice.memory, "mallory");
  await alice.makeRepo("vault");
  await alice.makeRepo("lobby");
  const committed = (await alice.commit("vault", [put("secret.txt", "alice's secret\n")])).json;
  secret.commit = String(committed.sha);
  secret.tree = String(committed.tree_sha);
  const tree = (await alice.call("GET", "/v1/repos/vault/tree/main")).json.items as { sha: string }[];
  secret.blob = tree[0]?.sha ?? "";
  const tag = await alice.call("POST", "/v1/repos/vault/tags", { name: "v1", message: "secret release" });
  secret.tag = String(tag.json.sha);
  await mallory.makeRepo("mine");
  own = await seed(mallory, "mine");
  await seed(alice, "lobby");
});

async function seed(api: MemoryApi, repo: string) {
  const first = await api.commit(repo, [put("README.md", "one\n")]);
  const head = await api.commit(repo, [put("README.md", "two\n")]);
  await api.call("POST", `/v1/repos/${repo}/snapshots`, { name: "base", branch: "main" });
  return { first: String(first.json.sha), head: String(head.json.sha) };
}

/** What a reply says, with the ids that were asked for out of it. */
function told({ status, headers, text }: ApiReply, sha: string): string {
  const shown = [...headers].filter(([name]) => name !== "x-request-id" && name !== "server-timing");
  const words = text
    .replaceAll(sha, "<sha>")
    .replaceAll(sha.slice(0, 10), "<short>")
    .replace(/"execution_time_ms":\d+/, "")
    .replace(/"request_id":"[^"]+"/, "");
  return JSON.stringify([status, shown, words]);
}

describe("an object of another's is not there", () => {
  test.each(ATTEMPTS)("by %s, for another org", async (name) => {
    await expectNothing((sha) => {
      const [method, path, body] = attemptBy(name)(sha, own);
      return mallory.call(method, `/v1/repos/mine${path}`, body);
    });
  });

  test.each(ATTEMPTS)("by %s, for a token of another repository", async (name) => {
    const scopes = { "repos:lobby": ["read", "write"] };
    const { token } = (await alice.call("POST", "/v1/tokens", { name: "lobby", scopes })).json;
    await expectNothing((sha) => {
      const [method, path, body] = attemptBy(name)(sha, own);
      return alice.call(method, `/v1/repos/lobby${path}`, body, { "x-api-key": String(token) });
    });
  });

  test("but its id can stand in a tree as a submodule, which gives nothing away", async () => {
    const change = (sha: string) => ({ path: "module", mode: "160000", sha });
    for (const sha of [NOWHERE, secret.commit]) {
      expect((await mallory.commit("mine", [change(sha)])).status).toBe(201);
      const read = await mallory.call("GET", "/v1/repos/mine/blob/main/module");
      expect([read.status, read.json.type]).toEqual([404, "submodule"]);
      expect((await mallory.call("GET", `/v1/repos/mine/objects/${sha}`)).status).toBe(404);
    }
  });

  async function expectNothing(attempt: (sha: string) => Promise<ApiReply>) {
    const missing = await attempt(NOWHERE);
    expect(missing.status).toBeGreaterThanOrEqual(400);
    for (const [kind, sha] of Object.entries(secret)) {
      const reply = await attempt(sha);
      expect([kind, told(reply, sha)]).toEqual([kind, told(missing, NOWHERE)]);
      expect(reply.text).not.toContain("secret.txt");
    }
  }
});

describe("things of another org that have ids", () => {
  test("tokens cannot be revoked, keys only by the operator", async () => {
    const scopes = { "repos:*": ["read"] };
    const { id, token } = (await alice.call("POST", "/v1/tokens", { name: "t", scopes })).json;
    const remove = (tokenId: string) => mallory.call("DELETE", `/v1/tokens/${tokenId}`);
    const madeUp = String(id).slice(0, -4).concat("zzzz");
    expect(told(await remove(String(id)), String(id))).toBe(told(await remove(madeUp), madeUp));
    const read = await alice.call("GET", "/v1/repos/lobby", undefined, { "x-api-key": String(token) });
    expect(read.status).toBe(200);
    expect((await mallory.call("DELETE", `/v1/admin/keys/${id}`)).status).toBe(401);
  });

  test("sessions can be neither looked into nor flushed nor closed", async () => {
    const { session_id: id } = (await alice.call("POST", "/v1/session", {})).json;
    const madeUp = `ses_${"0".repeat(40)}`;
    for (const [method, end] of [
      ["GET", "/status"],
      ["POST", "/flush"],
      ["DELETE", ""],
    ] as const) {
      const ask = (session: string) => mallory.call(method, `/v1/session/${session}${end}`);
      expect(told(await ask(String(id)), String(id))).toBe(told(await ask(madeUp), madeUp));
    }
    expect((await alice.call("GET", `/v1/session/${id}/status`)).json).toMatchObject({ closed: false });
  });

  test("a session reaches its own org, whatever key comes with it", async () => {
    const { session_id: id } = (await mallory.call("POST", "/v1/session", {})).json;
    const inSession = (path: string) => alice.call("GET", path, undefined, { "x-session-id": String(id) });
    expect((await inSession("/v1/repos/vault")).status).toBe(404);
    expect((await inSession("/v1/repos/mine")).json).toMatchObject({ slug: "mine" });
  });

  test("cursors of lists go on in the caller's own list", async () => {
    const page = await alice.call("GET", "/v1/repos?limit=1");
    const cursor = String(page.json.next_cursor);
    expect(cursor).not.toBe("null");
    const repos = (await mallory.call("GET", `/v1/repos?cursor=${cursor}`)).json.repos as { slug: string }[];
    expect(repos.map(({ slug }) => slug).filter((slug) => slug !== "mine")).toEqual([]);
    expect((await mallory.call("GET", `/v1/tokens?cursor=${cursor}`)).json.code).toBe("VALIDATION_ERROR");
  });
});

test("ids of repositories are no addresses", async () => {
  const { id } = (await alice.call("GET", "/v1/repos/vault")).json;
  for (const api of [alice, mallory]) {
    for (const path of [`/v1/repos/${id}`, `/v1/orgs/alice/repos/${id}`, `/v1/repos/alice/${id}`]) {
      const free = path.replace(String(id), "free");
      expect(told(await api.call("GET", path), NOWHERE)).toBe(told(await api.call("GET", free), NOWHERE));
    }
  }
});

test("OPTIONS says of a path what is served there, and nothing of who has it", async () => {
  const preflight = { origin: "https://example.com", "access-control-request-method": "GET" };
  for (const headers of [preflight, {}]) {
    const ask = (name: string) => mallory.call("OPTIONS", `/v1/orgs/alice/repos/${name}`, undefined, headers);
    expect(told(await ask("vault"), NOWHERE)).toBe(told(await ask("vaulx"), NOWHERE));
  }
});

describe("an Idempotency-Key", () => {
  const withKey = (key: string) => ({ "idempotency-key": key });

  test("of another org's request brings its sender nothing", async () => {
    const body = { slug: "same", description: "same words" };
    const made = await alice.call("POST", "/v1/repos", body, withKey("k1"));
    const other = await mallory.call("POST", "/v1/repos", body, withKey("k1"));
    expect([made.status, other.status]).toEqual([201, 201]);
    expect(other.headers.get("x-idempotent-replay")).toBeNull();
    expect(other.json.id).not.toBe(made.json.id);
  });

  test("belongs to one credential: others are neither answered by its receipt nor kept from theirs", async () => {
    const scopes = { "repos:lobby": { ops: ["read", "write"], paths: ["docs/**"] } };
    const { token } = (await alice.call("POST", "/v1/tokens", { name: "docs", scopes })).json;
    const asToken = { "x-api-key": String(token) };
    const send = (body: object, more: object = {}) =>
      alice.call("POST", "/v1/repos/lobby/commits", body, { ...withKey("k2"), ...more });
    const body = commitOf([put("src/app.ts", "x")]);
    expect((await send(body)).status).toBe(201);
    expect((await send(body)).headers.get("x-idempotent-replay")).toBe("true");
    await alice.commit("lobby", [put("src/app.ts", "y")]);
    expect((await send(body, asToken)).json).toMatchObject({ code: "FORBIDDEN" });
    const allowed = commitOf([put("docs/a.md", "x")]);
    const landed = await send(allowed, asToken);
    expect([landed.status, landed.headers.get("x-idempotent-replay")]).toEqual([201, null]);
    for (const [path, made] of [
      ["branches", { name: "taken", from: "main" }],
      ["tags", { name: "taken", target: "main" }],
      ["snapshots", { name: "taken", branch: "main" }],
    ] as const) {
      const post = (more: object) =>
        alice.call("POST", `/v1/repos/lobby/${path}`, made, { ...withKey(`key-of-${path}`), ...more });
      expect([path, (await post({})).status]).toEqual([path, 201]);
      expect([path, (await post({})).status]).toEqual([path, 201]);
      // For the token it is a first request, and the name is taken.
      expect([path, (await post(asToken)).status]).toEqual([path, 409]);
    }
  });
});

describe("names", () => {
  test("of a namespace and of a slug do not stand for each other", async () => {
    const api = await joinMemoryApp(alice.memory, "names");
    for (const name of [{ slug: "a" }, { slug: "b" }, { slug: "b", namespace: "a" }]) {
      expect(
        (await api.call("POST", "/v1/repos", { description: JSON.stringify(name), ...name })).status,
      ).toBe(201);
    }
    for (const [scope, readable] of [
      ["repos:a", "a"],
      ["repos:b", "b"],
      ["repos:a/b", "a/b"],
    ] as const) {
      const scopes = { [scope]: ["read"] };
      const { token } = (await api.call("POST", "/v1/tokens", { name: "t", scopes })).json;
      const read = async (name: string) =>
        (await api.call("GET", `/v1/repos/${name}`, undefined, { "x-api-key": String(token) })).status;
      const seen: string[] = [];
      for (const name of ["a", "b", "a/b", "b/a", "a%2Fb", "a/b/"])
        if ((await read(name)) === 200) seen.push(name);
      // A slash at the end is the same address.
      expect(seen).toEqual(readable === "a/b" ? ["a/b", "a/b/"] : [readable]);
    }
  });
});

describe("a fork", () => {
  test("tells the name of its source to those alone who may read it", async () => {
    await alice.call("POST", "/v1/repos/vault/fork", { slug: "copy" });
    const scopes = { "repos:copy": ["read"] };
    const { token } = (await alice.call("POST", "/v1/tokens", { name: "copy", scopes })).json;
    const both = { "repos:copy": ["read"], "repos:vault": ["read"] };
    const { token: knows } = (await alice.call("POST", "/v1/tokens", { name: "both", scopes: both })).json;
    const read = async (key: unknown) =>
      (await alice.call("GET", "/v1/repos/copy", undefined, { "x-api-key": String(key) })).json;
    const named = { forked_from: { slug: "vault" }, fork_depth: 1 };
    expect(await read(alice.apiKey)).toMatchObject(named);
    expect(await read(knows)).toMatchObject(named);
    const hidden = { forked_from: null, fork_root: null, fork_mode: "instant" };
    expect(await read(token)).toMatchObject(hidden);
    await alice.call("PATCH", "/v1/repos/copy", { visibility: "public" });
    const anonymous = async () => (await mallory.call("GET", "/v1/orgs/alice/repos/copy")).json;
    expect(await anonymous()).toMatchObject(hidden);
    expect(JSON.stringify(await anonymous())).not.toContain("vault");
    await alice.call("PATCH", "/v1/repos/vault", { visibility: "public" });
    expect(await anonymous()).toMatchObject(named);
    await alice.call("PATCH", "/v1/repos/vault", { visibility: "private" });
    expect(await anonymous()).toMatchObject(hidden);
  });

  test("does not tell it by its first moves either", async () => {
    await alice.call("POST", "/v1/repos/vault/fork", { slug: "quiet" });
    const record = (await alice.call("GET", "/v1/repos/quiet")).json;
    const headers = { "last-event-id": `${String(record.id).slice(-8)}.0` };
    const response = await alice.send("GET", "/v1/repos/quiet/watch", headers);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    let text = "";
    while (!text.includes("event: commit")) text += new TextDecoder().decode((await reader.read()).value);
    await reader.cancel();
    expect(text).toContain("fork: created");
    expect(text).not.toContain("vault");
  });
});

describe("what was public", () => {
  test("is watched on only by those who may, once it is not", async () => {
    let nowMs = 1_800_000_000_000;
    const api = await createMemoryApi("open", { now: () => nowMs });
    await api.makeRepo("shop", { visibility: "public" });
    await api.commit("shop", [put("a", "1")]);
    const scopes = { "repos:elsewhere": ["read"] };
    const { token } = (await api.call("POST", "/v1/tokens", { name: "guest", scopes })).json;
    const keeper = await api.send("GET", "/v1/repos/shop/watch");
    const passer = await api.send("GET", "/v1/repos/shop/watch", { "x-api-key": String(token) });
    expect(passer.status).toBe(200);
    await api.call("PATCH", "/v1/repos/shop", { visibility: "private" });
    nowMs += 60_000;
    await api.commit("shop", [put("a", "2")], { message: "in private" });
    const told = await passer.text();
    expect(told).toMatch(/event: rotate/);
    expect(told).not.toContain("event: commit");
    const again = await api.send("GET", "/v1/repos/shop/watch", { "x-api-key": String(token) });
    expect(again.status).toBe(404);
    const reader = (keeper.body as ReadableStream<Uint8Array>).getReader();
    let text = "";
    while (!text.includes("event: commit")) text += new TextDecoder().decode((await reader.read()).value);
    await reader.cancel();
  });
});

test("a workspace of several repositories is refused whole when one of them is another's", async () => {
  const repos = [{ slug: "mine" }, { slug: "vault" }];
  const free = [{ slug: "mine" }, { slug: "vaulx" }];
  const run = (list: object) =>
    mallory.call("POST", "/v1/workspace/exec", { command: "echo ran", repos: list });
  const reply = await run(repos);
  expect(told(reply, NOWHERE)).toBe(told(await run(free), NOWHERE));
  expect(reply.status).toBe(404);
  expect(reply.text).not.toContain("ran");
});

test("contents that another org has uploaded cannot be named", async () => {
  const stored = (await alice.call("POST", "/v1/repos/vault/blobs", { blobs: [{ content: "fresh secret" }] }))
    .json;
  const [{ sha = "" } = {}] = stored.blobs as { sha?: string }[];
  expect(sha).toMatch(/^[0-9a-f]{40}$/);
  const take = (oid: string) => mallory.commit("mine", [{ path: "stolen", sha: oid }]);
  expect(told(await take(sha), sha)).toBe(told(await take(NOWHERE), NOWHERE));
});

test("none of it was an internal error", () => {
  expect(alice.memory.log).toEqual([]);
});
