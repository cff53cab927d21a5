/** Commits that go from one repository into another: merge, land, cherry-pick, compare, and a fork that catches up. */
import { beforeEach, describe, expect, it } from "vitest";
import { type CoregitClient, createCoregitClient } from "../../sdk/client.ts";
import type { Result } from "../../sdk/http/reply.ts";
import { createMemoryApi, joinMemoryApp, type MemoryApi } from "../testing/memory-api.ts";

let api: MemoryApi;
let client: CoregitClient;
/** First commit of the parent. */
let root: string;

const TEXT = "one\ntwo\nthree\nfour\nfive\nsix\nseven\n";

function connect(apiKey: string): CoregitClient {
  return createCoregitClient({
    baseUrl: "http://coregit.test",
    apiKey,
    fetch: (input, init) => api.memory.request(String(input), init),
    retry: false,
  });
}

function dataOf<T>(result: Result<T>): T {
  if (result.error !== null) throw result.error;
  return result.data;
}

async function commit(
  repo: string,
  files: Readonly<Record<string, string>>,
  branch = "main",
): Promise<string> {
  const changes = Object.entries(files).map(([path, content]) => ({ path, content }));
  return dataOf(await client.commits.create(repo, { branch, message: `in ${repo}`, changes })).sha;
}

async function read(repo: string, path: string, ref = "main"): Promise<string | number> {
  const reply = await api.send("GET", `/v1/repos/${repo}/raw/${ref}/${path}`);
  return reply.ok ? reply.text() : reply.status;
}

const tipOf = async (repo: string, branch = "main") => dataOf(await client.branches.get(repo, branch)).sha;

beforeEach(async () => {
  api = await createMemoryApi();
  client = connect(api.apiKey);
  await api.makeRepo("parent");
  root = await commit("parent", { "a.txt": TEXT, "b.txt": "b\n" });
  dataOf(await client.repos.fork("parent", { slug: "child" }));
});

