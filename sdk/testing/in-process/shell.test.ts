import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MountConflictError } from "../../errors.ts";
import type { ExecStrategy } from "../../mount/bash/shell-options.ts";
import type { MountOptions } from "../../mount/mount-options.ts";
import type { MountedFS } from "../../mount/mounted-fs.ts";
import { createAppClient } from "./app-client.ts";

let app: Awaited<ReturnType<typeof createAppClient>>;
const mounts: MountedFS[] = [];

const file = (path: string, content: string, more: object = {}) => ({ path, content, ...more });

beforeEach(async () => {
  app = await createAppClient();
  await app.api.makeRepo("app");
  await app.api.commit("app", [
    file("README.md", "# App\n"),
    file("src/a.ts", "export const a = 1;\n"),
    file("src/deep/b.ts", "TODO\n"),
    file("run.sh", "echo ran $1\n", { mode: "100755" }),
    file("link", "src/a.ts", { mode: "120000" }),
    file("data.bin", Buffer.from([0, 255, 1, 254]).toString("base64"), { encoding: "base64" }),
    file("dir/x", "x\n"),
    file("dir/y", "y\n"),
  ]);
});

afterEach(async () => {
  for (const mount of mounts.splice(0)) await mount.unmount({ onUnsaved: "discard" });
});

async function mount(options: Partial<MountOptions> = {}): Promise<MountedFS> {
  const fs = await app.cg.fs.mount({ repos: [{ slug: "app" }], branch: "main", ...options });
  mounts.push(fs);
  return fs;
}

async function remoteText(path: string): Promise<string> {
  return (await app.api.send("GET", `/v1/repos/app/raw/main/${path}`)).text();
}

const STRATEGIES: readonly ExecStrategy[] = ["local-js", "remote", "local"];

