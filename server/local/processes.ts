/** What a local server must know of processes: its own runtime, and one that a dead owner left behind. */
import { execFile, spawn } from "node:child_process";
import { readdir, readFile, readlink } from "node:fs/promises";
import { sep } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";

const RUNTIME_NAME = "workerd";
const ORPHAN_WAIT_MS = 5_000;
const ORPHAN_POLL_MS = 20;

/** Clock ticks since boot at which the process started, or null where the system does not tell (or it is gone). */
export async function findStartTime(pid: number): Promise<string | null> {
  const fields = await readStat(pid);
  return fields?.[19] ?? null;
}

/** Process id of the parent, or null where the system does not tell. */
export async function findParent(pid: number): Promise<number | null> {
  const parent = (await readStat(pid))?.[1];
  return parent === undefined ? null : Number(parent);
}

/** Fields of /proc/PID/stat from the third on (man 5 proc), so that `[11]` is utime; null when there is none. */
async function readStat(pid: number): Promise<readonly string[] | null> {
  const text = await readIfThere(`/proc/${pid}/stat`);
  // The name before the last ")" may itself hold spaces and parentheses.
  return text === null ? null : text.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** workerd processes that this process started. */
export async function listOwnRuntimes(): Promise<readonly number[]> {
  const children = await readIfThere(`/proc/${process.pid}/task/${process.pid}/children`);
  if (children !== null) {
    const pids = children.split(" ").filter(Boolean).map(Number);
    const names = await Promise.all(pids.map((pid) => readIfThere(`/proc/${pid}/comm`)));
    return pids.filter((_, i) => names[i]?.trim() === RUNTIME_NAME);
  }
  const { stdout } = await promisify(execFile)("ps", ["-A", "-o", "pid=,ppid=,comm="]);
  return stdout.split("\n").flatMap((line) => {
    const [pid, parent, name] = line.trim().split(/\s+/, 3);
    return Number(parent) === process.pid && name?.endsWith(RUNTIME_NAME) ? [Number(pid)] : [];
  });
}

/**
 * Ends `pid` when this process ends without calling the returned function, even by SIGKILL: workerd outlives its
 * parent otherwise, and would keep the data folder. A shell waits on a pipe that closes with us.
 */
export function endWithParent(pid: number): () => void {
  const script = 'read -r released && exit 0; kill -9 "$0" 2>/dev/null';
  const guard = spawn("/bin/sh", ["-c", script, String(pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  guard.unref();
  // The socket behind a pipe keeps the event loop alive unless told not to.
  (guard.stdin as unknown as { unref?: () => void }).unref?.();
  guard.stdin.on("error", ignoreClosedPipe);
  guard.on("error", warnUnguarded);
  return () => guard.stdin.end("released\n");
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
}

function warnUnguarded(error: Error): void {
  process.emitWarning(`workerd may outlive this process: ${error.message}`);
}

/** Ends runtimes that still have files of `folder` open, and waits until they are gone. Linux only. */
export async function endOrphans(folder: string): Promise<void> {
  const deadline = Date.now() + ORPHAN_WAIT_MS;
  for (;;) {
    const orphans = await listRuntimesOn(folder);
    if (orphans.length === 0 || Date.now() > deadline) return;
    for (const pid of orphans) killIfThere(pid);
    await delay(ORPHAN_POLL_MS);
  }
}

async function listRuntimesOn(folder: string): Promise<readonly number[]> {
  const names = (await readdir("/proc").catch(emptyWhenAbsent)).filter((name) => /^\d+$/.test(name));
  const runtimes: number[] = [];
  for (const name of names) {
    if ((await readIfThere(`/proc/${name}/comm`))?.trim() !== RUNTIME_NAME) continue;
    if (await hasOpenFile(name, folder)) runtimes.push(Number(name));
  }
  return runtimes;
}

async function hasOpenFile(pid: string, folder: string): Promise<boolean> {
  const handles = await readdir(`/proc/${pid}/fd`).catch(emptyWhenAbsent);
  const targets = await Promise.all(handles.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(emptyText)));
  return targets.some((target) => target === folder || target.startsWith(folder + sep));
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function readIfThere(path: string): Promise<string | null> {
  return readFile(path, "utf8").catch(() => null);
}

function emptyWhenAbsent(): string[] {
  return [];
}

function emptyText(): string {
  return "";
}

/** CPU seconds (user and system) and peak memory of a process, from /proc; null where there is none. */
export async function findUsage(
  pid: number,
): Promise<{ readonly cpuSec: number; readonly peakBytes: number } | null> {
  const [fields, status] = await Promise.all([readStat(pid), readIfThere(`/proc/${pid}/status`)]);
  if (!fields || status === null) return null;
  const ticks = Number(fields[11]) + Number(fields[12]);
  const peakKb = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
  return { cpuSec: ticks / 100, peakBytes: peakKb * 1024 };
}
