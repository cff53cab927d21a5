/** Compare, diff, cherry-pick and revert on generated histories, each judged by the command of git that it is named after. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CoregitClient, createCoregitClient } from "../../sdk/client.ts";
import type { Result } from "../../sdk/http/reply.ts";
import { type FetchServer, serveFetch } from "../testing/git-http-server.ts";
import { createMemoryApi, type MemoryApi } from "../testing/memory-api.ts";
import { changeFiles, formatImport, type MergeFiles, makeMergeCase } from "../testing/random-merges.ts";
import { createRandom } from "../testing/random-texts.ts";
import { hasGit, makeRepo, type RealRepo } from "../testing/real-git.ts";

const HISTORIES = 6;
const MAIN_COMMITS = 8;
const TOPIC_COMMITS = 5;
const NO_GUESSES = ["-c", "merge.directoryRenames=false"];

/** A branch and one that left it, with a merge of the former on the way. */
function writeHistory(n: number, marks: { last: number }): Buffer[] {
  const random = createRandom(40_000 + n);
  const stream: Buffer[] = [];
  const add = (ref: string, files: MergeFiles, parents: readonly number[]) => {
    const mark = ++marks.last;
    stream.push(formatImport(`${ref}/${n}`, files, { parents, mark, seconds: 1_700_000_000 + mark }));
    return mark;
  };
  let files = makeMergeCase(random).base;
  const main: { readonly mark: number; readonly files: MergeFiles }[] = [];
  for (let i = 0; i < MAIN_COMMITS; i++) {
    const parent = main.at(-1);
    if (parent) files = changeFiles(random, parent.files);
    main.push({ mark: add("main", files, parent ? [parent.mark] : []), files });
  }
  const left = main[2];
  const merged = main[4];
  if (!left || !merged) throw new Error("the history is too short");
  let tip = left.mark;
  files = left.files;
  for (let i = 0; i < TOPIC_COMMITS; i++) {
    files = changeFiles(random, files);
    tip = add("topic", files, i === 2 ? [tip, merged.mark] : [tip]);
  }
  return stream;
}

function dataOf<T>(result: Result<T>): T {
  if (result.error !== null) throw result.error;
  return result.data;
}

