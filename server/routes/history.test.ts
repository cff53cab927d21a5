import { beforeEach, describe, expect, test } from "vitest";
import { createMemoryApi, type MemoryApi } from "../testing/memory-api.ts";

let api: MemoryApi;
let nowMs: number;
let first: string;
let keyId: string;

const call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  api.call(method, `/v1/repos/app${path}`, body, headers);
const head = async (branch = "main") =>
  (await call("GET", `/branches/${branch}`)).json.sha as string | undefined;
const commit = async (path: string, content: string, more: Record<string, unknown> = {}) =>
  (await api.commit("app", [{ path, content }], more)).json.sha as string;

interface Entry {
  readonly id: number;
  readonly ref: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly actor: string;
  readonly reason: string;
  readonly at: string;
}

async function reflog(query = ""): Promise<Entry[]> {
  const { status, json } = await call("GET", `/reflog${query}`);
  expect(status).toBe(200);
  return json.entries as Entry[];
}

async function makeToken(rule: Record<string, unknown>): Promise<Record<string, string>> {
  const made = await api.call("POST", "/v1/tokens", {
    name: "agent",
    scopes: { "repos:app": { ops: ["read", "write"], ...rule } },
    expires_in: 3_600,
  });
  return { "x-api-key": made.json.token as string };
}

beforeEach(async () => {
  nowMs = 1_700_000_000_000;
  api = await createMemoryApi("acme", { now: () => nowMs });
  await api.makeRepo("app");
  first = await commit("a", "1\n");
  keyId = (await reflog())[0]?.actor ?? "";
});

