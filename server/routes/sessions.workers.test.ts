/** Sessions on the runtime that they are made for: SessionDO, OrgDO and RepoDO, and the Worker between them. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import type { RepoDO } from "../durable/repo-do.ts";
import type { SessionDO } from "../durable/session-do.ts";
import { hashSecret } from "../services/org-keys.ts";
import { restartObjects } from "../testing/restart-objects.ts";
import { createApp, type Env } from "../wiring.ts";

// The platform's type of `env` is open; what is in it is said in vitest.config.ts.
const bindings = env as unknown as Env & { readonly SESSION: DurableObjectNamespace<SessionDO> };
const app = createApp(bindings);

interface Reply {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  readonly json: any;
}

interface Caller {
  readonly key: string;
  readonly keyId: string;
}

const ADMIN = { "x-admin-key": "test-admin-key", "content-type": "application/json" };
let acme: Caller;

async function call(
  method: string,
  path: string,
  options: { body?: unknown; key?: string; session?: string } = {},
): Promise<Reply> {
  const { body, key, session } = options;
  const response = await app.request(`/v1${path}`, {
    method,
    headers: {
      "content-type": "application/json",
      ...(key && { "x-api-key": key }),
      ...(session && { "x-session-id": session }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, json: text === "" ? null : JSON.parse(text) };
}

beforeAll(async () => {
  const made = await app.request("/v1/admin/orgs", {
    method: "POST",
    headers: ADMIN,
    body: JSON.stringify({ slug: "sessions" }),
  });
  acme = { key: ((await made.json()) as { api_key: string }).api_key, keyId: "" };
});

async function addKey(): Promise<Caller> {
  const made = await app.request("/v1/admin/orgs/sessions/keys", { method: "POST", headers: ADMIN });
  const { api_key: key, id: keyId } = (await made.json()) as { api_key: string; id: string };
  return { key, keyId };
}

async function revokeKey({ keyId }: Caller) {
  expect((await app.request(`/v1/admin/keys/${keyId}`, { method: "DELETE", headers: ADMIN })).status).toBe(
    200,
  );
}

async function makeRepo(slug: string) {
  expect((await call("POST", "/repos", { key: acme.key, body: { slug } })).status).toBe(201);
}

async function open(body: object = {}, key = acme.key): Promise<string> {
  const made = await call("POST", "/session", { key, body });
  expect(made.status).toBe(201);
  return made.json.session_id;
}

/** Commits with the session alone: no key is sent. */
async function commit(
  slug: string,
  files: Record<string, string>,
  who: { session?: string; key?: string },
  branch = "main",
) {
  const changes = Object.entries(files).map(([path, content]) => ({ path, content }));
  return call("POST", `/repos/${slug}/commits`, { ...who, body: { branch, message: "write", changes } });
}

async function read(slug: string, path: string, who: { session?: string; key?: string }, ref = "main") {
  const reply = await call("GET", `/repos/${slug}/blob/${ref}/${path}`, who);
  return reply.status === 200 ? reply.json.content : reply.status;
}

function stubOf(session: string) {
  return bindings.SESSION.get(bindings.SESSION.idFromName(hashSecret(session)));
}

/** As if the session's time had passed; the object begins anew, because it remembers its row. */
async function expire(session: string) {
  await runInDurableObject(stubOf(session), (_, state) => {
    state.storage.sql.exec("UPDATE session SET created_at_ms = 1, active_at_ms = 1");
  });
  await restartObjects();
}