describe("a merge out of another repository", () => {
  it("fast-forwards to the fork's commit, which is then the parent's own", async () => {
    const tip = await commit("child", { "a.txt": "child\n", "dir/new.txt": "new\n" });
    const merged = dataOf(
      await client.branches.merge("parent", "main", { source_repo: "child", source: "main" }),
    );
    expect(merged).toMatchObject({ merged: true, sha: tip, strategy: "fast-forward", previous_sha: root });
    dataOf(await client.repos.delete("child"));
    expect([await read("parent", "a.txt"), await read("parent", "dir/new.txt")]).toEqual([
      "child\n",
      "new\n",
    ]);
    expect(dataOf(await client.commits.get("parent", tip)).parents).toEqual([root]);
  });

  it("brings along what agents say of commits that it makes anew", async () => {
    const changes = [{ path: "c.txt", content: "c\n" }];
    const said = { agent: "seven", run: 1 };
    dataOf(await client.commits.create("child", { branch: "main", message: "c", changes, metadata: said }));
    await commit("parent", { "b.txt": "moved on\n" });
    const landed = dataOf(
      await client.branches.land("parent", { source_repo: "child", source: "main", target: "main" }),
    );
    dataOf(await client.repos.delete("child"));
    const made = dataOf(await client.commits.get("parent", landed.sha));
    expect([made.message.trim(), made.metadata]).toEqual(["c", said]);
  });

  it("counts what it brings as written with the token", async () => {
    const noise = Array.from({ length: 300_000 }, (_, i) =>
      Math.imul(i + 1, 2_654_435_761).toString(36),
    ).join(" ");
    await commit("child", { "noise.txt": noise });
    const made = await client.tokens.create({
      name: "small",
      scopes: { "repos:*": ["read", "write"] },
      limits: { bytes: 100_000 },
    });
    const small = connect(dataOf(made).token);
    const order = { source_repo: "child", source: "main" };
    const refused = await small.branches.merge("parent", "main", order);
    expect([refused.status, refused.error?.code]).toEqual([402, "QUOTA_EXCEEDED"]);
    expect(await tipOf("parent")).toBe(root);
    dataOf(await client.branches.merge("parent", "main", order));
  });

  it("merges what has moved apart, by every strategy, and keeps its name to itself", async () => {
    const theirs = await commit("child", { "a.txt": TEXT.replace("one", "ONE") });
    for (const strategy of ["merge-commit", "squash", "rebase"] as const) {
      dataOf(await client.branches.create("parent", { name: strategy, from_sha: root }));
      const ours = await commit("parent", { "a.txt": TEXT.replace("seven", strategy) }, strategy);
      const order = { source_repo: { slug: "child" }, source: "main", strategy };
      const merged = dataOf(await client.branches.merge("parent", strategy, order));
      expect(await read("parent", "a.txt", strategy)).toBe(
        TEXT.replace("one", "ONE").replace("seven", strategy),
      );
      const made = dataOf(await client.commits.get("parent", merged.sha));
      expect(made.parents).toEqual(strategy === "merge-commit" ? [ours, theirs] : [ours]);
      if (strategy === "merge-commit")
        expect(made.message).toBe("Merge main of another repository into merge-commit");
    }
  });

  it("brings more than a transaction carries as a pack of its own", async () => {
    const many = Object.fromEntries(
      Array.from({ length: 300 }, (_, i) => [`many/${i % 7}/${i}.txt`, `${i}\n`.repeat(800)]),
    );
    const tip = await commit("child", many);
    const merged = dataOf(
      await client.branches.land("parent", { source_repo: "child", source: "main", target: "main" }),
    );
    expect(merged.sha).toBe(tip);
    dataOf(await client.repos.delete("child"));
    expect(await read("parent", "many/5/299.txt")).toBe("299\n".repeat(800));
    expect(dataOf(await client.files.tree("parent", { recursive: true })).items).toHaveLength(310);
  });

  it("loses no commit that others make meanwhile, and none of many forks' work", async () => {
    const forks = Array.from({ length: 8 }, (_, i) => `agent-${i}`);
    for (const slug of forks) {
      dataOf(await client.repos.fork("parent", { slug }));
      await commit(slug, { [`${slug}.txt`]: slug });
    }
    const landed = forks.map((slug) =>
      client.branches.land("parent", { source_repo: slug, source: "main", target: "main" }),
    );
    const written = Array.from({ length: 8 }, (_, i) => commit("parent", { [`own-${i}.txt`]: `${i}` }));
    for (const result of await Promise.all(landed)) dataOf(result);
    await Promise.all(written);
    for (const slug of forks) expect(await read("parent", `${slug}.txt`)).toBe(slug);
    for (let i = 0; i < 8; i++) expect(await read("parent", `own-${i}.txt`)).toBe(`${i}`);
  });

  it("answers a conflict with both sides, a preview without a write, a repetition with the first result", async () => {
    const theirs = await commit("child", { "a.txt": "theirs\n" });
    const preview = dataOf(
      await client.branches.merge("parent", "main", { source_repo: "child", source: "main", dry_run: true }),
    );
    expect(preview).toMatchObject({ sha: theirs, dry_run: true });
    expect((await client.commits.get("parent", theirs)).status).toBe(404);
    const key = { idempotencyKey: "once" };
    const order = { source_repo: "child", source: "main" };
    expect(dataOf(await client.branches.merge("parent", "main", order, key)).sha).toBe(theirs);
    await commit("parent", { "c.txt": "c" });
    expect(dataOf(await client.branches.merge("parent", "main", order, key)).sha).toBe(theirs);
    const ours = await commit("parent", { "a.txt": "ours\n" });
    await commit("child", { "a.txt": "theirs again\n" });
    const { error, status } = await client.branches.merge("parent", "main", { ...order, strategy: "squash" });
    expect(status).toBe(409);
    expect(error).toMatchObject({ data: { merged: false, conflicts: ["a.txt"], head_sha: ours } });
    expect(await tipOf("parent")).toBe(ours);
  });

  it("needs a common history, and a commit of that name", async () => {
    await api.makeRepo("stranger");
    await commit("stranger", { "z.txt": "z" });
    for (const strategy of ["merge-commit", "squash", "rebase"] as const) {
      const order = { source_repo: "stranger", source: "main", strategy };
      const { error, status } = await client.branches.merge("parent", "main", order);
      expect([status, error?.message]).toEqual([422, "main of stranger and main have no common ancestor"]);
    }
    const missing = { source_repo: "child", source: "nope" };
    expect((await client.branches.merge("parent", "main", missing)).status).toBe(404);
    expect(await tipOf("parent")).toBe(root);
  });

  it("takes nothing from a repository that the caller may not read, and says no more than of a missing one", async () => {
    await commit("child", { "secret.txt": "s" });
    const token = dataOf(
      await client.tokens.create({
        name: "t",
        scopes: { "repos:parent": ["read", "write"] },
        expires_in: 3_600,
      }),
    );
    const agent = connect(token.token);
    const ask = async (source_repo: string) => {
      const { status, error } = await agent.branches.merge("parent", "main", { source_repo, source: "main" });
      return { status, code: error?.code, message: error?.message };
    };
    expect(await ask("child")).toEqual(await ask("nobody"));
    expect(await ask("child")).toMatchObject({ status: 404, code: "NOT_FOUND" });
    const across = { base: "main", head: "main", head_repo: "child" };
    expect((await agent.compare.compare("parent", across)).status).toBe(404);
    expect((await agent.diff.compare("parent", across)).status).toBe(404);
  });

  it("needs to write the target: reading both is not enough", async () => {
    await commit("child", { "x.txt": "x" });
    const token = dataOf(
      await client.tokens.create({ name: "r", scopes: { "repos:*": ["read"] }, expires_in: 3_600 }),
    );
    const order = { source_repo: "child", source: "main" };
    expect((await connect(token.token).branches.merge("parent", "main", order)).status).toBe(403);
  });

  it("is held to the paths and refs that the caller's token may change", async () => {
    await commit("child", { "docs/x.md": "x", "a.txt": "not mine" });
    const rule = { ops: ["read", "write"] as const, refs: ["main"], paths: ["docs/**"] };
    const token = dataOf(
      await client.tokens.create({
        name: "docs",
        scopes: { "repos:parent": { ...rule, ops: ["read", "write"] }, "repos:child": ["read"] },
        expires_in: 3_600,
      }),
    );
    const agent = connect(token.token);
    const order = { source_repo: "child", source: "main" };
    expect((await agent.branches.merge("parent", "main", order)).status).toBe(403);
    dataOf(await client.branches.reset("child", { branch: "main", sha: root }));
    const tip = await commit("child", { "docs/x.md": "x" });
    expect(dataOf(await agent.branches.merge("parent", "main", order)).sha).toBe(tip);
  });
});

