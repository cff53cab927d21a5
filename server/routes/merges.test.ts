import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { type CoregitClient, createCoregitClient } from "../../sdk/client.ts";
import type { PathConflict } from "../../sdk/contract/commits.ts";
import type { Result } from "../../sdk/http/reply.ts";
import { createMemoryApi, type MemoryApi } from "../testing/memory-api.ts";
import { type MergeFiles, makeMergeCase } from "../testing/random-merges.ts";
import { createRandom } from "../testing/random-texts.ts";
import { hasGit, makeRepo } from "../testing/real-git.ts";

let api: MemoryApi;
let client: CoregitClient;
/** First commit of main. */
let root: string;

const TEXT = "one\ntwo\nthree\nfour\nfive\nsix\nseven\n";
const swap = (from: string, to: string, text = TEXT) => text.replace(from, to);

function dataOf<T>(result: Result<T>): T {
  if (result.error !== null) throw result.error;
  return result.data;
}

beforeEach(async () => {
  api = await createMemoryApi();
  client = createCoregitClient({
    baseUrl: "http://coregit.test",
    apiKey: api.apiKey,
    fetch: (input, init) => api.memory.request(String(input), init),
    retry: false,
  });
  await api.makeRepo("r");
  root = await commit("main", { "a.txt": TEXT, "b.txt": "b\n" });
  dataOf(await client.branches.create("r", { name: "agent/1", from: "main" }));
});

/** Text to write, or null to delete. */
async function commit(
  branch: string,
  files: Readonly<Record<string, string | null>>,
  message = "m",
): Promise<string> {
  const changes = Object.entries(files).map(([path, content]) =>
    content === null ? { path, action: "delete" as const } : { path, content },
  );
  return dataOf(await client.commits.create("r", { branch, message, changes })).sha;
}

async function read(path: string, ref = "main"): Promise<string> {
  return (await api.send("GET", `/v1/repos/r/raw/${ref}/${path}`)).text();
}

const parentsOf = async (sha: string) => dataOf(await client.commits.get("r", sha)).parents;