describe("reflog", () => {
  test("every kind of move is there, with who made it and why", async () => {
    const second = await commit("a", "2\n");
    await call("POST", "/branches", { name: "work", from_sha: first });
    await commit("b", "b\n", { branch: "work" });
    await call("POST", "/branches", { name: "side", from: "work" });
    await call("POST", "/branches/side/merge", { source: "main", strategy: "merge-commit" });
    await call("POST", "/land", { source: "work", target: "main" });
    await call("POST", "/cherry-pick", { base: first, head: "work", onto: second, branch: "picked" });
    await call("POST", "/revert", { commit: second, branch: "main" });
    await call("POST", "/reset", { branch: "side", sha: first });
    await call("POST", "/tags", { name: "v1", message: "one" });
    await call("DELETE", "/tags/v1");
    await call("POST", "/snapshots", { name: "s1", branch: "main" });
    await call("POST", "/snapshots/s1/restore", { target_branch: "restored" });
    await call("DELETE", "/snapshots/s1");
    await call("PUT", "/refs/heads/put", { sha: first });
    await call("DELETE", "/refs/heads/put");
    await call("PATCH", "/branches/restored", { new_name: "renamed" });
    await call("DELETE", "/branches/renamed");
    await call("POST", "/undo", { ref: "renamed" });
    await call("POST", "/branches", { name: "brief", ttl_seconds: 60 });
    await call("POST", "/branches/brief/promote", { as: "kept" });
    await call("POST", "/branches", { name: "brief", ttl_seconds: 60 });
    nowMs += 60_000;
    await api.call("PATCH", "/v1/repos/app", { default_branch: "work" });
    const moves = await reflog("?limit=100");
    const last = (name: string) => moves.find(({ ref }) => ref.endsWith(`/${name}`) || ref === name);
    const reasons = moves.map(({ ref, reason }) => `${ref} ${reason}`);
    for (const expected of [
      /^refs\/heads\/main commit \(initial\): test/,
      /^refs\/heads\/main commit: test/,
      /^refs\/heads\/work branch: created from/,
      /^refs\/heads\/side merge main: Merge made by merge-commit/,
      /^refs\/heads\/main merge work: Merge made by rebase/,
      /^refs\/heads\/picked cherry-pick: /,
      /^refs\/heads\/main revert: /,
      /^refs\/heads\/side reset: moving to /,
      /^refs\/tags\/v1 tag: created/,
      /^refs\/tags\/v1 tag: deleted/,
      /^refs\/snapshots\/s1 snapshot: of main/,
      /^refs\/heads\/restored snapshot: restored s1/,
      /^refs\/snapshots\/s1 snapshot: deleted/,
      /^refs\/heads\/put ref: set to/,
      /^refs\/heads\/put ref: deleted/,
      /^refs\/heads\/restored branch: renamed restored to renamed/,
      /^refs\/heads\/renamed branch: renamed restored to renamed/,
      /^refs\/heads\/renamed branch: deleted/,
      /^refs\/heads\/renamed undo: back to /,
      /^refs\/heads\/kept branch: promoted brief to kept/,
      /^refs\/heads\/brief branch: expired/,
      /^HEAD default branch: work/,
    ]) {
      expect(reasons).toContainEqual(expect.stringMatching(expected));
    }
    for (const move of moves) {
      expect(move.actor, move.reason).toBe(move.reason === "branch: expired" ? "system" : keyId);
      expect(move.reason).not.toBe("");
      expect(Date.parse(move.at)).toBeGreaterThanOrEqual(1_700_000_000_000);
    }
    expect(last("brief")).toMatchObject({ to: null, actor: "system", at: new Date(nowMs).toISOString() });
    expect(moves.map(({ id }) => id)).toEqual([...moves.keys()].map((i) => moves.length - i));
  });

  test("comes newest first, page by page, of one ref or of all, also of one that is gone", async () => {
    await call("POST", "/branches", { name: "agent/7", from_sha: first });
    const tips = [first];
    for (let i = 0; i < 4; i++) tips.push(await commit("a", `${i}\n`, { branch: "agent/7" }));
    await call("DELETE", "/branches/agent/7");
    const moves = await reflog("?ref=agent/7");
    expect(moves.map(({ from, to }) => [from, to])).toEqual(
      [...tips.map((tip, i) => [tips[i - 1] ?? null, tip]), [tips[4], null]].reverse(),
    );
    expect(await reflog("?ref=refs/heads/agent/7")).toEqual(moves);
    expect(await reflog("?ref=heads/agent/7")).toEqual(moves);
    const paged: Entry[] = [];
    for (let cursor = ""; ; ) {
      const { json } = await call("GET", `/reflog?ref=agent/7&limit=4${cursor && `&cursor=${cursor}`}`);
      paged.push(...(json.entries as Entry[]));
      if (json.next_cursor === null) break;
      cursor = json.next_cursor as string;
    }
    expect(paged).toEqual(moves);
  });

  test("a ref that never moved is not found, and bad queries are refused", async () => {
    expect((await call("GET", "/reflog?ref=nope")).json.code).toBe("NOT_FOUND");
    for (const query of ["?cursor=xyz", "?limit=0", "?limit=501", "?nope=1"]) {
      expect((await call("GET", `/reflog${query}`)).json.code, query).toBe("VALIDATION_ERROR");
    }
  });
});

