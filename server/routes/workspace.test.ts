import { beforeEach, describe, expect, it } from "vitest";
import { createMemoryApi, joinMemoryApp, type MemoryApi } from "../testing/memory-api.ts";

let api: MemoryApi;

beforeEach(async () => {
  api = await createMemoryApi();
  await api.makeRepo("r");
});

const file = (path: string, content: string, more: object = {}) => ({ path, content, ...more });

const run = (command: string, more: object = {}, headers: Record<string, string> = {}) =>
  api.call("POST", "/v1/repos/r/exec", { command, ...more }, headers);

async function text(path: string, ref = "main") {
  return (await api.send("GET", `/v1/repos/r/raw/${ref}/${path}`)).text();
}

async function modes(): Promise<Record<string, string>> {
  const { json } = await api.call("GET", "/v1/repos/r/tree/main?recursive=true");
  const items = json.items as { path: string; mode: string; type: string }[];
  return Object.fromEntries(
    items.filter(({ type }) => type === "file").map(({ path, mode }) => [path, mode]),
  );
}

describe("exec", () => {
  beforeEach(async () => {
    await api.commit("r", [
      file("README.md", "# Hello\n"),
      file("src/a.ts", "export const a = 1;\n"),
      file("src/deep/b.ts", "TODO b\n"),
      file("run.sh", "echo ran $1\n", { mode: "100755" }),
      file("link", "src/a.ts", { mode: "120000" }),
      file("data.bin", Buffer.from([0, 255, 1, 254]).toString("base64"), { encoding: "base64" }),
      file("dir/x", "x"),
      file("dir/y", "y"),
    ]);
  });

  it("runs a command over the files of the default branch", async () => {
    const { status, json } = await run("pwd; cat README.md; grep -rn TODO .; ls; false");
    expect(status).toBe(200);
    expect(json).toMatchObject({
      stdout: "/r\n# Hello\nsrc/deep/b.ts:1:TODO b\nREADME.md\ndata.bin\ndir\nlink\nrun.sh\nsrc\n",
      stderr: "",
      exit_code: 1,
      changed_files: [],
      stdout_truncated: false,
      stopped: null,
    });
    expect(json).not.toHaveProperty("commit_sha");
  });

  it("sees sizes, modes, links and bytes as they are", async () => {
    const { json } = await run(
      "wc -c < data.bin; cat link; readlink link; test -x run.sh && echo exec; ./run.sh one; base64 data.bin; stat -c %s README.md; cat /README.md; cat /r/README.md",
    );
    expect(json.stderr).toBe("");
    expect(json.stdout).toBe(
      "4\nexport const a = 1;\nsrc/a.ts\nexec\nran one\nAP8B/g==\n8\n# Hello\n# Hello\n",
    );
  });

  it("has what a shell expects around the repository, and keeps none of it", async () => {
    const { json } = await run(
      "echo x >/dev/null; echo t >/tmp/t; cat /tmp/t; test -d /bin -a -d /dev && echo dirs; ls nope 2>/dev/null; /bin/echo hi",
      {
        commit: true,
      },
    );
    expect(json).toMatchObject({ stdout: "t\ndirs\nhi\n", changed_files: [] });
    expect(json).not.toHaveProperty("commit_sha");
  });

  it("tells what changed and forgets it without commit", async () => {
    const { json } = await run("echo new > new.txt; rm dir/x; echo same > z; rm z");
    expect(json.changed_files).toEqual(["dir/x", "new.txt"]);
    expect(await modes()).not.toHaveProperty("new.txt");
  });

  it("commits everything a tree can hold", async () => {
    const { status, json } = await run(
      "mv dir moved; cp run.sh tool; chmod -x run.sh; ln -s README.md l2; rm README.md; sed -i s/1/2/ src/a.ts; printf '\\x00\\xff' > raw.bin; mkdir -p e/m/p; mkdir -p k; echo k > k/k; cat data.bin > copy.bin",
      { commit: true, author: { name: "Ann", email: "ann@x.io" } },
    );
    expect(json.stderr).toBe("");
    expect(status).toBe(200);
    expect(json.changed_files).toEqual([
      "README.md",
      "copy.bin",
      "dir/x",
      "dir/y",
      "k/k",
      "l2",
      "moved/x",
      "moved/y",
      "raw.bin",
      "run.sh",
      "src/a.ts",
      "tool",
    ]);
    expect(await modes()).toEqual({
      "copy.bin": "100644",
      "data.bin": "100644",
      "k/k": "100644",
      l2: "120000",
      link: "120000",
      "moved/x": "100644",
      "moved/y": "100644",
      "raw.bin": "100644",
      "run.sh": "100644",
      "src/a.ts": "100644",
      "src/deep/b.ts": "100644",
      tool: "100755",
    });
    const made = await api.call("GET", `/v1/repos/r/commits/${String(json.commit_sha)}`);
    expect(made.json).toMatchObject({
      author_name: "Ann",
      message: expect.stringMatching(/^Run mv dir moved/),
    });
    const raw = await api.send("GET", "/v1/repos/r/raw/main/copy.bin");
    expect([...new Uint8Array(await raw.arrayBuffer())]).toEqual([0, 255, 1, 254]);
  });

  it("commits what a command wrote that failed in the end", async () => {
    const { json } = await run("echo 1 > n; exit 3", { commit: true, commit_message: "Try" });
    expect(json).toMatchObject({ exit_code: 3, changed_files: ["n"], commit_sha: expect.any(String) });
  });

  it("starts in cwd and with env, and refuses a cwd that is not there", async () => {
    const { json } = await run("pwd; ls; echo $WHO", { cwd: "src", env: { WHO: "me and you" } });
    expect(json.stdout).toBe("/r/src\na.ts\ndeep\nme and you\n");
    expect((await run("ls", { cwd: "/r/dir" })).json.stdout).toBe("x\ny\n");
    const { status, json: refused } = await run("ls", { cwd: "nope" });
    expect([status, refused.code, refused.fields]).toEqual([
      400,
      "VALIDATION_ERROR",
      [{ field: "cwd", message: "there is no directory /r/nope" }],
    ]);
  });

  it("reads another ref and commits to the branch", async () => {
    const { json: first } = await api.call("GET", "/v1/repos/r/branches/main");
    await api.commit("r", [file("README.md", "# Later\n")]);
    const old = await run("cat README.md", { ref: first.sha });
    expect(old.json).toMatchObject({ stdout: "# Hello\n", base_sha: first.sha });
    const { json } = await run("echo n > other", { ref: first.sha, commit: true });
    expect(json.commit_sha).toEqual(expect.any(String));
    expect(await text("README.md")).toBe("# Later\n");
    expect(await text("other")).toBe("n\n");
  });

  it("never overwrites what somebody else committed meanwhile, and keeps the output", async () => {
    const { json: base } = await api.call("GET", "/v1/repos/r/branches/main");
    await api.commit("r", [file("README.md", "# Theirs\n"), file("dir/y", "theirs")]);
    const { status, json } = await run("echo mine > README.md; echo more > dir/y; echo out; echo err >&2", {
      ref: base.sha,
      branch: "main",
      commit: true,
    });
    expect([status, json.code]).toEqual([409, "CONFLICT"]);
    expect(json).toMatchObject({
      stdout: "out\n",
      stderr: "err\n",
      exit_code: 0,
      changed_files: ["README.md", "dir/y"],
      head_sha: expect.any(String),
    });
    expect((json.conflicts as { path: string }[]).map(({ path }) => path)).toEqual(["README.md", "dir/y"]);
    expect(await text("README.md")).toBe("# Theirs\n");
  });

  it("applies changes first, and commits them with the command's", async () => {
    const pre_apply_changes = [
      { path: "README.md", action: "edit", edits: [{ old_string: "Hello", new_string: "Bye" }] },
      { path: "dir", action: "rename", new_path: "lib/dir" },
      { path: "src/a.ts", action: "delete" },
      { path: "run.sh", action: "chmod", mode: "100644" },
      { path: "log", action: "append", content: "1\n" },
      file("deep/new", "fresh\n"),
    ];
    const { status, json } = await run(
      "cat README.md lib/dir/x log deep/new; test -x run.sh || echo plain; ls src",
      {
        pre_apply_changes,
        commit: true,
        include_changes: true,
      },
    );
    expect([status, json.stdout]).toEqual([200, "# Bye\nx1\nfresh\nplain\ndeep\n"]);
    expect(json.changed_files).toEqual([
      "README.md",
      "deep/new",
      "dir/x",
      "dir/y",
      "lib/dir/x",
      "lib/dir/y",
      "log",
      "run.sh",
      "src/a.ts",
    ]);
    expect(await text("lib/dir/x")).toBe("x");
    const stale = await run("true", {
      pre_apply_changes: [file("README.md", "x", { if_match: "0".repeat(40) })],
    });
    expect([stale.status, stale.json.code, stale.json.path]).toEqual([409, "CONFLICT", "README.md"]);
    const absent = await run("true", { pre_apply_changes: [{ path: "nope", action: "delete" }] });
    expect([absent.status, absent.json.reason]).toEqual([404, "not-found"]);
  });

  it("gives the changes themselves when asked, without what the caller has", async () => {
    const { json } = await run("echo two > b; echo /w== | base64 -d > bin; cp a a2; rm README.md", {
      pre_apply_changes: [file("a", "mine")],
      include_changes: true,
    });
    expect(json.changes).toMatchObject([
      { path: "README.md", status: "deleted", sha: null, mode: null },
      { path: "a", status: "added", mode: "100644", sha: expect.any(String), base_sha: null },
      { path: "a2", status: "added" },
      { path: "b", content: "two\n", encoding: "utf-8" },
      { path: "bin", content: "/w==", encoding: "base64" },
    ]);
    expect((json.changes as { content?: string }[])[1]).not.toHaveProperty("content");
  });

  it("answers a repeated Idempotency-Key with the first commit and the same output", async () => {
    const again = () =>
      run("cat log; echo line >> log; cat log", { commit: true }, { "idempotency-key": "k1" });
    await api.commit("r", [file("log", "0\n")]);
    const first = await again();
    await api.commit("r", [file("log", "other\n")]);
    const second = await again();
    expect(second.json.stdout).toBe("0\n0\nline\n");
    expect({ ...second.json, execution_time_ms: 0 }).toEqual({ ...first.json, execution_time_ms: 0 });
    expect(second.headers.get("x-idempotent-replay")).toBe("true");
    const other = await run("true > log", { commit: true }, { "idempotency-key": "k1" });
    expect(other.status).toBe(422);
  });

  it("runs in a repository without commits", async () => {
    await api.makeRepo("empty");
    const { status, json } = await api.call("POST", "/v1/repos/empty/exec", {
      command: "ls -A; echo hi > a",
      commit: true,
    });
    expect([status, json.changed_files, json.base_sha]).toEqual([200, ["a"], null]);
    expect((await api.call("GET", "/v1/repos/empty/blob/main/a")).json.content).toBe("hi\n");
  });

  it("refuses what is not a command", async () => {
    expect((await run("x".repeat(10_001))).status).toBe(400);
    expect((await run("")).status).toBe(400);
    expect((await run("ls", { unknown: 1 })).status).toBe(400);
    expect((await run("ls", { env: { "a b": "x" } })).status).toBe(400);
    expect((await run("ls", { branch: "nope" })).status).toBe(404);
    const syntax = await run("if then fi (");
    expect([syntax.status, syntax.json.exit_code]).toEqual([200, 2]);
  });

  it("does not reject for a redirection into a directory that is not there", async () => {
    const { json } = await run("echo before; echo x > nope/f; echo y > README.md/z; echo after");
    expect(json).toMatchObject({ exit_code: 1, stderr: expect.stringContaining("README.md/z") });
    const made = await run("echo x > not/there; cat not/there");
    expect(made.json).toMatchObject({ stdout: "x\n", stderr: "", changed_files: ["not/there"] });
  });

  it("keeps git's own names out", async () => {
    const { json } = await run("mkdir .git; echo x > .GIT; echo y > sub/../git~1; ls -A | grep -i git", {
      commit: true,
    });
    expect(json.changed_files).toEqual([]);
  });

  it("lets a reader run, and takes a writer to commit, within the token's paths", async () => {
    const make = async (scopes: object) => {
      const made = await api.call("POST", "/v1/tokens", { name: "t", scopes, expires_in: 3_600 });
      return { "x-api-key": String(made.json.token) };
    };
    const reader = await make({ "repos:r": ["read"] });
    expect((await run("echo x > n; cat n", {}, reader)).json.stdout).toBe("x\n");
    expect((await run("echo x > n", { commit: true }, reader)).status).toBe(403);
    const writer = await make({ "repos:r": { ops: ["read", "write"], paths: ["src/**"] } });
    expect((await run("echo x > src/n", { commit: true }, writer)).status).toBe(200);
    const outside = await run("echo x > outside", { commit: true }, writer);
    expect([outside.status, outside.json.code]).toEqual([403, "FORBIDDEN"]);
  });

  it("lets nobody else in", async () => {
    const other = await joinMemoryApp(api.memory, "evil");
    expect((await other.call("POST", "/v1/repos/r/exec", { command: "ls" })).status).toBe(404);
    const multi = await other.call("POST", "/v1/workspace/exec", { command: "ls", repos: [{ slug: "r" }] });
    expect(multi.status).toBe(404);
  });
});