describe("a session", () => {
  it("shows its writes inside at once, and to others when it is flushed", async () => {
    await makeRepo("visible");
    const session = await open({ repo: "visible" });
    const made = await commit("visible", { "a.txt": "1" }, { session });
    expect(made.status).toBe(201);
    expect(await read("visible", "a.txt", { session })).toBe("1");
    expect(await read("visible", "a.txt", acme)).toBe(404);
    expect((await call("GET", `/repos/visible/commits/${made.json.sha}`, acme)).status).toBe(404);
    expect((await call("GET", `/repos/visible/commits/${made.json.sha}`, { session })).status).toBe(200);
    expect((await call("GET", `/session/${session}/status`, acme)).json).toMatchObject({
      objectCount: 3,
      refCount: 1,
      closed: false,
    });
    expect((await call("POST", `/session/${session}/flush`, acme)).json).toEqual({
      flushedObjects: 3,
      flushedRefs: 1,
    });
    expect(await read("visible", "a.txt", acme)).toBe("1");
    expect((await call("GET", "/repos/visible/commits", acme)).json.commits[0].sha).toBe(made.json.sha);
    expect((await call("POST", `/session/${session}/flush`, acme)).json).toEqual({
      flushedObjects: 0,
      flushedRefs: 0,
    });
    // It goes on.
    await commit("visible", { "a.txt": "2" }, { session });
    expect(await read("visible", "a.txt", { session })).toBe("2");
    expect(await read("visible", "a.txt", acme)).toBe("1");
    expect((await call("DELETE", `/session/${session}`, acme)).json).toEqual({
      status: "closed",
      flushedObjects: 3,
      flushedRefs: 1,
    });
    expect(await read("visible", "a.txt", acme)).toBe("2");
    expect((await commit("visible", { b: "" }, { session })).json).toMatchObject({
      code: "UNAUTHORIZED",
      reason: "session-closed",
    });
    expect((await call("DELETE", `/session/${session}`, acme)).json).toMatchObject({
      status: "closed",
      flushedRefs: 0,
    });
  });

  it("keeps 50 commits as rows of its own and brings them in one move", async () => {
    await makeRepo("fifty");
    const session = await open();
    const shas: string[] = [];
    for (let i = 0; i < 50; i++)
      shas.push((await commit("fifty", { [`f${i}`]: `${i}` }, { session })).json.sha);
    await runInDurableObject(stubOf(session), (_, state) => {
      const count = (table: string) => state.storage.sql.exec(`SELECT count(*) AS n FROM ${table}`).one().n;
      expect([count("hot_1"), count("refs"), count("receipts")]).toEqual([50, 0, 0]);
    });
    expect((await call("POST", `/session/${session}/flush`, acme)).json.flushedRefs).toBe(1);
    const { commits } = (await call("GET", "/repos/fifty/commits?limit=60", acme)).json;
    expect(commits.map(({ sha }: { sha: string }) => sha).slice(0, 50)).toEqual(shas.reverse());
  });

  it("writes as many rows for the fiftieth commit as for the second, and one move of the branch at the flush", async () => {
    await makeRepo("rows");
    const session = await open({ repo: "rows" });
    await commit("rows", { first: "0" }, { session });
    /** Rows that SQLite counts as written, those of indexes among them. */
    const countRows = async (write: () => Promise<unknown>) => {
      const counted = { rows: 0 };
      await runInDurableObject(stubOf(session), async (_, state) => {
        const { sql } = state.storage;
        const exec = sql.exec.bind(sql);
        sql.exec = ((...args: Parameters<typeof exec>) => {
          const cursor = exec(...args);
          counted.rows += cursor.rowsWritten;
          return cursor;
        }) as typeof exec; // one signature of the platform's, passed through
        try {
          await write();
        } finally {
          sql.exec = exec;
        }
      });
      return counted.rows;
    };
    const rows: number[] = [];
    for (let i = 1; i < 50; i++)
      rows.push(await countRows(() => commit("rows", { [`f${i}`]: `${i}` }, { session })));
    // Its objects, and beside them where its branch is now.
    expect(new Set(rows)).toEqual(new Set([1]));
    expect((await call("POST", `/session/${session}/flush`, acme)).json.flushedRefs).toBe(1);
    const { repos } = (await call("GET", "/repos?limit=100", acme)).json;
    const { id } = repos.find(({ slug }: { slug: string }) => slug === "rows");
    // As above: the platform's view of a binding that the Worker knows as a port.
    const { REPO } = env as unknown as { readonly REPO: DurableObjectNamespace<RepoDO> };
    const moves = await runInDurableObject(REPO.get(REPO.idFromName(id)), (_, state) =>
      state.storage.sql.exec("SELECT count(*) AS n FROM reflog WHERE ref = 'refs/heads/main'").one(),
    );
    // The first commit of the repository, and the flush.
    expect(moves.n).toBe(2);
  });

  it("has branches and tags of its own until then", async () => {
    await makeRepo("refs");
    const session = await open();
    expect((await call("POST", "/repos/refs/branches", { session, body: { name: "work/one" } })).status).toBe(
      201,
    );
    await commit("refs", { x: "1" }, { session }, "work/one");
    expect((await call("POST", "/repos/refs/branches", { session, body: { name: "work" } })).status).toBe(
      409,
    );
    const names = async (who: object) =>
      (await call("GET", "/repos/refs/branches", who)).json.branches.map(
        ({ name }: { name: string }) => name,
      );
    expect(await names({ session })).toEqual(["main", "work/one"]);
    expect((await call("GET", "/repos/refs/branches", { session })).json.total).toBe(2);
    expect(await names(acme)).toEqual(["main"]);
    await call("POST", "/repos/refs/branches", { session, body: { name: "gone" } });
    expect((await call("DELETE", "/repos/refs/branches/gone", { session })).status).toBe(200);
    await call("POST", `/session/${session}/flush`, acme);
    expect(await names(acme)).toEqual(["main", "work/one"]);
    expect(await read("refs", "x", acme, "work%2Fone")).toBe("1");
  });

  it("works on several repositories and keeps them apart", async () => {
    await makeRepo("left");
    await makeRepo("right");
    const session = await open();
    const one = await commit("left", { f: "left" }, { session });
    await commit("right", { f: "right" }, { session });
    expect((await call("GET", `/repos/right/commits/${one.json.sha}`, { session })).status).toBe(404);
    expect((await call("DELETE", `/session/${session}`, acme)).json.flushedRefs).toBe(2);
    expect([await read("left", "f", acme), await read("right", "f", acme)]).toEqual(["left", "right"]);
  });
});