describe("undo", () => {
  test("takes the last move back, and an undo of the undo makes it again", async () => {
    const second = await commit("a", "2\n");
    const undone = await call("POST", "/undo", { ref: "main" });
    expect([undone.status, undone.json]).toEqual([
      200,
      { ref: "refs/heads/main", sha: first, previous_sha: second },
    ]);
    expect((await call("GET", "/blob/main/a")).json.content).toBe("1\n");
    expect((await call("POST", "/undo", { ref: "refs/heads/main" })).json.sha).toBe(second);
    // What is committed next is built on what came back.
    await commit("b", "b\n");
    expect((await call("GET", "/blob/main/a")).json.content).toBe("2\n");
  });

  test("goes back by several moves, to an entry of the reflog, or to a commit that the ref was at", async () => {
    const tips = [first];
    for (let i = 0; i < 4; i++) tips.push(await commit("a", `${i}\n`));
    expect((await call("POST", "/undo", { ref: "main", steps: 3 })).json.sha).toBe(tips[1]);
    const [, entry] = await reflog("?ref=main");
    expect((await call("POST", "/undo", { ref: "main", to: entry?.id })).json.sha).toBe(tips[4]);
    expect((await call("POST", "/undo", { ref: "main", to: String(entry?.id) })).json.previous_sha).toBe(
      tips[4],
    );
    expect((await call("POST", "/undo", { ref: "main", to: tips[2] })).json.sha).toBe(tips[2]);
  });

  test("brings a deleted branch back, and takes a created one away", async () => {
    await call("POST", "/branches", { name: "work", from: "main" });
    const tip = await commit("w", "w\n", { branch: "work" });
    await call("DELETE", "/branches/work");
    expect((await call("POST", "/undo", { ref: "work" })).json).toEqual({
      ref: "refs/heads/work",
      sha: tip,
      previous_sha: null,
    });
    expect(await head("work")).toBe(tip);
    expect((await call("POST", "/undo", { ref: "work", to: 1 })).json.code).toBe("NOT_FOUND");
    const gone = await call("POST", "/undo", { ref: "work", steps: 4 });
    expect(gone.json).toEqual({ ref: "refs/heads/work", sha: null, previous_sha: tip });
    expect((await call("GET", "/branches/work")).status).toBe(404);
  });

  test("never takes the default branch away", async () => {
    const refused = await call("POST", "/undo", { ref: "main" });
    expect([refused.status, refused.json.code, refused.json.reason]).toEqual([
      409,
      "CONFLICT",
      "default-branch",
    ]);
    expect(await head()).toBe(first);
  });

  test("is refused with the current head when the ref is not where the caller thinks", async () => {
    const second = await commit("a", "2\n");
    const refused = await call("POST", "/undo", { ref: "main", expected_sha: first });
    expect([refused.status, refused.json.current_sha]).toEqual([409, second]);
    expect((await call("POST", "/undo", { ref: "main", expected_sha: second })).json.sha).toBe(first);
    expect((await call("POST", "/undo", { ref: "gone", expected_sha: null })).status).toBe(404);
  });

  test("loses none of the commits that race with it", async () => {
    const results = await Promise.all([
      ...Array.from({ length: 5 }, (_, i) => api.commit("app", [{ path: `f${i}`, content: "x" }])),
      ...Array.from({ length: 3 }, () => call("POST", "/undo", { ref: "main" })),
    ]);
    for (const { status } of results) expect([200, 201, 409]).toContain(status);
    // Each move starts where the one before it ended: nothing was overwritten unseen.
    const moves = (await reflog("?ref=main&limit=100")).reverse();
    expect(moves.slice(1).map(({ from }) => from)).toEqual(moves.slice(0, -1).map(({ to }) => to));
  });

  test("brings annotated tags and snapshots back as what they were", async () => {
    const tag = (await call("POST", "/tags", { name: "v1", message: "one" })).json;
    await call("DELETE", "/tags/v1");
    expect((await call("POST", "/undo", { ref: "tags/v1" })).json.sha).toBe(tag.sha);
    expect((await call("GET", "/tags/v1")).json).toEqual(tag);
    const snapshot = (await call("POST", "/snapshots", { name: "s", branch: "main", metadata: { n: 1 } }))
      .json;
    await call("DELETE", "/snapshots/s");
    expect((await call("POST", "/undo", { ref: "snapshots/s" })).status).toBe(200);
    expect((await call("GET", "/snapshots/s")).json).toEqual(snapshot);
  });

  test("takes a snapshot's restore back", async () => {
    await call("POST", "/snapshots", { name: "s", branch: "main", metadata: { agent: "7" } });
    const second = await commit("a", "2\n");
    await call("POST", "/snapshots/s/restore", { target_branch: "main" });
    expect(await head()).toBe(first);
    expect((await call("POST", "/undo", { ref: "main" })).json.sha).toBe(second);
    await call("POST", "/snapshots/s/restore", { target_branch: "other" });
    expect((await call("POST", "/undo", { ref: "other" })).json.sha).toBeNull();
  });

  test("holds to a token's globs of refs and of paths", async () => {
    const mine = await makeToken({ refs: ["agent/*"] });
    await call("POST", "/branches", { name: "agent/1", from: "main" });
    const tip = await commit("a", "2\n", { branch: "agent/1" });
    expect((await call("POST", "/undo", { ref: "agent/1" }, mine)).json.previous_sha).toBe(tip);
    await commit("a", "3\n");
    expect((await call("POST", "/undo", { ref: "main" }, mine)).status).toBe(403);
    const docs = await makeToken({ paths: ["docs/**"] });
    expect((await call("POST", "/undo", { ref: "agent/1" }, docs)).json.error).toContain("a");
    await commit("docs/x", "x\n", { branch: "agent/1" });
    expect((await call("POST", "/undo", { ref: "agent/1" }, docs)).status).toBe(200);
  });

  test("refuses what it cannot understand, and what has not happened", async () => {
    for (const body of [
      {},
      { ref: "main", steps: 0 },
      { ref: "main", steps: 1_001 },
      { ref: "main", steps: 1, to: 1 },
      { ref: "main", to: "abc" },
      { ref: "main", to: 0 },
      { ref: "a..b" },
      { ref: "HEAD" },
      { ref: "main", expected_sha: "x" },
    ]) {
      expect((await call("POST", "/undo", body)).json.code, JSON.stringify(body)).toBe("VALIDATION_ERROR");
    }
    expect((await call("POST", "/undo", { ref: "main", steps: 5 })).json).toMatchObject({
      code: "UNPROCESSABLE",
      moves: 1,
    });
    expect((await call("POST", "/undo", { ref: "main", to: `${"0".repeat(39)}1` })).status).toBe(404);
    expect((await call("POST", "/undo", { ref: "never" })).status).toBe(404);
  });

  test("gives way to a name that has come into its place", async () => {
    await call("POST", "/branches", { name: "a", from: "main" });
    await call("DELETE", "/branches/a");
    await call("POST", "/branches", { name: "a/b", from: "main" });
    expect((await call("POST", "/undo", { ref: "a" })).json.code).toBe("CONFLICT");
  });
});

