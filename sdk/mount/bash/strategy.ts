import type { RemoteIdentity } from "../kernel/remote.ts";
import type { JustBashSource } from "./just-bash-fs.ts";

/** The mount's calls for a shell: as everybody's, except that no write waits for a commit. */
export type ShellCalls = JustBashSource;

export interface ShellTask {
  readonly command: string;
  /** Mount path. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** What to commit with, if a strategy commits by itself; null: nothing is to be committed. */
  readonly commit: { readonly message: string; readonly author: RemoteIdentity | undefined } | null;
}

export interface ShellOutcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
  /** Ended by the clock or by another limit: what it wrote is half done and not committed. */
  readonly stopped: boolean;
  /** For the next command; null where commands know nothing of each other. */
  readonly state: { readonly cwd: string; readonly env: Readonly<Record<string, string>> } | null;
  /** Commits made by the strategy itself; null: the mount has what changed and commits it. */
  readonly commits: Readonly<Record<string, string>> | null;
}

/** One way to run commands. What they change is in the mount when `run` is done. */
export interface ShellStrategy {
  run(task: ShellTask): Promise<ShellOutcome>;
}

/** As `timeout` of coreutils has it. */
export const EXIT_TIMEOUT = 124;
