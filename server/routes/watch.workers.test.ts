/** Watching on the runtime that it is made for: sockets to real Durable Objects that hibernate. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { orgIdOf } from "../services/org-keys.ts";
import { workersEnv } from "../testing/workers-env.ts";
import { createApp, type Env } from "../wiring.ts";

// The platform's type of `env` is open; what is in it is said in vitest.config.ts.
const app = createApp(env as unknown as Env);

interface Seen {
  readonly event: string;
  readonly id: string | null;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into data of every shape
  readonly data: any;
}

/** Reads a stream one event after the other. */
class Events {
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = "";

  constructor(body: ReadableStream<Uint8Array>) {
    this.#reader = body.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** null at the end of the stream. */
  async next(): Promise<Seen | null> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end >= 0) {
        const block = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        if (!block.startsWith(":")) return parse(block);
        continue;
      }
      const { done, value } = await this.#reader.read();
      if (done) return null;
      this.#text += value;
    }
  }

  async cancel() {
    await this.#reader.cancel();
  }
}

function parse(block: string): Seen {
  const field = (name: string) =>
    block
      .split("\n")
      .find((line) => line.startsWith(`${name}: `))
      ?.slice(name.length + 2);
  return { event: field("event") ?? "", id: field("id") ?? null, data: JSON.parse(field("data") ?? "null") };
}

interface Caller {
  readonly key: string;
  readonly keyId: string;
  readonly org: string;
}

