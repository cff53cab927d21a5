import { beforeEach, describe, expect, it } from "vitest";
import type { PathConflict } from "../../sdk/contract/commits.ts";
import { createMemoryApi, type MemoryApi } from "../testing/memory-api.ts";
import { createRandom, editLines, joinLines, makeLines } from "../testing/random-texts.ts";
import { hasGit, makeRepo } from "../testing/real-git.ts";

let api: MemoryApi;
/** Commit that the caller worked on. */
let base: string;

const TEXT = "one\ntwo\nthree\nfour\nfive\nsix\nseven\n";
const change = (from: string, to: string, text = TEXT) => text.replace(from, to);

beforeEach(async () => {
  api = await createMemoryApi();
  await api.makeRepo("r");
  const first = await api.commit("r", [
    { path: "a.txt", content: TEXT },
    { path: "b.txt", content: "b\n" },
    { path: "run.sh", content: TEXT, mode: "100755" },
    { path: "bin", content: "AAEC", encoding: "base64" },
    { path: "dir/x", content: "x\n" },
    { path: "dir/y", content: "y\n" },
    { path: "link", content: "a.txt", mode: "120000" },
  ]);
  base = String(first.json.sha);
});

async function shaOf(path: string, ref = "main"): Promise<string> {
  return String((await api.call("GET", `/v1/repos/r/blob/${ref}/${path}`)).json.sha);
}

async function read(path: string): Promise<string> {
  return (await api.send("GET", `/v1/repos/r/raw/main/${path}`)).text();
}

const rebase = (changes: readonly unknown[], more: Record<string, unknown> = {}) =>
  api.commit("r", changes, { rebase: true, parent_sha: base, ...more });

const details = (reply: { json: Record<string, unknown> }) => reply.json.details as PathConflict[];