describe("a merge of branches", () => {
  it("fast-forwards, and says when there is nothing to do", async () => {
    const tip = await commit("agent/1", { "a.txt": "new\n" });
    const merged = dataOf(await client.branches.merge("r", "main", { source: "agent/1" }));
    expect(merged).toMatchObject({ merged: true, sha: tip, strategy: "fast-forward", previous_sha: root });
    const again = dataOf(await client.branches.merge("r", "main", { source: "agent/1" }));
    expect(again).toMatchObject({ merged: true, sha: tip, strategy: "already_up_to_date" });
  });

  it("refuses to fast-forward what has moved apart", async () => {
    await commit("agent/1", { "a.txt": "new\n" });
    const tip = await commit("main", { "b.txt": "mine\n" });
    const { error, status } = await client.branches.merge("r", "main", { source: "agent/1" });
    expect(status).toBe(409);
    expect(error).toMatchObject({ data: { merged: false, strategy: "fast-forward", head_sha: tip } });
  });

  it("makes a merge commit, a squash or a line of commits", async () => {
    const theirs = await commit("agent/1", { "a.txt": swap("one", "ONE") }, "first");
    const last = await commit("agent/1", { "c.txt": "c\n" }, "second");
    const tip = await commit("main", { "a.txt": swap("seven", "SEVEN") });
    for (const strategy of ["merge-commit", "squash", "rebase"] as const) {
      const branch = `to/${strategy}`;
      dataOf(await client.branches.create("r", { name: branch, from: "main" }));
      const merged = dataOf(await client.branches.merge("r", branch, { source: "agent/1", strategy }));
      expect(await read("a.txt", branch)).toBe(swap("seven", "SEVEN", swap("one", "ONE")));
      const expected = { "merge-commit": [tip, last], squash: [tip], rebase: [merged.sha] }[strategy];
      if (strategy !== "rebase") expect(await parentsOf(merged.sha)).toEqual(expected);
      if (strategy === "merge-commit") expect(merged.merge_sha).toBe(merged.sha);
      if (strategy === "rebase") {
        const { commits } = dataOf(await client.commits.list("r", { ref: branch, limit: 3 }));
        expect(commits.map(({ message, parents }) => [message, parents.length])).toEqual([
          ["second", 1],
          ["first", 1],
          ["m", 1],
        ]);
        expect(merged.commits_created).toBe(2);
      }
    }
    expect(theirs).not.toBe(last);
  });

  it("reports conflicts with their blobs and markers, and writes nothing", async () => {
    await commit("agent/1", { "a.txt": swap("two", "THEIRS"), "b.txt": null });
    const tip = await commit("main", { "a.txt": swap("two", "MINE"), "b.txt": "mine\n" });
    for (const strategy of ["merge-commit", "squash", "rebase"] as const) {
      const { error } = await client.branches.merge("r", "main", { source: "agent/1", strategy });
      expect(error).toMatchObject({
        status: 409,
        data: { merged: false, strategy, conflicts: ["a.txt", "b.txt"] },
      });
      const details = (error as unknown as { data: { details: PathConflict[] } }).data.details;
      expect(details.map(({ type }) => type)).toEqual(["content", "modify-delete"]);
      expect(details[0]?.markers).toContain("MINE\n=======\nTHEIRS\n");
    }
    expect(dataOf(await client.branches.get("r", "main")).sha).toBe(tip);
  });

  it("previews with dry_run, checks expected_sha, and knows no unknown names", async () => {
    await commit("agent/1", { "a.txt": "new\n" });
    const tip = await commit("main", { "b.txt": "mine\n" });
    const body = { source: "agent/1", strategy: "squash" as const };
    expect(dataOf(await client.branches.merge("r", "main", { ...body, dry_run: true }))).toMatchObject({
      dry_run: true,
    });
    expect(dataOf(await client.branches.get("r", "main")).sha).toBe(tip);
    const moved = await client.branches.merge("r", "main", { ...body, expected_sha: root });
    expect(moved.error).toMatchObject({ status: 409, data: { current_sha: tip } });
    expect((await client.branches.merge("r", "nope", body)).status).toBe(404);
    expect((await client.branches.merge("r", "main", { ...body, source: "nope" })).status).toBe(404);
  });

  it("gives the first answer to a repeated Idempotency-Key", async () => {
    await commit("agent/1", { "a.txt": "new\n" });
    await commit("main", { "b.txt": "mine\n" });
    const options = { idempotencyKey: "once" };
    const body = { source: "agent/1", strategy: "merge-commit" as const };
    const first = dataOf(await client.branches.merge("r", "main", body, options));
    const second = dataOf(await client.branches.merge("r", "main", body, options));
    expect(second).toMatchObject({
      merged: true,
      sha: first.sha,
      strategy: "merge-commit",
      merge_sha: first.sha,
    });
    const other = await client.branches.merge("r", "main", { ...body, source: "main" }, options);
    expect(other.status).toBe(422);
  });

  it("loses no commit that is made meanwhile, and lands every branch of a swarm", async () => {
    const names = Array.from({ length: 12 }, (_, n) => `swarm/${n}`);
    for (const name of names) {
      dataOf(await client.branches.create("r", { name, from_sha: root }));
      await commit(name, { [`${name}.txt`]: `${name}\n` });
    }
    const [landed, commits] = await Promise.all([
      Promise.all(names.map((source) => client.branches.land("r", { source, target: "main" }))),
      Promise.all(names.map((name) => commit("main", { [`plain/${name}`]: "x\n" }))),
    ]);
    expect(landed.map(({ status }) => status)).toEqual(names.map(() => 200));
    const { commits: history } = dataOf(await client.commits.list("r", { limit: 100 }));
    expect(history).toHaveLength(1 + 2 * names.length);
    expect(history.every(({ parents }) => parents.length <= 1)).toBe(true);
    expect(commits.every((sha) => history.some((entry) => entry.sha === sha))).toBe(true);
  });

  it("finds a branch that is called like the endpoint", async () => {
    dataOf(await client.branches.create("r", { name: "x/merge", from: "main" }));
    expect(dataOf(await client.branches.get("r", "x/merge"))).toEqual({ name: "x/merge", sha: root });
  });
});