describe("exec over several repositories", () => {
  beforeEach(async () => {
    await api.makeRepo("s", { namespace: "team" });
    await api.commit("r", [file("a", "from r\n")]);
    await api.commit("team/s", [file("b", "from s\n")]);
  });

  const multi = (command: string, more: object = {}) =>
    api.call("POST", "/v1/workspace/exec", {
      command,
      repos: [{ slug: "r" }, { slug: "s", namespace: "team" }],
      ...more,
    });

  it("mounts each at its slug and commits each that changed", async () => {
    const { status, json } = await multi("pwd; cat r/a /s/b; cp r/a s/a; mv s/b r/b", { commit: true });
    expect([status, json.stdout, json.stderr]).toEqual([200, "/\nfrom r\nfrom s\n", ""]);
    expect(json.changed_files).toEqual(["r/b", "s/a", "s/b"]);
    expect(Object.keys(json.commits as object)).toEqual(["r", "s"]);
    expect((await api.call("GET", "/v1/repos/r/blob/main/b")).json.content).toBe("from s\n");
    expect((await api.call("GET", "/v1/repos/team/s/blob/main/a")).json.content).toBe("from r\n");
    const one = await multi("echo x >> s/a", { commit: true });
    expect(Object.keys(one.json.commits as object)).toEqual(["s"]);
  });

  it("tells what landed when another repository conflicts", async () => {
    const { json: base } = await api.call("GET", "/v1/repos/r/branches/main");
    await api.commit("r", [file("a", "theirs\n")]);
    const { status, json } = await multi("echo 1 > r/a; echo 2 > s/b; echo done", {
      commit: true,
      repos: [
        { slug: "r", ref: base.sha, branch: "main" },
        { slug: "s", namespace: "team" },
      ],
    });
    expect([status, json.code, json.repo, json.stdout]).toEqual([409, "CONFLICT", "r", "done\n"]);
    expect(Object.keys(json.commits as object)).toEqual(["s"]);
  });

  it("refuses more than ten, and two of one name", async () => {
    const many = Array.from({ length: 11 }, (_, index) => ({ slug: `r${index}` }));
    expect((await multi("ls", { repos: many })).status).toBe(400);
    expect((await multi("ls", { repos: [{ slug: "r" }, { slug: "r" }] })).status).toBe(400);
    expect((await multi("ls", { repos: [{ slug: "r" }, { slug: "nope" }] })).status).toBe(404);
  });
});