describe("a flush onto a branch that has moved", () => {
  it("merges what touches other paths, without rewriting an acknowledged commit", async () => {
    await makeRepo("merge");
    const session = await open();
    const mine = await commit("merge", { "mine.txt": "m", "dir/a": "1" }, { session });
    const theirs = await commit("merge", { "theirs.txt": "t", "dir/b": "2" }, acme);
    expect((await call("POST", `/session/${session}/flush`, acme)).json.flushedRefs).toBe(1);
    for (const [path, content] of [
      ["mine.txt", "m"],
      ["theirs.txt", "t"],
      ["dir/a", "1"],
      ["dir/b", "2"],
    ] as const) {
      expect(await read("merge", path, acme)).toBe(content);
    }
    const { commits } = (await call("GET", "/repos/merge/commits", acme)).json;
    expect(commits[0].parents).toEqual([theirs.json.sha, mine.json.sha]);
  });

  it("answers 409 with the conflicts, keeps everything, and goes through when they are solved", async () => {
    await makeRepo("clash");
    const session = await open();
    const mine = await commit("clash", { "both.txt": "mine", other: "kept" }, { session });
    const theirs = await commit("clash", { "both.txt": "theirs" }, acme);
    const refused = await call("POST", `/session/${session}/flush`, acme);
    expect(refused.status).toBe(409);
    expect(refused.json.conflicts).toMatchObject([
      { repo: "clash", ref: "refs/heads/main", path: "both.txt", type: "add-add" },
    ]);
    expect((await call("DELETE", `/session/${session}`, acme)).status).toBe(409);
    expect(await read("clash", "both.txt", acme)).toBe("theirs");
    expect(await read("clash", "both.txt", { session })).toBe("mine");
    expect((await call("GET", "/repos/clash/commits", { session })).json.commits[0].sha).toBe(mine.json.sha);
    // The way out: the session's work on a branch of its own, and main as the others have it.
    await call("POST", "/repos/clash/branches", { session, body: { name: "mine", from_sha: mine.json.sha } });
    await call("PUT", "/repos/clash/refs/heads/main", { session, body: { sha: theirs.json.sha } });
    expect((await call("DELETE", `/session/${session}`, acme)).json.status).toBe("closed");
    expect(await read("clash", "both.txt", acme, "mine")).toBe("mine");
    expect(await read("clash", "both.txt", acme)).toBe("theirs");
  });

  it("counts as done when it was interrupted after the refs had moved", async () => {
    await makeRepo("again");
    const session = await open();
    await commit("again", { f: "1" }, { session });
    const saved = await runInDurableObject(stubOf(session), (_, state) => ({
      refs: state.storage.sql.exec("SELECT * FROM refs").toArray(),
      hot: state.storage.sql.exec("SELECT * FROM hot_1").toArray(),
    }));
    await call("POST", `/session/${session}/flush`, acme);
    await commit("again", { g: "2" }, acme);
    await runInDurableObject(stubOf(session), (_, state) => {
      const { sql } = state.storage;
      for (const row of saved.refs)
        sql.exec("INSERT INTO refs VALUES (?, ?, ?, ?, ?, ?)", ...Object.values(row));
      for (const row of saved.hot)
        sql.exec("INSERT INTO hot_1 VALUES (?, ?, ?, ?, ?)", ...Object.values(row));
    });
    // Whoever died before it forgot its rows remembers nothing else either.
    await restartObjects();
    expect((await call("POST", `/session/${session}/flush`, acme)).status).toBe(200);
    expect((await call("GET", "/repos/again/commits", acme)).json.commits).toHaveLength(3);
  });
});

