import type { BashOptions } from "just-bash/browser";
import { LIMITS } from "../../../sdk/contract/limits.ts";
import type { ExecFs } from "./exec-fs.ts";
import type { ExecMeter } from "./exec-meter.ts";
import { cutText } from "./shell-text.ts";

export interface ShellCommand {
  readonly command: string;
  /** Absolute. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

export interface ShellOutcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
  readonly stdoutTruncated: boolean;
  readonly stderrTruncated: boolean;
  readonly stopped: "time" | "limit" | null;
}

/** As `timeout` of coreutils has it. */
const EXIT_TIMEOUT = 124;
/** What the shell itself answers when one of its counters is spent. */
const EXIT_LIMIT = 126;
const SPENT = /limit exceeded|exceeded maximum|too many |output size exceeded|maximum .* exceeded|work limit/;
/** Errors by which the shell itself gives up: syntax, limits, an abort. */
const SHELL_ERROR =
  /^(?:\w*(?:Parse|Lexer|Syntax|Execution|Aborted|Limit|Exit|Arithmetic)\w*Error|ExitError)$/;
const OUT_OF_TIME = /execution deadline/;

/**
 * What one command may do. Counters are what ends a loop: a Worker's clock stands still while code runs, so time alone
 * could not. Each is a few times what scripts over a large repository need, and together they stay within some seconds
 * of CPU.
 */
const SHELL_LIMITS = {
  maxSourceBytes: 1024 * 1024,
  maxCommandCount: 50_000,
  maxLoopIterations: 50_000,
  maxAwkIterations: 200_000,
  maxSedIterations: 50_000,
  maxJqIterations: 200_000,
  maxWorkUnits: 2_000_000,
  maxTraversalEntries: 200_000,
  maxTraversalWork: 500_000,
  maxGlobOperations: 200_000,
  maxInputBytes: 64 * 1024 * 1024,
  maxStringLength: 10 * 1024 * 1024,
  maxOutputSize: 32 * 1024 * 1024,
  maxLiveBytes: 64 * 1024 * 1024,
} satisfies BashOptions["executionLimits"];

/**
 * Runs a command in just-bash over a command's filesystem: no process, no network, nothing of the host. The module is
 * loaded when the first command of an isolate comes.
 */
export async function runShell(fs: ExecFs, meter: ExecMeter, task: ShellCommand): Promise<ShellOutcome> {
  const { Bash } = await import("just-bash/browser");
  const bash = new Bash({
    fs,
    cwd: task.cwd,
    env: { HOME: "/tmp", ...task.env },
    executionLimitProfile: "hardened",
    executionLimits: { ...SHELL_LIMITS, maxExecutionTimeMs: task.timeoutMs },
  });
  try {
    const result = await bash.exec(task.command, { signal: meter.signal, rawScript: true });
    meter.checkFault();
    return finish(result, meter);
  } catch (error) {
    meter.checkFault();
    if (!(error instanceof Error && ("code" in error || SHELL_ERROR.test(error.name)))) throw error;
    const { message } = error;
    // What a redirection meets is not caught by the shell: to its caller it is a command that failed.
    return finish({ stdout: "", stderr: `bash: ${message}\n`, exitCode: 1 }, meter);
  }
}

function finish(
  result: { readonly stdout: string; readonly stderr: string; readonly exitCode: number },
  meter: ExecMeter,
): ShellOutcome {
  const { exceeded } = meter;
  const note = exceeded ? `bash: limit exceeded: ${exceeded.what} (${exceeded.limit})\n` : "";
  const stdout = cutText(result.stdout, LIMITS.execStreamBytes);
  const stderr = cutText(result.stderr, LIMITS.execStreamBytes - note.length);
  const stopped = exceeded ? "limit" : findStop(result);
  return {
    stdout: stdout.text,
    stderr: stderr.text + note,
    exitCode: exceeded ? EXIT_LIMIT : result.exitCode,
    stdoutTruncated: stdout.cut,
    stderrTruncated: stderr.cut,
    stopped,
  };
}

/** The shell has no other sign of it than its exit code and its last words. */
function findStop({ stderr, exitCode }: { readonly stderr: string; readonly exitCode: number }) {
  const last = stderr.trimEnd().split("\n").at(-1) ?? "";
  if (exitCode === EXIT_TIMEOUT && OUT_OF_TIME.test(last)) return "time";
  return exitCode === EXIT_LIMIT && SPENT.test(last) ? "limit" : null;
}
