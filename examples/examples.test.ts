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

const runExample = (name: string) => run("--import", "tsx", `examples/${name}`);

beforeAll(() => run("server/local/prepare.mjs"));

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