describe("the end of a session", () => {
  it("flushes when its time is over", async () => {
    await makeRepo("expiry");
    const session = await open({ ttl_seconds: 60 });
    await commit("expiry", { f: "1" }, { session });
    await expire(session);
    expect(await runDurableObjectAlarm(stubOf(session))).toBe(true);
    expect(await read("expiry", "f", acme)).toBe("1");
    expect((await commit("expiry", { g: "" }, { session })).json.reason).toBe("session-expired");
    expect((await call("GET", `/session/${session}/status`, acme)).json).toMatchObject({
      state: "expired",
      closed: true,
      ttlMs: 0,
    });
  });

  it("keeps on a ref of its own what cannot be flushed then", async () => {
    await makeRepo("kept");
    const session = await open({ ttl_seconds: 60 });
    const mine = await commit("kept", { f: "mine" }, { session });
    await commit("kept", { f: "theirs" }, acme);
    await expire(session);
    await runDurableObjectAlarm(stubOf(session));
    expect(await read("kept", "f", acme)).toBe("theirs");
    const { keptRefs } = (await call("GET", `/session/${session}/status`, acme)).json;
    expect(keptRefs).toMatchObject([{ repo: "kept", sha: mine.json.sha }]);
    expect(keptRefs[0].ref).toMatch(/^refs\/sessions\/[0-9a-f]{16}\/heads\/main$/);
    expect(keptRefs[0].ref).not.toContain(session.slice(-28));
    expect((await call("GET", `/repos/kept/commits/${mine.json.sha}`, acme)).status).toBe(200);
  });

  it("comes at once with the revocation of its key, and loses nothing", async () => {
    await makeRepo("revoked");
    const caller = await addKey();
    const session = await open({}, caller.key);
    const mine = await commit("revoked", { f: "mine" }, { session });
    await revokeKey(caller);
    expect((await commit("revoked", { g: "" }, { session })).json).toMatchObject({
      code: "UNAUTHORIZED",
      reason: "session-revoked",
    });
    await expect
      .poll(async () => (await call("GET", `/repos/revoked/commits/${mine.json.sha}`, acme)).status)
      .toBe(200);
    expect(await read("revoked", "f", acme)).toBe(404);
  });

  it("keeps, in a rotation that revokes its key, the work where the new key can land it", async () => {
    await makeRepo("rotated");
    const old = await addKey();
    const session = await open({}, old.key);
    const mine = await commit("rotated", { f: "mine" }, { session });
    const next = await addKey();
    await revokeKey(old);
    expect(await commit("rotated", { g: "" }, { session })).toMatchObject({ status: 401 });
    const take = () =>
      call("POST", "/repos/rotated/branches", {
        key: next.key,
        body: { name: "taken", from_sha: mine.json.sha },
      });
    await expect.poll(async () => (await take()).status).toBe(201);
    const landed = await call("POST", "/repos/rotated/land", {
      key: next.key,
      body: { source: "taken", target: "main" },
    });
    expect(landed.status).toBe(200);
    expect(await read("rotated", "f", { key: next.key })).toBe("mine");
  });

  it("does not come with the making of other keys: rotation goes on beside it", async () => {
    await makeRepo("rotation");
    const caller = await addKey();
    const session = await open({}, caller.key);
    await addKey();
    expect((await commit("rotation", { f: "1" }, { session })).status).toBe(201);
  });
});

