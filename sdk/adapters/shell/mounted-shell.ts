/** What a command gave. */
export interface ShellOutcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** How a command is run. */
export interface ShellOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Runs one command over the files of a mount. */
export type RunCommand = (command: string, options?: ShellOptions) => Promise<ShellOutcome>;

interface Shell {
  exec(command: string, options?: ShellOptions): Promise<ShellOutcome>;
}

interface MountWithShell {
  bash(): Shell;
}

function hasShell(mount: object): mount is MountWithShell {
  return "bash" in mount && typeof mount.bash === "function";
}

/** One shell of a mount that has them, else null. Its directory and variables last from one command to the next. */
export function findShell(mount: object): RunCommand | null {
  if (!hasShell(mount)) return null;
  let shell: Shell | null = null;
  return async (command, options = {}) => {
    shell ??= mount.bash();
    return await shell.exec(command, options);
  };
}