describe("a cherry-pick out of another repository", () => {
  it("applies the fork's commits onto a branch of the parent", async () => {
    await commit("child", { "skip.txt": "skip" });
    const base = await tipOf("child");
    await commit("child", { "one.txt": "1" });
    await commit("child", { "two.txt": "2" });
    const picked = dataOf(
      await client.cherryPick.execute("parent", {
        source_repo: "child",
        base,
        head: "main",
        onto: "main",
        branch: "main",
      }),
    );
    expect(picked).toMatchObject({ success: true, commits_created: 2, branch_updated: true });
    expect([await read("parent", "one.txt"), await read("parent", "two.txt")]).toEqual(["1", "2"]);
    expect(await read("parent", "skip.txt")).toBe(404);
  });

  it("makes commits without a branch, whole in the parent", async () => {
    await commit("child", { "x/y.txt": "y" });
    const order = { source_repo: "child", base: root, head: "main", onto: root };
    const picked = dataOf(await client.cherryPick.execute("parent", order));
    dataOf(await client.repos.delete("child"));
    expect(await read("parent", "x/y.txt", picked.head_sha)).toBe("y");
  });
});

describe("compare and diff across repositories", () => {
  it("count, list and try what the fork has, and write nothing", async () => {
    const ours = await commit("parent", { "b.txt": "parent\n" });
    const theirs = await commit("child", { "a.txt": TEXT.replace("two", "TWO") });
    const across = { base: "main", head: "main", head_repo: "child" };
    expect(dataOf(await client.compare.compare("parent", across))).toMatchObject({
      base: ours,
      head: theirs,
      merge_base: root,
      ahead_by: 1,
      behind_by: 1,
      mergeable: true,
      files: [{ path: "a.txt", additions: 1, deletions: 1 }],
    });
    const diff = dataOf(await client.diff.compare("parent", { ...across, patch: true }));
    expect(diff.files.map(({ path }) => path)).toEqual(["a.txt", "b.txt"]);
    expect((await client.commits.get("parent", theirs)).status).toBe(404);
    await commit("child", { "b.txt": "child\n" });
    expect(dataOf(await client.compare.compare("parent", across))).toMatchObject({
      mergeable: false,
      conflicts: ["b.txt"],
    });
  });
});