describe.each(STRATEGIES)("a shell of strategy %s", (execStrategy) => {
  test("sees the mount with what is unsaved in it", async () => {
    const fs = await mount({ execStrategy });
    await fs.writeFile("/app/new.txt", "unsaved\n");
    await fs.rm("/app/dir/x");
    await fs.rename("/app/src/deep", "/app/deep");
    const result = await fs
      .bash()
      .exec("cat new.txt README.md; ls dir; cat deep/b.ts; ./run.sh it; readlink link; exit 3");
    expect(result).toMatchObject({
      stdout: "unsaved\n# App\ny\nTODO\nran it\nsrc/a.ts\n",
      exitCode: 3,
      changedFiles: [],
      commits: {},
      reposMounted: ["app"],
    });
    expect((await fs.status()).map(({ path }) => path)).toEqual(["/app/deep", "/app/dir/x", "/app/new.txt"]);
  });

  test("leaves everything that it changed in the mount, unsaved", async () => {
    const fs = await mount({ execStrategy });
    const result = await fs
      .bash()
      .exec(
        "mv dir moved; cp run.sh tool; chmod -x run.sh; ln -s README.md l2; rm src/a.ts; cat data.bin data.bin > twice.bin; echo more >> README.md; mkdir -p new/deep; echo x > new/deep/x; echo same > z; rm z",
      );
    expect(result.stderr).toBe("");
    expect(result.changedFiles).toEqual(
      [
        "README.md",
        "dir/x",
        "dir/y",
        "l2",
        "moved/x",
        "moved/y",
        "new/deep/x",
        "run.sh",
        "src/a.ts",
        "tool",
        "twice.bin",
      ].map((path) => `/app/${path}`),
    );
    expect(await fs.readFile("/app/README.md")).toBe("# App\nmore\n");
    expect([...(await fs.readFile("/app/twice.bin", "binary"))]).toEqual([0, 255, 1, 254, 0, 255, 1, 254]);
    expect((await fs.lstat("/app/l2")).mode).toBe("120000");
    expect([(await fs.stat("/app/tool")).mode, (await fs.stat("/app/run.sh")).mode]).toEqual([
      "100755",
      "100644",
    ]);
    expect(await fs.exists("/app/dir")).toBe(false);
    expect(await fs.readFile("/app/moved/x")).toBe("x\n");
    expect(await remoteText("README.md")).toBe("# App\n");
    const commits = await fs.commit({ message: "All of it" });
    expect(Object.keys(commits)).toEqual(["app"]);
    expect(await remoteText("new/deep/x")).toBe("x\n");
    expect(await fs.status()).toEqual([]);
  });

  test("commits after a command that changed something, as the mode or the call says", async () => {
    const fs = await mount({ execStrategy, commitMode: "on-exec" });
    const shell = fs.bash();
    expect((await shell.exec("cat README.md")).commits).toEqual({});
    const done = await shell.exec("echo one > one.txt");
    expect(Object.keys(done.commits)).toEqual(["app"]);
    expect(await remoteText("one.txt")).toBe("one\n");
    const { data } = await app.cg.commits.get("app", done.commits.app ?? "");
    expect(data?.message).toBe("Run echo one > one.txt");
    expect((await shell.exec("echo two > two.txt", { commit: false })).commits).toEqual({});
    expect(await fs.readFile("/app/one.txt")).toBe("one\n");
    const forced = await shell.exec("true", {
      commit: true,
      commitMessage: "Forced",
      author: { name: "A", email: "a@x" },
    });
    expect(Object.keys(forced.commits)).toEqual(["app"]);
    expect(await remoteText("two.txt")).toBe("two\n");
    expect(await fs.status()).toEqual([]);
    expect(await fs.readFile("/app/two.txt")).toBe("two\n");
  });

  test("never overwrites what others committed, and keeps what was printed", async () => {
    const fs = await mount({ execStrategy });
    await app.api.commit("app", [file("README.md", "theirs\n"), file("other", "o")]);
    const error = await fs
      .bash()
      .exec("echo printed; echo mine > README.md", { commit: true })
      .catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(MountConflictError);
    expect(error).toMatchObject({ path: "/app/README.md", data: { result: { stdout: "printed\n" } } });
    expect(await remoteText("README.md")).toBe("theirs\n");
    const disjoint = await mount({ execStrategy });
    await app.api.commit("app", [file("other", "again")]);
    await disjoint.bash().exec("echo n > disjoint", { commit: true });
    expect([await remoteText("other"), await remoteText("disjoint")]).toEqual(["again", "n\n"]);
  });

  test("takes cwd and env, and ends a command whose time is up", async () => {
    const fs = await mount({ execStrategy });
    const shell = fs.bash({ env: { A: "a b" } });
    const { stdout } = await shell.exec('ls; echo "$A$B"', { cwd: "/app/src", env: { B: "c" } });
    expect(stdout).toBe("a.ts\ndeep\na bc\n");
    const late = await shell.exec("echo x > late; sleep 30", { timeoutMs: 300, commit: true });
    expect(late).toMatchObject({ exitCode: 124, commits: {} });
  });

  test("rejects with the reason of an aborted signal, and runs the next command", async () => {
    const fs = await mount({ execStrategy });
    const shell = fs.bash();
    const controller = new AbortController();
    const running = shell.exec("sleep 30", { signal: controller.signal });
    setTimeout(() => controller.abort(new Error("enough")), 200);
    await expect(running).rejects.toThrow("enough");
    expect((await shell.exec("echo next")).stdout).toBe("next\n");
  });

  test("works over several repositories", async () => {
    await app.api.makeRepo("lib");
    await app.api.commit("lib", [file("l", "lib\n")]);
    const fs = await mount({ execStrategy, repos: [{ slug: "app" }, { slug: "lib", as: "vendor" }] });
    const result = await fs
      .bash()
      .exec("cat app/README.md vendor/l; cp vendor/l app/l; echo z >> vendor/l", { commit: true });
    expect(result.stdout).toBe("# App\nlib\n");
    expect(result.changedFiles).toEqual(["/app/l", "/vendor/l"]);
    expect(Object.keys(result.commits).sort()).toEqual(["app", "vendor"]);
    expect(await remoteText("l")).toBe("lib\n");
  });

  test("works over a repository at the root, and one without commits", async () => {
    const fs = await mount({ execStrategy, repos: [{ slug: "app", as: "/" }] });
    const result = await fs.bash().exec("cat README.md; echo n > n; cd src && ls");
    expect(result).toMatchObject({ stdout: "# App\na.ts\ndeep\n", changedFiles: ["/n"] });
    expect(await fs.readFile("/n")).toBe("n\n");
    await app.api.makeRepo("empty");
    const empty = await mount({ execStrategy, repos: [{ slug: "empty" }] });
    const first = await empty.bash().exec("ls -A; echo 1 > first", { commit: true });
    expect([first.stdout, first.changedFiles, Object.keys(first.commits)]).toEqual([
      "",
      ["/empty/first"],
      ["empty"],
    ]);
  });

  test("commits once in mode auto", async () => {
    const fs = await mount({ execStrategy, commitMode: "auto" });
    const before = (await app.cg.commits.list("app")).data?.commits.length ?? 0;
    const { commits } = await fs.bash().exec("for i in 1 2 3 4 5; do echo $i > f$i; done");
    expect(Object.keys(commits)).toEqual(["app"]);
    expect((await app.cg.commits.list("app")).data?.commits.length).toBe(before + 1);
  });
});