describe("cherry-pick, revert and reset", () => {
  it("picks a range onto a branch, with authors, and stops at a conflict", async () => {
    await commit("agent/1", { "c.txt": "c\n" }, "one");
    const head = await commit("agent/1", { "a.txt": swap("one", "ONE") }, "two");
    await commit("main", { "b.txt": "mine\n" });
    const body = { base: root, head, onto: "main", branch: "main" };
    const picked = dataOf(await client.cherryPick.execute("r", body));
    expect(picked).toMatchObject({ success: true, commits_created: 2, branch: "main", branch_updated: true });
    expect([await read("c.txt"), await read("a.txt"), await read("b.txt")]).toEqual([
      "c\n",
      swap("one", "ONE"),
      "mine\n",
    ]);

    const other = await commit("agent/1", { "a.txt": swap("one", "other") });
    await commit("main", { "a.txt": swap("one", "mine") });
    const refused = dataOf(await client.cherryPick.execute("r", { base: head, head: other, onto: "main" }));
    expect(refused).toMatchObject({
      success: false,
      conflicts: ["a.txt"],
      failed_sha: other,
      commits_created: 0,
    });
    expect(
      (await client.cherryPick.execute("r", { base: "1".repeat(40), head: other, onto: "main" })).status,
    ).toBe(404);
  });

  it("reverts a commit with others on top of it, and refuses what is gone", async () => {
    const bad = await commit("main", { "a.txt": swap("one", "BAD") }, "bad idea");
    await commit("main", { "a.txt": swap("seven", "SEVEN", swap("one", "BAD")) });
    const reverted = dataOf(await client.branches.revert("r", { branch: "main", commit: bad }));
    expect(await read("a.txt")).toBe(swap("seven", "SEVEN"));
    const { message } = dataOf(await client.commits.get("r", reverted.sha));
    expect(message).toBe(`Revert "bad idea"\n\nThis reverts commit ${bad}.`);
    expect((await client.branches.revert("r", { branch: "main", commit: bad })).status).toBe(422);
  });

  it("resets a branch, with a precondition when asked", async () => {
    const tip = await commit("main", { "a.txt": "x\n" });
    const stale = await client.branches.reset("r", { branch: "main", sha: root, expected_sha: root });
    expect(stale).toMatchObject({ status: 409, error: { data: { current_sha: tip } } });
    const done = dataOf(await client.branches.reset("r", { branch: "main", sha: "main~1" }));
    expect(done).toEqual({ branch: "main", sha: root, previous_sha: tip });
    expect((await client.branches.reset("r", { branch: "nope", sha: root })).status).toBe(404);
  });
});

describe("compare", () => {
  it("counts both ways over the real graph and merges on trial", async () => {
    await commit("agent/1", { "a.txt": swap("one", "ONE") });
    await commit("agent/1", { "a.txt": TEXT });
    await commit("agent/1", { "c.txt": "c\n" });
    await commit("main", { "a.txt": swap("one", "main") });
    const compared = dataOf(await client.compare.compare("r", { base: "main", head: "agent/1" }));
    // Changed and changed back: a merge of the two ends has no conflict.
    expect(compared).toMatchObject({
      merge_base: root,
      ahead_by: 3,
      behind_by: 1,
      mergeable: true,
      conflicts: [],
    });
    expect(compared.files.map(({ path }) => path)).toEqual(["c.txt"]);
    await commit("agent/1", { "a.txt": swap("one", "agent") });
    const clash = dataOf(await client.compare.compare("r", { base: "main", head: "agent/1" }));
    expect(clash).toMatchObject({ mergeable: false, conflicts: ["a.txt"] });
  });
});

