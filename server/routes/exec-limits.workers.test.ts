/** Commands that would take a server down: each must end by a limit, in the real runtime, and leave it answering. */
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { createApp, type Env } from "../wiring.ts";

// The platform's type of `env` is open; what is in it is said in vitest.config.ts.
const app = createApp(env as unknown as Env);
let key: Record<string, string>;

async function call(method: string, path: string, body?: object) {
  const response = await app.request(path, {
    method,
    headers: { ...key, ...(body ? { "content-type": "application/json" } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}

const run = (command: string, more: object = {}) =>
  call("POST", "/v1/repos/r/exec", { command, timeout_ms: 5_000, ...more });

beforeAll(async () => {
  key = { "x-admin-key": "test-admin-key" };
  const { json } = await call("POST", "/v1/admin/orgs", { slug: "exec-limits" });
  key = { "x-api-key": String(json.api_key) };
  await call("POST", "/v1/repos", { slug: "r", init: false });
  const changes = [
    { path: "a.txt", content: `${"a".repeat(60)}b\n` },
    { path: "million.txt", content: "0123456789abcde\n".repeat(65_536) },
    ...Array.from({ length: 900 }, (_, i) => ({
      path: `d${i % 30}/e${i % 10}/${i}.txt`,
      content: `${i} x\n`,
    })),
  ];
  const made = await call("POST", "/v1/repos/r/commits", { branch: "main", message: "m", changes });
  expect(made.status).toBe(201);
});

describe("a command that does not end by itself", () => {
  const ENDED: Readonly<Record<string, string>> = {
    "an endless loop": "while :; do :; done",
    "an endless loop that reads": "while :; do cat a.txt >/dev/null; done",
    "a fork bomb": ":(){ :|:& };:",
    "a function that calls itself": "f(){ f; }; f",
    "a string that doubles": 'x=a; while :; do x="$x$x"; done',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's, not ours
    "an array that grows": 'a=(1); while :; do a+=("${a[@]}"); done',
    "endless yes": "yes() { while :; do echo y; done; }; yes",
    "brace expansion": "echo {1..1000}{1..1000}{1..1000}",
    "a long sequence": "seq 1 1000000000",
    "a wide format": 'printf "%1000000000d" 1',
    "endless awk": "awk 'BEGIN{while(1)i++}'",
    "awk that doubles a string": "awk 'BEGIN{s=\"a\";while(1)s=s s}'",
    "endless sed": "echo a | sed ':x;s/a/a/;tx'",
    "endless jq": "echo 1 | jq 'def f: f; f'",
    "deep recursion by bash -c": 'export c=\'bash -c "$c"\'; bash -c "$c"',
    "deep substitution": `${"$(echo ".repeat(200)}x${")".repeat(200)}`,
    "an endless arithmetic loop": "for((;;)); do :; done",
    "writing without end": "while :; do cat million.txt million.txt >> big; done",
    "many files": "i=0; while :; do echo x > f$i; i=$((i+1)); done",
    "many files in few commands": "for i in {1..20000}; do echo x > f$i; done",
  };
  for (const [name, command] of Object.entries(ENDED)) {
    it(`is ended: ${name}`, async () => {
      const { status, json } = await run(command, { commit: true });
      expect(status).toBe(200);
      expect(json.exit_code).toBe(json.stopped === "time" ? 124 : 126);
      expect(json.stderr).not.toBe("");
      expect(json.stopped).not.toBeNull();
      expect(json).not.toHaveProperty("commit_sha");
      expect((await run("echo alive")).json.stdout).toBe("alive\n");
    });
  }

  it("is ended by the clock: sleep", async () => {
    const { json } = await run("echo before; sleep 100", { timeout_ms: 200 });
    expect(json).toMatchObject({ exit_code: 124, stopped: "time" });
    expect(json.stderr).toContain("deadline");
  });
});

describe("a pattern made to backtrack", () => {
  it.each([
    "grep -E '(a|a)*c' a.txt",
    "grep -P '(a+)+c' a.txt",
    "sed -E 's/(a*)*c/x/' a.txt",
    "awk '/(a|aa)+c/' a.txt",
    "[[ $(cat a.txt) =~ (a+)+c ]]",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's, not ours
    "x=$(cat a.txt); echo ${x//+(a|aa)c/}",
    "rg '(a|a)*c' a.txt",
    "find . -regex '.*(a+)+c'",
  ])("takes no longer than another: %s", async (command) => {
    const { status } = await run(command);
    expect(status).toBe(200);
  });
});

describe("a command that asks for much", () => {
  it("reads globs and trees within its limits", async () => {
    const { json } = await run("echo */*/*.txt | wc -w; echo **/**/**/*.txt | wc -w; find . -type f | wc -l");
    expect(json).toMatchObject({ stdout: expect.stringMatching(/^900\n\d+\n902\n$/), exit_code: 0 });
  });

  it("gets the beginning of a long output, and is told", async () => {
    const { json } = await run("cat million.txt million.txt; echo end >&2");
    expect(json).toMatchObject({
      stdout_truncated: true,
      stderr_truncated: false,
      stderr: "end\n",
      exit_code: 0,
    });
    expect(String(json.stdout)).toHaveLength(1024 * 1024);
  });

  it("is told which limit of writing it passed", async () => {
    const { json } = await run("for i in 1 2 3 4 5 6 7 8 9; do cat million.txt million.txt > f$i; done", {
      commit: true,
    });
    expect(json).toMatchObject({ exit_code: 126, stopped: "limit" });
    expect(json.stderr).toContain("limit exceeded: bytes written (16777216)");
    expect(json).not.toHaveProperty("commit_sha");
  });

  it("greps a thousand files", async () => {
    const { json } = await run("grep -rl x . | wc -l");
    expect(json).toMatchObject({ stdout: "900\n", exit_code: 0 });
  });
});