describe("a commit with rebase", () => {
  it("is an ordinary commit when the head has not moved", async () => {
    const made = await rebase([
      { path: "a.txt", content: "new\n" },
      { path: "b.txt", action: "delete" },
    ]);
    expect(made.status).toBe(201);
    expect(made.json).toMatchObject({ parent_sha: base, files_changed: 2, merged: [] });
    expect(await read("a.txt")).toBe("new\n");
  });

  it("lands on a moved head when others changed other files", async () => {
    const theirs = await api.commit("r", [{ path: "b.txt", content: "theirs\n" }]);
    const made = await rebase([{ path: "a.txt", content: "mine\n" }]);
    expect(made.json).toMatchObject({ parent_sha: theirs.json.sha, merged: [] });
    expect([await read("a.txt"), await read("b.txt")]).toEqual(["mine\n", "theirs\n"]);
  });

  it("merges disjoint edits of one file and says what came out", async () => {
    await api.commit("r", [{ path: "a.txt", content: change("one", "ONE") }]);
    const made = await rebase([{ path: "a.txt", content: change("seven", "SEVEN") }]);
    expect(made.status).toBe(201);
    expect(await read("a.txt")).toBe(change("seven", "SEVEN", change("one", "ONE")));
    expect(made.json.merged).toEqual([{ path: "a.txt", sha: await shaOf("a.txt") }]);
  });

  it("takes if_match as the base where there is no parent_sha", async () => {
    const seen = await shaOf("a.txt");
    await api.commit("r", [{ path: "a.txt", content: change("one", "ONE") }]);
    const made = await api.commit(
      "r",
      [
        { path: "a.txt", content: change("seven", "SEVEN"), if_match: seen },
        { path: "new.txt", content: "n\n", if_match: null },
      ],
      { rebase: true },
    );
    expect(made.status).toBe(201);
    expect(await read("a.txt")).toBe(change("seven", "SEVEN", change("one", "ONE")));
  });

  it("takes equal results, whoever was first", async () => {
    await api.commit("r", [
      { path: "a.txt", content: "same\n" },
      { path: "b.txt", action: "delete" },
    ]);
    const made = await rebase([
      { path: "a.txt", content: "same\n" },
      { path: "b.txt", action: "delete" },
    ]);
    expect(made.status).toBe(201);
    expect(made.json.merged).toEqual([]);
  });

  it("reports every conflict at once, from the caller's side, and writes nothing", async () => {
    const was = Object.fromEntries(
      await Promise.all(["a.txt", "b.txt", "bin", "dir/x"].map(async (path) => [path, await shaOf(path)])),
    );
    const theirs = await api.commit("r", [
      { path: "a.txt", content: change("two", "THEIRS") },
      { path: "b.txt", action: "delete" },
      { path: "bin", content: "AAED", encoding: "base64" },
      { path: "dir/x", content: "theirs\n" },
      { path: "new.txt", content: "theirs\n" },
      { path: "run.sh", action: "delete" },
      { path: "run.sh/inside", content: "i\n" },
      { path: "link", content: "b.txt", mode: "120000" },
    ]);
    const refused = await rebase([
      { path: "a.txt", content: change("two", "MINE") },
      { path: "b.txt", content: "mine\n" },
      { path: "bin", content: "AAEE", encoding: "base64" },
      { path: "dir/x", action: "delete" },
      { path: "dir/y", content: "fine\n" },
      { path: "new.txt", content: "mine\n" },
      { path: "run.sh", content: "mine\n" },
      { path: "link", content: "dir", mode: "120000" },
    ]);
    expect(refused.status).toBe(409);
    expect(refused.json).toMatchObject({ code: "CONFLICT", head_sha: theirs.json.sha, branch: "main" });
    expect(Object.fromEntries(details(refused).map(({ path, type }) => [path, type]))).toEqual({
      "a.txt": "content",
      "b.txt": "modify-delete",
      bin: "binary",
      "dir/x": "modify-delete",
      link: "symlink",
      "new.txt": "add-add",
      "run.sh": "file-directory",
    });
    expect(refused.json.conflicts).toEqual(details(refused).map(({ path }) => path));
    const text = details(refused).find(({ path }) => path === "a.txt");
    expect(text).toMatchObject({
      base_sha: was["a.txt"],
      theirs_sha: await shaOf("a.txt"),
      markers_encoding: "utf-8",
    });
    expect(text?.markers).toBe(change("two\n", "<<<<<<< ours\nMINE\n=======\nTHEIRS\n>>>>>>> theirs\n"));
    expect(details(refused).find(({ path }) => path === "dir/x")).toMatchObject({ ours_sha: null });
    const branch = await api.call("GET", "/v1/repos/r/branches/main");
    expect(branch.json.sha).toBe(theirs.json.sha);
  });

  it("merges modes: their chmod and my text, my chmod and their text", async () => {
    await api.commit("r", [
      { path: "a.txt", action: "chmod", mode: "100755" },
      { path: "run.sh", content: change("one", "ONE") },
    ]);
    const made = await rebase([
      { path: "a.txt", content: "mine\n" },
      { path: "run.sh", action: "chmod", mode: "100644" },
    ]);
    expect(made.status).toBe(201);
    const tree = (await api.call("GET", "/v1/repos/r/tree/main")).json.items as {
      path: string;
      mode: string;
    }[];
    const modes = Object.fromEntries(tree.map(({ path, mode }) => [path, mode]));
    expect(modes).toMatchObject({ "a.txt": "100755", "run.sh": "100644" });
    expect(await read("run.sh")).toBe(change("one", "ONE"));
  });

  it("edits what the caller saw, then merges", async () => {
    await api.commit("r", [{ path: "a.txt", content: change("one", "ONE") }]);
    const edits = [{ old_string: "one\ntwo\nthree\nfour\nfive", new_string: "one\ntwo\nthree\nfour\nFIVE" }];
    const made = await rebase([{ path: "a.txt", action: "edit", edits }]);
    expect(made.status).toBe(201);
    expect(await read("a.txt")).toBe(change("five", "FIVE", change("one", "ONE")));
  });

  it("moves a file with what others wrote into it, and does not move over what they made", async () => {
    await api.commit("r", [
      { path: "a.txt", content: "theirs\n" },
      { path: "taken", content: "theirs\n" },
    ]);
    const moved = await rebase([{ path: "a.txt", action: "rename", new_path: "moved.txt" }]);
    expect(moved.json.merged).toEqual([{ path: "moved.txt", sha: await shaOf("moved.txt") }]);
    expect(await read("moved.txt")).toBe("theirs\n");
    const refused = await rebase([{ path: "b.txt", action: "rename", new_path: "taken" }]);
    expect(details(refused)).toMatchObject([{ path: "taken", type: "add-add" }]);
    const gone = await rebase([{ path: "a.txt", action: "rename", new_path: "again.txt" }]);
    expect(details(gone)).toMatchObject([{ path: "a.txt", type: "modify-delete", theirs_sha: null }]);
  });

  it("deletes of a directory what the caller saw, and keeps what others added", async () => {
    await api.commit("r", [{ path: "dir/z", content: "z\n" }]);
    expect((await rebase([{ path: "dir", action: "delete" }])).status).toBe(201);
    const tree = (await api.call("GET", "/v1/repos/r/tree/main?recursive=true")).json.items as {
      path: string;
    }[];
    expect(tree.map(({ path }) => path).filter((path) => path.startsWith("dir/"))).toEqual(["dir/z"]);
  });

  it("reports what others changed in a directory that goes", async () => {
    await api.commit("r", [{ path: "dir/x", content: "changed\n" }]);
    const refused = await rebase([{ path: "dir", action: "delete" }]);
    expect(details(refused)).toMatchObject([{ path: "dir/x", type: "modify-delete", ours_sha: null }]);
  });

  it("refuses a parent and a base blob that the repository does not have", async () => {
    const unknown = "1".repeat(40);
    const parent = await rebase([{ path: "a.txt", content: "x" }], { parent_sha: unknown });
    expect(parent).toMatchObject({ status: 404, json: { code: "NOT_FOUND", field: "parent_sha" } });
    const blob = await api.commit("r", [{ path: "a.txt", content: "x", if_match: unknown }], {
      rebase: true,
    });
    expect(blob).toMatchObject({ status: 404, json: { code: "NOT_FOUND" } });
  });

  it("merges files that are too large for the store's own step", async () => {
    const line = (n: number) => `${n} ${"x".repeat(90)}\n`;
    const big = Array.from({ length: 25_000 }, (_, n) => line(n));
    const first = await api.commit("r", [{ path: "big", content: big.join("") }]);
    await api.commit("r", [{ path: "big", content: big.with(3, "theirs\n").join("") }]);
    const made = await rebase([{ path: "big", content: big.with(20_000, "mine\n").join("") }], {
      parent_sha: first.json.sha,
    });
    expect(made.status).toBe(201);
    expect((await read("big")) === big.with(3, "theirs\n").with(20_000, "mine\n").join("")).toBe(true);
    const refused = await rebase([{ path: "big", content: big.with(3, "mine\n").join("") }], {
      parent_sha: first.json.sha,
    });
    expect(details(refused)).toMatchObject([{ path: "big", type: "content" }]);
    expect(details(refused)[0]).not.toHaveProperty("markers");
  });

  it("gives the first answer to a repeated Idempotency-Key", async () => {
    await api.commit("r", [{ path: "a.txt", content: change("one", "ONE") }]);
    const body = {
      branch: "main",
      message: "m",
      rebase: true,
      parent_sha: base,
      changes: [{ path: "a.txt", content: change("six", "SIX") }],
    };
    const key = { "idempotency-key": "k1" };
    const first = await api.call("POST", "/v1/repos/r/commits", body, key);
    const second = await api.call("POST", "/v1/repos/r/commits", body, key);
    expect(first.status).toBe(201);
    expect(second.json).toEqual(first.json);
    expect(second.headers.get("x-idempotent-replay")).toBe("true");
  });

  it("lands every one of 30 racing edits of one file's different lines", async () => {
    const lines = Array.from({ length: 300 }, (_, n) => `line ${n}\n`);
    const first = await api.commit("r", [{ path: "f", content: lines.join("") }]);
    const writers = Array.from({ length: 30 }, (_, n) =>
      rebase([{ path: "f", content: lines.with(n * 10, `writer ${n}\n`).join("") }], {
        parent_sha: first.json.sha,
      }),
    );
    for (const reply of await Promise.all(writers)) expect(reply.status).toBe(201);
    const text = await read("f");
    for (let n = 0; n < 30; n++) expect(text).toContain(`writer ${n}\n`);
    expect(text.split("\n")).toHaveLength(301);
  });
});