describe.runIf(hasGit)("diffs judged by git", () => {
  async function write(branch: string, files: MergeFiles, was: MergeFiles): Promise<string> {
    const changes = [
      ...[...was.keys()].filter((path) => !files.has(path)).map((path) => ({ path, action: "delete" })),
      ...[...files].map(([path, { mode, content }]) =>
        mode === "160000"
          ? { path, mode, sha: content }
          : { path, mode, content: Buffer.from(content, "latin1").toString("base64"), encoding: "base64" },
      ),
    ];
    return String((await api.commit("d", changes, { branch })).json.sha);
  }

  it("apply to the base and give the head, with git's counts", async () => {
    await using repo = await makeRepo();
    await api.makeRepo("d");
    let previous: MergeFiles = new Map();
    let statuses = "";
    for (let n = 0; n < 25; n++) {
      const { base, ours } = makeMergeCase(createRandom(500 + n));
      const from = await write("main", base, previous);
      const to = await write("main", ours, base);
      previous = ours;
      const query = { base: from, head: to, patch: true, context: n % 4 };
      const diff = dataOf(await client.diff.compare("d", query));
      statuses += diff.files.map(({ status, binary }) => status + (binary ? " binary" : "")).join();
      const load = async (files: MergeFiles) => {
        await repo.git(["read-tree", "--empty"]);
        for (const [path, { mode, content }] of files) {
          const oid =
            mode === "160000"
              ? content
              : (await repo.git(["hash-object", "-w", "--stdin"], { input: Buffer.from(content, "latin1") }))
                  .text;
          await repo.git(["update-index", "--add", "--cacheinfo", `${mode},${oid},${path}`]);
        }
        return (await repo.git(["write-tree"])).text;
      };
      const expected = await load(ours);
      const start = await load(base);
      const patch = join(repo.dir, "p.patch");
      await writeFile(patch, diff.files.map((file) => file.patch ?? "").join(""));
      const zero = query.context === 0 ? ["--unidiff-zero"] : [];
      if (diff.files.length > 0) await repo.git(["apply", "--cached", "--whitespace=nowarn", ...zero, patch]);
      expect([n, (await repo.git(["write-tree"])).text]).toEqual([n, expected]);
      const counts = (await repo.git(["diff-tree", "-r", "-M", "--numstat", start, expected])).text;
      const sum = (column: number) =>
        counts.split("\n").reduce((total, line) => total + (Number(line.split("\t")[column]) || 0), 0);
      expect([n, diff.total_additions, diff.total_deletions]).toEqual([n, sum(0), sum(1)]);
      expect(diff.total_files_changed).toBe(counts === "" ? 0 : counts.split("\n").length);
    }
    for (const kind of ["added", "modified", "removed", "renamed", "binary"])
      expect(statuses).toContain(kind);
  }, 120_000);

  it("quote odd paths and mark a missing last line end", async () => {
    await using repo = await makeRepo();
    const files = { "with space": "a", 'q"uote': "b\n", "täb\tline\n": "c" };
    const head = await commit("main", files);
    const diff = dataOf(await client.diff.compare("r", { base: root, head, patch: true }));
    await writeFile(join(repo.dir, "p.patch"), diff.files.map(({ patch }) => patch).join(""));
    await repo.git(["apply", "--cached", "p.patch"]);
    const names = (await repo.git(["ls-files", "-z"])).text.split("\0").filter(Boolean);
    expect(names.sort()).toEqual(Object.keys(files).sort());
    const shas = diff.files.map(({ new_sha }) => new_sha);
    for (const sha of shas) expect((await repo.git(["ls-files", "-s"])).text).toContain(String(sha));
  });
});

it("shows a public repository's diff without a key", async () => {
  await api.makeRepo("open", { visibility: "public" });
  const made = await api.commit("open", [{ path: "a", content: "1\n" }]);
  const next = await api.commit("open", [{ path: "a", content: "2\n" }]);
  const address = `/v1/orgs/${api.org}/repos/open/diff?base=${made.json.sha}&head=${next.json.sha}`;
  const response = await api.memory.request(address);
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({ total_additions: 1, total_deletions: 1 });
});

it("keeps a token that may change some paths from merging others in", async () => {
  const made = await api.call("POST", "/v1/tokens", {
    name: "docs only",
    scopes: { "repos:r": { ops: ["read", "write"], paths: ["docs/**"] } },
    expires_in: 3_600,
  });
  await commit("agent/1", { "a.txt": swap("one", "ONE") });
  await commit("main", { "b.txt": "mine\n" });
  const docs = createCoregitClient({
    baseUrl: "http://coregit.test",
    apiKey: String(made.json.token),
    fetch: (input, init) => api.memory.request(String(input), init),
    retry: false,
  });
  dataOf(await client.branches.create("r", { name: "agent/2", from: "main" }));
  dataOf(
    await docs.commits.create("r", {
      branch: "agent/2",
      message: "m",
      changes: [{ path: "docs/x", content: "x\n" }],
    }),
  );
  expect((await docs.branches.land("r", { source: "agent/2", target: "main" })).status).toBe(200);
  const refused = await docs.branches.merge("r", "main", { source: "agent/1", strategy: "squash" });
  expect(refused).toMatchObject({ status: 403, error: { code: "FORBIDDEN" } });
});
