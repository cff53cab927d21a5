import type { CallContext } from "../calls/call-context.ts";
import type { Saver } from "../commit/saver.ts";
import type { RemoteIdentity } from "../kernel/remote.ts";
import type { JustBashModule } from "./just-bash-module.ts";
import type { OpenLocalShell } from "./local-shell.ts";

/**
 * Where commands run: in this process by just-bash, on the server, or by the system's own shell over a temporary copy
 * (Node only).
 */
export type ExecStrategy = "local-js" | "remote" | "local";

/** How a shell starts. */
export interface BashOptions {
  readonly strategy?: ExecStrategy | undefined;
  /** Where the first command starts; the repository of a mount of one, else the mount's root. */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Limit of one command, ms. Default 60,000. */
  readonly timeoutMs?: number;
  /** The module `just-bash`, or what loads it: for bundles, which cannot find it by themselves. */
  readonly justBash?: JustBashModule | (() => Promise<JustBashModule>);
  /** `openLocalShell` of `@coregit/sdk/node`: for bundles, which cannot find it by themselves. */
  readonly localShell?: OpenLocalShell;
}

/** How one command runs. */
export interface ExecOptions {
  /** For this command; the next one starts where the shell was. */
  readonly cwd?: string;
  /** For this command, beside the shell's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** true: commit what is unsaved afterwards; false: do not; else as the mount's commit mode says. */
  readonly commit?: boolean;
  /** Names the command when absent. */
  readonly commitMessage?: string;
  readonly author?: RemoteIdentity;
  readonly timeoutMs?: number;
  /** Ends the command; `exec` then rejects with its reason. */
  readonly signal?: AbortSignal;
}

/** What a command did. An exit code other than 0 is no error. */
export interface ExecResult {
  readonly stdout: string;
  readonly stderr: string;
  /** 124 when the time was up, 126 when another limit ended the command. */
  readonly exitCode: number;
  /** Mount paths of the files that this command changed, made or removed, sorted. */
  readonly changedFiles: readonly string[];
  /** New commits by repository. */
  readonly commits: Readonly<Record<string, string>>;
  /** Names that the repositories are mounted by. */
  readonly reposMounted: readonly string[];
  readonly executionTimeMs: number;
}

/** What a shell is made from. */
export interface ShellParts {
  readonly context: CallContext;
  readonly saver: Saver;
  readonly options: BashOptions;
}
