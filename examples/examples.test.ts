import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "..");

/** What a program printed; rejects with its stderr when it ends with another code than 0. */
async function run(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, timeout: 120_000 });
  return stdout;
}

// The consumers of adapters are found by what the second import adds; an example without any does not notice.
const runExample = (name: string) =>
  run("--import", "tsx", "--import", "./examples/consumers.mjs", `examples/${name}`);

beforeAll(() => run("server/local/prepare.mjs", "--tests"), 600_000);

describe("examples", () => {
  test("quickstart commits two files and reads one back", async () => {
    const output = await runExample("quickstart.ts");
    expect(output).toMatch(/^committed \{ hello: '[0-9a-f]{40}' \}$/m);
    expect(output).toContain("export const answer = 42;");
  });

  test("the README shows quickstart.ts as it is", () => {
    const [, shown] = /```ts\n(.*?)```/s.exec(readFileSync(join(root, "README.md"), "utf8")) ?? [];
    const source = readFileSync(join(root, "examples/quickstart.ts"), "utf8");
    expect(shown).toBe(source.slice(source.indexOf("\n") + 1));
  });

  test("commit-and-read commits, edits, is refused, and reads", async () => {
    expect((await runExample("commit-and-read.ts")).trim().split("\n")).toEqual([
      "first commit: 3 files",
      "edit: 201 refused edit: 422 UNPROCESSABLE",
      "read: [ 'src/app.ts (26)', 'bin/start (31)' ] [ 'no/such/file' ]",
      "history: [ 'Use the usual port', 'Add the app' ]",
    ]);
  });

  test("mount reads its own writes, and is a node:fs/promises", async () => {
    expect((await runExample("mount.ts")).trim().split("\n")).toEqual([
      "before the commit: [ 'monday.md', 'tuesday.md' ]",
      "names: [ 'monday.md', 'tuesday.md' ]",
      "text: # Monday",
      "",
      "size: 9",
      "ENOENT | ENOENT: no such file or directory, open '/days/sunday.md'",
    ]);
  });

  test("fork-and-land lands two forks' work, and one of them catches up", async () => {
    expect((await runExample("fork-and-land.ts")).trim().split("\n")).toEqual([
      "task-1 landed: rebase",
      "task-2 landed: rebase",
      "in app: notes.md one.md two.md",
      "task-1 caught up: fast-forward",
      "in task-1: 200",
    ]);
  });

  test("worker-mount mounts inside workerd, writes, commits and reads", async () => {
    const lines = (await runExample("worker-mount.ts")).trim().split("\n");
    expect(lines[0]).toMatch(/^wrote: 200 \{ sha: '[0-9a-f]{40}' \}$/);
    expect(lines.slice(1)).toEqual([
      "names: [ 'monday.md (9)' ]",
      "text: # Monday",
      "missing: 404",
      'read elsewhere: "# Monday\\n"',
    ]);
  });

  test("bash changes files, keeps its directory, and commits", async () => {
    expect((await runExample("bash.ts")).trim().split("\n")).toEqual([
      expect.stringMatching(/^ *1 about\.md$/),
      expect.stringMatching(/^ *1 home\.md$/),
      expect.stringMatching(/^ *2 total$/),
      "changed: [ '/site/pages/about.md' ] commits: [ 'site' ] | ## about",
      "server: [ 'pages/about.md:1', 'pages/home.md:1' ]",
    ]);
  });

  test("embedded keeps its keys and repositories over a restart", async () => {
    const output = await runExample("embedded.ts");
    expect(output).toContain("created: 201");
    expect(output).toContain("same key: true");
    expect(output).toContain("repositories: [ 'kept' ]");
  });

  test("agent-loop fixes a fault by the tools of the AI SDK and commits", async () => {
    const output = await runExample("agent-loop.ts");
    expect(output).toContain("/src/price.js:1:export const total = (net, vat) => net - net * vat;");
    expect(output).toContain(
      "failed: The edit was not made: its oldText is not in the file. The nearest lines are:",
    );
    expect(output).toMatch(/^Edited \/src\/price\.js: 1 place replaced, now blob [0-9a-f]{40}$/m);
    expect(output).toMatch(/^Committed to shop: [0-9a-f]{40}$/m);
    expect(output).toContain("commit by Agent: Add the tax to the price");
  });

  test("mcp-server serves a repository over stdio and over HTTP", async () => {
    const output = await runExample("mcp-server.ts");
    expect(output).toContain("> write_file: Successfully wrote to /days/monday.md");
    expect(output).toContain("-rain\n+sun");
    expect(output).toMatch(/^> commit: Committed to notes: [0-9a-f]{40}$/m);
    expect(output).toMatch(/^> create_branch: Created drafts at [0-9a-f]{40}$/m);
    expect(output).toContain("> list_directory: [FILE] monday.md\n[FILE] tuesday.md");
    expect(output).toContain("> grep: /days/monday.md:2:sun");
    expect(output).toContain("> write_file failed: ");
  });

  test("swarm lands twenty commits to one branch, shows a conflict, keeps forks apart, and lands branches", async () => {
    expect((await runExample("swarm.ts")).trim().split("\n")).toEqual([
      "commits: 20",
      "sections done: 20 open: 0",
      "reports: 20",
      "history: 22 linear: true",
      "conflict: /plan.md unsaved: 1",
      "attempts: [ true, true, true, false ]",
      "landed: 5",
    ]);
  });

  test("the demo agrees with git, or says that there is none", { timeout: 180_000 }, async () => {
    const output = await runExample("demo.ts");
    expect(output).toMatch(/^commit 1,000 files in one call +1,000 /m);
    expect(output).toMatch(/Everything agrees( with git)?\.$/m);
  });

  test("every example is run here", () => {
    const source = readFileSync(import.meta.filename, "utf8");
    const names = readdirSync(import.meta.dirname).filter((name) => /^(?!.*\.test\.).*\.ts$/.test(name));
    expect(names.filter((name) => !source.includes(`runExample("${name}")`))).toEqual([]);
  });
});
