import type { RunCommand } from "../shell/mounted-shell.ts";
import { boundMiddle } from "../text/bound-text.ts";

/** Commands as `shellTool` hands them over. */
export interface ShellRequest {
  readonly commands: readonly string[];
  readonly timeoutMs?: number | undefined;
  readonly maxOutputLength?: number | undefined;
}

/** What one command gave. */
export type CommandOutput = {
  stdout: string;
  stderr: string;
  outcome: { type: "exit"; exitCode: number | null } | { type: "timeout" };
};

/** How commands are run when the model does not say. */
export interface ShellLimits {
  readonly timeoutMs: number;
  readonly maxOutputChars: number;
  readonly cwd: string;
}

const SHELL_GRACE_MS = 1_000;

/** The `Shell` of `shellTool` over a mount's own: the commands one after the other, an output for each. */
export class MountShell {
  readonly #runCommand: RunCommand;
  readonly #limits: ShellLimits;

  constructor(runCommand: RunCommand, limits: ShellLimits) {
    this.#runCommand = runCommand;
    this.#limits = limits;
  }

  /** A command that runs out of time ends the series; those after it are not run. */
  async run(request: ShellRequest): Promise<{ output: CommandOutput[]; maxOutputLength: number }> {
    const { timeoutMs = this.#limits.timeoutMs } = request;
    const maxChars = Math.min(
      request.maxOutputLength ?? Number.POSITIVE_INFINITY,
      this.#limits.maxOutputChars,
    );
    const output: CommandOutput[] = [];
    for (const command of request.commands) {
      const result = await this.#runOne(command, timeoutMs);
      output.push({
        ...result,
        stdout: boundMiddle(result.stdout, maxChars),
        stderr: boundMiddle(result.stderr, maxChars),
      });
      if (result.outcome.type === "timeout") break;
    }
    return { output, maxOutputLength: maxChars };
  }

  async #runOne(command: string, timeoutMs: number): Promise<CommandOutput> {
    const timer = new AbortController();
    let handle: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<null>((resolve) => {
      handle = setTimeout(() => resolve(null), timeoutMs);
    });
    try {
      const work = this.#runCommand(command, {
        cwd: this.#limits.cwd,
        // The shell has a limit of its own, which must not come first: it does not call itself a timeout.
        timeoutMs: timeoutMs + SHELL_GRACE_MS,
        signal: timer.signal,
      });
      const result = await Promise.race([work, late]);
      if (result !== null) {
        const { stdout, stderr, exitCode } = result;
        return { stdout, stderr, outcome: { type: "exit", exitCode } };
      }
      timer.abort();
      // Its fault, when it ends at last, is of no interest any more.
      work.catch(() => undefined);
      return { stdout: "", stderr: `no end within ${timeoutMs} ms`, outcome: { type: "timeout" } };
    } finally {
      clearTimeout(handle);
    }
  }
}
