import { MountError } from "../../errors.ts";
import type { CallContext } from "../calls/call-context.ts";
import { createShellFs } from "./just-bash-fs.ts";
import type { JustBashModule, ShellFs } from "./just-bash-module.ts";
import { RootFs } from "./root-fs.ts";
import { findRunOutside } from "./run-outside.ts";
import {
  EXIT_TIMEOUT,
  type ShellCalls,
  type ShellOutcome,
  type ShellStrategy,
  type ShellTask,
} from "./strategy.ts";

const OUTPUT_BYTES = 64 * 1024 * 1024;
const EXIT_LIMIT = 126;
/** Set by the shell for itself: not what a command leaves to the next one. */
const OWN_VARIABLES = new Set([
  "PWD",
  "OLDPWD",
  "IFS",
  "PATH",
  "OPTIND",
  "SHELLOPTS",
  "BASHOPTS",
  "OSTYPE",
  "MACHTYPE",
  "HOSTTYPE",
  "HOSTNAME",
  "HOME",
  "_",
  "?",
]);
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** just-bash in this process, over the mount: no request for what is in the cache. */
export class LocalJsStrategy implements ShellStrategy {
  readonly #module: JustBashModule;
  readonly #fs: RootFs;
  readonly #system: ShellFs;

  constructor(context: CallContext, calls: ShellCalls, module: JustBashModule) {
    this.#module = module;
    this.#system = new module.InMemoryFs();
    const { table } = context;
    this.#fs = new RootFs({
      system: this.#system,
      mount: createShellFs(calls, findRunOutside()),
      hasTop: (name) => table.find(name) !== null || (table.single?.find(name) ?? null) !== null,
    });
    // The shell sets up its own directories in what it takes for its disk.
    this.#makeShell(this.#system, { cwd: "/tmp", env: {}, timeoutMs: 1_000 });
  }

  async run(task: ShellTask): Promise<ShellOutcome> {
    await this.#system.mkdir("/tmp", { recursive: true });
    const shell = this.#makeShell(this.#fs, task);
    try {
      const options = { rawScript: true, ...(task.signal === undefined ? {} : { signal: task.signal }) };
      const { stdout, stderr, exitCode, env } = await shell.exec(task.command, options);
      return { stdout, stderr, exitCode, ...finish(task, env, { stderr, exitCode }) };
    } catch (error) {
      task.signal?.throwIfAborted();
      // A redirection that cannot be opened ends just-bash's whole script by an error; its caller sees a failed command.
      if (!(error instanceof MountError) || error.code === "EIO" || error.code === "EACCES") throw error;
      const failed = { stderr: `bash: ${error.message}\n`, exitCode: 1 };
      return { stdout: "", ...failed, ...finish(task, { PWD: task.cwd }, failed) };
    }
  }

  #makeShell(fs: ShellFs, task: Pick<ShellTask, "cwd" | "env" | "timeoutMs">) {
    return new this.#module.Bash({
      fs,
      cwd: task.cwd,
      env: { HOME: "/tmp", ...task.env },
      executionLimits: { maxExecutionTimeMs: task.timeoutMs, maxOutputSize: OUTPUT_BYTES },
    });
  }
}

function finish(
  task: ShellTask,
  env: Readonly<Record<string, string>>,
  { stderr, exitCode }: { readonly stderr: string; readonly exitCode: number },
): Pick<ShellOutcome, "state" | "stopped" | "commits"> {
  const kept = Object.entries(env).filter(([name]) => VARIABLE.test(name) && !OWN_VARIABLES.has(name));
  const last = stderr.trimEnd().split("\n").at(-1) ?? "";
  const stopped =
    (exitCode === EXIT_TIMEOUT && last.includes("execution deadline")) ||
    (exitCode === EXIT_LIMIT && /limit exceeded|exceeded|too many/.test(last));
  return { state: { cwd: env.PWD ?? task.cwd, env: Object.fromEntries(kept) }, stopped, commits: null };
}