describe.runIf(hasGit)("generated histories", () => {
  let api: MemoryApi;
  let server: FetchServer;
  let client: CoregitClient;
  let repo: RealRepo;
  let remote: string;

  beforeAll(async () => {
    api = await createMemoryApi();
    server = await serveFetch(async (request) => {
      const { pathname, search } = new URL(request.url);
      const body = request.method === "POST" ? { body: await request.arrayBuffer() } : {};
      return api.memory.request(pathname + search, {
        method: request.method,
        headers: request.headers,
        ...body,
      });
    });
    client = createCoregitClient({ baseUrl: server.url, apiKey: api.apiKey, retry: false });
    await api.makeRepo("h");
    repo = await makeRepo();
    const marks = { last: 0 };
    const stream = Array.from({ length: HISTORIES }, (_, n) => writeHistory(n, marks)).flat();
    await repo.git(["fast-import", "--quiet"], { input: Buffer.concat(stream) });
    remote = `${server.url.replace("://", `://x:${api.apiKey}@`)}/${api.org}/h.git`;
    await repo.git(["push", "-q", remote, "refs/heads/*"]);
  });
  afterAll(async () => {
    await repo?.remove();
    await server?.close();
  });

  const histories = Array.from({ length: HISTORIES }, (_, n) => n);
  const run = async (...args: string[]) => (await repo.git([...NO_GUESSES, ...args])).text;
  const treeOf = async (sha: string) => dataOf(await client.commits.get("h", sha)).tree;

  it("are as far apart as git rev-list counts, and as different as git diff -M says", async () => {
    let renames = 0;
    for (const n of histories) {
      const [base, head] = [`main/${n}`, `topic/${n}`];
      const compared = dataOf(await client.compare.compare("h", { base, head }));
      const counts = await run("rev-list", "--left-right", "--count", `${base}...${head}`);
      expect([n, `${compared.behind_by}\t${compared.ahead_by}`]).toEqual([n, counts]);
      expect([n, compared.merge_base]).toEqual([n, await run("merge-base", base, head)]);
      const judged = await repo.git([...NO_GUESSES, "merge-tree", "--write-tree", base, head], {
        allowFailure: true,
      });
      expect([n, compared.mergeable]).toEqual([n, judged.status === 0]);

      const diff = dataOf(await client.diff.compare("h", { base, head, patch: true }));
      const letters = { added: "A", modified: "M", removed: "D", renamed: "R" };
      const told = diff.files.map(({ status, path, old_path, similarity }) =>
        status === "renamed"
          ? `R${String(similarity).padStart(3, "0")}\t${old_path}\t${path}`
          : `${letters[status]}\t${path}`,
      );
      const status = (await run("diff", "-M", "--name-status", "--no-ext-diff", base, head)).split("\n");
      renames += status.filter((line) => line.startsWith("R")).length;
      // A changed kind of file is a change here, and a letter of its own there.
      expect([n, told.sort()]).toEqual([
        n,
        status
          .filter(Boolean)
          .map((line) => line.replace(/^T/, "M"))
          .sort(),
      ]);
      await repo.git(["read-tree", base]);
      await writeFile(join(repo.dir, "p.patch"), diff.files.map(({ patch }) => patch ?? "").join(""));
      if (diff.files.length > 0) await repo.git(["apply", "--cached", "--whitespace=nowarn", "p.patch"]);
      expect([n, await run("write-tree")]).toEqual([n, await run("rev-parse", `${head}^{tree}`)]);
    }
    expect(renames).toBeGreaterThan(0);
  }, 120_000);

  it("come by cherry-pick to the tree of git's rebase, or stop at the commit where it stops", async () => {
    const seen = { clean: 0, conflict: 0 };
    for (const n of histories) {
      for (const [base, head, onto] of [
        [`topic/${n}~2`, `topic/${n}`, `main/${n}`],
        [`main/${n}~3`, `main/${n}`, `topic/${n}`],
        [`main/${n}~7`, `main/${n}~4`, `topic/${n}~1`],
        [`main/${n}~1`, `main/${n}`, `main/${n}~3`],
        [`main/${n}~2`, `main/${n}`, `main/${n}~4`],
        [`topic/${n}~2`, `topic/${n}~1`, `main/${n}~5`],
      ] as const) {
        const picked = dataOf(await client.cherryPick.execute("h", { base, head, onto }));
        await repo.git(["checkout", "-q", "-f", "--detach", head]);
        const args = [...NO_GUESSES, "rebase", "-q", "--onto", onto, base];
        const rebased = await repo.git(args, { allowFailure: true });
        expect([n, base, picked.success]).toEqual([n, base, rebased.status === 0]);
        if (picked.success) {
          seen.clean++;
          expect([n, base, await treeOf(picked.head_sha ?? "")]).toEqual([
            n,
            base,
            await run("rev-parse", "HEAD^{tree}"),
          ]);
          expect([n, base, picked.commits_created]).toEqual([
            n,
            base,
            Number(await run("rev-list", "--count", `${onto}..HEAD`)),
          ]);
        } else {
          seen.conflict++;
          expect([n, base, picked.failed_sha]).toEqual([n, base, await run("rev-parse", "REBASE_HEAD")]);
          await repo.git(["rebase", "--abort"]);
        }
      }
    }
    expect(seen.clean).toBeGreaterThan(1);
    expect(seen.conflict).toBeGreaterThan(0);
  }, 120_000);

  it("lose a commit by revert as they do by git revert", async () => {
    const seen = { clean: 0, conflict: 0 };
    for (const n of histories) {
      for (const back of [1, 2, 4]) {
        const commit = await run("rev-parse", `main/${n}~${back}`);
        const branch = `revert/${n}/${back}`;
        dataOf(await client.branches.create("h", { name: branch, from: `main/${n}` }));
        const reverted = await client.branches.revert("h", { branch, commit });
        await repo.git(["checkout", "-q", "-f", "--detach", `main/${n}`]);
        const judged = await repo.git([...NO_GUESSES, "revert", "--no-edit", commit], { allowFailure: true });
        expect([n, back, reverted.error === null]).toEqual([n, back, judged.status === 0]);
        seen[reverted.error === null ? "clean" : "conflict"]++;
        if (reverted.error !== null) {
          await repo.git(["revert", "--abort"], { allowFailure: true });
          continue;
        }
        expect([n, back, await treeOf(reverted.data.sha)]).toEqual([
          n,
          back,
          await run("rev-parse", "HEAD^{tree}"),
        ]);
      }
    }
    expect(seen.clean).toBeGreaterThan(3);
    expect(seen.conflict).toBeGreaterThan(0);
  }, 120_000);
});