describe("who may do what", () => {
  it("lets only the opening credential look, flush and close", async () => {
    const session = await open();
    const other = await addKey();
    for (const [method, path] of [
      ["GET", "status"],
      ["POST", "flush"],
      ["DELETE", ""],
    ] as const) {
      const url = path === "" ? `/session/${session}` : `/session/${session}/${path}`;
      expect((await call(method, url, { key: other.key })).status).toBe(404);
      expect((await call(method, url)).status).toBe(401);
    }
    expect((await call("GET", `/session/${session}/status`, acme)).status).toBe(200);
  });

  it("refuses made-up ids and leaves nothing behind", async () => {
    const made = await open();
    for (const id of ["ses_x", `${made.slice(0, -1)}${made.endsWith("A") ? "B" : "A"}`]) {
      expect(await read("visible", "a.txt", { session: id })).toBe(401);
    }
    const guess = `${made.slice(0, -4)}0000`;
    await read("visible", "a.txt", { session: guess });
    await runInDurableObject(stubOf(guess), (_, state) => {
      expect(
        state.storage.sql
          .exec("SELECT count(*) AS n FROM sqlite_master WHERE name NOT LIKE '\\_%' ESCAPE '\\'")
          .one().n,
      ).toBe(0);
    });
  });

  it("does not reach repositories of others, nor what is no part of a session", async () => {
    const made = await app.request("/v1/admin/orgs", {
      method: "POST",
      headers: ADMIN,
      body: JSON.stringify({ slug: "strangers" }),
    });
    const { api_key: key } = (await made.json()) as { api_key: string };
    await call("POST", "/repos", { key, body: { slug: "theirs" } });
    await makeRepo("limits");
    const session = await open();
    expect(await read("theirs", "f", { session })).toBe(404);
    expect((await call("DELETE", "/repos/limits", { session })).status).toBe(400);
    expect((await call("POST", "/session", { key: acme.key, body: { repo: "theirs" } })).status).toBe(404);
    expect((await call("POST", "/session", { key: acme.key, body: { ttl_seconds: 28_801 } })).status).toBe(
      400,
    );
    const git = await app.request("/sessions/limits.git/info/refs?service=git-upload-pack", {
      headers: { "x-session-id": session },
    });
    expect(git.status).toBe(400);
  });

  it("says which limit a session has reached, and takes writes again after a flush", async () => {
    await makeRepo("full");
    const session = await open();
    const content = Buffer.from(crypto.getRandomValues(new Uint8Array(60_000)))
      .toString("base64")
      .repeat(12);
    let refused: Reply | null = null;
    for (let i = 0; i < 200 && !refused; i++) {
      const reply = await commit("full", { [`f${i}`]: `${i}${content}` }, { session });
      if (reply.status !== 201) refused = reply;
    }
    expect(refused?.json).toMatchObject({
      code: "PAYLOAD_TOO_LARGE",
      reason: "session-bytes",
      limit: 64 * 1024 * 1024,
    });
    expect((await call("POST", `/session/${session}/flush`, acme)).status).toBe(200);
    expect((await commit("full", { last: "1" }, { session })).status).toBe(201);
  });
});