describe("POST /repos/:repo/sync-upstream", () => {
  it("fast-forwards the fork to its parent, and then has nothing to do", async () => {
    const tip = await commit("parent", { "c.txt": "c" });
    const synced = dataOf(await client.repos.syncUpstream("child"));
    expect(synced).toMatchObject({
      sha: tip,
      strategy: "fast-forward",
      previous_sha: root,
      branch: "main",
      upstream: { slug: "parent", namespace: null, branch: "main" },
    });
    expect(await read("child", "c.txt")).toBe("c");
    expect(dataOf(await client.repos.syncUpstream("child")).strategy).toBe("already_up_to_date");
  });

  it("refuses what has moved apart, and merges it when told how", async () => {
    await commit("parent", { "c.txt": "c" });
    const own = await commit("child", { "d.txt": "d" });
    const refused = await client.repos.syncUpstream("child");
    expect(refused.status).toBe(409);
    expect(refused.error).toMatchObject({ data: { reason: "not-fast-forward", head_sha: own } });
    expect(dataOf(await client.repos.syncUpstream("child", { strategy: "merge-commit" })).merged).toBe(true);
    expect([await read("child", "c.txt"), await read("child", "d.txt")]).toEqual(["c", "d"]);
    expect(await read("parent", "d.txt")).toBe(404);
  });

  it("makes a branch that the fork does not have, and reads another one than its own name", async () => {
    dataOf(await client.branches.create("parent", { name: "feature/x", from: "main" }));
    const tip = await commit("parent", { "x.txt": "x" }, "feature/x");
    const preview = dataOf(await client.repos.syncUpstream("child", { branch: "feature/x", dry_run: true }));
    expect([preview.sha, (await client.branches.get("child", "feature/x")).status]).toEqual([tip, 404]);
    expect(dataOf(await client.repos.syncUpstream("child", { branch: "feature/x" })).sha).toBe(tip);
    expect(await tipOf("child", "feature/x")).toBe(tip);
    expect(dataOf(await client.repos.syncUpstream("child", { upstream_branch: "feature/x" })).sha).toBe(tip);
    expect(await read("child", "x.txt")).toBe("x");
    expect((await client.repos.syncUpstream("child", { branch: "nowhere" })).status).toBe(404);
  });

  it("holds to expected_sha", async () => {
    await commit("parent", { "c.txt": "c" });
    const wrong = await commit("parent", { "d.txt": "d" });
    expect((await client.repos.syncUpstream("child", { expected_sha: wrong })).status).toBe(409);
    expect(dataOf(await client.repos.syncUpstream("child", { expected_sha: root })).sha).toBe(wrong);
  });

  it("is no matter for a repository that is no fork", async () => {
    const { status, error } = await client.repos.syncUpstream("parent");
    expect([status, error?.code]).toEqual([422, "UNPROCESSABLE"]);
  });

  it("says the same of a parent that is gone, one of its name, and one that the caller may not read", async () => {
    const token = dataOf(
      await client.tokens.create({
        name: "t",
        scopes: { "repos:child": ["read", "write"] },
        expires_in: 3_600,
      }),
    );
    const ask = async (caller: CoregitClient) => {
      const { status, error } = await caller.repos.syncUpstream("child");
      return { status, code: error?.code, message: error?.message };
    };
    const unreadable = await ask(connect(token.token));
    expect(unreadable).toMatchObject({
      status: 404,
      code: "NOT_FOUND",
      message: "Upstream repository not found",
    });
    dataOf(await client.repos.delete("parent"));
    expect(await ask(client)).toEqual(unreadable);
    await api.makeRepo("parent");
    await commit("parent", { "other.txt": "other" });
    expect(await ask(client)).toEqual(unreadable);
  });

  it("follows another org's template for as long as it is public", async () => {
    dataOf(await client.repos.update("parent", { is_template: true, visibility: "public" }));
    const other = await joinMemoryApp(api.memory, "other");
    const guest = connect(other.apiKey);
    dataOf(await guest.repos.fork("parent", { slug: "mine", from_org: "acme" }));
    const tip = await commit("parent", { "c.txt": "c" });
    expect(dataOf(await guest.repos.syncUpstream("mine")).sha).toBe(tip);
    expect(await read("parent", "c.txt")).toBe("c");
    dataOf(await client.repos.update("parent", { visibility: "private" }));
    expect((await guest.repos.syncUpstream("mine")).status).toBe(404);
  });
});
