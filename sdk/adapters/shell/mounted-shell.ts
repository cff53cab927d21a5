import type { MountShell } from "../../mount/bash/shell.ts";
import type { ExecOptions, ExecResult } from "../../mount/bash/shell-options.ts";
import type { MountedFS } from "../../mount/mounted-fs.ts";

/** What a command gave. */
export type ShellOutcome = Pick<ExecResult, "stdout" | "stderr" | "exitCode">;

/** Runs one command over the files of a mount. */
export type RunCommand = (
  command: string,
  options?: Pick<ExecOptions, "cwd" | "env" | "timeoutMs" | "signal">,
) => Promise<ShellOutcome>;

/** One shell of a mount, made at the first command. Its directory and variables last from one command to the next. */
export function createRunner(mount: MountedFS): RunCommand {
  let shell: MountShell | null = null;
  return async (command, options = {}) => {
    shell ??= mount.bash();
    return await shell.exec(command, options);
  };
}
