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
  readonly signal?: AbortSignal;
}

/** Runs one command over the files of a mount. */
export type RunCommand = (command: string, options?: ShellOptions) => Promise<ShellOutcome>;

interface MountWithShell {
  bash(): { exec(command: string, options?: ShellOptions): Promise<ShellOutcome> };
}

function hasShell(mount: object): mount is MountWithShell {
  return "bash" in mount && typeof mount.bash === "function";
}

/** The shell of a mount that has one, else null. */
export function findShell(mount: object): RunCommand | null {
  if (!hasShell(mount)) return null;
  return async (command, options = {}) => await mount.bash().exec(command, options);
}
