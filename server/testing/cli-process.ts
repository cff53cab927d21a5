import { type ChildProcess, execFile, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { REPOSITORY_ROOT } from "./house/source-file.ts";

/** Builds what is missing, once however many tests ask: they run what users run. */
export async function prepareBuild(): Promise<void> {
  await promisify(execFile)(process.execPath, [join(REPOSITORY_ROOT, "server/local/prepare.mjs")]);
}

/** The ready line of `--json`. */
export interface Ready {
  readonly url: string;
  readonly api_key: string;
  readonly org: string;
  readonly admin_key: string;
}

export interface CliExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliProcess {
  readonly child: ChildProcess;
  /** First line of standard output; rejects when the process ends without one. */
  readonly firstLine: Promise<string>;
  readonly exit: Promise<CliExit>;
}

/** The command line as `npm start` runs it. */
export function startCli(args: readonly string[]): CliProcess {
  const child = spawn(process.execPath, [join(REPOSITORY_ROOT, "server/dist/local/cli.js"), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const exit = new Promise<CliExit>((done) => {
    child.once("close", (code, signal) => done({ code, signal, stdout, stderr }));
  });
  const firstLine = new Promise<string>((done, fail) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      stdout += `${line}\n`;
      done(line);
    });
    exit.then((end) => fail(new Error(`ended with ${end.code ?? end.signal}: ${end.stderr}`)));
  });
  // Whoever only waits for the exit has no use for the line.
  firstLine.catch(() => null);
  return { child, firstLine, exit };
}

/** Starts with `--json` on any port and waits until it is ready. */
export async function startReady(
  args: readonly string[],
): Promise<{ readonly cli: CliProcess; readonly ready: Ready }> {
  const cli = startCli(["--port", "0", "--json", "--limits", "off", ...args]);
  // Checked by whoever uses the fields: a wrong line fails there.
  return { cli, ready: JSON.parse(await cli.firstLine) as Ready };
}

/** workerd processes whose parent is `pid`; Linux only. */
export function listRuntimesOf(pid: number): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => {
      const stat = readStat(candidate);
      return stat.includes("(workerd)") && stat.split(") ").at(-1)?.split(" ")[1] === String(pid);
    });
}

/** Whether the process is there and not just waiting to be collected. */
export function isRunning(pid: number): boolean {
  const stat = readStat(pid);
  return stat !== "" && !/\) [ZX] /.test(stat);
}

function readStat(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch (error) {
    // It ended between listing and reading.
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return "";
    throw error;
  }
}

/** Kills the command line, workerd, or both in either order; ends when both are gone. */
export async function killHard(pid: number, choice: number): Promise<void> {
  const runtimes = listRuntimesOf(pid);
  const orders = [[pid], [...runtimes, pid], [pid, ...runtimes]];
  for (const victim of orders[Math.floor(choice * orders.length)] ?? [pid]) {
    if (isRunning(victim)) process.kill(victim, "SIGKILL");
  }
  while ([pid, ...runtimes].some(isRunning)) await delay(5);
}
