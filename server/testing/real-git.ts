/**
 * Runs the real git binary: the judge of what this server does. Every run is cut off from the machine's configuration
 * and has a fixed identity, date and locale, so that ids are the same everywhere.
 */
import { type SpawnSyncReturns, spawn, spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const probe: SpawnSyncReturns<string> = spawnSync("git", ["--version"], { encoding: "utf8" });

/** Whether this machine has git. Use `describe.runIf(hasGit)`: without git nothing can be judged. */
export const hasGit: boolean = probe.status === 0;
/** Such as `2.39.5`; empty without git. */
export const gitVersion: string = hasGit ? (/\d+(?:\.\d+)+/.exec(probe.stdout)?.[0] ?? "") : "";

/** Whether git has its extension for large files. */
export const hasGitLfs: boolean = spawnSync("git", ["lfs", "version"]).status === 0;

const ENVIRONMENT: Readonly<Record<string, string>> = {
  GIT_AUTHOR_NAME: "Ada Author",
  GIT_AUTHOR_EMAIL: "ada@example.com",
  GIT_AUTHOR_DATE: "1700000000 +0000",
  GIT_COMMITTER_NAME: "Carl Committer",
  GIT_COMMITTER_EMAIL: "carl@example.com",
  GIT_COMMITTER_DATE: "1700000000 +0000",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_TERMINAL_PROMPT: "0",
  GIT_OPTIONAL_LOCKS: "0",
  LC_ALL: "C",
};

export interface GitOptions {
  readonly cwd?: string;
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  /** Give a result for a failing command too, instead of throwing. */
  readonly allowFailure?: boolean;
}

export interface GitResult {
  readonly stdout: Buffer;
  /** stdout as UTF-8, without line breaks at its end. */
  readonly text: string;
  readonly stderr: string;
  readonly status: number;
}

/** Runs git to its end. @throws Error with the command and its stderr when it fails, unless `allowFailure` */
export function git(args: readonly string[], options: GitOptions = {}): Promise<GitResult> {
  return new Promise((resolve, reject) => {
    const env = { PATH: process.env.PATH ?? "", HOME: tmpdir(), ...ENVIRONMENT, ...options.env };
    const child = spawn("git", [...args], { cwd: options.cwd, env, stdio: "pipe" });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    // A command that does not read all of its input closes the pipe; its exit status is what counts.
    child.stdin.on("error", () => child.stdin.destroy());
    child.on("error", reject);
    child.on("close", (code, signal) => {
      const result = {
        stdout: Buffer.concat(stdout),
        stderr: Buffer.concat(stderr).toString(),
        status: code ?? -1,
      };
      if (result.status !== 0 && !options.allowFailure) {
        reject(new Error(`git ${args.join(" ")} failed (${signal ?? result.status}): ${result.stderr}`));
        return;
      }
      resolve({ ...result, text: result.stdout.toString().replace(/\n+$/, "") });
    });
    child.stdin.end(options.input ?? "");
  });
}

/** A temporary repository of the real git. */
export interface RealRepo extends AsyncDisposable {
  readonly dir: string;
  /** Runs git inside the repository. */
  git(args: readonly string[], options?: Omit<GitOptions, "cwd">): Promise<GitResult>;
  /** Deletes the folder; what a test forgets is deleted when the process ends. */
  remove(): Promise<void>;
}

const folders = new Set<string>();
let removesAtExit = false;

function removeFolders(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  folders.clear();
}

/** A temporary folder that is deleted when the process ends, at the latest. */
export async function makeFolder(): Promise<string> {
  if (!removesAtExit) process.once("exit", removeFolders);
  removesAtExit = true;
  const folder = await mkdtemp(join(tmpdir(), "coregit-test-"));
  folders.add(folder);
  return folder;
}

/** An empty repository with branch `main`. Use it as `await using repo = await makeRepo()`, or call `remove`. */
export async function makeRepo(options: { readonly bare?: boolean } = {}): Promise<RealRepo> {
  const dir = await makeFolder();
  await git(["init", "-q", "-b", "main", ...(options.bare ? ["--bare"] : []), dir]);
  const remove = async () => {
    await rm(dir, { recursive: true, force: true });
    folders.delete(dir);
  };
  return {
    dir,
    git: (args, gitOptions = {}) => git(args, { ...gitOptions, cwd: dir }),
    remove,
    [Symbol.asyncDispose]: remove,
  };
}
