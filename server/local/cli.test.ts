import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  isRunning,
  listRuntimesOf,
  prepareBuild,
  type Ready,
  startCli,
  startReady,
} from "../testing/cli-process.ts";
import { REPOSITORY_ROOT } from "../testing/house/source-file.ts";

const folders: string[] = [];

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "coregit-cli-"));
  folders.push(folder);
  return folder;
}

/** Polls for up to ten seconds. */
async function becomesTrue(claim: () => boolean): Promise<boolean> {
  for (let attempt = 0; attempt < 500; attempt++) {
    if (claim()) return true;
    await delay(20);
  }
  return false;
}

beforeAll(prepareBuild);

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

/** Processes are looked up in /proc. */
describe.runIf(process.platform === "linux")("coregit-server", () => {
  test("prints one JSON line with a url and keys that work, and the same keys on a restart", async () => {
    const data = await makeFolder();
    const first = await startReady(["--data", data]);
    expect(first.ready).toEqual({
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      api_key: expect.stringMatching(/^cgk_live_\w{40}$/),
      org: "local",
      admin_key: expect.any(String),
    });
    const reply = await fetch(`${first.ready.url}/v1/repos`, {
      headers: { "x-api-key": first.ready.api_key },
    });
    expect(reply.status).toBe(200);
    const refused = await fetch(`${first.ready.url}/v1/repos`, { headers: { "x-api-key": "cgk_live_no" } });
    expect(refused.status).toBe(401);
    first.cli.child.kill("SIGTERM");
    expect((await first.cli.exit).stdout.split("\n")).toHaveLength(2);

    const second = await startReady(["--data", data]);
    expect({ ...second.ready, url: "" }).toEqual({ ...first.ready, url: "" });
    second.cli.child.kill("SIGTERM");
    await second.cli.exit;
  });

  test.each(["SIGINT", "SIGTERM"] as const)(
    "ends on %s with code 0 and takes workerd with it",
    async (signal) => {
      const { cli } = await startReady(["--data", await makeFolder()]);
      const runtimes = listRuntimesOf(cli.child.pid ?? 0);
      expect(runtimes).toHaveLength(1);

      cli.child.kill(signal);
      expect(await cli.exit).toMatchObject({ code: 0, signal: null });
      expect(await becomesTrue(() => !runtimes.some(isRunning))).toBe(true);
    },
  );

  test("leaves no workerd behind when it is killed, and the folder can be used again", async () => {
    const data = await makeFolder();
    const { cli, ready } = await startReady(["--data", data]);
    const runtimes = listRuntimesOf(cli.child.pid ?? 0);

    cli.child.kill("SIGKILL");
    await cli.exit;
    expect(await becomesTrue(() => !runtimes.some(isRunning))).toBe(true);
    const again = await startReady(["--data", data]);
    expect(again.ready.api_key).toBe(ready.api_key);
    again.cli.child.kill("SIGTERM");
    await again.cli.exit;
  });

  test.each(["SIGTERM", "SIGKILL"] as const)("ends when npm, which started it, gets %s", async (signal) => {
    const data = await makeFolder();
    const args = ["start", "--silent", "--", "--port", "0", "--json", "--data", data];
    const npm = spawn("npm", args, { cwd: REPOSITORY_ROOT, stdio: ["ignore", "pipe", "ignore"] });
    const { url } = JSON.parse(String(await new Promise((done) => npm.stdout.once("data", done)))) as Ready;
    npm.kill(signal);
    // The pipe closes when the last process that holds it is gone.
    await new Promise((done) => npm.once("close", done));
    await expect(fetch(url)).rejects.toThrow();
  });

  test("waits for a server that is just ending, on its port and its folder", async () => {
    const data = await makeFolder();
    const first = await startReady(["--data", data]);
    const port = new URL(first.ready.url).port;
    const second = startCli(["--data", data, "--port", port, "--json"]);
    await delay(700);
    first.cli.child.kill("SIGTERM");
    expect(JSON.parse(await second.firstLine)).toEqual(first.ready);
    second.child.kill("SIGTERM");
    await second.exit;
  });

  test("ends with code 1 when workerd dies", async () => {
    const { cli } = await startReady(["--data", await makeFolder()]);
    const [runtime = 0] = listRuntimesOf(cli.child.pid ?? 0);
    process.kill(runtime, "SIGKILL");
    expect(await cli.exit).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("workerd ended by itself"),
    });
  });

  test("says that the port is in use and ends with code 1", async () => {
    const busy = createServer();
    await new Promise<void>((done) => busy.listen(0, "127.0.0.1", done));
    const address = busy.address();
    const port = String(typeof address === "object" && address ? address.port : 0);

    const end = await startCli(["--data", await makeFolder(), "--port", port]).exit;
    await new Promise((done) => busy.close(done));
    expect(end).toMatchObject({ code: 1, stdout: "" });
    expect(end.stderr).toBe(`coregit-server: port ${port} is in use: choose another with --port\n`);
  });

  test("says which process has the folder and ends with code 1", async () => {
    const data = await makeFolder();
    const { cli } = await startReady(["--data", data]);
    const end = await startCli(["--data", data, "--port", "0"]).exit;
    expect(end).toMatchObject({ code: 1, stdout: "" });
    expect(end.stderr).toContain(`is in use by process ${cli.child.pid}`);
    cli.child.kill("SIGTERM");
    await cli.exit;
  });

  test("greets people in words without --json", async () => {
    const cli = startCli(["--data", await makeFolder(), "--port", "0"]);
    expect(await cli.firstLine).toBe("Coregit is ready.");
    cli.child.kill("SIGINT");
    const end = await cli.exit;
    expect(end.stdout).toContain("git clone http://");
    expect(end.stdout).not.toContain('{"url"');
  });

  test.each([
    ["a port that is none", ["--port", "70000"]],
    ["a limit that is none", ["--limits", "maybe"]],
    ["an option that is none", ["--prot", "1"]],
    ["a stray word", ["here"]],
  ])("refuses %s before it starts anything", async (_, args) => {
    const end = await startCli(["--data", "/nowhere/at/all", ...args]).exit;
    expect(end.code).toBe(1);
    expect(end.stderr).toContain("error:");
  });
});
