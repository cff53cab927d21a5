import { spawn } from "node:child_process";
import { join } from "node:path";
import type { LocalCommand, LocalOutcome } from "../mount/bash/local-shell.ts";

/** Kept of each stream; the rest is read and dropped, and a last line of stderr says so. */
const STREAM_BYTES = 10 * 1024 * 1024;
const EXIT_TIMEOUT = 124;
/** Of this process's environment: enough to find programs, and no secret. */
const INHERITED = ["PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TERM", "TMPDIR", "SHELL"];

/** Collects a stream up to the limit. */
class Collected {
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  cut = false;

  add(chunk: Buffer): void {
    const room = STREAM_BYTES - this.#bytes;
    if (chunk.length > room) this.cut = true;
    if (room <= 0) return;
    const kept = chunk.subarray(0, room);
    this.#chunks.push(kept);
    this.#bytes += kept.length;
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString("utf8");
  }
}

/**
 * Runs a command in a process group of its own. When the command ends, its time is up or the signal aborts, whatever
 * is left of the group is killed. Rejects with the reason of an aborted signal.
 */
export async function runProcess(
  shell: string,
  root: string,
  command: LocalCommand,
): Promise<Pick<LocalOutcome, "stdout" | "stderr" | "exitCode">> {
  const { signal } = command;
  signal?.throwIfAborted();
  const child = spawn(shell, ["-c", command.command], {
    cwd: join(root, command.cwd),
    env: { ...inherit(), GIT_CEILING_DIRECTORIES: root, ...command.env },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const kill = () => killGroup(child.pid);
  const stdout = new Collected();
  const stderr = new Collected();
  child.stdout.on("data", (chunk: Buffer) => stdout.add(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.add(chunk));
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    kill();
  }, command.timeoutMs);
  signal?.addEventListener("abort", kill, { once: true });
  try {
    const code = await new Promise<number>((resolve, reject) => {
      let exit = 0;
      child.once("error", reject);
      child.once("exit", (status, reason) => {
        exit = status ?? (reason === "SIGKILL" ? 137 : 128);
        // What it left running holds the pipes, and would go on writing to the directory.
        kill();
      });
      child.once("close", () => resolve(exit));
    });
    signal?.throwIfAborted();
    const notes = [stdout.cut ? note("stdout") : "", stderr.cut ? note("stderr") : ""].join("");
    const end = late ? `bash: ended after ${command.timeoutMs} ms\n` : "";
    return {
      stdout: stdout.text(),
      stderr: stderr.text() + notes + end,
      exitCode: late ? EXIT_TIMEOUT : code,
    };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", kill);
  }
}

function note(stream: string): string {
  return `bash: ${stream} is cut after ${STREAM_BYTES} bytes\n`;
}

function inherit(): Record<string, string> {
  return Object.fromEntries(
    INHERITED.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])),
  );
}

/** Every process of the command that did not leave its group. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    // The group is gone already: nothing is left to be killed.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