describe("ephemeral branches", () => {
  const brief = (name: string, more: Record<string, unknown> = {}) =>
    call("POST", "/branches", { name, ttl_seconds: 3_600, ...more });
  const at = (ms: number) => new Date(ms).toISOString();

  test("say when they go, and are gone then for every kind of read", async () => {
    const made = await brief("try");
    expect([made.status, made.json]).toEqual([
      201,
      { name: "try", sha: first, expires_at: at(nowMs + 3_600_000) },
    ]);
    expect((await call("GET", "/branches/try")).json).toEqual(made.json);
    expect((await call("GET", "/branches")).json.branches).toEqual([{ name: "main", sha: first }, made.json]);
    nowMs += 3_599_999;
    expect((await call("GET", "/branches/try")).status).toBe(200);
    nowMs += 1;
    for (const path of ["/branches/try", "/refs/heads/try", "/tree/try", "/commits?ref=try"]) {
      expect((await call("GET", path)).status, path).toBe(404);
    }
    expect((await call("GET", "/branches")).json).toMatchObject({ total: 1 });
    expect((await api.commit("app", [{ path: "x", content: "x" }], { branch: "try" })).status).toBe(404);
  });

  test("stay as long as they were to, whatever is committed, and longer only when told", async () => {
    await brief("try");
    nowMs += 1_800_000;
    await commit("x", "x\n", { branch: "try" });
    const end = 1_700_000_000_000 + 3_600_000;
    expect((await call("GET", "/branches/try")).json.expires_at).toBe(at(end));
    const patched = await call("PATCH", "/branches/try", { ttl_seconds: 7_200 });
    expect(patched.json.expires_at).toBe(at(nowMs + 7_200_000));
    nowMs = end;
    expect((await call("GET", "/branches/try")).status).toBe(200);
  });

  test("a branch that goes can be brought back by undo, to stay", async () => {
    await brief("try");
    const tip = await commit("x", "x\n", { branch: "try" });
    nowMs += 3_600_000;
    expect((await call("POST", "/undo", { ref: "try" })).json.sha).toBe(tip);
    expect((await call("GET", "/branches/try")).json).toEqual({ name: "try", sha: tip });
  });

  test("a new branch of the name does not inherit the end of a deleted one", async () => {
    for (const remove of ["/branches/try", "/refs/heads/try"]) {
      await brief("try");
      await call("DELETE", remove);
      await call("POST", "/branches", { name: "try", from: "main" });
      expect((await call("GET", "/branches/try")).json, remove).toEqual({ name: "try", sha: first });
      nowMs += 4_000_000;
      expect((await call("GET", "/branches/try")).status).toBe(200);
      await call("DELETE", "/branches/try");
    }
    await brief("try");
    nowMs += 3_600_000;
    await call("POST", "/branches", { name: "try", from: "main" });
    expect((await call("GET", "/branches/try")).json.expires_at).toBeUndefined();
  });

  test("a rename carries the end along", async () => {
    await brief("try");
    const renamed = await call("PATCH", "/branches/try", { new_name: "other" });
    expect(renamed.json).toEqual({ name: "other", sha: first, expires_at: at(nowMs + 3_600_000) });
    await call("POST", "/branches", { name: "try", from: "main" });
    nowMs += 3_600_000;
    expect((await call("GET", "/branches/other")).status).toBe(404);
    expect((await call("GET", "/branches/try")).status).toBe(200);
  });

  test("promoted, a branch stays, under its name or another", async () => {
    await brief("one");
    await brief("two");
    expect((await call("POST", "/branches/one/promote", {})).json).toEqual({ name: "one", sha: first });
    expect((await call("POST", "/branches/two/promote", { as: "feature/two" })).json.name).toBe(
      "feature/two",
    );
    nowMs += 4_000_000;
    expect(await head("one")).toBe(first);
    expect(await head("feature/two")).toBe(first);
    expect((await call("GET", "/branches/two")).status).toBe(404);
    // Done once is done.
    expect((await call("POST", "/branches/one/promote", {})).status).toBe(200);
    expect((await call("POST", "/branches/one/promote", { as: "main" })).json.code).toBe("CONFLICT");
    expect((await call("POST", "/branches/none/promote", {})).status).toBe(404);
  });

  test("the default branch is none of them, and what becomes it stays", async () => {
    expect((await call("PATCH", "/branches/main", { ttl_seconds: 60 })).json.code).toBe("CONFLICT");
    await api.makeRepo("empty");
    const born = await api.call("POST", "/v1/repos/empty/branches", { name: "main", ttl_seconds: 60 });
    expect(born.json.code).toBe("UNPROCESSABLE");
    await brief("next");
    await api.call("PATCH", "/v1/repos/app", { default_branch: "next" });
    nowMs += 4_000_000;
    expect((await call("GET", "/branches/next")).json).toEqual({ name: "next", sha: first });
  });

  test("a fork takes them with their end, but keeps its default branch", async () => {
    await brief("try");
    await brief("base");
    for (const mode of ["instant", "deep"]) {
      const fork = await call("POST", "/fork", { slug: `f-${mode}`, mode, default_branch: "base" });
      expect(fork.status).toBe(201);
      const { json } = await api.call("GET", `/v1/repos/f-${mode}/branches`);
      expect(json.branches, mode).toEqual([
        { name: "base", sha: first },
        { name: "main", sha: first },
        { name: "try", sha: first, expires_at: at(nowMs + 3_600_000) },
      ]);
    }
    nowMs += 3_600_000;
    expect((await api.call("GET", "/v1/repos/f-instant/branches")).json.total).toBe(2);
  });

  test("times out of bounds are refused with the bounds", async () => {
    for (const ttl of [59, 2_592_001, 1.5, "60", null]) {
      const refused = await call("POST", "/branches", { name: "x", ttl_seconds: ttl });
      expect(refused.json.code, String(ttl)).toBe("VALIDATION_ERROR");
    }
    expect((await call("PATCH", "/branches/main", {})).json.code).toBe("VALIDATION_ERROR");
  });
});