describe.runIf(hasGit)("judged by git merge", () => {
  it("conflicts when git does, and writes what git writes", async () => {
    await using repo = await makeRepo();
    const seen = { clean: 0, conflicts: 0 };
    for (let seed = 1; seed <= 60; seed++) {
      const random = createRandom(seed);
      const shape = { lines: 12 + Math.floor(random() * 20), words: 30, crlf: false };
      const start = makeLines(random, shape);
      const sides = [start, editLines(random, start, shape), editLines(random, start, shape)];
      const [was, mine, theirs] = sides.map((lines) => Buffer.from(joinLines(random, lines)));
      const path = `f${seed}`;
      const encode = (content?: Buffer) => ({
        path,
        content: (content ?? Buffer.alloc(0)).toString("base64"),
        encoding: "base64",
      });
      const first = await api.commit("r", [encode(was)]);
      await api.commit("r", [encode(theirs)]);
      const reply = await rebase([encode(mine)], { parent_sha: first.json.sha });

      const stream = [was, mine, theirs].map((content, n) => {
        const data = content ?? Buffer.alloc(0);
        const from = n === 0 ? "" : "from :1\n";
        return Buffer.concat([
          Buffer.from(
            `commit refs/heads/c${n}\nmark :${n + 1}\ncommitter C <c@d> 1700000000 +0000\ndata 0\n${from}`,
          ),
          Buffer.from(`M 100644 inline f\ndata ${data.length}\n`),
          data,
          Buffer.from("\n"),
        ]);
      });
      await repo.git(["fast-import", "--quiet", "--force"], { input: Buffer.concat(stream) });
      const judged = await repo.git(["merge-tree", "--write-tree", "c1", "c2"], { allowFailure: true });
      const merged = (await repo.git(["cat-file", "blob", `${judged.text.slice(0, 40)}:f`])).stdout;
      expect([seed, reply.status]).toEqual([seed, judged.status === 0 ? 201 : 409]);
      seen[judged.status === 0 ? "clean" : "conflicts"]++;
      if (judged.status === 0) {
        const raw = await (await api.send("GET", `/v1/repos/r/raw/main/${path}`)).arrayBuffer();
        expect(Buffer.from(raw).equals(merged)).toBe(true);
      } else {
        const [detail] = details(reply);
        const encoding = detail?.markers_encoding === "base64" ? "base64" : "utf8";
        const markers = Buffer.from(detail?.markers ?? "", encoding).toString("latin1");
        const expected = merged
          .toString("latin1")
          .replaceAll("<<<<<<< c1", "<<<<<<< ours")
          .replaceAll(">>>>>>> c2", ">>>>>>> theirs");
        expect(markers).toBe(expected);
      }
    }
    expect(Math.min(seen.clean, seen.conflicts)).toBeGreaterThan(5);
  }, 60_000);
});