async function send(caller: Caller, method: string, path: string, body?: unknown, headers = {}) {
  return app.request(`/v1${path}`, {
    method,
    headers: { "x-api-key": caller.key, "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function makeRepo(slug: string): Promise<string> {
  const made = await send(acme, "POST", "/repos", { slug });
  expect(made.status).toBe(201);
  return ((await made.json()) as { id: string }).id;
}

async function commit(slug: string, path: string, branch = "main"): Promise<string> {
  const changes = [{ path, content: `${path} ${branch}` }];
  const made = await send(acme, "POST", `/repos/${slug}/commits`, {
    branch,
    message: `Write ${path}`,
    changes,
  });
  expect(made.status).toBe(201);
  return ((await made.json()) as { sha: string }).sha;
}

async function watch(slug: string, query = "", headers: Record<string, string> = {}, caller = acme) {
  const response = await send(caller, "GET", `/repos/${slug}/watch${query}`, undefined, headers);
  return { response, events: new Events(response.body as ReadableStream<Uint8Array>) };
}

function countSockets(repoId: string): Promise<number> {
  const stub = workersEnv.REPO.get(workersEnv.REPO.idFromName(repoId));
  return runInDurableObject(stub, (_, state) => state.getWebSockets().length);
}

let acme: Caller;

beforeAll(async () => {
  const made = await app.request("/v1/admin/orgs", {
    method: "POST",
    headers: { "x-admin-key": "test-admin-key", "content-type": "application/json" },
    body: JSON.stringify({ slug: "watchers" }),
  });
  const { api_key: key } = (await made.json()) as { api_key: string };
  acme = { key, keyId: "", org: orgIdOf("watchers") };
});

async function addKey(): Promise<Caller> {
  const made = await app.request("/v1/admin/orgs/watchers/keys", {
    method: "POST",
    headers: { "x-admin-key": "test-admin-key" },
  });
  const { api_key: key, id } = (await made.json()) as { api_key: string; id: string };
  return { key, keyId: id, org: acme.org };
}

describe("a watch", () => {
  it("tells the state first, then every commit with its paths, in order", async () => {
    await makeRepo("order");
    const { response, events } = await watch("order");
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    const connected = await events.next();
    expect(connected).toMatchObject({ event: "connected", data: { branch: "main" } });
    let previous = connected?.data.sha;
    for (const path of ["a.txt", "dir/b.txt", "dir/deep/c.txt"]) {
      const sha = await commit("order", path);
      const seen = await events.next();
      expect(seen?.data).toMatchObject({
        branch: "main",
        sha,
        previous,
        paths: [path],
        paths_truncated: false,
      });
      expect(seen?.data.message).toContain(`Write ${path}`);
      previous = sha;
    }
    await events.cancel();
  });

  it("sees branches made, moved and deleted, and only those that it names", async () => {
    await makeRepo("branches");
    const all = await watch("branches", "?branch=*");
    const some = await watch("branches", "?branch=x&branch=y,main");
    expect(await all.events.next()).toMatchObject({ event: "connected", data: { branch: "*", sha: null } });
    for (const branch of ["x", "y", "main"]) {
      expect(await some.events.next()).toMatchObject({ event: "connected", data: { branch } });
    }
    await send(acme, "POST", "/repos/branches/branches", { name: "other" });
    await send(acme, "POST", "/repos/branches/branches", { name: "x" });
    const sha = await commit("branches", "f", "x");
    await send(acme, "DELETE", "/repos/branches/branches/x");
    expect(await all.events.next()).toMatchObject({
      event: "commit",
      data: { branch: "other", previous: null },
    });
    for (const { events } of [all, some]) {
      expect(await events.next()).toMatchObject({ event: "commit", data: { branch: "x", previous: null } });
      expect(await events.next()).toMatchObject({
        event: "commit",
        data: { branch: "x", sha, paths: ["f"] },
      });
      expect(await events.next()).toMatchObject({ event: "deleted", data: { branch: "x", previous: sha } });
      await events.cancel();
    }
  });

  it("goes on after Last-Event-ID: every move in between once, then live", async () => {
    await makeRepo("resume");
    const first = await watch("resume");
    await first.events.next();
    await commit("resume", "a");
    const seen = await first.events.next();
    await first.events.cancel();
    const missed = [await commit("resume", "b"), await commit("resume", "c")];
    const again = await watch("resume", "", { "last-event-id": seen?.id ?? "" });
    expect(await again.events.next()).toMatchObject({
      event: "connected",
      id: null,
      data: { sha: missed[1] },
    });
    const live = await commit("resume", "d");
    const told = [await again.events.next(), await again.events.next(), await again.events.next()];
    expect(told.map((event) => event?.data.sha)).toEqual([...missed, live]);
    await again.events.cancel();
  });

  it("says so when an id cannot be resumed from", async () => {
    const repoId = await makeRepo("stale");
    const foreign = await watch("stale", "", { "last-event-id": "another1.3" });
    expect(await foreign.events.next()).toMatchObject({ event: "reset", data: { reason: "unknown-id" } });
    const connected = await foreign.events.next();
    expect(connected).toMatchObject({ event: "connected" });
    expect(connected?.id).not.toBeNull();
    await foreign.events.cancel();

    const stub = workersEnv.REPO.get(workersEnv.REPO.idFromName(repoId));
    await runInDurableObject(stub, (_, state) => {
      const { sql } = state.storage;
      for (let i = 0; i < 1_001; i++) {
        sql.exec("INSERT INTO reflog (ref, actor, message, at_ms) VALUES ('refs/heads/main', 'a', 'm', 1)");
      }
    });
    const old = await watch("stale", "", { "last-event-id": connected?.id ?? "" });
    expect(await old.events.next()).toMatchObject({ event: "reset", data: { reason: "too-old" } });
    await old.events.cancel();
  });

  it("lets go of everything when its reader leaves", async () => {
    const repoId = await makeRepo("leave");
    const { events } = await watch("leave");
    await events.next();
    expect(await countSockets(repoId)).toBe(1);
    await events.cancel();
    await expect.poll(() => countSockets(repoId)).toBe(0);
  });

  it("ends when its key is revoked, at once", async () => {
    await makeRepo("revoked");
    const caller = await addKey();
    const { events } = await watch("revoked", "", {}, caller);
    await events.next();
    const revoked = await app.request(`/v1/admin/keys/${caller.keyId}`, {
      method: "DELETE",
      headers: { "x-admin-key": "test-admin-key" },
    });
    expect(revoked.status).toBe(200);
    expect(await events.next()).toMatchObject({ event: "end", data: { reason: "revoked" } });
    expect(await events.next()).toBeNull();
    expect((await watch("revoked", "", {}, caller)).response.status).toBe(401);
  });

  it("ends when the repository is deleted", async () => {
    await makeRepo("doomed");
    const { events } = await watch("doomed");
    await events.next();
    await send(acme, "DELETE", "/repos/doomed");
    expect(await events.next()).toMatchObject({ event: "end", data: { reason: "repository-deleted" } });
    expect(await events.next()).toBeNull();
    expect((await watch("doomed")).response.status).toBe(404);
  });

  it("is cut off with an event when it is not read, and nobody else is", async () => {
    await makeRepo("slow");
    const slow = await watch("slow");
    const quick = await watch("slow");
    await quick.events.next();
    const name = "n".repeat(200);
    for (let round = 0; round < 6; round++) {
      const changes = Array.from({ length: 400 }, (_, i) => ({
        path: `${round}/${name}-${i}`,
        content: "x",
      }));
      await send(acme, "POST", "/repos/slow/commits", { branch: "main", message: "many", changes });
      expect((await quick.events.next())?.data.paths).toHaveLength(400);
    }
    const told: string[] = [];
    for (let event = await slow.events.next(); event; event = await slow.events.next())
      told.push(event.event);
    expect(told.at(-1)).toBe("end");
    expect(told.length).toBeLessThan(7);
    await quick.events.cancel();
  });

  it("refuses what is no branch, and needs the right to read", async () => {
    await makeRepo("refusals");
    for (const query of [
      "?branch=a..b",
      "?branch=*,a",
      `?branch=${Array.from({ length: 21 }, (_, i) => i)}`,
      "?x=1",
    ]) {
      expect((await watch("refusals", query)).response.status).toBe(400);
    }
    const nobody = await app.request("/v1/repos/refusals/watch");
    expect(nobody.status).toBe(401);
  });
});