describe("the shell in this process", () => {
  test("keeps directory and variables from one command to the next", async () => {
    const shell = (await mount()).bash();
    await shell.exec("cd src; export NAME='a \"b\"'; X=1");
    expect((await shell.exec('pwd; echo "$NAME"')).stdout).toBe('/app/src\na "b"\n');
    await shell.exec("cd deep", { cwd: "/app/dir" });
    expect((await shell.exec("pwd")).stdout).toBe("/app/src\n");
  });

  test("has /dev/null, /tmp and /bin, which are part of no commit", async () => {
    const fs = await mount();
    const shell = fs.bash();
    const { stdout, stderr, changedFiles } = await shell.exec(
      "ls nope 2>/dev/null; echo x > /dev/null; cat /dev/null; echo t > /tmp/t; /bin/cat /tmp/t; cp README.md /tmp/r; mv /tmp/r r2; cat /app/r2 /r2; test -e /bin/ls && echo bin",
    );
    expect([stdout, stderr]).toEqual(["t\n# App\n# App\nbin\n", ""]);
    expect(changedFiles).toEqual(["/app/r2"]);
    expect((await shell.exec("cat /tmp/t")).stdout).toBe("t\n");
  });

  test("does not reject for a redirection that cannot be opened", async () => {
    const shell = (await mount()).bash();
    expect(await shell.exec("echo x > README.md/y; echo after")).toMatchObject({ exitCode: 1 });
    expect(await shell.exec("echo x > not/there; cat not/there")).toMatchObject({
      stdout: "x\n",
      exitCode: 0,
    });
  });

  test("reads many files in few requests, and cached ones in none", async () => {
    const changes = Array.from({ length: 1_000 }, (_, index) =>
      file(`many/${index % 20}/${index}.txt`, `needle ${index}\n`),
    );
    await app.api.commit("app", changes);
    const fs = await mount();
    app.sent.length = 0;
    const shell = fs.bash();
    expect((await shell.exec("ls -lR > /dev/null; grep -rl needle many | wc -l")).stdout.trim()).toBe("1000");
    expect(app.sent.length).toBeLessThanOrEqual(25);
    app.sent.length = 0;
    expect(
      (await shell.exec("grep -rl needle many | wc -l; ls -lR | wc -l; find . -size +1k")).exitCode,
    ).toBe(0);
    expect(app.sent).toEqual([]);
  });

  test("is told what to do where just-bash cannot be loaded", async () => {
    const fs = await mount({ execStrategy: "local-js" });
    const missing = () => Promise.reject(new Error("no such module"));
    await expect(fs.bash({ justBash: missing }).exec("ls")).rejects.toThrow("no such module");
  });
});

test("a command on the server costs one request, and one more when it commits", async () => {
  const fs = await mount({ execStrategy: "remote" });
  await fs.writeFile("/app/u", "unsaved");
  app.sent.length = 0;
  await fs.bash().exec("cat u > v; grep -r TODO . | wc -l");
  expect(app.sent).toEqual(["POST /v1/workspace/exec"]);
  expect(await fs.readFile("/app/v")).toBe("unsaved");
  await fs.bash().exec("true", { commit: true });
  expect(app.sent).toHaveLength(3);
  expect(await fs.status()).toEqual([]);
});

test("the system's shell leaves git's directory, background processes and secrets out", async () => {
  process.env.COREGIT_TEST_SECRET = "secret";
  const fs = await mount({ execStrategy: "local" });
  const { stdout, changedFiles } = await fs
    .bash()
    .exec(
      'git init -q . 2>/dev/null; echo "[$COREGIT_TEST_SECRET]"; (sleep 20; echo late > late) & mkfifo pipe; mkdir kept; echo $$',
    );
  expect(stdout).toMatch(/^\[\]\n\d+\n$/);
  expect(changedFiles).toEqual([]);
  expect(await fs.exists("/app/kept")).toBe(true);
  expect(await fs.exists("/app/.git")).toBe(false);
});
